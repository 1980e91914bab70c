"""Tagging with tags that stand for themselves, as parts of speech do: every word counts; quality is word accuracy."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from distill_core.tasks.base import Encoded
from distill_core.tasks.classification import quality
from distill_core.tasks.tagging import Tagging

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

    from distill_core.data.types import Rows

#: what a word that was cut off "is": no tag, so that it can never be right by luck
UNSEEN = -1


class WordTags(Tagging):
    """One tag a word, without entities. The task of data whose tags have no B- or I-; its name is that of tagging."""

    metric, entities = "accuracy", False
    words = replace(Tagging.words, metric="word accuracy", classes=("Tags", "tag", "words"))

    def encode(self, tokenizer: PreTrainedTokenizerFast, rows: Rows, max_tokens: int) -> Encoded:
        return replace(super().encode(tokenizer, rows, max_tokens), unseen=UNSEEN)

    def for_labels(self, labels: Sequence[str]) -> WordTags:
        del labels
        return self

    def quality(self, rows: Rows, predicted: np.ndarray, labels: list[str]) -> dict[str, Any]:
        """accuracy, macro_f1 and per_class over words, and accuracy of each language and their mean.

        predicted: [U] tags' numbers; −1 (never seen) is wrong, and claimed by no tag.
        """
        gold = self.gold(rows)
        # One class more for words without an answer, which no gold word has.
        asked = np.where(np.asarray(predicted) < 0, len(labels), predicted)
        found = quality(gold, asked, [*labels, ""])
        per_class = found["per_class"][:-1]
        macro = float(np.mean([row["f1"] for row in per_class]))
        return {**found, "macro_f1": macro, "per_class": per_class, **self._spoken(rows, gold, predicted)}

    def _spoken(self, rows: Rows, gold: np.ndarray, predicted: np.ndarray) -> dict[str, Any]:
        languages, lengths = rows.languages or [], self._lengths(rows)
        per_language = {}
        right = np.asarray(predicted) == gold
        for name in sorted(set(languages) - {""}):
            own = np.asarray([language == name for language in languages])
            words = np.repeat(own, lengths)
            if words.any():
                per_language[name] = {
                    "accuracy": float(right[words].mean()),
                    "sentences": int(own.sum()),
                    "words": int(words.sum()),
                }
        mean = float(np.mean([row["accuracy"] for row in per_language.values()])) if per_language else None
        return {"per_language": per_language, "macro_language_accuracy": mean}

    def scores(self, rows: Rows, predicted: np.ndarray, labels: list[str]) -> tuple[np.ndarray, np.ndarray]:
        del labels
        lengths = self._lengths(rows)
        owner = np.repeat(np.arange(len(lengths)), lengths)
        right = np.bincount(owner, weights=np.asarray(predicted) == self.gold(rows), minlength=len(lengths))
        return right.astype(np.float64), lengths.astype(np.float64)
