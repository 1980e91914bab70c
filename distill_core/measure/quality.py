"""Quality of a set of predictions, once for validation and once, at the very end, for test."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from distill_core.tasks.classification import quality


@dataclass(frozen=True)
class Evaluated:
    """predicted: [N] int64 class per example; correct: [N] bool; figures: as `tasks.classification.quality` gives."""

    predicted: np.ndarray
    correct: np.ndarray
    figures: dict[str, Any]


def evaluate(logits: np.ndarray, gold: np.ndarray, labels: Sequence[str]) -> Evaluated:
    """Predictions and figures of logits [N, C] against gold [N] in [0, C).

    Raises:
        ValueError: lengths differ, there are no examples, or an example has no gold label (−1).
    """
    gold = np.asarray(gold)
    if logits.ndim != 2 or logits.shape[0] != gold.shape[0] or not gold.size:
        raise ValueError(f"logits {logits.shape} do not fit gold labels {gold.shape}")
    if logits.shape[1] != len(labels):
        raise ValueError(f"logits of {logits.shape[1]} classes do not fit {len(labels)} labels")
    if int(gold.min()) < 0:
        raise ValueError("quality needs a gold label for every example")
    predicted = logits.argmax(axis=1).astype(np.int64)
    return Evaluated(predicted, predicted == gold, quality(gold, predicted, list(labels)))
