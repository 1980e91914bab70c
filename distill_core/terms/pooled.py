"""The vector the student classifies follows the teachers' one (representation loss of 1910.01769 §3)."""

from __future__ import annotations

from typing import Any

from distill_core.losses.hidden import POOLED
from distill_core.models.projections import Projections
from distill_core.signals.types import SignalSpec
from distill_core.terms.base import Setup, Step, Term, Values


class PooledVector(Term):
    """Σ_i D(v_s, v_i) per example, D from `objective.hidden_loss`.

    Where the widths are equal the vectors meet as they are (a BiLSTM whose projection is as wide as the teacher, as in
    the paper); otherwise the student's goes through a learnt linear map, so that the teacher's stays what it is.
    """

    def __init__(self, setup: Setup) -> None:
        super().__init__(setup)
        self.projections: Projections | None = None
        self.mapped: set[int] = set()

    def signals(self, teacher: int) -> SignalSpec:
        del teacher
        return SignalSpec(pooled=True)

    def attach(self, student: Any, *, seed: int) -> None:
        widths = [teacher.pooled_width for teacher in self.setup.teachers]
        self.mapped = {number for number, width in enumerate(widths) if width != student.pooled_width}
        self.projections = Projections(
            {(number, "pooled"): (student.pooled_width, widths[number]) for number in self.mapped}, seed=seed
        )

    def forward(self, step: Step) -> Values | None:
        assert self.projections is not None
        total = step.logits.new_zeros(len(step.rows))
        ours = step.outputs.pooled
        for number, signal in step.shown():
            assert signal.pooled is not None
            met = self.projections(number, "pooled", ours.float()) if number in self.mapped else ours
            total = total + POOLED[self.setup.objective.hidden_loss](met, signal.pooled)
        return Values(total)
