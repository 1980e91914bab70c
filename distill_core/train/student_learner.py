"""Training a student: hard labels, soft labels and hidden states of several teachers, each term logged unweighted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from distill_core.config import Objective
from distill_core.losses.hard_labels import hard_label_ce
from distill_core.losses.hidden import hidden_mse, pooled_mse
from distill_core.losses.soft_labels import soft_label_kl
from distill_core.models.projections import Projections
from distill_core.models.students import Student
from distill_core.models.types import Batch, Outputs
from distill_core.models.words import pool_words
from distill_core.signals.types import SignalSource, TeacherSignal
from distill_core.tasks.classification import Encoded, collate
from distill_core.train.evaluate import accuracy, predict_logits
from distill_core.train.types import StepTerms, Validation
from distill_core.weighting.base import TeacherWeighting
from distill_core.weighting.disagreement import disagreement


@dataclass
class Lesson:
    """One teacher as the student meets it: its name, what it says, and which states are compared where.

    pairs: (student layer, teacher layer), from 1. level: "token", "word" or "pooled".
    """

    name: str
    source: SignalSource
    pairs: Sequence[tuple[int, int]]
    level: str


@dataclass
class StudentData:
    """The examples in the student's tokens: the training table (gold −1 where there is none) and validation."""

    encoded: Encoded
    labels: np.ndarray
    validation: Encoded
    validation_labels: np.ndarray


