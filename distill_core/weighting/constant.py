"""Fixed weights, the same on every example: what the `uniform` control uses to match the main arm's mean weight."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor


class Constant:
    """One weight for all teachers, or one for each.

    Args:
        values: a number ≥ 0, or N of them in the teachers' order.
    """

    def __init__(self, values: float | Sequence[float]) -> None:
        given = torch.as_tensor(values, dtype=torch.float32)
        if given.ndim > 1 or not bool((given >= 0).all()) or not bool(given.isfinite().all()):
            raise ValueError(f"weights must be one number or one per teacher, each zero or more, not {values!r}")
        self.values = given

    def weights(self, teacher_logits: Sequence[Tensor], labels: Tensor) -> Tensor:
        """[B, N]. Shapes as in `TeacherWeighting.weights`.

        Raises:
            ValueError: there are not as many weights as teachers.
        """
        teachers = len(teacher_logits)
        if self.values.ndim and len(self.values) != teachers:
            raise ValueError(f"{len(self.values)} weights for {teachers} teachers")
        return self.values.to(teacher_logits[0].device).expand(len(labels), teachers).clone()
