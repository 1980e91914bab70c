"""Attention scores: the student attends where the teachers attend (TinyBERT, 1909.10351 §3)."""

from __future__ import annotations

from distill_core.losses.attention import attention_scores_mse
from distill_core.signals.types import SignalSpec
from distill_core.terms.base import Step, StudentWants, Term, Values


class AttentionScores(Term):
    """Σ_i Σ_j MSE of QKᵀ/√d before the softmax, student layer j against layer round(j·L/K); equal heads needed."""

    def pairs(self, teacher: int) -> list[tuple[int, int]]:
        return self.setup.pairs("attention", teacher)

    def signals(self, teacher: int) -> SignalSpec:
        return SignalSpec(level="token", qkv=tuple(layer for _, layer in self.pairs(teacher)))

    def student(self) -> StudentWants:
        return StudentWants(qkv=frozenset(range(1, self.setup.student.layers + 1)))

    def forward(self, step: Step) -> Values | None:
        total = step.logits.new_zeros(len(step.rows))
        for number, signal in step.shown():
            for own, layer in self.pairs(number):
                ours, theirs = step.outputs.qkv[own], signal.qkv[layer]
                total = total + attention_scores_mse(
                    ours[:, :, 0],
                    ours[:, :, 1],
                    theirs[:, :, 0],
                    theirs[:, :, 1],
                    step.batch.mask,
                    student_heads=self.setup.student.heads,
                    teacher_heads=self.setup.teachers[number].heads,
                )
        return Values(total)
