"""Smaller vocabularies: a tokeniser with only the pieces a run's texts need, and what unknown text falls back to.

The vocabulary is most of a small student: with 30,522 pieces and 312 units it is 9.5M of 14M parameters, and many of
its rows are never read. What remains cuts the texts it was made for exactly as before, which each kind of tokeniser
needs other pieces for.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable
from typing import Any

import numpy as np
from tokenizers import Tokenizer
from tokenizers.pre_tokenizers import ByteLevel
from transformers import PreTrainedTokenizerFast

from distill_core.errors import CheckpointError

FIELD = "student.vocabulary"


def prune_tokenizer(tokenizer: Any, seen_ids: np.ndarray | set[int]) -> tuple[Any, np.ndarray]:
    """A tokeniser of the pieces that occur, of all special pieces, and of those that unknown text falls back to.

    A text that was cut into seen pieces alone, as a whole, is cut into the same ones again. Two limits: where
    `seen_ids` come from texts that were cut off at a length, the words at the cut are not known as a whole (`renumber`
    needs no second look at a text); and a WordPiece word that was unknown because of a character may become known when
    the longer piece that led its search astray is gone.

    Falls back to: WordPiece and Unigram, every character of the seen pieces that is a piece of its own (WordPiece:
    within words too); BPE, the byte alphabet, where it works on bytes, and all pieces that seen ones are merged from.

    Args:
        tokenizer: a fast one of `transformers`; it is left as it is.
        seen_ids: ids that occur, in any shape, from 0; how often does not matter.

    Returns:
        A `PreTrainedTokenizerFast` with the same rules, special pieces and limits, its ids 0 … K−1 in the old order,
        and the old id of each new one, int64 [K], ascending.

    Raises:
        CheckpointError: with field ``student.vocabulary``, for tokenisers other than WordPiece, BPE and Unigram.
        ValueError: an id that the tokeniser does not have.
    """
    raw = json.loads(tokenizer.backend_tokenizer.to_str())
    ids = tokenizer.get_vocab()
    names = {number: piece for piece, number in ids.items()}
    seen = {int(number) for number in (np.unique(seen_ids) if isinstance(seen_ids, np.ndarray) else seen_ids)}
    unknown = seen - names.keys()
    if unknown:
        raise ValueError(f"there is no piece {min(unknown)} in a vocabulary of {len(names)}")
    always = _always(raw, tokenizer, ids)
    pieces = {names[number] for number in seen - always}
    kept = seen | always | {ids[piece] for piece in _needed(raw, pieces) if piece in ids}
    order = sorted(kept)
    new = {names[old]: number for number, old in enumerate(order)}
    pruned = _wrapped(_built(raw, new), tokenizer)
    if pruned.get_vocab() != new:
        raise CheckpointError(
            "this teacher's vocabulary cannot be made smaller: its pieces are numbered in a way that gets lost.",
            hint="Keep the full vocabulary.",
            field=FIELD,
        )
    return pruned, np.array(order, dtype=np.int64)


def renumber(ids: np.ndarray, kept: np.ndarray) -> np.ndarray:
    """Old ids, in any shape, as ids of the pruned tokeniser whose `kept_ids` are `kept`; the type stays.

    Raises:
        ValueError: an id that was not kept.
    """
    places = np.searchsorted(kept, ids)
    lost = (places == len(kept)) | (kept[np.minimum(places, len(kept) - 1)] != ids)
    if lost.any():
        raise ValueError(f"piece {int(ids[lost].flat[0])} was not kept in the pruned vocabulary")
    return places.astype(ids.dtype)


# ---------------------------------------------------------------- which pieces


def _always(raw: dict[str, Any], tokenizer: Any, ids: dict[str, int]) -> set[int]:
    """Special pieces, those around every text, and the unknown one."""
    found = {item["id"] for item in raw.get("added_tokens") or [] if item["special"]} | set(tokenizer.all_special_ids)
    for part in _processors(raw.get("post_processor")):
        found |= {number for special in part.get("special_tokens", {}).values() for number in special["ids"]}
        found |= {part[name][1] for name in ("cls", "sep") if name in part}
    model = raw["model"]
    if model.get("unk_id") is not None:
        found.add(int(model["unk_id"]))
    if model.get("unk_token") in ids:
        found.add(ids[model["unk_token"]])
    return found


def _needed(raw: dict[str, Any], pieces: set[str]) -> set[str]:
    """Strings that have to stay pieces, where they are, besides the seen `pieces`."""
    model = raw["model"]
    kind = model.get("type")
    if kind == "WordPiece":
        return _characters(pieces, prefix=model["continuing_subword_prefix"])
    if kind == "Unigram":
        # An unknown character costs the lowest score of all, less ten: that score has to stay what it is.
        lowest = min(model["vocab"], key=lambda item: item[1])[0]
        return _characters(pieces) | {lowest} | _byte_pieces(model)
    if kind == "BPE":
        prefix, suffix = model.get("continuing_subword_prefix") or "", model.get("end_of_word_suffix") or ""
        found = _merged_from(model, pieces, prefix)
        found |= _characters(found | pieces, prefix=prefix, suffix=suffix) | _byte_pieces(model)
        return found | (set(ByteLevel.alphabet()) if _mentions(raw, "ByteLevel") else set())
    raise CheckpointError(
        f"the vocabulary of a {kind} tokeniser cannot be made smaller.",
        hint="Keep the full vocabulary, or start from a teacher with WordPiece, BPE or Unigram pieces.",
        field=FIELD,
    )


def _characters(pieces: Iterable[str], *, prefix: str = "", suffix: str = "") -> set[str]:
    """The characters of pieces: bare, as the rest of a word begins, and as a word ends."""
    found = set()
    for piece in pieces:
        inner = piece.removeprefix(prefix)
        found |= set(inner.removesuffix(suffix))
    return {form for letter in found for form in (letter, prefix + letter, letter + suffix, prefix + letter + suffix)}


def _byte_pieces(model: dict[str, Any]) -> set[str]:
    return {f"<0x{byte:02X}>" for byte in range(256)} if model.get("byte_fallback") else set()


def _merged_from(model: dict[str, Any], pieces: set[str], prefix: str) -> set[str]:
    """All pieces that some merge on the way to a seen one reads, whatever the way: no text then merges otherwise."""
    parts: defaultdict[str, set[str]] = defaultdict(set)
    for left, right in _merges(model):
        parts[left + right.removeprefix(prefix)] |= {left, right}
    found, open_ = set(pieces), list(pieces)
    while open_:
        for part in parts[open_.pop()] - found:
            found.add(part)
            open_.append(part)
    return found


def _merges(model: dict[str, Any]) -> list[tuple[str, str]]:
    # Files of before tokenizers 0.20 write each as one string with a space.
    pairs = [merge.split(" ") if isinstance(merge, str) else merge for merge in model.get("merges") or []]
    return [(left, right) for left, right in pairs]


def _mentions(value: Any, kind: str) -> bool:
    """Does a part of this type occur among normalisers and pre-tokenisers?"""
    if isinstance(value, dict):
        inside = (part for name, part in value.items() if name not in ("model", "decoder", "post_processor"))
        return value.get("type") == kind or any(_mentions(part, kind) for part in inside)
    return isinstance(value, list) and any(_mentions(part, kind) for part in value)


# ---------------------------------------------------------------- the smaller tokeniser


def _built(raw: dict[str, Any], new: dict[str, int]) -> Tokenizer:
    """`raw` with the pieces and numbers of `new` alone."""
    model = raw["model"]
    old = model["vocab"]
    if model["type"] == "Unigram":
        unknown = None if model.get("unk_id") is None else new[old[model["unk_id"]][0]]
        model["vocab"] = [item for item in old if item[0] in new]
        model["unk_id"] = unknown
    else:
        # Added pieces are numbered behind the model's own, unless they are among them.
        last = max((new[piece] for piece in old if piece in new), default=-1)
        model["vocab"] = {piece: number for piece, number in new.items() if number <= last}
    if "merges" in model:
        prefix = model.get("continuing_subword_prefix") or ""
        vocab = model["vocab"]
        model["merges"] = [
            [left, right]
            for left, right in _merges(model)
            if left in vocab and right in vocab and left + right.removeprefix(prefix) in vocab
        ]
    added = [item for item in raw.get("added_tokens") or [] if item["content"] in new]
    raw["added_tokens"] = sorted(({**item, "id": new[item["content"]]} for item in added), key=lambda item: item["id"])
    for part in _processors(raw.get("post_processor")):
        for special in part.get("special_tokens", {}).values():  # of a template
            special["ids"] = [new[piece] for piece in special["tokens"]]
        for name in ("cls", "sep"):  # BERT's and RoBERTa's own kinds
            if name in part:
                part[name] = [part[name][0], new[part[name][0]]]
    # Both are the caller's business, not the vocabulary's; padding would hold an old id.
    raw["truncation"], raw["padding"] = None, None
    return Tokenizer.from_str(json.dumps(raw, ensure_ascii=False))


def _processors(value: Any) -> list[dict[str, Any]]:
    """The post-processor, or the parts of a sequence of them."""
    if not isinstance(value, dict):
        return []
    if value.get("type") == "Sequence":
        return [part for inner in value["processors"] for part in _processors(inner)]
    return [value]


def _wrapped(backend: Tokenizer, tokenizer: Any) -> PreTrainedTokenizerFast:
    # Never the architecture's own class: those build parts of themselves anew when they are loaded, some of them with
    # fixed ids, and lower-casing and the like are in the backend anyway.
    details = {piece.content: piece for piece in backend.get_added_tokens_decoder().values()}
    named = {name: piece for name, piece in tokenizer.special_tokens_map.items() if isinstance(piece, str)}
    return PreTrainedTokenizerFast(
        tokenizer_object=backend,
        **{name: details.get(piece, piece) for name, piece in named.items()},
        extra_special_tokens=[details.get(str(piece), piece) for piece in tokenizer.extra_special_tokens],
        model_max_length=tokenizer.model_max_length,
        model_input_names=list(tokenizer.model_input_names),
        padding_side=tokenizer.padding_side,
        truncation_side=tokenizer.truncation_side,
        clean_up_tokenization_spaces=tokenizer.clean_up_tokenization_spaces,
        split_special_tokens=tokenizer.split_special_tokens,
    )
