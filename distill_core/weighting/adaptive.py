"""Teachers that do better on the batch count more in it (2010.05445)."""

from __future__ import annotations

import torch
from torch import Tensor

from distill_core.losses.hard_labels import NO_LABEL
from distill_core.weighting.base import Situation, Table, TeacherWeighting
from distill_core.weighting.correctness import table_ce, teacher_ce


class Adaptive(TeacherWeighting):
    """Softmax over teachers of −CE, the mean over the batch's labelled units (2010.05445).

    Every unit of a batch has the same weights, which sum to one. They depend on the batch: another split of the same
    rows into batches gives other weights. A batch without gold labels is weighted uniformly.
    """

    @classmethod
    def fit(cls, table: Table) -> Adaptive:
        """Nothing is kept of the table.

        Raises:
            TrainingError: no unit has a gold label.
        """
        table_ce(table, "This weighting")
        return cls()

    @torch.no_grad()
    def weights(self, situation: Situation) -> Tensor:
        """[U, N], rows equal within the batch and summing to one."""
        known = situation.gold != NO_LABEL
        losses = teacher_ce(situation.teacher_logits, situation.gold)
        # Units without gold have a loss of zero, so the sum is over labelled ones.
        mean = losses.sum(dim=0) / known.sum().clamp(min=1)
        return (-mean).softmax(dim=0).expand(len(known), -1).clone()
