"""Soft labels: the student's distribution follows each teacher's, weighted."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

from torch import Tensor

from distill_core.catalogue import DIVERGENCES
from distill_core.losses.buckets import bucket
from distill_core.losses.revision import kl_to_probabilities, revise
from distill_core.terms.base import Setup, Step, Term, Values
from distill_core.weighting.disagreement import disagreement


class SoftLabels(Term):
    """Σ_i w_i·D(teacher i, student) per unit, D from `objective.soft_label_loss`; w from `objective.teacher_weighting`.

    With KL and MT-BERT's weights this is L_dis of 2106.01023 §3.2 (cross-entropy written as KL: their gradients are
    equal). With label revision (2404.03693) D is KL to the revised distribution.
    """

    def __init__(self, setup: Setup) -> None:
        super().__init__(setup)
        self.divergence = cast(Callable[..., Tensor], DIVERGENCES[setup.objective.soft_label_loss].load())

    def forward(self, step: Step) -> Values | None:
        if step.weights is None:
            return None
        total = step.logits.new_zeros(len(step.logits))
        logs: dict[str, Tensor] = {}
        for place, (number, logits) in enumerate(step.said()):
            teacher = self.setup.teachers[number]
            classes = step.teacher_classes[place] if step.teacher_classes else None
            values = self._compare(step, logits, classes)
            total = total + step.weights[:, place] * values
            logs[f"kl/{teacher.name}"] = values
            logs[f"weight/{teacher.name}"] = step.weights[:, place]
        # Teachers' most probable classes differ, and so do their buckets.
        if len(step.teacher_logits) > 1 and not any(classes is not None for classes in step.teacher_classes):
            logs["disagreement"] = disagreement(step.teacher_logits)
        return Values(total, logs)

    def _compare(self, step: Step, teacher_logits: Tensor, classes: Tensor | None) -> Tensor:
        objective = self.setup.objective
        temperature = objective.distill_temperature
        if objective.label_revision is not None:
            target = revise(teacher_logits, step.gold, objective.label_revision, temperature=temperature)
            return kl_to_probabilities(step.logits, target, temperature=temperature)
        student_logits = step.logits if classes is None else bucket(step.logits, classes)
        return self.divergence(student_logits, teacher_logits, temperature=temperature)
