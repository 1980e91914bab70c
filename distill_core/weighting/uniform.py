"""Every teacher counts the same."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor


class Uniform:
    """Weight 1/N for each of N teachers: the mean of their losses (1503.02531 §2 for an ensemble).

    Args:
        value: another weight for every teacher, ≥ 0.
    """

    def __init__(self, value: float | None = None) -> None:
        if value is not None and not value >= 0:
            raise ValueError(f"a weight must be zero or more, not {value}")
        self.value = value

    def weights(self, teacher_logits: Sequence[Tensor], labels: Tensor) -> Tensor:
        """[B, N], all equal. Shapes as in `TeacherWeighting.weights`."""
        value = 1.0 / len(teacher_logits) if self.value is None else self.value
        return torch.full(
            (len(labels), len(teacher_logits)), value, dtype=torch.float32, device=teacher_logits[0].device
        )
