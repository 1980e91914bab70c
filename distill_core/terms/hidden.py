"""Hidden states: the student's layers follow the teachers' (2106.01023 §3.2; 2004.05686 §4 for a single layer)."""

from __future__ import annotations

from typing import Any

import torch.nn.functional as F
from torch import Tensor

from distill_core.losses.hidden import HIDDEN, POOLED
from distill_core.models.projections import Projections
from distill_core.models.words import pool_words
from distill_core.signals.types import SignalSpec
from distill_core.terms.base import Setup, Step, StudentWants, Term, Values


class HiddenStates(Term):
    """Σ_i Σ_j D(h_s,j, W_ij h_i,layer(j)) per example: by token where the tokenisers are equal, by word where not, or
    of the pooled vectors. `hidden_projection` says on which side the learnt map stands."""

    def __init__(self, setup: Setup) -> None:
        super().__init__(setup)
        self.projections: Projections | None = None
        self.on_student = setup.objective.hidden_projection != "teacher"

    def pairs(self, teacher: int) -> list[tuple[int, int]]:
        return self.setup.pairs("hidden", teacher)

    def signals(self, teacher: int) -> SignalSpec:
        level = self.setup.teachers[teacher].level
        if level == "pooled":
            return SignalSpec(pooled=True)
        layers = tuple(layer for _, layer in self.pairs(teacher))
        return SignalSpec(layers=layers, level="token" if level == "token" else "word")

    def student(self) -> StudentWants:
        layers = {
            layer
            for number, teacher in enumerate(self.setup.teachers)
            if teacher.level != "pooled"
            for layer, _ in self.pairs(number)
        }
        return StudentWants(layers=frozenset(layers))

    def attach(self, student: Any, *, seed: int) -> None:
        widths: dict[Any, tuple[int, int]] = {}
        for number, teacher in enumerate(self.setup.teachers):
            if teacher.level == "pooled":
                widths[(number, "pooled")] = self._ends(teacher.pooled_width, student.pooled_width)
            else:
                for layer, _ in self.pairs(number):
                    widths[(number, layer)] = self._ends(teacher.width, student.width)
        self.projections = Projections(widths, seed=seed)

    def forward(self, step: Step) -> Values | None:
        total = step.outputs.logits.new_zeros(len(step.rows))
        words: dict[int, tuple[Tensor, Tensor]] = {}
        for number, signal in step.shown():
            teacher = self.setup.teachers[number]
            if teacher.level == "pooled":
                assert signal.pooled is not None
                ours, theirs = self._meet(number, "pooled", step.outputs.pooled, signal.pooled)
                total = total + POOLED[self.setup.objective.hidden_loss](ours, theirs)
                continue
            for layer, teacher_layer in self.pairs(number):
                states, mask = step.outputs.hidden[layer], step.batch.mask
                if teacher.level == "word":
                    if layer not in words:
                        words[layer] = pool_words(states, step.batch.words)
                    states, mask = words[layer]
                target = signal.hidden[teacher_layer]
                # Each side may have cut off other words at its own length limit: only those both saw count.
                units = min(states.shape[1], target.shape[1])
                both = mask[:, :units] & signal.mask[:, :units]
                ours, theirs = self._meet(number, layer, states[:, :units], target[:, :units])
                total = total + HIDDEN[self.setup.objective.hidden_loss](ours, theirs, both)
        return Values(total)

    def _ends(self, teacher: int, student: int) -> tuple[int, int]:
        return (student, teacher) if self.on_student else (teacher, student)

    def _meet(self, number: int, target: Any, ours: Tensor, theirs: Tensor) -> tuple[Tensor, Tensor]:
        assert self.projections is not None
        if self.on_student:
            mapped = self.projections(number, target, ours.float())
            return (F.gelu(mapped) if self.setup.objective.hidden_projection == "student_gelu" else mapped), theirs
        return ours, self.projections(number, target, theirs.float())
