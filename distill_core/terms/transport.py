"""Which layer learns how much from which: optimal transport between two sets of layers (BERT-EMD, 2010.06133)."""

from __future__ import annotations

import numpy as np
import ot
import torch
from torch import Tensor


def flow(cost: Tensor, student_weights: Tensor, teacher_weights: Tensor) -> Tensor:
    """The flow F ≥ 0 that moves the student's layer weights onto the teacher's at the least total cost ΣF·D.

    Solved exactly in float64 by POT's network simplex. F is a constant of the loss ΣF·D: no gradient passes through it
    (by the envelope theorem the gradient of the minimum is F itself).

    Args:
        cost: [K, L], D[i, j] between student layer i and teacher layer j, finite.
        student_weights: [K], teacher_weights: [L]; each ≥ 0 with a positive sum, and scaled here to sum to one.

    Returns:
        [K, L] float64 on `cost`'s device, without gradient; rows sum to the scaled student weights, columns to the
        teacher's.

    Raises:
        ValueError: the shapes do not fit together, a cost is not finite, or weights are negative or all zero.
    """
    if cost.ndim != 2 or student_weights.shape != cost.shape[:1] or teacher_weights.shape != cost.shape[1:]:
        raise ValueError(
            f"shapes differ: cost {tuple(cost.shape)}, weights {tuple(student_weights.shape)} and "
            f"{tuple(teacher_weights.shape)}"
        )
    costs = _array(cost)
    if not np.isfinite(costs).all():
        raise ValueError("costs between layers must be finite")
    found = ot.emd(_shares(student_weights), _shares(teacher_weights), costs)
    return torch.from_numpy(np.asarray(found, dtype=np.float64)).to(cost.device)


def _shares(weights: Tensor) -> np.ndarray:
    values = _array(weights)
    total = values.sum()
    if not (values >= 0).all() or not 0 < total < np.inf:
        raise ValueError(f"layer weights must be zero or more and not all zero, not {values.tolist()}")
    return np.asarray(values / total)


def _array(values: Tensor) -> np.ndarray:
    # Contiguous and owned: POT's solver reads the memory as it lies.
    return np.array(values.detach().double().cpu().numpy(), order="C")
