"""Fixed weights, the same on every unit: what the `uniform` control uses to match the main arm's mean weight."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from distill_core.weighting.base import Situation, Table, TeacherWeighting


class Constant(TeacherWeighting):
    """One weight for all teachers, or one for each.

    Args:
        values: a number ≥ 0, or N of them in the teachers' order.
    """

    values: Tensor

    def __init__(self, values: float | Sequence[float]) -> None:
        super().__init__()
        given = torch.as_tensor(values, dtype=torch.float32)
        if given.ndim > 1 or not bool((given >= 0).all()) or not bool(given.isfinite().all()):
            raise ValueError(f"weights must be one number or one per teacher, each zero or more, not {values!r}")
        self.register_buffer("values", given)

    @classmethod
    def fit(cls, table: Table) -> Constant:
        """1/N each: a table says nothing about fixed weights, which are given to the constructor."""
        return cls(1.0 / len(table.teacher_logits))

    def weights(self, situation: Situation) -> Tensor:
        """[U, N], every row the same.

        Raises:
            ValueError: there are not as many weights as teachers.
        """
        teachers = len(situation.teacher_logits)
        if self.values.ndim and len(self.values) != teachers:
            raise ValueError(f"{len(self.values)} weights for {teachers} teachers")
        values = self.values.to(situation.teacher_logits[0].device)
        return values.expand(len(situation.gold), teachers).clone()
