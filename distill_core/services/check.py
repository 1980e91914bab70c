"""What can be known about a draft before a run starts: every field at fault, what the data say, sizes."""

from __future__ import annotations

import json
import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from distill_core import checkpoints, recipes, shapes
from distill_core.checkpoints import CheckpointInfo
from distill_core.compatibility import misfits
from distill_core.config import Data, FileData, RunConfig, Student, TeacherSection, from_dict
from distill_core.data import prepare
from distill_core.data.types import CheckResult
from distill_core.errors import CheckpointError, ConfigError, FieldError, StillroomError
from distill_core.hub import online
from distill_core.layout import BUNDLED_DATA, BUNDLED_TEACHERS
from distill_core.models.labels import label_columns

DEFAULT_CLASSES = 2
_Value = TypeVar("_Value")
_DATA: TypeAdapter[Any] = TypeAdapter(Data)
_STUDENT: TypeAdapter[Any] = TypeAdapter(Student)


@dataclass
class CheckOutcome:
    """errors: what keeps the run from starting, by field. findings: what the data checks say (dicts of `Finding`).
    summary: {teachers: [{number (from 0), name, source, model_type, parameters, bytes, layers, hidden, labels (list |
              None), tokenizer, error}], student: {parameters, bytes, megabytes, compression, teacher_parameters} |
              None, labels: [..], sizes: {split: rows}, columns: [..], preview: [{column: value}], balance: {label:
              rows}, guessed: {..}}.
    config: the validated config when nothing in it is at fault, else None."""

    errors: list[FieldError] = field(default_factory=list)
    findings: list[dict[str, Any]] = field(default_factory=list)
    summary: dict[str, Any] = field(default_factory=dict)
    config: RunConfig | None = None

    @property
    def ok(self) -> bool:
        return self.config is not None and not self.errors


def check_config(raw: dict[str, Any], *, uploads_only: Path | None = None) -> CheckOutcome:
    """Look at a draft as far as it goes; never raises for a bad one.

    Parts are looked at on their own, so that a missing student does not hide what the data have to say.
    uploads_only: when given, data files must lie below this folder, and teachers be bundled or Hub names.
    """
    outcome = CheckOutcome()
    try:
        outcome.config = from_dict(raw)
    except ConfigError as error:
        outcome.errors += error.errors
    parts = _Parts.of(raw)
    outcome.errors += foreign_paths(parts.data, dict(enumerate(parts.teachers)), uploads_only)
    barred = {error.field for error in outcome.errors}
    infos = _look_at_teachers(parts, barred, outcome)
    labels: list[str] = []
    if parts.data is not None and not any(name.startswith("data.") for name in barred):
        labels = _look_at_data(parts, infos, outcome)
    if labels and parts.mode == "as_is":
        _match_labels(parts, infos, labels, outcome)
    classes = max(DEFAULT_CLASSES, len(labels))
    counts = _teacher_parameters(parts, infos, classes)
    for row in outcome.summary["teachers"]:
        if row["number"] in counts:
            row.update(parameters=counts[row["number"]], bytes=shapes.fp32_bytes(counts[row["number"]]))
    outcome.summary["student"] = None
    if parts.student is not None:
        try:
            outcome.summary["student"] = _sizes(parts, infos, classes)
        except ConfigError as error:
            outcome.errors += error.errors
    config = outcome.config
    if config is not None and len(infos) == len(config.teachers):
        outcome.errors += misfits(config.student, config.objective, [infos[n] for n in range(len(infos))])
    outcome.errors = list(dict.fromkeys(outcome.errors))
    return outcome


def sizes(draft: dict[str, Any], *, uploads_only: Path | None = None) -> dict[str, Any]:
    """See `Services.sizes`. Classes are counted from the data where that is quick (they were checked before)."""
    parts = _Parts.of(draft)
    try:
        if parts.student is None:
            from_dict(draft)  # raises with the field at fault
            return {"error": "the student's settings are not complete.", "field": "student"}
        errors = foreign_paths(parts.data, dict(enumerate(parts.teachers)), uploads_only)
        if errors:
            return {"error": errors[0].message, "field": errors[0].field}
        infos = _inspected(parts)
        if parts.data is not None and parts.data.source == "bundled":
            _checked_data(parts, None)
        known = _CACHE.peek(_data_key(parts)) if parts.data is not None else None
        found = _sizes(parts, infos, max(DEFAULT_CLASSES, len(known.labels) if known else 0))
    except ConfigError as error:
        at = next((e for e in error.errors if e.field.startswith("student")), error.errors[0])
        return {"error": str(at.message), "field": at.field}
    except StillroomError as error:
        return {"error": error.message, "field": error.field}
    return found or {"error": "choose a teacher first: its tokeniser decides the student's vocabulary.", "field": None}


def _inspected(parts: _Parts) -> dict[int, CheckpointInfo]:
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


# ---------------------------------------------------------------- parts of a draft


