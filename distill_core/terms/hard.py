"""Hard labels: cross-entropy on gold, and on what the teachers find most probable."""

from __future__ import annotations

import torch

from distill_core.losses.hard_labels import hard_label_ce
from distill_core.terms.base import Step, Term, Values


class HardLabels(Term):
    """CE on gold, over the units that have it."""

    def forward(self, step: Step) -> Values | None:
        known = step.gold >= 0
        if not bool(known.any()):
            return None
        return Values(hard_label_ce(step.logits[known], step.gold[known]))


class TeacherLabels(Term):
    """CE on the class the teachers' mean distribution finds most probable, over the units without gold: together with
    `HardLabels` the hard distillation of 1910.01769 §3 (gold ∪ teacher labels of the transfer set)."""

    def forward(self, step: Step) -> Values | None:
        bare = step.gold < 0
        if not bool(bare.any()) or not step.teacher_logits:
            return None
        probabilities = torch.stack([logits[bare].float().softmax(dim=-1) for logits in step.teacher_logits])
        return Values(hard_label_ce(step.logits[bare], probabilities.mean(dim=0).argmax(dim=-1)))
