"""SKDBERT: one teacher is drawn at every step and teaches alone (2211.14466)."""

from __future__ import annotations

from abc import abstractmethod

import torch
import torch.nn.functional as F
from torch import Tensor

from distill_core.losses.soft_labels import soft_label_kl
from distill_core.weighting.base import Situation, Table, TeacherWeighting
from distill_core.weighting.correctness import table_ce
from distill_core.weighting.draws import uniform_draws


class _SampleOne(TeacherWeighting):
    """Weight 1 for the teacher drawn at this step and 0 for the others, on every unit.

    The draw comes from (seed, step) alone; the expected weights are `probabilities`.
    """

    @abstractmethod
    def probabilities(self, situation: Situation) -> Tensor:
        """[N] fp64 on the CPU, summing to one: how likely each teacher is drawn."""

    @torch.no_grad()
    def weights(self, situation: Situation) -> Tensor:
        """[U, N] of zeros and ones, one column of ones."""
        chances = self.probabilities(situation)
        draw = uniform_draws(situation.seed, situation.step, "teacher", 1)
        # The last bound is left out: rounding could leave it below the draw.
        drawn = int(torch.searchsorted(chances.cumsum(0)[:-1].contiguous(), draw, right=True))
        weights = torch.zeros(
            len(situation.gold), len(chances), dtype=torch.float32, device=situation.teacher_logits[0].device
        )
        weights[:, drawn] = 1.0
        return weights


class SampleUniform(_SampleOne):
    """Each of N teachers is drawn with probability 1/N (2211.14466, uniform)."""

    def probabilities(self, situation: Situation) -> Tensor:
        teachers = len(situation.teacher_logits)
        return torch.full((teachers,), 1.0 / teachers, dtype=torch.float64)


class SampleByTeacherRank(_SampleOne):
    """Teacher i is drawn with p_i ∝ N + 1 − rank_i, rank 1 being the best on gold (2211.14466, teacher rank).

    The rank is by mean CE on the labelled units of the training table; equal teachers share the mean of their ranks.

    Args:
        losses: [N], the lower the better.
    """

    chances: Tensor

    def __init__(self, losses: Tensor) -> None:
        super().__init__()
        self.register_buffer("chances", rank_probabilities(losses))

    @classmethod
    def fit(cls, table: Table) -> SampleByTeacherRank:
        """Raises TrainingError where no unit has a gold label."""
        return cls(table_ce(table, "Drawing teachers by their rank").double().mean(dim=0))

    def probabilities(self, situation: Situation) -> Tensor:
        del situation
        return self.chances.double().cpu()


class SampleByStudentRank(_SampleOne):
    """Teacher i is drawn with p_i ∝ N + 1 − rank_i, rank 1 being the one the student is nearest to.

    Near: least mean KL(t_i ‖ s) on the batch, at the student's present logits; so probabilities depend on the batch.
    2211.14466 ranks teachers by the students they make; nearness stands in for it, as finding that rank would take
    one finished student a teacher beforehand.
    """

    @torch.no_grad()
    def probabilities(self, situation: Situation) -> Tensor:
        student = situation.student_logits.detach()
        distances = [
            soft_label_kl(student, z.detach(), temperature=1.0).double().sum() for z in situation.teacher_logits
        ]
        return rank_probabilities(torch.stack(distances))


def rank_probabilities(losses: Tensor) -> Tensor:
    """p_i ∝ N + 1 − rank_i, rank 1 for the lowest loss; equal losses share the mean of their ranks (2211.14466).

    Args:
        losses: [N], N ≥ 1.

    Returns:
        [N] fp64 on the CPU, positive, summing to one.
    """
    values = losses.detach().double().cpu()
    better = (values[None, :] < values[:, None]).sum(dim=1)
    equal = (values[None, :] == values[:, None]).sum(dim=1)
    ranks = 1.0 + better.double() + (equal.double() - 1.0) / 2.0
    return F.normalize(len(values) + 1.0 - ranks, p=1.0, dim=0)
