"""MT-BERT: a teacher that is wrong on an example counts less on it (2106.01023, multi-teacher distillation loss)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from distill_core.errors import TrainingError
from distill_core.losses.hard_labels import NO_LABEL, hard_label_ce


class MTBert:
    """Weight 1/(1 + CE(y, z_i)) of teacher i, per example, in (0, 1]; not normalised over teachers (2106.01023).

    The formula needs gold labels. A row without one gets `unlabelled_weight` for every teacher; `fit` sets it to the
    mean weight on the labelled rows, so that labelled and unlabelled rows pull equally hard on average.
    """

    def __init__(self, unlabelled_weight: float) -> None:
        if not 0 < unlabelled_weight <= 1:
            raise ValueError(f"unlabelled_weight must lie in (0, 1], not {unlabelled_weight}")
        self.unlabelled_weight = unlabelled_weight

    @classmethod
    def fit(cls, teacher_logits: Sequence[np.ndarray], labels: np.ndarray) -> MTBert:
        """With the mean weight over the labelled rows and all teachers, from the whole training table.

        Args:
            teacher_logits: N arrays [rows, C]. labels: [rows], −1 where there is no gold.

        Raises:
            TrainingError: no row has a gold label.
        """
        known = np.flatnonzero(np.asarray(labels) != NO_LABEL)
        if not len(known):
            raise TrainingError(
                "MT-BERT weights compare the teachers with gold labels, and no training row has one.",
                hint="Choose uniform weights, or add labelled rows.",
                field="objective.teacher_weighting",
            )
        gold = torch.as_tensor(np.asarray(labels)[known], dtype=torch.int64)
        found = cls._labelled([torch.from_numpy(np.asarray(z)[known]) for z in teacher_logits], gold)
        return cls(float(found.double().mean()))

    def weights(self, teacher_logits: Sequence[Tensor], labels: Tensor) -> Tensor:
        """[B, N], each in (0, 1]. Shapes as in `TeacherWeighting.weights`."""
        known = (labels != NO_LABEL).unsqueeze(1)
        return torch.where(known, self._labelled(teacher_logits, labels), self.unlabelled_weight)

    @staticmethod
    @torch.no_grad()
    def _labelled(teacher_logits: Sequence[Tensor], labels: Tensor) -> Tensor:
        losses = torch.stack([hard_label_ce(z.detach().float(), labels) for z in teacher_logits], dim=1)
        return 1.0 / (1.0 + losses)
