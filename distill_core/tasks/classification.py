"""Classification of sentences and sentence pairs: encoding, collating, quality."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from distill_core.errors import CheckpointError
from distill_core.models.types import Batch
from distill_core.tasks.words import words_of_characters, words_of_pieces

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

    from distill_core.data.types import Rows

#: The one number that chooses checkpoints and stands in reports, a fraction in [0, 1].
METRIC = "accuracy"

#: Texts given to the tokeniser at once: enough to keep its threads busy, little enough to keep its answer small.
_CHUNK = 1000


@dataclass
class Encoded:
    """N examples in one tokeniser's pieces, ragged.

    ids: N int32 arrays [T_n], special pieces included. types: the same for token types, None where the tokeniser has
    none. words: N int32 arrays [T_n], word of each piece, −1 on specials. lengths: [N] int64, T_n. pad_id: filler.
    """

    ids: list[np.ndarray]
    types: list[np.ndarray] | None
    words: list[np.ndarray]
    lengths: np.ndarray
    pad_id: int

    def __len__(self) -> int:
        return len(self.ids)


def encode(tokenizer: PreTrainedTokenizerFast, rows: Rows, max_tokens: int) -> Encoded:
    """Tokenise texts or pairs, cut to `max_tokens` pieces (or to the tokeniser's own limit, where that is lower).

    Words are the regex spans of `tasks.words` in the raw text, so every tokeniser numbers them alike; the second
    text's words are numbered after all words of the first, cut off or not. Of a pair the longer text is cut first.

    Raises:
        CheckpointError: the tokeniser has no character offsets (a slow one).
    """
    if not tokenizer.is_fast:
        raise CheckpointError(
            f"the tokeniser {type(tokenizer).__name__} cannot tell which characters a piece stands for.",
            hint="Save the checkpoint with a fast tokeniser (tokenizer.json).",
        )
    limit = min(max_tokens, tokenizer.model_max_length)
    typed = "token_type_ids" in tokenizer.model_input_names
    ids: list[np.ndarray] = []
    types: list[np.ndarray] = []
    words: list[np.ndarray] = []
    for start in range(0, len(rows.texts), _CHUNK):
        texts = _encodable(rows.texts[start : start + _CHUNK])
        pairs = _encodable(rows.pairs[start : start + _CHUNK]) if rows.pairs is not None else None
        found: Any = tokenizer(
            texts,
            pairs,
            truncation="longest_first",
            max_length=limit,
            padding=False,
            return_offsets_mapping=True,
            return_token_type_ids=typed,
            return_attention_mask=False,
        )
        ids += [np.asarray(row, dtype=np.int32) for row in found["input_ids"]]
        if typed:
            types += [np.asarray(row, dtype=np.int32) for row in found["token_type_ids"]]
        for number, spans in enumerate(found["offset_mapping"]):
            given = (texts[number],) if pairs is None else (texts[number], pairs[number])
            words.append(_words(given, found.sequence_ids(number), np.asarray(spans, dtype=np.int64).reshape(-1, 2)))
    pad = tokenizer.pad_token_id
    return Encoded(
        ids=ids,
        types=types if typed else None,
        words=words,
        lengths=np.asarray([len(row) for row in ids], dtype=np.int64),
        # Without a padding piece any id will do: padding is masked everywhere.
        pad_id=int(pad) if pad is not None else 0,
    )


def _encodable(texts: Sequence[str]) -> list[str]:
    """Lone surrogates (JSON can carry them, UTF-8 cannot) become "?", one for one, so that positions stay."""
    return [text.encode("utf-8", "replace").decode("utf-8") for text in texts]


def _words(texts: Sequence[str], sequence_ids: Sequence[int | None], spans: np.ndarray) -> np.ndarray:
    """[T] word numbers of one example; sequence_ids say which text a piece comes from (None: special)."""
    words = np.full(len(spans), -1, dtype=np.int32)
    sequences = np.asarray([-1 if s is None else s for s in sequence_ids], dtype=np.int64)
    before = 0
    for number, text in enumerate(texts):
        owner, count = words_of_characters(text)
        here = sequences == number
        local = words_of_pieces(spans[here], owner)
        words[here] = np.where(local >= 0, local + before, -1)
        before += count
    return words


def collate(encoded: Encoded, indices: np.ndarray) -> Batch:
    """A Batch of these examples on the CPU, in this order, padded on the right to the longest of them."""
    lengths = encoded.lengths[indices]
    mask = np.arange(int(lengths.max(initial=0)))[None, :] < lengths[:, None]

    def padded(parts: list[np.ndarray], fill: int) -> torch.Tensor:
        table = np.full(mask.shape, fill, dtype=np.int64)
        if len(indices):
            table[mask] = np.concatenate([parts[int(i)] for i in indices])
        return torch.from_numpy(table)

    return Batch(
        input_ids=padded(encoded.ids, encoded.pad_id),
        mask=torch.from_numpy(mask),
        type_ids=None if encoded.types is None else padded(encoded.types, 0),
        words=padded(encoded.words, -1),
    )


def quality(gold: np.ndarray, predicted: np.ndarray, labels: list[str]) -> dict[str, Any]:
    """Accuracy, macro-F1 over all of `labels`, and each class's precision, recall, F1 and support.

    Args:
        gold: [N] class numbers; rows with −1 (no gold label) are left out.
        predicted: [N] class numbers in [0, C).
        labels: names of the C classes.

    Returns:
        fractions in [0, 1]; a quotient 0/0 counts as 0, so a class that never occurs pulls macro-F1 down.

    Raises:
        ValueError: no row has a gold label, or a class number is out of range.
    """
    gold, predicted = np.asarray(gold), np.asarray(predicted)
    if gold.shape != predicted.shape:
        raise ValueError(f"{len(gold)} gold labels but {len(predicted)} predictions")
    known = gold >= 0
    gold, predicted = gold[known].astype(np.int64), predicted[known].astype(np.int64)
    classes = len(labels)
    if not len(gold):
        raise ValueError("quality needs at least one row with a gold label")
    if gold.max() >= classes or predicted.max() >= classes or predicted.min() < 0:
        raise ValueError(f"class numbers must lie in [0, {classes})")
    table = np.bincount(gold * classes + predicted, minlength=classes * classes).reshape(classes, classes)
    hits, support, claimed = np.diag(table), table.sum(axis=1), table.sum(axis=0)
    precision, recall = _share(hits, claimed), _share(hits, support)
    f1 = _share(2 * hits, support + claimed)
    return {
        "accuracy": float(hits.sum() / len(gold)),
        "macro_f1": float(f1.mean()),
        "per_class": [
            {
                "label": label,
                "precision": float(precision[number]),
                "recall": float(recall[number]),
                "f1": float(f1[number]),
                "support": int(support[number]),
            }
            for number, label in enumerate(labels)
        ],
    }


def _share(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    return np.divide(part, whole, out=np.zeros(len(part)), where=whole > 0)
