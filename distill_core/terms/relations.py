"""Attention relations of the last layers (MiniLMv2, 2012.15828 §3)."""

from __future__ import annotations

import math
from typing import Any

from distill_core.losses.attention import attention_relations_kl
from distill_core.signals.types import SignalSpec
from distill_core.terms.base import Setup, Step, StudentWants, Term, Values

#: relation heads wanted, where the widths allow it (the paper's 48 for widths of 768 and more, fewer for narrow models)
MOST_RELATION_HEADS = 48
#: a relation head narrower than this says little
NARROWEST = 8


def relation_heads(student_width: int, teacher_width: int) -> int:
    """The most relation heads, up to 48 and at least 8 units wide, that divide both widths; at least 1."""
    common = math.gcd(student_width, teacher_width)
    most = min(MOST_RELATION_HEADS, student_width // NARROWEST, teacher_width // NARROWEST)
    return max((heads for heads in range(1, max(1, most) + 1) if common % heads == 0), default=1)


class AttentionRelations(Term):
    """Σ_i of the KLs of Q-Q, K-K and V-V relations, the student's last layer against the teacher's last."""

    def __init__(self, setup: Setup) -> None:
        super().__init__(setup)
        self.heads: list[int] = []

    def signals(self, teacher: int) -> SignalSpec:
        return SignalSpec(level="token", qkv=tuple(layer for _, layer in self.setup.pairs("relations", teacher)))

    def student(self) -> StudentWants:
        numbers = range(len(self.setup.teachers))
        return StudentWants(qkv=frozenset(own for n in numbers for own, _ in self.setup.pairs("relations", n)))

    def attach(self, student: Any, *, seed: int) -> None:
        del seed
        self.heads = [relation_heads(student.width, teacher.width) for teacher in self.setup.teachers]

    def forward(self, step: Step) -> Values | None:
        total = step.logits.new_zeros(len(step.rows))
        for number, signal in step.shown():
            for own, layer in self.setup.pairs("relations", number):
                ours, theirs = step.outputs.qkv[own], signal.qkv[layer]
                for kind in range(3):
                    total = total + attention_relations_kl(
                        ours[:, :, kind], theirs[:, :, kind], step.batch.mask, relation_heads=self.heads[number]
                    )
        return Values(total)
