"""Latency of shapes: student and teachers with random weights, measured as a run measures them, in about a second."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from distill_core.config import MeasureSection, Student, StudentSection, TeacherSection
from distill_core.measure.latency import Protocol, Subject, measure_latency
from distill_core.measure.machine import choose_device
from distill_core.models.base import Student as BaseStudent
from distill_core.models.base import count_parameters
from distill_core.models.encoders import word_embedding
from distill_core.models.students import build_student
from distill_core.models.teachers import StudentTeacher, Teacher, load_teachers
from distill_core.planner.store import ProbeStore, digest, machine_key
from distill_core.stages.results import student_name, subject
from distill_core.tasks.base import build_task

_STUDENT: TypeAdapter[StudentSection] = TypeAdapter(Student)

#: seconds and timed calls a model gets at one batch size; a slow one is called `LEAST` times
SECONDS, REPEATS, WARMUP, LEAST = 0.35, 15, 2, 3


@dataclass(frozen=True)
class Shapes:
    """What is measured: the parts of a draft that decide latency. classes: of the data, at least 2."""

    student: StudentSection
    teachers: list[TeacherSection]
    mode: str
    task: str
    classes: int
    max_tokens: int
    measure: MeasureSection
    device: str = "auto"


def answer(payload: dict[str, Any]) -> dict[str, Any]:
    """Handler of "latency". payload: `Shapes` as JSON, and `cache`, the data home's cache folder.

    {"rows": [{name, role, batch, tokens, threads, runtime, device, p50, p95, cpu_ms, repeats}], "speedup": {batch: the
    smallest teacher's time over the student's}, "against": that teacher's name, "compared": the figure of a row that
    speed-ups are made of, "cpu_ms" or "p50", "protocol": str}
    """
    shapes = Shapes(
        student=_STUDENT.validate_python(payload["student"]),
        teachers=[TeacherSection.model_validate(teacher) for teacher in payload["teachers"]],
        mode=payload["mode"],
        task=payload["task"],
        classes=int(payload["classes"]),
        max_tokens=int(payload["max_tokens"]),
        measure=MeasureSection.model_validate(payload["measure"]),
        device=payload["device"],
    )
    return preview(shapes, ProbeStore(Path(payload["cache"])))


def preview(shapes: Shapes, store: ProbeStore) -> dict[str, Any]:
    """See `answer`. Teachers' times are remembered for themselves: only a new student is measured anew."""
    teachers = stand_ins(shapes)
    student_section = shapes.student.model_copy(update={"vocabulary": "full"}).untaught()
    init = teachers[shapes.student.init_teacher - 1]
    student = build_student(
        student_section,
        teachers=teachers,
        classes=word_embedding(init.encoder).shape[0] if _by_piece(shapes) else shapes.classes,
        max_tokens=shapes.max_tokens,
        seed=0,
        task=shapes.task,
    )
    found = Timed(teachers, student, shapes.max_tokens, f"{shapes.task} {shapes.mode}")
    device = choose_device(shapes.device).type
    for model in (*teachers, student):
        model.to(device)
    protocol = quick_protocol(shapes.measure, found.tokens(shapes.measure.tokens), device)
    measured = found.rows(protocol, store)
    smallest = min((teacher for teacher in teachers if teacher.answers), key=count_parameters).name
    return {
        "rows": measured,
        "speedup": _speedups(measured, smallest, found.student_name),
        "against": smallest,
        "compared": _compared(device, protocol.threads),
        "protocol": _in_words(protocol, smallest),
    }


@dataclass(frozen=True)
class Timed:
    """Models whose weights do not matter. kind: what else their names in the store depend on."""

    teachers: Sequence[Teacher]
    student: BaseStudent
    max_tokens: int
    kind: str

    @property
    def student_name(self) -> str:
        return student_name([teacher.name for teacher in self.teachers])

    def tokens(self, wanted: int) -> int:
        """The length that all can read."""
        return min([wanted, self.max_tokens, *(t.max_tokens for t in self.teachers if t.max_tokens)])

    def rows(self, protocol: Protocol, store: ProbeStore) -> list[dict[str, Any]]:
        """Rows of `measure_latency`, each model that answers measured for itself, or remembered."""
        found: list[dict[str, Any]] = []
        for teacher in self.teachers:
            if not teacher.answers:
                continue  # it stays as pre-trained, and nobody will wait for it
            what = [architecture(teacher), count_parameters(teacher), self.kind]
            found += _remembered(store, what, subject("teacher", teacher, teacher.max_tokens), protocol, teacher.name)
        what = [architecture(self.student), count_parameters(self.student)]
        own = subject("student", self.student, self.max_tokens)
        return found + _remembered(store, what, own, protocol, self.student_name)


