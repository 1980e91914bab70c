"""Many-to-many layer matching by optimal transport (BERT-EMD, 2010.06133 §3)."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from distill_core.losses.hidden import hidden_mse
from distill_core.models.projections import Projections
from distill_core.signals.types import SignalSpec
from distill_core.terms.base import Setup, Step, StudentWants, Term, Values
from distill_core.terms.transport import flow

#: how fast the layers' weights follow the costs of a step; the paper sets them anew at every step
FOLLOW = 0.1


class EarthMover(Term):
    """Σ_i ΣF_i·D_i per example, D[j, l] = MSE of student layer j and teacher layer l through a learnt map.

    The flow F is that of the batch's mean costs, from the layers' weights: uniform at first, then ∝ Σcost/cost of the
    layer ("cost attention"), so that layers that are cheap to match count more. The weights move slowly (a tenth of
    the way at each step), are part of the term's state, and stand still in evaluation.
    """

    def __init__(self, setup: Setup) -> None:
        super().__init__(setup)
        self.projections: Projections | None = None
        for number, teacher in enumerate(setup.teachers):
            for side, count in (("student", setup.student.layers), ("teacher", teacher.layers)):
                self.register_buffer(f"{side}_{number}", torch.full((count,), 1.0 / count, dtype=torch.float64))

    def signals(self, teacher: int) -> SignalSpec:
        return SignalSpec(layers=tuple(sorted({layer for _, layer in self.setup.pairs("emd", teacher)})), level="token")

    def student(self) -> StudentWants:
        numbers = range(len(self.setup.teachers))
        return StudentWants(frozenset(own for number in numbers for own, _ in self.setup.pairs("emd", number)))

    def attach(self, student: Any, *, seed: int) -> None:
        # One map a student layer and teacher: a map for every pair would make the costs tell about maps, not layers.
        keys: dict[Any, tuple[int, int]] = {
            (number, own): (student.width, teacher.width)
            for number, teacher in enumerate(self.setup.teachers)
            for own in range(1, student.layers + 1)
        }
        self.projections = Projections(keys, seed=seed)

    def forward(self, step: Step) -> Values | None:
        assert self.projections is not None
        total = step.logits.new_zeros(len(step.rows))
        for number, signal in step.shown():
            layers = sorted(signal.hidden)
            rows = []
            for own in range(1, self.setup.student.layers + 1):
                projected = self.projections(number, own, step.outputs.hidden[own])
                rows.append(
                    torch.stack([hidden_mse(projected, signal.hidden[layer], step.batch.mask) for layer in layers])
                )
            costs = torch.stack(rows)  # [K, L, B]
            total = total + (self._flow(number, costs).to(costs).unsqueeze(-1) * costs).sum(dim=(0, 1))
        return Values(total)

    def _flow(self, number: int, costs: Tensor) -> Tensor:
        student, teacher = self.get_buffer(f"student_{number}"), self.get_buffer(f"teacher_{number}")
        mean = costs.detach().double().mean(dim=-1)
        found = flow(mean, student, teacher)
        if self.training:
            paid = found.to(mean) * mean
            student.lerp_(_attention(paid.sum(dim=1)), FOLLOW)
            teacher.lerp_(_attention(paid.sum(dim=0)), FOLLOW)
        return found


def _attention(costs: Tensor) -> Tensor:
    """∝ Σcost/cost, summing to one; a layer that costs nothing shares the most there is."""
    inverse = costs.sum() / costs.clamp(min=max(1e-12, 1e-3 * float(costs.max())))
    total = inverse.sum()
    return inverse / total if float(total) > 0 else torch.full_like(costs, 1.0 / len(costs))