class StudentLearner:
    """The student of one arm.

    The total is `hard_label_weight·CE + soft_label_weight·Σ_i w_i τ²KL(t_i ‖ s) + hidden_weight·Σ_i Σ_j MSE`
    (2106.01023 §3.2, with the cross-entropy written as KL: their gradients are equal). Every term is a mean over the
    rows it applies to.

    Args:
        arm: name in events.
        student, projections: what is trained; projections is None without hidden loss.
        lessons: the teachers; empty for the no-teacher control.
        weighting: teachers' weights per example; None without lessons.
    """

    def __init__(
        self,
        arm: str,
        student: Student,
        data: StudentData,
        objective: Objective,
        lessons: Sequence[Lesson],
        weighting: TeacherWeighting | None,
        projections: Projections | None,
        *,
        learning_rate: float,
        device: torch.device,
    ) -> None:
        self.arm, self.student, self.data, self.objective = arm, student, data, objective
        self.lessons, self.weighting, self.projections = list(lessons), weighting, projections
        self.learning_rate, self.device = learning_rate, device
        self.labels = torch.as_tensor(data.labels)
        self._module = nn.ModuleDict({"student": student})
        if projections is not None:
            self._module["projections"] = projections
        self._weight_sums = [0.0] * len(self.lessons)
        self._weight_rows = 0

    # ---- Learner

    @property
    def arms(self) -> list[str]:
        return [self.arm]

    @property
    def module(self) -> nn.Module:
        return self._module

    def parameter_groups(self) -> list[dict[str, Any]]:
        return [{"params": [p for p in self._module.parameters() if p.requires_grad], "lr": self.learning_rate}]

    def state(self) -> dict[str, Any]:
        return {"weight_sums": self._weight_sums, "weight_rows": self._weight_rows}

    def load_state(self, state: dict[str, Any]) -> None:
        if state:
            self._weight_sums, self._weight_rows = list(state["weight_sums"]), state["weight_rows"]

    def accumulate(self, rows: np.ndarray) -> StepTerms:
        batch = collate(self.data.encoded, rows).to(self.device)
        outputs = self.student(batch, layers=self._compared_layers())
        gold = self.labels[torch.as_tensor(rows)].to(self.device)
        signals = [lesson.source.get(rows) for lesson in self.lessons]
        terms = StepTerms()
        total = self._hard(outputs, gold, terms)
        if self.lessons:
            total = total + self._soft(outputs, gold, signals, terms)
            total = total + self._hidden(outputs, batch, signals, terms)
        terms.add((self.arm, "loss_total"), total, len(rows))
        # With hard labels alone, a batch without a single labelled row leaves nothing to learn from.
        if total.requires_grad:
            total.backward()
        return terms

    def validate(self) -> Validation:
        logits = predict_logits(self.student, self.data.validation, self.device)
        quality = accuracy(logits, self.data.validation_labels)
        return Validation(score=quality, rows={(self.arm, "validation_quality"): quality})

    # ---- the terms

    def _hard(self, outputs: Outputs, gold: Tensor, terms: StepTerms) -> Tensor:
        labelled = gold >= 0
        count = int(labelled.sum())
        if not self.objective.hard_label_weight or not count:
            return outputs.logits.sum() * 0.0
        loss = hard_label_ce(outputs.logits[labelled], gold[labelled]).mean()
        terms.add((self.arm, "loss_hard"), loss, count)
        return self.objective.hard_label_weight * loss

    def _soft(self, outputs: Outputs, gold: Tensor, signals: list[TeacherSignal], terms: StepTerms) -> Tensor:
        assert self.weighting is not None
        if not self.objective.soft_label_weight:
            return outputs.logits.sum() * 0.0
        logits = [signal.logits.to(self.device) for signal in signals]
        weights = self.weighting.weights(logits, gold)
        total = outputs.logits.new_zeros(())
        rows = len(gold)
        for number, (lesson, teacher_logits) in enumerate(zip(self.lessons, logits, strict=True)):
            kl = soft_label_kl(outputs.logits, teacher_logits, temperature=self.objective.distill_temperature)
            total = total + (weights[:, number] * kl).mean()
            weight = weights[:, number].mean()
            terms.add((self.arm, f"kl/{lesson.name}"), kl.mean(), rows)
            terms.add((self.arm, f"weight/{lesson.name}"), weight, rows)
            self._weight_sums[number] += float(weight) * rows
        self._weight_rows += rows
        terms.add((self.arm, "loss_soft"), total, rows)
        if len(logits) > 1:
            terms.add((self.arm, "disagreement"), disagreement(logits).mean(), rows)
        return self.objective.soft_label_weight * total

    def _hidden(self, outputs: Outputs, batch: Batch, signals: list[TeacherSignal], terms: StepTerms) -> Tensor:
        if self.projections is None:
            return outputs.logits.sum() * 0.0
        total = outputs.logits.new_zeros(())
        words: dict[int, tuple[Tensor, Tensor]] = {}
        for number, (lesson, signal) in enumerate(zip(self.lessons, signals, strict=True)):
            if lesson.level == "pooled":
                assert signal.pooled is not None
                target = self.projections(number, "pooled", signal.pooled.to(self.device).float())
                total = total + pooled_mse(outputs.pooled, target).mean()
                continue
            for layer, teacher_layer in lesson.pairs:
                states, mask = outputs.hidden[layer], batch.mask
                if lesson.level == "word":
                    if layer not in words:
                        words[layer] = pool_words(states, batch.words)
                    states, mask = words[layer]
                target = signal.hidden[teacher_layer].to(self.device).float()
                # Each side may have cut off other words at its own length limit: only those both saw count.
                units = min(states.shape[1], target.shape[1])
                both = mask[:, :units] & signal.mask[:, :units].to(self.device)
                projected = self.projections(number, layer, target[:, :units])
                total = total + hidden_mse(states[:, :units], projected, both).mean()
        terms.add((self.arm, "loss_hidden"), total, len(outputs.logits))
        return self.objective.hidden_weight * total

    def _compared_layers(self) -> tuple[int, ...]:
        if self.projections is None:
            return ()
        return tuple(
            sorted({layer for lesson in self.lessons if lesson.level != "pooled" for layer, _ in lesson.pairs})
        )


def mean_weight(state: dict[str, Any]) -> float | None:
    """Mean over rows and teachers of the weights a finished arm used (from FitResult.state)."""
    rows = state.get("weight_rows", 0)
    sums = state.get("weight_sums", [])
    return sum(sums) / (rows * len(sums)) if rows and sums else None
