"""What every way of combining teachers has in common."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from torch import Tensor


class TeacherWeighting(Protocol):
    """How much each of N teachers counts on each example."""

    def weights(self, teacher_logits: Sequence[Tensor], labels: Tensor) -> Tensor:
        """Weights of the teachers' terms.

        Args:
            teacher_logits: N tensors [B, C].
            labels: [B] int64 gold classes, −1 where there is none.

        Returns:
            [B, N] fp32 on the logits' device, without gradient. A row depends on that example alone, never on the
            batch it came in.
        """
        ...
