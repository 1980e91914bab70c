"""How large student and teachers are before a run, and the advice that follows from what is chosen."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from distill_core import shapes
from distill_core.advice import FIELDS, Advice, Known, advise
from distill_core.checkpoints import CheckpointInfo
from distill_core.config import from_dict
from distill_core.errors import ConfigError, StillroomError
from distill_core.services.drafts import Parts, checked_data, foreign_paths, inspect, known_data
from distill_core.tasks.base import build_task

#: the fields at which advice may stand, besides the teachers' sources
ADVISED = FIELDS
DEFAULT_CLASSES = 2
_TEACHER_FIRST = "choose a teacher first: its tokeniser decides the student's vocabulary."


def sizes(draft: dict[str, Any], *, uploads_only: Path | None = None) -> dict[str, Any]:
    """See `Services.sizes`; with `advice`: dicts of `Advice` on what is typed, as far as it can be told quickly.

    Classes are counted from the data where that is quick (they were checked before).
    """
    parts = Parts.of(draft)
    infos: dict[int, CheckpointInfo] = {}
    try:
        if parts.student is None:
            from_dict(draft)  # raises with the field at fault
            return {"error": "the student's settings are not complete.", "field": "student", "advice": []}
        errors = foreign_paths(parts.data, dict(enumerate(parts.teachers)), uploads_only)
        if errors:
            return {"error": errors[0].message, "field": errors[0].field, "advice": []}
        infos = _inspected(parts)
        if parts.data is not None and parts.data.source == "bundled":
            checked_data(parts, None)
        classes = classes_of(parts)
        found = student_sizes(parts, infos, classes) or {"error": _TEACHER_FIRST, "field": None}
    except ConfigError as error:
        at = next((e for e in error.errors if e.field.startswith("student")), error.errors[0])
        found = {"error": str(at.message), "field": at.field}
    except StillroomError as error:
        found = {"error": error.message, "field": error.field}
    return {**found, "advice": [item.as_dict() for item in advice_on(parts, infos, found.get("parameters"))]}


def classes_of(parts: Parts) -> int:
    """Classes of the data where a check has counted them, else the least there can be."""
    known = known_data(parts)
    return max(DEFAULT_CLASSES, len(known.labels) if known else 0)


def advice_on(parts: Parts, infos: dict[int, CheckpointInfo], student: int | None) -> list[Advice]:
    """Advice on a draft. student: its parameters, None where they are not known yet."""
    known = known_data(parts)
    return advise(
        Known(
            student=parts.student,
            objective=parts.objective,
            training=parts.training,
            infos=infos,
            teachers=len(parts.teachers),
            student_parameters=student,
            teacher_parameters=teacher_parameters(parts, infos, classes_of(parts)),
            # Plain text has no transfer rows, and no advice about them.
            rows=known.sizes if known and build_task(parts.task).labelled else {},
            folds=parts.folds,
        )
    )


def _inspected(parts: Parts) -> dict[int, CheckpointInfo]:
    """Teachers that can be used. Raises StillroomError only for the one the student's vocabulary comes from."""
    infos = {}
    for number, teacher in enumerate(parts.teachers):
        try:
            if teacher is not None:
                infos[number] = inspect(teacher)
        except StillroomError as error:
            if number == parts.student.init_teacher - 1:
                error.field = f"teachers.{number}.source"
                raise
    return infos


def student_sizes(parts: Parts, infos: dict[int, CheckpointInfo], classes: int) -> dict[str, Any] | None:
    """Of the student, against the smallest teacher; `at_most`: these are upper bounds.

    None while the teacher that gives the vocabulary is not known.
    """
    student = parts.student
    number = student.init_teacher - 1
    init, section = infos.get(number), parts.teachers[number] if number < len(parts.teachers) else None
    if init is None or section is None:
        return None
    if section.keep_layers:  # shapes wants the whole checkpoint
        init = inspect(section.model_copy(update={"keep_layers": None}))
    max_tokens = parts.data.max_tokens if parts.data is not None else 64
    parameters = shapes.student_parameters(
        student, init_teacher=init, classes=classes, max_tokens=max_tokens, task=parts.task
    )
    # Which teacher is best is not known yet: the smallest gives a compression that the result cannot fall below.
    counts = teacher_parameters(parts, infos, classes)
    answering = [count for number, count in counts.items() if not _pretrained_only(parts, number)]
    smallest = min(answering or counts.values())
    size = shapes.fp32_bytes(parameters)
    return {
        "parameters": parameters,
        "bytes": size,
        "megabytes": size / 1e6,
        "compression": smallest / parameters,
        "teacher_parameters": smallest,
        # How many pieces the texts hold is counted when the run reads them.
        "at_most": student.vocabulary == "seen",
    }


def teacher_parameters(parts: Parts, infos: dict[int, CheckpointInfo], classes: int) -> dict[int, int]:
    """Parameters on each teacher's inference path, heads included; one that stays as pre-trained has none."""
    # Masked language models keep their own head, finetuned or not.
    bare = {number: info.parameters for number, info in infos.items() if _pretrained_only(parts, number)}
    others = {number: info for number, info in infos.items() if number not in bare}
    if parts.mode == "as_is" or build_task(parts.task).unit == "piece":
        heads = {number: info.total_parameters for number, info in others.items()}
    else:
        widths = [info.hidden for info in others.values()]
        heads = {
            number: shapes.teacher_parameters(widths, place, classes, info.parameters, mode=parts.mode, task=parts.task)
            for place, (number, info) in enumerate(others.items())
        }
    return {number: (bare | heads)[number] for number in infos}


def _pretrained_only(parts: Parts, number: int) -> bool:
    teacher = parts.teachers[number]
    return teacher is not None and teacher.pretrained_only
