"""What is told of hidden pieces, so that people can read what was guessed: where they stood, of what kind they are, how
they were hidden, how often the training text has them, and what they are called. No torch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from distill_core.data.ragged import BLOCK
from distill_core.tasks.encoding import CHUNK, encodable, pieces_of
from distill_core.tasks.words import WORD

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

    from distill_core.tasks.base import Encoded

#: kinds of pieces, by their numbers: of words (with a letter in them) all, the first or a later piece; pieces of
#: numbers (digits, no letter); of other signs
WHOLE, FIRST, LATER, NUMBER, SIGN = range(5)
#: how a piece was hidden: by the mask piece, by another piece, or not at all (`masking.mask_words`)
MASK, ANOTHER, SAME = range(3)


@dataclass(frozen=True)
class HiddenPieces:
    """Of U hidden pieces, text after text. starts [U] int32, widths [U] uint16: characters in their text, without white
    space; kinds [U] uint8: `WHOLE` …; hidden [U] uint8: `MASK` …"""

    starts: np.ndarray
    widths: np.ndarray
    kinds: np.ndarray
    hidden: np.ndarray


def look_at(
    tokenizer: PreTrainedTokenizerFast, texts: Sequence[str], encoded: Encoded, max_tokens: int
) -> HiddenPieces:
    """The hidden pieces of N masked texts. encoded: what `MaskedLM.encode` made of them with this limit.

    Raises:
        ValueError: encoded is of other texts, another tokeniser or another limit.
    """
    assert encoded.targets is not None and encoded.gold is not None
    mask = int(tokenizer.mask_token_id or 0)
    parts: list[tuple[np.ndarray, ...]] = []
    for start in range(0, len(texts), CHUNK):
        chunk = encodable(texts[start : start + CHUNK])
        found = pieces_of(tokenizer, chunk, max_tokens=max_tokens)
        for number, (text, spans) in enumerate(zip(chunk, found["offset_mapping"], strict=True), start):
            words = encoded.words[number]
            if len(spans) != len(words):
                raise ValueError(f"text {number} has {len(spans)} pieces here, and {len(words)} where it was masked")
            own = np.flatnonzero(encoded.targets[number] >= 0)
            places = np.asarray(spans, dtype=np.int64).reshape(-1, 2)[own]
            starts, widths = _bare(text, places)
            read, gold = encoded.ids[number][own], encoded.gold[number]
            hidden = np.where(read == mask, MASK, np.where(read == gold, SAME, ANOTHER))
            parts.append((starts, widths, _kinds(text, words, own), hidden))
    columns = [np.concatenate(column) for column in zip(*parts, strict=True)] if parts else [np.empty(0)] * 4
    types = (np.int32, np.uint16, np.uint8, np.uint8)
    return HiddenPieces(*(values.astype(kind) for values, kind in zip(columns, types, strict=True)))


def _bare(text: str, places: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Starts and widths of spans [K, 2] without white space at either end, which some tokenisers count in."""
    starts, widths = np.zeros(len(places), dtype=np.int64), np.zeros(len(places), dtype=np.int64)
    for number, (start, end) in enumerate(places.tolist()):
        piece = text[start:end]
        starts[number] = start + len(piece) - len(piece.lstrip())
        widths[number] = len(piece.strip())
    return starts, widths


def _kinds(text: str, words: np.ndarray, own: np.ndarray) -> np.ndarray:
    """Kinds of the pieces at `own`; words: [T] word of each piece of the text, −1 on specials."""
    spelt = WORD.findall(text)
    counts = np.bincount(words[words >= 0], minlength=len(spelt))
    before = np.concatenate([[-1], words[:-1]])
    kinds = np.empty(len(own), dtype=np.int64)
    for number, place in enumerate(own.tolist()):
        word = spelt[words[place]]
        if any(character.isalpha() for character in word):
            later = before[place] == words[place]
            kinds[number] = LATER if later else WHOLE if counts[words[place]] == 1 else FIRST
        else:
            kinds[number] = NUMBER if any(character.isnumeric() for character in word) else SIGN
    return kinds


def count_training(pool: Encoded, copies: int, pieces: int) -> np.ndarray:
    """[V] int64: how often each of the vocabulary's pieces stands in the training text, which the pool holds masked, so
    many times one after the other."""
    assert pool.targets is not None and pool.gold is not None
    counts = np.zeros(pieces, dtype=np.int64)
    rows = len(pool) // copies
    for first in range(0, rows, BLOCK):
        part = np.arange(first, min(first + BLOCK, rows))
        plain = (pool.targets.joined(part) < 0) & (pool.words.joined(part) >= 0)
        for ids in (pool.ids.joined(part)[plain], pool.gold.joined(part)):
            counts += np.bincount(ids, minlength=pieces)
    return counts


def names_of(tokenizer: PreTrainedTokenizerFast, ids: np.ndarray) -> list[str]:
    """A name for each of these pieces, all different: as it reads, or where several read alike, or it is no readable
    text, with or as what the tokeniser calls it."""
    own = [tokenizer.convert_ids_to_tokens(int(i)) if i < len(tokenizer) else None for i in ids]
    raw = [f"piece {i}" if token is None else str(token) for token, i in zip(own, ids.tolist(), strict=True)]
    read = [_read(tokenizer, int(i), token) for i, token in zip(ids, raw, strict=True)]
    often: dict[str, int] = {}
    for name in read:
        often[name] = often.get(name, 0) + 1
    return [
        name if often[name] == 1 or name == token else f"{name} ({token})"
        for name, token in zip(read, raw, strict=True)
    ]


def _read(tokenizer: PreTrainedTokenizerFast, piece: int, raw: str) -> str:
    said = str(tokenizer.decode([piece], clean_up_tokenization_spaces=False)).strip() if piece < len(tokenizer) else ""
    return said if said and "�" not in said else raw
