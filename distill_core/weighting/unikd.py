"""UniKD: teachers by their correctness where there is gold, examples by the teachers' disagreement where there is none
(2204.00548)."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from distill_core.losses.hard_labels import NO_LABEL
from distill_core.weighting.base import Situation, TeacherWeighting
from distill_core.weighting.correctness import teacher_ce
from distill_core.weighting.disagreement import disagreement

#: nats added to every disagreement: where all teachers agree up to rounding, examples count alike
_FLOOR = 1e-6


class UniKD(TeacherWeighting):
    """With gold: w_i ∝ 1/(1 + CE(y, z_i)), normalised over teachers, times 1/(1 + CE(y, mean p)). Without: 1/N each,
    times the mean over teachers of KL(p_i ‖ p̄), scaled to mean 1 over the batch's unlabelled units (2204.00548).

    Rows with gold depend on that unit alone; those without also on the other unlabelled units of the batch.
    """

    @torch.no_grad()
    def weights(self, situation: Situation) -> Tensor:
        """[U, N], ≥ 0. A row with gold sums to 1/(1 + CE(y, mean p)); rows without gold sum to 1 on average."""
        known = (situation.gold != NO_LABEL).unsqueeze(1)
        labelled = self._labelled(situation)
        return torch.where(known, labelled, self._unlabelled(situation, known.squeeze(1)))

    @staticmethod
    def _labelled(situation: Situation) -> Tensor:
        losses = teacher_ce(situation.teacher_logits, situation.gold)
        correct = 1.0 / (1.0 + losses)
        # −log of the mean probability of gold.
        ensemble = math.log(losses.shape[1]) - (-losses).logsumexp(dim=1, keepdim=True)
        return correct / correct.sum(dim=1, keepdim=True) / (1.0 + ensemble.clamp(min=0.0))

    @staticmethod
    def _unlabelled(situation: Situation, known: Tensor) -> Tensor:
        teachers = len(situation.teacher_logits)
        spread = disagreement([z.detach() for z in situation.teacher_logits]) + _FLOOR
        mean = spread.masked_fill(known, 0.0).sum() / (~known).sum().clamp(min=1)
        return (spread / mean.clamp(min=_FLOOR) / teachers).unsqueeze(1).expand(-1, teachers)