@dataclass
class _Parts:
    """What of a draft is valid on its own; None for what is not."""

    data: Any
    teachers: list[TeacherSection | None]
    student: Any
    mode: str
    seed: int

    @classmethod
    def of(cls, raw: Any) -> _Parts:
        raw = raw if isinstance(raw, dict) else {}
        listed = raw.get("teachers")
        training = raw.get("teacher_training")
        seeds = raw.get("seeds")
        seed = seeds[0] if isinstance(seeds, list) and seeds and isinstance(seeds[0], int) else 13
        return cls(
            data=_valid(_DATA.validate_python, raw.get("data")),
            teachers=[_valid(TeacherSection.model_validate, t) for t in (listed if isinstance(listed, list) else [])],
            student=_valid(_STUDENT.validate_python, raw.get("student")),
            mode=str(training.get("mode", "separate")) if isinstance(training, dict) else "separate",
            seed=seed,
        )


def _valid(validate: Callable[[Any], _Value], raw: Any) -> _Value | None:
    try:
        return validate(raw)
    except ValidationError:
        return None


def refuse_foreign_paths(config: RunConfig, uploads_only: Path | None) -> None:
    """Raises ConfigError for files and folders the page's users may not name."""
    errors = foreign_paths(config.data, dict(enumerate(config.teachers)), uploads_only)
    if errors:
        raise ConfigError(errors)


def foreign_paths(data: Any, teachers: dict[int, TeacherSection | None], uploads_only: Path | None) -> list[FieldError]:
    """Paths of this machine in a draft of somebody who does not own it; none are refused without `uploads_only`."""
    if uploads_only is None:
        return []
    root = uploads_only.resolve()
    errors = []
    if isinstance(data, FileData):
        for name in ("train", "validation", "test", "transfer"):
            value = getattr(data, name)
            if value and not Path(value).expanduser().resolve().is_relative_to(root):
                errors.append(FieldError(f"data.{name}", "only uploaded files can be used here.", "Upload the file."))
    for number, teacher in teachers.items():
        if teacher is None or teacher.source.removeprefix("bundled:") in BUNDLED_TEACHERS:
            continue
        # Anything that could be read as a path is one, whether it exists or not: the answer must not tell.
        if teacher.source.startswith(("/", "~", ".", "\\")) or Path(teacher.source).exists():
            hint = "Choose a bundled teacher or a name on the Hub."
            errors.append(FieldError(f"teachers.{number}.source", "folders cannot be used here.", hint))
    return errors


# ---------------------------------------------------------------- looking


def _look_at_teachers(parts: _Parts, barred: set[str], outcome: CheckOutcome) -> dict[int, CheckpointInfo]:
    infos: dict[int, CheckpointInfo] = {}
    rows: list[dict[str, Any]] = []
    for number, teacher in enumerate(parts.teachers):
        if teacher is None or f"teachers.{number}.source" in barred:
            continue
        row: dict[str, Any] = {"number": number, "name": teacher.name or teacher.source, "source": teacher.source}
        row["error"] = None
        try:
            info = infos[number] = inspect(teacher)
            row.update(_teacher_row(teacher, info))
            if parts.mode == "as_is":
                _refuse_unready(number, info)
        except StillroomError as error:
            where = error.field if error.field and "." in error.field else error.field or "source"
            where = where if where.startswith("teachers.") else f"teachers.{number}.{where}"
            outcome.errors.append(FieldError(where, error.message, error.hint))
            row["error"] = error.message
        rows.append(row)
    outcome.summary["teachers"] = rows
    return infos


def _teacher_row(teacher: TeacherSection, info: CheckpointInfo) -> dict[str, Any]:
    return {
        "name": teacher.name or info.name,
        "model_type": info.model_type,
        "layers": info.layers,
        "hidden": info.hidden,
        "vocab_size": info.vocab_size,
        "max_positions": info.max_positions,
        "tokenizer": info.tokenizer_kind,
        "labels": info.labels,
    }


def _refuse_unready(number: int, info: CheckpointInfo) -> None:
    if not info.is_classifier or not info.labels:
        raise CheckpointError(
            f"{info.name} has no classification head, so it cannot be used as is.",
            hint="Let it be finetuned (teacher_training.mode: separate), or choose a checkpoint that classifies.",
            field=f"teachers.{number}.source",
        )


def _look_at_data(parts: _Parts, infos: dict[int, CheckpointInfo], outcome: CheckOutcome) -> list[str]:
    result = _checked_data(parts, infos.get(0))
    outcome.findings = [finding.as_dict() for finding in result.findings]
    outcome.errors += [FieldError(f.field, f.message) for f in result.findings if f.severity == "error"]
    outcome.summary.update(
        labels=result.labels,
        sizes=result.sizes,
        columns=result.columns,
        preview=result.preview,
        balance=result.balance,
        guessed=result.guessed,
    )
    return result.labels


def _match_labels(parts: _Parts, infos: dict[int, CheckpointInfo], labels: list[str], outcome: CheckOutcome) -> None:
    for number, info in infos.items():
        teacher = parts.teachers[number]
        if teacher is None or not info.is_classifier or not info.labels:
            continue
        try:
            label_columns(info.labels, labels, teacher.label_mapping, field=f"teachers.{number}.label_mapping")
        except CheckpointError as error:
            outcome.errors.append(FieldError(str(error.field), error.message, error.hint))


