"""Quality of a set of predictions, once for validation and once, at the very end, for test."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from distill_core.measure.scores import Scores

if TYPE_CHECKING:
    from distill_core.data.types import Rows
    from distill_core.tasks.base import Task


@dataclass(frozen=True)
class Evaluated:
    """predicted: [U] int64 class of each unit (example, or in tagging word), row after row; scores: what each row adds
    to the task's metric; figures: as the task's `quality` gives them."""

    predicted: np.ndarray
    scores: Scores
    figures: dict[str, Any]


def evaluate(task: Task, rows: Rows, logits: np.ndarray, labels: list[str]) -> Evaluated:
    """Predictions, scores and figures of logits [U, C] on rows that all have gold.

    Raises:
        ValueError: logits do not fit the rows or labels, there are no rows, or a unit has no gold (−1).
    """
    gold = task.gold(rows)
    if logits.ndim != 2 or logits.shape != (len(gold), len(labels)) or not len(gold):
        raise ValueError(f"logits {logits.shape} do not fit {len(gold)} units and {len(labels)} labels")
    if int(gold.min()) < 0:
        raise ValueError(f"quality needs gold for every {task.unit}")
    predicted = logits.argmax(axis=1).astype(np.int64)
    return Evaluated(predicted, Scores(*task.scores(rows, predicted, labels)), task.quality(rows, predicted, labels))