def architecture(model: Teacher | BaseStudent) -> dict[str, Any]:
    """What a model's cost depends on, beside its number of parameters; JSON-able."""
    if isinstance(model, StudentTeacher):
        model = model.model
    found: dict[str, Any] = model.architecture if isinstance(model, BaseStudent) else model.encoder.config.to_dict()
    return found


def stand_ins(shapes: Shapes) -> list[Teacher]:
    """All teachers with random weights, from their small files alone. Raises CheckpointError, NetworkError."""
    labels = [str(number) for number in range(shapes.classes)]
    sections = [section.model_copy(update={"label_mapping": None}) for section in shapes.teachers]
    if shapes.mode == "as_is" and not _by_piece(shapes):
        return _with_own_heads(sections, shapes)
    mode = "separate" if shapes.mode == "as_is" else shapes.mode
    return load_teachers(sections, mode, labels, dropout=None, seed=0, task=shapes.task, stand_ins=True)


def _by_piece(shapes: Shapes) -> bool:
    """Do all models predict pieces, with heads that come with the checkpoints?"""
    return build_task(shapes.task).unit == "piece"


def _with_own_heads(sections: Sequence[TeacherSection], shapes: Shapes) -> list[Teacher]:
    """Teachers used as they are, each in its own labels: which are the data's does not matter to their latency."""
    from distill_core.checkpoints import inspect_light

    found: list[Teacher] = []
    for section in sections:
        labels = inspect_light(section.source, section.revision, section.keep_layers).labels or []
        teacher = load_teachers([section], "as_is", labels, dropout=None, seed=0, task=shapes.task, stand_ins=True)[0]
        taken, plain, number = {other.name for other in found}, teacher.name, 1
        while teacher.name in taken:
            number += 1
            teacher.name = f"{plain} {number}"
        found.append(teacher)
    return found


def quick_protocol(measure: MeasureSection, tokens: int, device: str) -> Protocol:
    return Protocol(
        batch_sizes=measure.batch_sizes,
        tokens=tokens,
        threads=measure.threads,
        warmup=WARMUP,
        repeats=REPEATS,
        max_seconds=SECONDS,
        device=device,
        least=LEAST,
    )


def _remembered(
    store: ProbeStore, what: list[Any], model: Subject, protocol: Protocol, name: str
) -> list[dict[str, Any]]:
    key = digest([*machine_key(), "latency", what, asdict(protocol)])
    known = store.get(key)
    if known is None:
        known = {"rows": measure_latency({name: model}, protocol)}
        store.put(key, known)
    return [{**row, "name": name} for row in known["rows"]]


def _speedups(rows: list[dict[str, Any]], teacher: str, student: str) -> dict[str, float]:
    times = {(row["name"], row["batch"]): row[_compared(row["device"], row["threads"])] for row in rows}
    batches = sorted({row["batch"] for row in rows})
    return {str(batch): times[teacher, batch] / times[student, batch] for batch in batches}


def _compared(device: str, threads: int) -> str:
    """Which figure of a row speed-ups are made of. Teachers and student are not timed in turn here, so that the clock
    would compare how busy the machine was; on one CPU thread, CPU time is the same work without that."""
    return "cpu_ms" if device == "cpu" and threads == 1 else "p50"


def _in_words(protocol: Protocol, teacher: str) -> str:
    threads = f"{protocol.threads} thread{'' if protocol.threads == 1 else 's'}"
    return (
        f"Random weights; torch eager fp32 on {protocol.device}, {threads}, {protocol.tokens} tokens; median of up to "
        f"{protocol.repeats} calls after {protocol.warmup} that do not count; speed-up against {teacher}, the smallest "
        f"teacher, by {'CPU time' if _compared(protocol.device, protocol.threads) == 'cpu_ms' else 'the clock'}."
    )
