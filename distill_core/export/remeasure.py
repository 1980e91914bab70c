"""An export measured anew beside the student it was made of: validation quality, agreement, size, latency."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from distill_core.config import RunConfig
from distill_core.data.prepare import prepare as prepare_data
from distill_core.data.types import Rows
from distill_core.errors import DataError, StillroomError
from distill_core.export.formats import FORMATS
from distill_core.export.graph import quantise, write_onnx
from distill_core.export.runtime import OnnxModel
from distill_core.export.verdict import metric_words
from distill_core.measure.agreement import agreement
from distill_core.measure.latency import RUNTIME, Protocol, Subject, describe, measure_latency
from distill_core.measure.machine import describe_machine
from distill_core.models.base import Student
from distill_core.models.teacher import Teacher
from distill_core.models.teachers import load_teachers
from distill_core.signals.predict import Predictor, UnitAnswers, predict_units
from distill_core.tasks.base import Encoded, Task, build_task

#: batch sizes at which every export is measured, besides the run's own
BATCHES = (1, 32)
#: seconds a model may take at one batch size
SECONDS = 10.0
STUDENT, EXPORT, TEACHER = "student", "export", "teacher"


@dataclass
class Validation:
    """The run's validation rows in the student's own pieces, and what the student itself says about them."""

    task: Task
    rows: Rows
    labels: list[str]
    encoded: Encoded
    answers: UnitAnswers

    def quality(self, answers: UnitAnswers) -> float:
        """The run's metric, in [0, 1]."""
        return float(self.task.quality(self.rows, answers.predicted, self.labels)[self.task.metric])


def validation_of(config: RunConfig, report: dict[str, Any], student: Student, max_tokens: int) -> Validation:
    """The validation rows, prepared from the run's data as the run did.

    Raises:
        DataError: the data cannot be read any more, or are others than the run's. NetworkError.
    """
    hint = "An export is measured on the run's validation rows: put its data back where they were, then try again."
    try:
        data = prepare_data(config.data, seed=config.seeds[0])
    except StillroomError as error:
        error.hint = f"{hint} {error.hint}".strip()
        raise
    known = (report.get("data") or {}).get("fingerprint")
    if known and data.fingerprint != known:
        raise DataError("The data of this run have changed since it was made.", hint=hint)
    task = build_task(config.data.task).for_run(config).for_labels(data.labels)
    encoded = task.encode(student.tokenizer, data.validation, max_tokens)
    rows = task.bind(data.validation, encoded, student.tokenizer)
    return Validation(task, rows, data.labels, encoded, predict_units(student, encoded, "cpu"))


def measured_quality(validation: Validation, model: Predictor) -> dict[str, Any]:
    """An export's answers beside the student's own, on the same rows: {rows, metric, metric_words, quality {student,
    export} in [0, 1], lost_points, agreement in [0, 1]}."""
    answers = predict_units(model, validation.encoded, "cpu")
    own, other = validation.quality(validation.answers), validation.quality(answers)
    return {
        "rows": len(validation.rows),
        "metric": validation.task.metric,
        "metric_words": metric_words(validation.task.metric, validation.task.name),
        "quality": {"student": own, "export": other},
        "lost_points": 100 * (own - other),
        "agreement": agreement(answers.predicted, validation.answers.predicted),
    }


@dataclass
class Timed:
    """What takes part in the measuring of latency. model: the export; teacher: on the same runtime, where asked."""

    student: Student
    model: Callable[..., Any]
    runtime: str
    max_tokens: int
    teacher: tuple[str, Callable[..., Any], Teacher] | None = None


