"""What each test example adds to a quality: the one shape that intervals and comparisons are computed from. No torch.

A quality is a ratio of sums over the examples: right answers to answers for accuracy; twice the right entities to those
found plus those in gold for F1.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike


@dataclass(frozen=True, eq=False)
class Scores:
    """What each of N ≥ 1 test examples adds to a quality Σ numerator / Σ denominator in [0, 1].

    numerator, denominator: [N] float64, 0 ≤ numerator ≤ denominator; an example may have nothing to score (0 / 0).

    Raises:
        ValueError: shapes differ, there are no examples, or a value lies outside.
    """

    numerator: np.ndarray
    denominator: np.ndarray

    def __post_init__(self) -> None:
        for name in ("numerator", "denominator"):
            object.__setattr__(self, name, np.asarray(getattr(self, name), dtype=np.float64))
        top, whole = self.numerator, self.denominator
        if top.shape != whole.shape or top.ndim != 1 or not top.size:
            raise ValueError(f"numerators and denominators of the same examples are needed: {top.shape}, {whole.shape}")
        if not (np.isfinite(whole).all() and (top >= 0).all() and (top <= whole).all()):
            raise ValueError("scores need 0 ≤ numerator ≤ denominator for every example")

    @classmethod
    def of_correct(cls, correct: ArrayLike) -> Scores:
        """Accuracy: correct [N] bool, is example n right."""
        right = np.asarray(correct, dtype=bool)
        return cls(right, np.ones(right.shape))

    @classmethod
    def of_predictions(cls, predicted: ArrayLike, gold: ArrayLike) -> Scores:
        """Accuracy of predicted classes [N] against gold [N]."""
        said, true = np.asarray(predicted), np.asarray(gold)
        if said.shape != true.shape:
            raise ValueError(f"the same examples are needed: shapes {said.shape} and {true.shape}")
        return cls.of_correct(said == true)

    @classmethod
    def of_entities(cls, correct: ArrayLike, found: ArrayLike, gold: ArrayLike) -> Scores:
        """Entity-level F1 of counts a sentence, each [N], as `tasks.tagging_quality.entity_counts` gives them."""
        return cls(2 * np.asarray(correct), np.asarray(found) + np.asarray(gold))

    def __len__(self) -> int:
        return int(self.numerator.size)

    @property
    def quality(self) -> float:
        """Σ numerator / Σ denominator; 0 where there is nothing to score."""
        whole = float(self.denominator.sum())
        return float(self.numerator.sum()) / whole if whole else 0.0

    @property
    def proportion(self) -> bool:
        """A share of examples (accuracy): every example is right or wrong and counts once."""
        return bool((self.denominator == 1).all() and np.isin(self.numerator, (0.0, 1.0)).all())

    @property
    def right(self) -> np.ndarray:
        """[N] bool: the example is wholly right (for F1: every entity found, and no other)."""
        return np.asarray(self.numerator == self.denominator)

    @property
    def scored(self) -> int:
        """Examples with something to score."""
        return int(np.count_nonzero(self.denominator))

    @property
    def values(self) -> np.ndarray:
        """[N] q + (numerator − q·denominator) / mean denominator: their mean is the quality q, and their variance over
        N that of q to first order. For accuracy they are exactly the numerators."""
        mean = float(self.denominator.mean())
        if not mean:
            return np.zeros(len(self))
        return self.numerator / mean + self.quality * (1 - self.denominator / mean)
