"""Our side of speed.py: the cache and the training loop as a run uses them, without its preparation and report."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from transformers import BertForMaskedLM, BertForSequenceClassification, BertForTokenClassification

from benchmarks.speed_work import (
    BATCH,
    HARD,
    HIDDEN,
    LEARNING_RATE,
    SOFT,
    STUDENT,
    TEACHER,
    TEMPERATURE,
    Material,
    Work,
    config,
)
from distill_core.catalogue import TERMS
from distill_core.config import Objective, Training
from distill_core.models.encoders import new_encoder
from distill_core.models.masked_teacher import MaskedTeacher
from distill_core.models.precision import Precision
from distill_core.models.teacher import Teacher
from distill_core.models.teachers import ReadyTeacher
from distill_core.models.used_rows import rows_in_use
from distill_core.signals.cache import build_cache
from distill_core.signals.types import SignalSpec
from distill_core.students.transformer.model import TransformerClassifier
from distill_core.terms.base import Setup, StudentShape, TeacherShape
from distill_core.train.phases import Phase, Weight
from distill_core.train.stop import StopToken
from distill_core.train.student_learner import Lessons, StudentData, StudentLearner
from distill_core.train.trainer import Trainer
from distill_core.train.types import Trial
from distill_core.weighting.constant import Constant

#: pieces kept of a teacher's answer, as a run does by default
TOP_K = 64


@dataclass(frozen=True)
class How:
    """clock: seconds that count, read when the device has done what it was told."""

    device: torch.device = field(default_factory=lambda: torch.device("cpu"))
    precision: Precision = "fp32"
    batch: int = BATCH
    clock: Callable[[], float] = time.process_time


class _Silent:
    def emit(self, kind: str, **payload: Any) -> None: ...


def run(work: Work, given: Material, folder: Path, how: How = How()) -> dict[str, float]:
    """Seconds (of the CPU, unless `how` counts others) of asking the teachers and of training the student; what is
    cached is asked before."""
    torch.manual_seed(0)
    teachers = [_teacher(work, given, f"teacher {number}") for number in range(work.teachers)]
    encoder = new_encoder(config(STUDENT, given.classes))
    student = TransformerClassifier(encoder, given.tokenizer, classes=given.classes, dropout=0.1, task=work.task)
    return taught(work, given, teachers, student, folder, how=how)


def taught(
    work: Work,
    given: Material,
    teachers: list[Teacher],
    student: TransformerClassifier,
    folder: Path,
    seed: int = 1,
    how: How = How(),
) -> dict[str, float]:
    """Seconds of asking these teachers, and of training this student, in place."""
    student.to(how.device)
    for teacher in teachers:
        teacher.to(how.device)
    spec = SignalSpec(layers=(TEACHER[0],) if work.hidden else (), top_k=TOP_K if work.task == "masked_lm" else 0)
    ids = [str(number) for number in range(len(given.encoded))]
    began = how.clock()
    sources = [
        build_cache(
            folder / f"signals-{number}", teacher, given.encoded, ids, spec, device=how.device, precision=how.precision
        )
        for number, teacher in enumerate(teachers)
    ]
    asked = how.clock() - began
    began = how.clock()
    _train(work, given, student, (teachers, sources), folder / "trial", seed, how)
    trained = how.clock() - began
    return {"asked": 0.0 if work.cached else asked, "trained": trained}


def _teacher(work: Work, given: Material, name: str) -> Teacher:
    if work.task == "masked_lm":
        return MaskedTeacher(name, cast(Any, None), (given.tokenizer, BertForMaskedLM(config(TEACHER, 2)).eval()))
    kind = BertForTokenClassification if work.task == "tagging" else BertForSequenceClassification
    loaded = (given.tokenizer, kind(config(TEACHER, given.classes)).eval())
    unit = "word" if work.task == "tagging" else "example"
    return ReadyTeacher(name, cast(Any, None), loaded, range(given.classes), unit=unit)


def _train(
    work: Work,
    given: Material,
    student: TransformerClassifier,
    taught_by: tuple[list[Teacher], list[Any]],
    folder: Path,
    seed: int,
    how: How,
) -> None:
    teachers, sources = taught_by
    names = [teacher.name for teacher in teachers]
    weights = {"hard": Weight(HARD, HARD), "soft": Weight(SOFT, SOFT)}
    if work.hidden:
        weights["hidden"] = Weight(HIDDEN, HIDDEN)
    setup = Setup(
        Objective(
            soft_label_weight=SOFT, hard_label_weight=HARD, hidden_weight=HIDDEN if work.hidden else 0.0,
            distill_temperature=TEMPERATURE, hidden_layers="last",
        ),
        StudentShape("transformer", STUDENT[0], STUDENT[2]),
        [TeacherShape(name, TEACHER[0], TEACHER[1], TEACHER[1], TEACHER[2], "token") for name in names],
        task=work.task,
        classes=given.classes,
    )  # fmt: skip
    terms = {name: TERMS[name].load()(setup) for name in weights}
    for term in terms.values():
        term.attach(student, seed=seed)
    rows = np.arange(len(given.encoded))
    steps = work.epochs * -(-(len(rows) // given.copies) // how.batch)
    few = given.encoded.take(rows[: how.batch])
    with rows_in_use([(student, [given.encoded])], folder):
        learner = StudentLearner(
            "main",
            student,
            StudentData(given.encoded, given.targets(), few, lambda said: 0.0),
            Lessons(terms, names, sources, Constant(1.0 / len(names))),
            seed=seed,
            device=how.device,
            precision=how.precision,
        )
        phase = Phase("joint", steps, weights, rows, "linear", LEARNING_RATE, None, 1, copies=given.copies)
        Trainer(
            learner,
            [phase],
            Training(batch_size=how.batch),
            Trial("main", seed),
            lengths=given.encoded.lengths,
            folder=folder,
            sink=_Silent(),
            stop=StopToken(),
        ).run()
