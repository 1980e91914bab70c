"""Finetuning teachers: one alone, or several with one shared pooling and prediction layer (MT-BERT, stage A)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import nn

from distill_core.config import TeacherTraining
from distill_core.losses.hard_labels import hard_label_ce
from distill_core.models.teachers import Teacher
from distill_core.tasks.classification import Encoded, collate
from distill_core.train.evaluate import accuracy, predict_logits
from distill_core.train.rates import teacher_rates
from distill_core.train.types import StepTerms, Validation


class TeacherLearner:
    """Trains `teachers` on the labelled rows; loss Σ_i CE(y, z_i) (2106.01023 §3.1). One teacher: plain finetuning.

    Args:
        teachers: models that already live on `device`.
        encoded: for each teacher, the table of examples in its own tokens; rows of the plan index into it.
        labels: [N] gold classes of that table.
        validation: for each teacher, the encoded validation rows; validation_labels [M].
    """

    def __init__(
        self,
        teachers: Sequence[Teacher],
        encoded: Sequence[Encoded],
        labels: np.ndarray,
        validation: Sequence[Encoded],
        validation_labels: np.ndarray,
        settings: TeacherTraining,
        device: torch.device,
    ) -> None:
        self.teachers, self.encoded, self.labels = list(teachers), list(encoded), torch.as_tensor(labels)
        self.validation, self.validation_labels = list(validation), validation_labels
        self.settings, self.device = settings, device
        self._module = nn.ModuleList(self.teachers)

    @property
    def arms(self) -> list[str]:
        return [f"teacher:{teacher.name}" for teacher in self.teachers]

    @property
    def module(self) -> nn.Module:
        return self._module

    def parameter_groups(self) -> list[dict[str, Any]]:
        rates = [teacher_rates(self.settings, teacher.width) for teacher in self.teachers]
        encoders = [list(teacher.encoder.parameters()) for teacher in self.teachers]
        known = {id(p) for parameters in encoders for p in parameters}
        heads = [p for p in self._module.parameters() if id(p) not in known]
        # One head for all learns at the most careful of their rates.
        groups = [{"params": p, "lr": encoder} for p, (encoder, _) in zip(encoders, rates, strict=True)]
        groups.append({"params": heads, "lr": min(head for _, head in rates)})
        return [group for group in groups if group["params"]]

    def accumulate(self, rows: np.ndarray) -> StepTerms:
        terms = StepTerms()
        gold = self.labels[rows].to(self.device)
        for teacher, encoded, arm in zip(self.teachers, self.encoded, self.arms, strict=True):
            logits = teacher(collate(encoded, rows).to(self.device)).logits
            loss = hard_label_ce(logits, gold).mean()
            # One teacher's graph at a time: the gradients add up just the same, with less memory.
            loss.backward()
            terms.add((arm, "loss"), loss, len(rows))
        return terms

    def validate(self) -> Validation:
        rows = {}
        for teacher, encoded, arm in zip(self.teachers, self.validation, self.arms, strict=True):
            logits = predict_logits(teacher, encoded, self.device)
            rows[(arm, "validation_quality")] = accuracy(logits, self.validation_labels)
        return Validation(score=float(np.mean(list(rows.values()))), rows=rows)

    def state(self) -> dict[str, Any]:
        return {}

    def load_state(self, state: dict[str, Any]) -> None:
        del state
