"""What every way of combining teachers has in common."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from torch import Tensor, nn


@dataclass
class Situation:
    """What a weighting may look at in one step. U units: examples, or words in tagging.

    teacher_logits: N tensors [U, C]. gold: [U] int64, −1 where there is none. student_logits: [U, C] and
    student_pooled: [U, P] or None, both without gradient. step: optimizer step from 0; seed: the trial's. Draws come
    from (seed, step) alone, so that a resumed run draws alike.
    """

    teacher_logits: Sequence[Tensor]
    gold: Tensor
    student_logits: Tensor
    student_pooled: Tensor | None = None
    step: int = 0
    seed: int = 0


@dataclass
class Table:
    """The whole training table, for weightings that are fitted once before training.

    teacher_logits: N arrays [U, C] over all units of the table; gold: [U], −1 where there is none. parameters: of each
    teacher. classes C; pooled_width: of the student's pooled vector (0 where the task has none).
    """

    teacher_logits: Sequence[np.ndarray]
    gold: np.ndarray
    parameters: Sequence[int] = ()
    pooled_width: int = 0

    @property
    def classes(self) -> int:
        return int(self.teacher_logits[0].shape[1])


class TeacherWeighting(nn.Module, ABC):
    """How much each of N teachers counts on each unit. One with learnt parts is trained along with the student.

    learning_rate: peak rate of the learnt parts, where there are any.
    """

    learning_rate: float = 1e-2

    @classmethod
    def fit(cls, table: Table) -> TeacherWeighting:
        """The weighting for this training table. Raises TrainingError where it needs what the table lacks."""
        del table
        return cls()

    @abstractmethod
    def weights(self, situation: Situation) -> Tensor:
        """[U, N] fp32 on the logits' device, without gradient: factors on each teacher's soft-label loss.

        Unless the class says otherwise a row depends on that unit alone, never on the batch it came in.
        """

    def policy_loss(self, student_ce: Tensor, gold: Tensor) -> Tensor | None:
        """Called after `weights` of the same step: what the weighting's own parameters minimise, a scalar, or None.

        student_ce: [U] cross-entropy of the student on gold, without gradient, 0 where there is none.
        """
        del student_ce, gold
        return None
