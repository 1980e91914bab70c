"""Every teacher counts the same."""

from __future__ import annotations

import torch
from torch import Tensor

from distill_core.weighting.base import Situation, TeacherWeighting


class Uniform(TeacherWeighting):
    """Weight 1/N for each of N teachers: the mean of their losses (1503.02531 §2 for an ensemble).

    Args:
        value: another weight for every teacher, ≥ 0.
    """

    def __init__(self, value: float | None = None) -> None:
        super().__init__()
        if value is not None and not value >= 0:
            raise ValueError(f"a weight must be zero or more, not {value}")
        self.value = value

    def weights(self, situation: Situation) -> Tensor:
        """[U, N], all equal."""
        teachers = situation.teacher_logits
        value = 1.0 / len(teachers) if self.value is None else self.value
        return torch.full((len(situation.gold), len(teachers)), value, dtype=torch.float32, device=teachers[0].device)
