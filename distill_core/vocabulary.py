"""A checkpoint's tokeniser, from its files: what kind it is, whether two are the same, how many pieces a text has."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from distill_core.errors import CheckpointError

FAST = "tokenizer.json"
#: kinds whose vocabulary can be cut down to the pieces that occur
PRUNABLE = ("WordPiece", "BPE", "Unigram")
_SENTENCEPIECE = ("spiece.model", "sentencepiece.bpe.model", "spm.model", "tokenizer.model")


@dataclass(frozen=True)
class Vocabulary:
    """kind: the tokeniser's model (WordPiece, BPE, Unigram, WordLevel). fingerprint: equal for equal tokenisers."""

    kind: str
    fingerprint: str


def read_vocabulary(folder: Path) -> Vocabulary:
    """Kind and fingerprint of the tokeniser in a folder. Raises CheckpointError when there is none or it is damaged."""
    if (folder / FAST).is_file():
        return _fast(folder)
    if (folder / "vocab.txt").is_file():
        return _word_piece(folder)
    if (folder / "vocab.json").is_file() and (folder / "merges.txt").is_file():
        vocab = _json(folder / "vocab.json")
        merges = [
            line for line in _text(folder / "merges.txt").splitlines() if line and not line.startswith("#version")
        ]
        return Vocabulary("BPE", _digest({"type": "BPE", "vocab": _by_id(vocab), "merges": merges}))
    for name in _SENTENCEPIECE:
        if (folder / name).is_file():
            return Vocabulary("Unigram", hashlib.sha256((folder / name).read_bytes()).hexdigest())
    raise CheckpointError(
        f"There is no tokeniser in {folder} (no {FAST}, vocab.txt, vocab.json or SentencePiece model).",
        hint="Save it there too: `AutoTokenizer.from_pretrained(…).save_pretrained(FOLDER)`.",
    )


def piece_counter(folder: Path) -> Callable[[list[str]], list[int]]:
    """A function giving the number of pieces of each text, special pieces included, nothing cut off.

    Raises CheckpointError when the folder has no tokenizer.json (the other formats need transformers to be read).
    """
    if not (folder / FAST).is_file():
        raise CheckpointError(
            f"Pieces cannot be counted without a {FAST} in {folder}.",
            hint="`AutoTokenizer.from_pretrained(FOLDER).save_pretrained(FOLDER)` writes one.",
        )
    from tokenizers import Tokenizer

    try:
        tokenizer = Tokenizer.from_file(str(folder / FAST))
    except Exception as error:  # the library raises bare Exception for every kind of damage
        raise _damaged(folder / FAST, error) from None
    tokenizer.no_truncation()
    tokenizer.no_padding()

    def counted(texts: list[str]) -> list[int]:
        return [len(encoding) for encoding in tokenizer.encode_batch_fast(texts)]

    return counted


def _fast(folder: Path) -> Vocabulary:
    raw = _json(folder / FAST)
    model = raw.get("model") or {}
    vocab = model.get("vocab")
    if not vocab:
        raise CheckpointError(f"{folder / FAST} holds no vocabulary.", hint="Copy the checkpoint again.")
    # Early files leave the type out; only BPE has merges, only Unigram a list with scores.
    kind = model.get("type") or ("BPE" if "merges" in model else "Unigram" if isinstance(vocab, list) else "WordPiece")
    merges = [" ".join(pair) if isinstance(pair, list) else pair for pair in model.get("merges") or []]
    identity = {
        "type": kind,
        "vocab": vocab if isinstance(vocab, list) else _by_id(vocab),
        "merges": merges,
        "added": sorted((t["id"], t["content"]) for t in raw.get("added_tokens") or []),
        # The same pieces after another normalisation (cased, uncased) are another tokenisation.
        "normalizer": _without_none(raw.get("normalizer")),
        "pre_tokenizer": _without_none(raw.get("pre_tokenizer")),
    }
    if kind != "Unigram":
        # In the other kinds special pieces are part of the vocabulary, listed again or not.
        known = set(identity["vocab"])
        identity["added"] = [item for item in identity["added"] if item[1] not in known]
    return Vocabulary(kind, _digest(identity))


def _word_piece(folder: Path) -> Vocabulary:
    """vocab.txt, described as the tokenizer.json made of it would be."""
    config = _json(folder / "tokenizer_config.json") if (folder / "tokenizer_config.json").is_file() else {}
    normalizer = {
        "type": "BertNormalizer",
        "clean_text": True,
        "handle_chinese_chars": config.get("tokenize_chinese_chars", True),
        "strip_accents": config.get("strip_accents"),
        "lowercase": config.get("do_lower_case", True),
    }
    identity = {
        "type": "WordPiece",
        "vocab": _text(folder / "vocab.txt").rstrip("\n").split("\n"),
        "merges": [],
        "added": [],
        "normalizer": _without_none(normalizer),
        "pre_tokenizer": {"type": "BertPreTokenizer"},
    }
    return Vocabulary("WordPiece", _digest(identity))


def _by_id(vocab: dict[str, int]) -> list[str]:
    return [piece for piece, _ in sorted(vocab.items(), key=lambda item: item[1])]


def _without_none(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_none(item) for key, item in value.items() if item is not None}
    return [_without_none(item) for item in value] if isinstance(value, list) else value


def _digest(identity: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(identity, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


def _damaged(path: Path, error: Exception) -> CheckpointError:
    return CheckpointError(f"{path} is damaged ({error}).", hint="Copy or download the checkpoint again.")


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise _damaged(path, error) from None


def _json(path: Path) -> dict[str, Any]:
    try:
        value = json.loads(_text(path))
    except ValueError as error:
        raise _damaged(path, error) from None
    if not isinstance(value, dict):
        raise _damaged(path, ValueError("it holds no object"))
    return value
