"""Which layers of the teachers teach which of the student's, and what each of the student's parts starts as.

Told by the rules that training itself asks (`models.layers`, `StudentSection.parts`), from small files alone.
"""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

from distill_core import shapes
from distill_core.catalogue import TERMS
from distill_core.checkpoints import CheckpointInfo
from distill_core.compatibility import student_misfits, term_misfits
from distill_core.config import from_dict
from distill_core.errors import CheckpointError, ConfigError, FieldError, StillroomError
from distill_core.models.layers import compared, hidden_level
from distill_core.sections.teaching import heard, lessons_of
from distill_core.services.drafts import Parts, foreign_paths, inspect
from distill_core.students.base import Part
from distill_core.tasks.base import build_task

#: what a term without pairs of layers compares: one part of each side, by its role
_PREDICTIONS, _VECTORS = "prediction", "pooled"


def drawing(draft: dict[str, Any], *, uploads_only: Path | None = None) -> dict[str, Any]:
    """See `Services.drawing`."""
    parts = Parts.of(draft)
    missing = _missing(parts, draft, uploads_only)
    infos: dict[int, CheckpointInfo] = {}
    if not missing:
        for number, teacher in enumerate(parts.teachers):
            assert teacher is not None
            try:
                infos[number] = inspect(teacher)
            except StillroomError as error:
                missing.append(FieldError(f"teachers.{number}.source", error.message, error.hint))
    if missing:
        return {"missing": _as_dicts(missing)}
    own = infos[parts.student.init_teacher - 1]
    unit = build_task(parts.task).unit
    try:
        # The misfits say more about what is wrong; what they do not know the parts themselves refuse.
        missing = student_misfits(parts.student, own, shapes.embedding_width(own))
        student = [] if missing else parts.student.parts(own, unit)
    except CheckpointError as error:
        missing = [FieldError(error.field or "student", error.message, error.hint)]
    if missing:
        return {"missing": _as_dicts(missing)}
    rows = [_teacher(parts, number, infos, student) for number in infos]
    return {
        "student": {"words": parts.student.in_short(), "parts": [asdict(part) for part in student]},
        "teachers": [row for row, _ in rows],
        "left_out": _as_dicts(dict.fromkeys(error for _, errors in rows for error in errors)),
    }


def _missing(parts: Parts, draft: dict[str, Any], uploads_only: Path | None) -> list[FieldError]:
    """What has to be there before there is anything to draw."""
    errors = foreign_paths(None, dict(enumerate(parts.teachers)), uploads_only)
    if errors:
        return errors
    if not parts.teachers:
        return [FieldError("teachers", "no teacher is chosen yet.", "Choose one first.")]
    sections = {"student": parts.student, "objective": parts.objective, "training": parts.training}
    wanted = [name for name, section in sections.items() if section is None]
    wanted += [f"teachers.{number}" for number, teacher in enumerate(parts.teachers) if teacher is None]
    if wanted:
        found = [error for error in _config_errors(draft) if error.field.startswith(tuple(wanted))]
        return found or [FieldError(wanted[0], "its settings are not complete.")]
    if parts.student.init_teacher > len(parts.teachers):
        count = len(parts.teachers)
        return [FieldError("student.init_teacher", f"there is no teacher number {parts.student.init_teacher}.",
                           f"Choose one of 1 to {count}.")]  # fmt: skip
    # Whom the stages name is checked with all teachers together.
    return [error for error in _config_errors(draft) if error.field.startswith(("training.stages", "teachers"))]


def _config_errors(draft: dict[str, Any]) -> list[FieldError]:
    try:
        from_dict(draft)
    except ConfigError as error:
        return list(error.errors)
    return []


def _as_dicts(errors: Any) -> list[dict[str, str]]:
    return [{"field": error.field, "message": error.message, "hint": error.hint} for error in errors]


def _teacher(
    parts: Parts, number: int, infos: dict[int, CheckpointInfo], student: list[Part]
) -> tuple[dict[str, Any], list[FieldError]]:
    """One teacher with its links to the student, and the terms that cannot have any."""
    info, section = infos[number], parts.teachers[number]
    own = infos[parts.student.init_teacher - 1]
    assert section is not None and parts.objective is not None
    found = [{"title": "Embedding", "role": "embedding", "layer": 0}]
    found += [{"title": f"Layer {layer}", "role": "layer", "layer": layer} for layer in range(1, info.layers + 1)]
    links, left_out = [], []
    for term, stages in _lessons(parts, number).items():
        misfits = term_misfits(term, parts.student, (own, [info]), parts.task)
        if misfits:
            left_out.append(FieldError(term, *misfits[0]))
            continue
        level = _level(parts, info, own) if term == "hidden" else ""
        pairs = _pairs(parts, term, info, own, level)
        at = "layer" if pairs else _PREDICTIONS if "answers" in TERMS[term].needs else _VECTORS
        links.append({"term": term, "title": TERMS[term].title, "at": at, "level": level, "stages": stages,
                      "pairs": [list(pair) for pair in pairs]})  # fmt: skip
    if any(link["at"] == _VECTORS for link in links):
        found.append({"title": "Pooled vector", "role": "pooled", "layer": 0})
    if not section.pretrained_only:
        found.append({"title": "Prediction", "role": "prediction", "layer": 0})
    row = {
        "number": number,
        "name": section.name or info.name,
        "layers": info.layers,
        "hidden": info.hidden,
        "gives": number == parts.student.init_teacher - 1 and any(part.given for part in student),
        "parts": found,
        "links": links,
    }
    return row, left_out


def _lessons(parts: Parts, number: int) -> dict[str, list[str]]:
    """Term → names of the stages in which it learns from this teacher (none without stages), as in the catalogue."""
    assert parts.training is not None
    names = [stage.name for stage in parts.training.stages]
    found: dict[str, list[str]] = {}
    for place, (terms, asked) in enumerate(lessons_of(parts)):
        for term in terms:
            if number in heard(term, [one for one in parts.teachers if one is not None], asked):
                found.setdefault(term, []).extend(names[place : place + 1])
    return {term: found[term] for term in TERMS if term in found}


def _level(parts: Parts, info: CheckpointInfo, own: CheckpointInfo) -> str:
    assert parts.objective is not None
    same = info.tokenizer_fingerprint == own.tokenizer_fingerprint
    return hidden_level(parts.objective.hidden_level, same_tokeniser=same, attends=parts.student.attends)


def _pairs(
    parts: Parts, term: str, info: CheckpointInfo, own: CheckpointInfo, level: str
) -> list[tuple[int, int]]:  # fmt: skip
    if level == _VECTORS:
        return []
    assert parts.objective is not None
    deep = parts.student.head_count(own.heads) > 0
    return compared(term, parts.objective, parts.student.depth, info.layers, deep=deep)