def measured_latency(timed: Timed, config: RunConfig, stop: Callable[[], bool] = lambda: False) -> dict[str, Any]:
    """{latency: rows as in report.json, with p50_interval, and student_torch_ms of the unexported student; teacher: its
    name | None; protocol; device; versions; measured: s since 1970}. All models take turns, on the CPU."""
    protocol = Protocol(
        batch_sizes=sorted({*BATCHES, *config.measure.batch_sizes}),
        tokens=config.measure.tokens,
        threads=config.measure.threads,
        repeats=config.measure.repeats,
        max_seconds=SECONDS,
    )
    subjects = {STUDENT: _subject(timed.student, timed.student, RUNTIME, timed.max_tokens)}
    if timed.model is not timed.student:
        subjects[EXPORT] = _subject(timed.model, timed.student, timed.runtime, timed.max_tokens)
    if timed.teacher is not None:
        _, call, teacher = timed.teacher
        subjects[TEACHER] = _subject(call, teacher, timed.runtime, teacher.max_tokens, role="teacher")
    rows = measure_latency(subjects, protocol, stop=stop)
    described = {**describe(protocol), "runtime": timed.runtime}
    return {
        "latency": _table(rows),
        "teacher": timed.teacher[0] if timed.teacher else None,
        "protocol": described,
        "device": describe_machine("cpu"),
        "versions": {name: version(name) for name in ("torch", "onnx", "onnxruntime")},
        "measured": time.time(),
    }


def _subject(
    call: Callable[..., Any], model: Student | Teacher, runtime: str, max_tokens: int | None, *, role: Any = "student"
) -> Subject:
    tokenizer = model.tokenizer
    return Subject(
        role=role,
        call=call,
        vocab_size=len(tokenizer),
        type_ids="token_type_ids" in tokenizer.model_input_names,
        pad_id=tokenizer.pad_token_id,
        max_tokens=max_tokens,
        runtime=runtime,
    )


def _table(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    by = {(row["name"], row["batch"]): row for row in rows}
    found = []
    for batch in sorted({row["batch"] for row in rows}):
        torch_row = by[STUDENT, batch]
        own, teacher = by.get((EXPORT, batch), torch_row), by.get((TEACHER, batch))
        found.append(
            {
                **{name: own[name] for name in ("batch", "tokens", "threads", "runtime")},
                "student_ms": _times(own),
                "student_torch_ms": _times(torch_row),
                "teacher_ms": None if teacher is None else _times(teacher),
                "speedup": None if teacher is None or not own["p50"] else teacher["p50"] / own["p50"],
            }
        )
    return found


def _times(row: dict[str, Any]) -> dict[str, Any]:
    return {name: row[name] for name in ("p50", "p95", "p50_interval")}


class TeacherOnRuntime:
    """The reference teacher on the runtimes of the exports: written into a folder that is thrown away afterwards.

    Its weights are random, in the right shapes: how long it takes does not depend on their values.
    """

    def __init__(self, config: RunConfig, report: dict[str, Any], labels: list[str], folder: Path) -> None:
        self._config, self._labels, self._folder = config, labels, folder
        self.name = str(report["reference_teacher"])
        self._place = [teacher["name"] for teacher in report["teachers"]].index(self.name)
        self._loaded: Teacher | None = None

    @property
    def teacher(self) -> Teacher:
        if self._loaded is None:
            settings = self._config.teacher_training
            self._loaded = load_teachers(
                self._config.teachers,
                settings.mode,
                self._labels,
                dropout=settings.dropout,
                seed=self._config.seeds[0],
                task=self._config.data.task,
                stand_ins=True,
            )[self._place]
        return self._loaded

    def on(self, name: str) -> tuple[str, Callable[..., Any], Teacher]:
        """(its name, what is called, the teacher) for an export format. Raises CheckpointError."""
        teacher, made = self.teacher, FORMATS[name]
        if made.runtime == RUNTIME:
            return self.name, teacher, teacher
        whole, small = self._folder / "teacher.onnx", self._folder / "teacher-int8.onnx"
        if not whole.exists():
            write_onnx(teacher, whole)
        path = whole if made.runtime == "onnxruntime" else small
        if not path.exists():
            quantise(whole, small)
        unit, threads = build_task(self._config.data.task).unit, self._config.measure.threads
        return self.name, OnnxModel(path, unit, threads=threads), teacher
