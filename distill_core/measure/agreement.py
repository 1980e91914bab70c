"""Agreement: the share of examples (in tagging: of words) on which two predictors say the same, right or wrong."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike


def agreement(first: ArrayLike, second: ArrayLike) -> float:
    """Share in [0, 1] of equal predictions.

    Args:
        first, second: [U] predicted classes of the same U examples (or words) in the same order, U ≥ 1.

    Raises:
        ValueError: shapes differ, or there are no predictions.
    """
    a, b = np.asarray(first), np.asarray(second)
    if a.shape != b.shape or a.ndim != 1:
        raise ValueError(f"predictions of the same examples are needed: shapes {a.shape} and {b.shape}")
    if not a.size:
        raise ValueError("agreement needs at least one prediction")
    return float(np.mean(a == b))


def disagreements(first: ArrayLike, second: ArrayLike) -> np.ndarray:
    """[M] int64 positions, ascending, at which the two predictions differ. Arguments as in `agreement`."""
    return np.flatnonzero(np.asarray(first) != np.asarray(second)).astype(np.int64)
