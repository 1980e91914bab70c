"""Dynamic KD: how sure the student is decides what it learns from (2109.11295)."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor

from distill_core.weighting.base import Situation, Table, TeacherWeighting


class DynamicKD(TeacherWeighting):
    """With one teacher a unit's weight is the student's entropy over log C, in [0, 1] (2109.11295, supervision by
    uncertainty). With several, the more uncertain half of the batch learns from the smallest teacher alone, the rest
    from the largest alone, each with weight 1 (teacher adoption); those between them are not used.

    With several teachers a row depends on the batch: of U units the ⌊U/2⌋ with the highest entropy are the uncertain
    half, the earlier one where two are equal.

    Args:
        smallest, largest: numbers of these teachers, from 0; equal for a single teacher.
    """

    def __init__(self, smallest: int = 0, largest: int = 0) -> None:
        super().__init__()
        self.smallest, self.largest = smallest, largest

    @classmethod
    def fit(cls, table: Table) -> DynamicKD:
        """Sizes are the teachers' numbers of parameters; of equal ones the first is the smallest, the last the largest.

        Raises:
            ValueError: there are several teachers and not a number of parameters for each.
        """
        teachers = len(table.teacher_logits)
        if teachers == 1:
            return cls()
        if len(table.parameters) != teachers:
            raise ValueError(f"{len(table.parameters)} numbers of parameters for {teachers} teachers")
        sizes = np.asarray(table.parameters)
        return cls(int(sizes.argmin()), teachers - 1 - int(sizes[::-1].argmax()))

    @torch.no_grad()
    def weights(self, situation: Situation) -> Tensor:
        """[U, N], each in [0, 1]."""
        uncertain = uncertainty(situation.student_logits)
        teachers = len(situation.teacher_logits)
        if teachers == 1:
            return uncertain.unsqueeze(1)
        order = uncertain.argsort(descending=True, stable=True)
        chosen = torch.full_like(order, self.largest)
        chosen[order[: len(order) // 2]] = self.smallest
        return torch.nn.functional.one_hot(chosen, teachers).float()


def uncertainty(logits: Tensor) -> Tensor:
    """Entropy of softmax(z) over log C: [U] fp32 in [0, 1] from logits [U, C], C ≥ 2, finite."""
    logs = logits.detach().float().log_softmax(dim=-1)
    return (-(logs.exp() * logs).sum(dim=-1) / math.log(logs.shape[-1])).clamp(0.0, 1.0)
