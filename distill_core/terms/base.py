"""What every term of the objective has in common: what it asks of teachers and student, its learnt maps, its values."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from torch import Tensor, nn

from distill_core.config import Objective
from distill_core.models.layers import compared
from distill_core.models.types import Batch, Outputs
from distill_core.signals.types import SignalSpec, TeacherSignal


@dataclass(frozen=True)
class TeacherShape:
    """One teacher as terms see it. level: where its states are compared with the student's: "token", "word" or
    "pooled"."""

    name: str
    layers: int
    width: int
    pooled_width: int
    heads: int
    level: str
    parameters: int = 0


@dataclass(frozen=True)
class StudentShape:
    """The student before it is built. heads: 0 for a student without attention."""

    kind: str
    layers: int
    heads: int


@dataclass(frozen=True)
class Setup:
    """What terms are made from: the objective, the shapes of both sides, the task's name and number of classes."""

    objective: Objective
    student: StudentShape
    teachers: Sequence[TeacherShape]
    task: str = "classification"
    classes: int = 2

    def pairs(self, term: str, teacher: int) -> list[tuple[int, int]]:
        """(student layer, layer of teacher number `teacher`), from 1, that a term compares."""
        theirs, student = self.teachers[teacher].layers, self.student
        return compared(term, self.objective, student.layers, theirs, deep=student.heads > 0)


@dataclass(frozen=True)
class StudentWants:
    """Which states the student has to hand out. qkv: layers (from 1) whose queries, keys and values are wanted."""

    layers: frozenset[int] = frozenset()
    qkv: frozenset[int] = frozenset()

    def __or__(self, other: StudentWants) -> StudentWants:
        return StudentWants(self.layers | other.layers, self.qkv | other.qkv)


@dataclass
class Step:
    """One batch, seen by all sides. B examples; U units: examples, or in tagging the words that all sides see.

    logits: [U, C] of the student, with gradient. gold: [U] int64, −1 where there is none. signals: of the teachers
    asked in this phase; teachers: their numbers among all of the run (None: it asks all). teacher_logits: N tensors
    [U, C] on the same device, of those that have a prediction layer; answering: their numbers (None: likewise). owner:
    [U] int64, the example each unit belongs to. weights: [U, N] of the answering teachers, None without. progress:
    share of the stage done, in [0, 1]. number: optimizer step of the trial; seed: the trial's. mixed: what student
    [B, C] (with gradient) and teachers (N × [B, C]) say about mixtures of each example with its partner, from the
    partners' positions [B] in the batch and the share λ of the examples themselves.
    teacher_classes: for each answering teacher [U, k], where its logits are [U, k+1] of these classes and all others
    together (`losses.buckets`); None where they are all classes'.
    """

    batch: Batch
    outputs: Outputs
    logits: Tensor
    gold: Tensor
    owner: Tensor
    rows: np.ndarray
    teacher_logits: list[Tensor] = field(default_factory=list)
    signals: list[TeacherSignal] = field(default_factory=list)
    weights: Tensor | None = None
    progress: float = 0.0
    teacher_classes: list[Tensor | None] = field(default_factory=list)
    number: int = 0
    seed: int = 0
    mixed: Callable[[np.ndarray, float], tuple[Tensor, list[Tensor]]] | None = None
    teachers: Sequence[int] | None = None
    answering: Sequence[int] | None = None

    def shown(self) -> list[tuple[int, TeacherSignal]]:
        """(number, signal) of every teacher asked."""
        return list(zip(_numbers(self.teachers, len(self.signals)), self.signals, strict=True))

    def said(self) -> list[tuple[int, Tensor]]:
        """(number, logits [U, C]) of every teacher that answers."""
        return list(zip(_numbers(self.answering, len(self.teacher_logits)), self.teacher_logits, strict=True))


def _numbers(given: Sequence[int] | None, count: int) -> Sequence[int]:
    return range(count) if given is None else given


@dataclass
class Values:
    """A term's unweighted values, [K], one per unit (or example) it applies to; logs: {name: (values [K'], …)} of
    parts worth a curve of their own."""

    values: Tensor
    logs: dict[str, Tensor] = field(default_factory=dict)


class Term(nn.Module, ABC):
    """One term of the objective. It is trained along (its maps), but is no part of the finished student.

    Life: made from a `Setup` before any signal is kept; asked what it needs; attached to the built student; called at
    every step. The step reduces: mean over a term's values, so a term is equal for any split of a batch once sums and
    counts are added up.
    """

    def __init__(self, setup: Setup) -> None:
        super().__init__()
        self.setup = setup

    def signals(self, teacher: int) -> SignalSpec:
        """What it needs of teacher number `teacher` (from 0) besides the logits."""
        del teacher
        return SignalSpec()

    def student(self) -> StudentWants:
        """What it needs of the student besides the logits."""
        return StudentWants()

    def attach(self, student: Any, *, seed: int) -> None:
        """Make the learnt maps for this student (`models.base.Student`), drawn from the seed and their own keys."""

    @abstractmethod
    def forward(self, step: Step) -> Values | None:
        """Values of this step, or None where the batch holds nothing it applies to."""
