"""Classification of sentences and sentence pairs: encoding, collating, quality."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from distill_core.tasks.base import Encoded, Task, TaskWords
from distill_core.tasks.encoding import encode_texts
from distill_core.tasks.words import words_of_characters, words_of_pieces

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

    from distill_core.data.draft import DataConfig, Draft
    from distill_core.data.types import Rows


def encode(tokenizer: PreTrainedTokenizerFast, rows: Rows, max_tokens: int) -> Encoded:
    """Tokenise texts or pairs, cut to `max_tokens` pieces (or to the tokeniser's own limit, where that is lower).

    Words are the regex spans of `tasks.words` in the raw text, so every tokeniser numbers them alike; the second
    text's words are numbered after all words of the first, cut off or not. Of a pair the longer text is cut first.

    Raises:
        CheckpointError: the tokeniser has no character offsets (a slow one).
    """

    def words_of(row: int, given: tuple[str, ...], sequence_ids: Sequence[int | None], spans: np.ndarray) -> np.ndarray:
        del row
        return _words(given, sequence_ids, spans)

    return encode_texts(tokenizer, rows.texts, rows.pairs, max_tokens, words_of)


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


def per_language(gold: np.ndarray, predicted: np.ndarray, languages: Sequence[str] | None) -> dict[str, Any]:
    """Accuracy of each language; nothing where the data tell none apart.

    Args:
        gold, predicted: [N] as in `quality`; rows with −1 are left out.
        languages: [N] language of each row, "" where it is not known: such rows count in no language; or None.

    Returns:
        {"per_language": {language: {"accuracy", "examples"}} for each that has gold rows, sorted by name ({} without
        any), "macro_language_accuracy": their mean (None without any)}.

    Raises:
        ValueError: languages do not fit.
    """
    if languages is None:
        return {"per_language": {}, "macro_language_accuracy": None}
    if len(languages) != len(gold):
        raise ValueError(f"{len(gold)} gold labels but {len(languages)} languages")
    spoken, right = np.asarray(languages, dtype=object).astype(str), np.asarray(gold) == np.asarray(predicted)
    rows = {}
    for name in sorted(set(spoken.tolist()) - {""}):
        own = (spoken == name) & (np.asarray(gold) >= 0)
        if own.any():
            rows[name] = {"accuracy": float(right[own].mean()), "examples": int(own.sum())}
    mean = float(np.mean([row["accuracy"] for row in rows.values()])) if rows else None
    return {"per_language": rows, "macro_language_accuracy": mean}


def _share(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    return np.divide(part, whole, out=np.zeros(len(part)), where=whole > 0)


class Classification(Task):
    """One label a text; quality is accuracy."""

    name, metric, unit = "classification", "accuracy", "example"
    words = TaskWords("Files: CSV, TSV, JSONL or Parquet, one text a row.", "A text classifier")
    pairs, bundled = True, "train.csv"

    def draft(self, config: DataConfig, seed: int) -> Draft:
        from distill_core.data.classification_draft import draft_classification

        return draft_classification(config, seed)

    def encode(self, tokenizer: PreTrainedTokenizerFast, rows: Rows, max_tokens: int) -> Encoded:
        return encode(tokenizer, rows, max_tokens)

    def gold(self, rows: Rows) -> np.ndarray:
        return rows.labels

    def counts(self, rows: Rows) -> np.ndarray | None:
        return None

    def quality(self, rows: Rows, predicted: np.ndarray, labels: list[str]) -> dict[str, Any]:
        return {**quality(rows.labels, predicted, labels), **per_language(rows.labels, predicted, rows.languages)}

    def scores(self, rows: Rows, predicted: np.ndarray, labels: list[str]) -> tuple[np.ndarray, np.ndarray]:
        return (predicted == rows.labels).astype(np.float64), np.ones(len(rows))
