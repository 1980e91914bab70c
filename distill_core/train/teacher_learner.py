"""Finetuning teachers: one alone, or several with one shared pooling and prediction layer (MT-BERT, stage A)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from torch import nn

from distill_core.config import TeacherTraining
from distill_core.losses.hard_labels import hard_label_ce
from distill_core.models.memory import Room, answers_in_parts
from distill_core.models.precision import Precision
from distill_core.models.teachers import Teacher
from distill_core.models.types import moved
from distill_core.signals.predict import predict_units
from distill_core.tasks.base import Encoded, Targets
from distill_core.tasks.encoding import collate
from distill_core.train.rates import teacher_rates
from distill_core.train.types import StepInfo, StepTerms, Validation


class TeacherLearner:
    """Trains `teachers` on the labelled rows; loss Σ_i CE(y, z_i) (2106.01023 §3.1). One teacher: plain finetuning.

    Args:
        teachers: models that already live on `device`.
        encoded: for each teacher, the table of examples in its own tokens; rows of the plan index into it.
        targets: gold of that table.
        validation: for each teacher, the encoded validation rows.
        score: [U] predicted classes of the validation units → quality in [0, 1].
        precision: what the teachers compute in while they learn; validation is in fp32.
    """

    def __init__(
        self,
        teachers: Sequence[Teacher],
        encoded: Sequence[Encoded],
        targets: Targets,
        validation: Sequence[Encoded],
        score: Callable[[np.ndarray], float],
        settings: TeacherTraining,
        device: torch.device,
        *,
        precision: Precision = "fp32",
    ) -> None:
        self.teachers, self.encoded, self.targets = list(teachers), list(encoded), targets
        self.validation, self.score = list(validation), score
        self.settings, self.device, self.precision = settings, device, precision
        self.room = Room()
        self._module = nn.ModuleList(self.teachers)

    @property
    def arms(self) -> list[str]:
        return [f"teacher:{teacher.name}" for teacher in self.teachers]

    @property
    def module(self) -> nn.Module:
        return self._module

    def parameter_groups(self) -> list[dict[str, Any]]:
        rates = [self._rates(teacher) for teacher in self.teachers]
        encoders = [list(teacher.encoder.parameters()) for teacher in self.teachers]
        known = {id(p) for parameters in encoders for p in parameters}
        heads = [p for p in self._module.parameters() if id(p) not in known]
        # One head for all learns at the most careful of their rates.
        groups = [{"params": p, "lr": encoder} for p, (encoder, _) in zip(encoders, rates, strict=True)]
        groups.append({"params": heads, "lr": min(head for _, head in rates)})
        return [group for group in groups if group["params"]]

    def _rates(self, teacher: Teacher) -> tuple[float, float]:
        """Of encoder and head: a head that was pre-trained learns as its encoder does, unless the settings say how."""
        encoder, head = teacher_rates(self.settings, teacher.width)
        return encoder, head if teacher.head_is_new or self.settings.head_learning_rate is not None else encoder

    def accumulate(self, rows: np.ndarray, step: StepInfo) -> StepTerms:
        del step
        terms = StepTerms()
        for teacher, encoded, arm in zip(self.teachers, self.encoded, self.arms, strict=True):
            batch = collate(encoded, rows).to(self.device)
            outputs = answers_in_parts(teacher, batch, self.precision, self.room)
            logits = outputs.logits
            gold = moved(self.targets.batch(rows, logits.shape[1]), self.device)
            if outputs.word_mask is not None:
                logits, gold = logits[outputs.word_mask], gold[outputs.word_mask]
            count = int((gold >= 0).sum())
            if not count:
                continue
            loss = hard_label_ce(logits, gold).sum() / count
            # One teacher's graph at a time: the gradients add up just the same, with less memory.
            loss.backward()
            terms.add((arm, "loss"), loss, count)
        return terms

    def validate(self) -> Validation:
        rows: dict[tuple[str, str], float] = {}
        scores = []
        for teacher, encoded, arm in zip(self.teachers, self.validation, self.arms, strict=True):
            said = predict_units(teacher, encoded, self.device)
            scores.append(self.score(said.predicted))
            rows[(arm, "validation_quality")] = scores[-1]
            if said.nll is not None:
                rows[(arm, "validation_loss")] = float(said.nll.mean())
        return Validation(score=float(np.mean(scores)), rows=rows, units={"validation_loss": "nats"})

    def state(self) -> dict[str, Any]:
        return {}

    def load_state(self, state: dict[str, Any]) -> None:
        del state