def _sizes(parts: _Parts, infos: dict[int, CheckpointInfo], classes: int) -> dict[str, Any] | None:
    """Of the student, against the largest teacher; None while the teacher that gives the vocabulary is not known."""
    student = parts.student
    number = student.init_teacher - 1
    init, section = infos.get(number), parts.teachers[number] if number < len(parts.teachers) else None
    if init is None or section is None:
        return None
    if section.keep_layers:  # shapes wants the whole checkpoint
        init = inspect(section.model_copy(update={"keep_layers": None}))
    max_tokens = parts.data.max_tokens if parts.data is not None else 64
    parameters = shapes.student_parameters(student, init_teacher=init, classes=classes, max_tokens=max_tokens)
    # Which teacher is best is not known yet: the smallest gives a compression that the result cannot fall below.
    smallest = min(_teacher_parameters(parts, infos, classes).values())
    size = shapes.fp32_bytes(parameters)
    return {
        "parameters": parameters,
        "bytes": size,
        "megabytes": size / 1e6,
        "compression": smallest / parameters,
        "teacher_parameters": smallest,
    }


def _teacher_parameters(parts: _Parts, infos: dict[int, CheckpointInfo], classes: int) -> dict[int, int]:
    """Parameters on each teacher's inference path, heads included."""
    if parts.mode == "as_is":
        return {number: info.total_parameters for number, info in infos.items()}
    widths = [info.hidden for info in infos.values()]
    return {
        number: shapes.teacher_parameters(widths, place, classes, info.parameters, mode=parts.mode)
        for place, (number, info) in enumerate(infos.items())
    }


# ---------------------------------------------------------------- remembered answers


class _Cache:
    """The last answers, by what they depend on: checks run while people type."""

    def __init__(self, size: int = 64) -> None:
        self._size, self._lock = size, threading.Lock()
        self._kept: OrderedDict[Any, Any] = OrderedDict()

    def peek(self, key: Any) -> Any:
        with self._lock:
            return self._kept.get(key)

    def get(self, key: Any, make: Callable[[], _Value], keep: Callable[[_Value], bool] = lambda value: True) -> _Value:
        """The kept answer, or a new one, which is kept if `keep` says so."""
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key]
        value = make()
        if not keep(value):
            return value
        with self._lock:
            self._kept[key] = value
            while len(self._kept) > self._size:
                self._kept.popitem(last=False)
        return value


_CACHE = _Cache()


def _stamp(path: Path) -> tuple[Any, ...]:
    """Changes when the file, or a file in the folder, does."""
    try:
        files = sorted(path.iterdir()) if path.is_dir() else [path]
        return tuple((str(f), f.stat().st_mtime_ns, f.stat().st_size) for f in files)
    except OSError:
        return (str(path), None)


def inspect(teacher: TeacherSection) -> CheckpointInfo:
    """`checkpoints.inspect_light`, remembered while the files are the same. Raises StillroomError."""
    name = teacher.source.removeprefix("bundled:")
    folder = BUNDLED_TEACHERS[name] if name in BUNDLED_TEACHERS else Path(teacher.source).expanduser()
    key = ("teacher", teacher.source, teacher.revision, teacher.keep_layers, _stamp(folder), online())
    return _CACHE.get(key, lambda: checkpoints.inspect_light(teacher.source, teacher.revision, teacher.keep_layers))


def _data_key(parts: _Parts) -> tuple[Any, ...]:
    data = parts.data
    stamps: list[Any] = []
    if isinstance(data, FileData):
        names = (data.train, data.validation, data.test, data.transfer)
        stamps = [_stamp(Path(name).expanduser()) for name in names if name]
    elif data.source == "bundled" and data.name in BUNDLED_DATA:
        stamps = [_stamp(BUNDLED_DATA[data.name])]
    return ("data", json.dumps(data.model_dump(mode="json"), sort_keys=True), parts.seed, *stamps)


def _checked_data(parts: _Parts, teacher: CheckpointInfo | None) -> CheckResult:
    counter = None
    if teacher is not None:
        try:
            counter = checkpoints.count_pieces(teacher)
        except StillroomError:
            counter = None  # lengths stay unknown; the teacher's own error is told at its field
    key = _data_key(parts)

    def lasting(result: CheckResult) -> bool:
        return not any(finding.code == "network" for finding in result.findings)

    result = _CACHE.get(
        (*key, teacher.tokenizer_fingerprint if counter and teacher else None),
        lambda: prepare.check(parts.data, seed=parts.seed, piece_counter=counter),
        lasting,
    )
    _CACHE.get(key, lambda: result, lasting)  # under the plain key too: `sizes` looks there for the classes
    return result


def recipe_rows() -> list[dict[str, Any]]:
    """See `Services.recipes`."""
    return [
        {
            "name": recipe.name,
            **recipe.about.model_dump(),
            "config": recipe.config.model_dump(mode="json", exclude_none=True),
        }
        for recipe in recipes.all_recipes()
    ]
