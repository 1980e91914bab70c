"""MT-BERT: a teacher that is wrong on an example counts less on it (2106.01023, multi-teacher distillation loss)."""

from __future__ import annotations

import torch
from torch import Tensor

from distill_core.losses.hard_labels import NO_LABEL
from distill_core.weighting.base import Situation, Table, TeacherWeighting
from distill_core.weighting.correctness import table_ce, teacher_ce


class MTBert(TeacherWeighting):
    """Weight 1/(1 + CE(y, z_i)) of teacher i, per unit, in (0, 1]; not normalised over teachers (2106.01023).

    The formula needs gold labels. A unit without one gets `unlabelled_weight` for every teacher; `fit` sets it to the
    mean weight on the labelled units, so that labelled and unlabelled ones pull equally hard on average.
    """

    def __init__(self, unlabelled_weight: float) -> None:
        super().__init__()
        if not 0 < unlabelled_weight <= 1:
            raise ValueError(f"unlabelled_weight must lie in (0, 1], not {unlabelled_weight}")
        self.unlabelled_weight = unlabelled_weight

    @classmethod
    def fit(cls, table: Table) -> MTBert:
        """With the mean weight over the labelled units and all teachers, from the whole training table.

        Raises:
            TrainingError: no unit has a gold label.
        """
        return cls(float((1.0 / (1.0 + table_ce(table, "MT-BERT's weighting"))).double().mean()))

    @torch.no_grad()
    def weights(self, situation: Situation) -> Tensor:
        """[U, N], each in (0, 1]."""
        known = (situation.gold != NO_LABEL).unsqueeze(1)
        found = 1.0 / (1.0 + teacher_ce(situation.teacher_logits, situation.gold))
        return torch.where(known, found, self.unlabelled_weight)
