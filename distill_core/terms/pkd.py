"""Patient knowledge distillation: first-token states of every matched layer (PKD, 1908.09355 §3)."""

from __future__ import annotations

from typing import Any

from distill_core.losses.hidden import pkd
from distill_core.models.projections import Projections
from distill_core.signals.types import SignalSpec
from distill_core.terms.base import Setup, Step, StudentWants, Term, Values


class PatientKnowledge(Term):
    """Σ_i Σ_j MSE of L2-normalised [CLS] states, layer j of K−1 against every r-th layer of the teacher (PKD-skip: the
    last layer is left to the soft labels). Where widths differ the teacher's state goes through a learnt map."""

    def __init__(self, setup: Setup) -> None:
        super().__init__(setup)
        self.projections: Projections | None = None
        self.mapped: set[int] = set()

    def pairs(self, teacher: int) -> list[tuple[int, int]]:
        return self.setup.pairs("pkd", teacher)

    def signals(self, teacher: int) -> SignalSpec:
        return SignalSpec(layers=tuple(layer for _, layer in self.pairs(teacher)), level="token")

    def student(self) -> StudentWants:
        return StudentWants(
            frozenset(own for number in range(len(self.setup.teachers)) for own, _ in self.pairs(number))
        )

    def attach(self, student: Any, *, seed: int) -> None:
        widths = [teacher.width for teacher in self.setup.teachers]
        self.mapped = {number for number, width in enumerate(widths) if width != student.width}
        keys: dict[Any, tuple[int, int]] = {
            (number, own): (widths[number], student.width) for number in self.mapped for own, _ in self.pairs(number)
        }
        self.projections = Projections(keys, seed=seed)

    def forward(self, step: Step) -> Values | None:
        assert self.projections is not None
        total = step.logits.new_zeros(len(step.rows))
        for number, signal in step.shown():
            for own, layer in self.pairs(number):
                target = signal.hidden[layer][:, 0]
                if number in self.mapped:
                    target = self.projections(number, own, target)
                total = total + pkd(step.outputs.hidden[own][:, 0], target)
        return Values(total)
