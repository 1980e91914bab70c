"""What of a draft is valid on its own, and what its teachers and data say of themselves; answers are remembered."""

from __future__ import annotations

import json
import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from distill_core import checkpoints
from distill_core.catalogue import DEFAULT_TASK
from distill_core.checkpoints import CheckpointInfo
from distill_core.config import Data, FileData, Objective, Student, TeacherSection, Training
from distill_core.data import prepare
from distill_core.data.languages import PLACEHOLDER
from distill_core.data.types import CheckResult
from distill_core.errors import ConfigError, FieldError, StillroomError
from distill_core.hub import online
from distill_core.layout import BUNDLED_DATA, BUNDLED_TEACHERS, DataHome
from distill_core.services.own_students import is_own

_Value = TypeVar("_Value")
_DATA: TypeAdapter[Any] = TypeAdapter(Data)
_STUDENT: TypeAdapter[Any] = TypeAdapter(Student)


@dataclass
class Parts:
    """What of a draft is valid on its own; None for what is not. Parts left out hold their defaults."""

    data: Any
    teachers: list[TeacherSection | None]
    student: Any
    mode: str
    seed: int
    objective: Objective | None = None
    training: Training | None = None
    folds: int = 1

    @classmethod
    def of(cls, raw: Any) -> Parts:
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
            objective=_valid(Objective.model_validate, raw.get("objective", {})),
            training=_valid(Training.model_validate, raw.get("training", {})),
            folds=_folds(training),
        )

    @property
    def task(self) -> str:
        return str(self.data.task) if self.data is not None else DEFAULT_TASK


def _folds(training: Any) -> int:
    """Folds that count: teachers used as they are have none."""
    if not isinstance(training, dict) or training.get("mode") == "as_is":
        return 1
    found = training.get("folds", 1)
    return found if isinstance(found, int) else 1


def _valid(validate: Callable[[Any], _Value], raw: Any) -> _Value | None:
    try:
        return validate(raw)
    except ValidationError:
        return None


# ---------------------------------------------------------------- paths


def files_of(data: FileData) -> list[tuple[str, str]]:
    """(field, path) of every file the section names, one for each language where a name holds `{language}`."""
    found = []
    for name in ("train", "validation", "test", "transfer"):
        value = getattr(data, name)
        if not value:
            continue
        several = PLACEHOLDER in value and data.languages
        found += [(f"data.{name}", value.replace(PLACEHOLDER, code)) for code in (data.languages if several else [""])]
    return found


def foreign_paths(data: Any, teachers: dict[int, TeacherSection | None], uploads_only: Path | None) -> list[FieldError]:
    """Paths of this machine in a draft of somebody who does not own it; none are refused without `uploads_only`."""
    if uploads_only is None:
        return []
    root = uploads_only.resolve()
    errors = []
    if isinstance(data, FileData):
        for field, value in files_of(data):
            if not Path(value).expanduser().resolve().is_relative_to(root):
                errors.append(FieldError(field, "only uploaded files can be used here.", "Upload the file."))
    for number, teacher in teachers.items():
        if teacher is None or teacher.source.removeprefix("bundled:") in BUNDLED_TEACHERS:
            continue
        if is_own(teacher.source, DataHome(uploads_only.parent)):
            continue
        # Anything that could be read as a path is one, whether it exists or not: the answer must not tell.
        if teacher.source.startswith(("/", "~", ".", "\\")) or Path(teacher.source).exists():
            hint = "Choose a bundled teacher, a finished run's student, or a name on the Hub."
            errors.append(FieldError(f"teachers.{number}.source", "folders cannot be used here.", hint))
    return list(dict.fromkeys(errors))


def refuse_foreign_paths(config: Any, uploads_only: Path | None) -> None:
    """Raises ConfigError for files and folders the page's users may not name. config: a RunConfig."""
    errors = foreign_paths(config.data, dict(enumerate(config.teachers)), uploads_only)
    if errors:
        raise ConfigError(errors)


# ---------------------------------------------------------------- remembered answers


class Cache:
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


_CACHE = Cache()


def remembered(
    key: tuple[Any, ...], make: Callable[[], _Value], keep: Callable[[_Value], bool] = lambda value: True
) -> _Value:
    """The answer to a question about a draft, kept as long as its key stays the same, if `keep` says so."""
    found: _Value = _CACHE.get(key, make, keep)
    return found


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


def data_key(parts: Parts) -> tuple[Any, ...]:
    """Changes when the data section, the seed or the files do."""
    data = parts.data
    stamps: list[Any] = []
    if isinstance(data, FileData):
        stamps = [_stamp(Path(name).expanduser()) for _, name in files_of(data)]
    elif data.source == "bundled" and data.name in BUNDLED_DATA:
        stamps = [_stamp(BUNDLED_DATA[data.name])]
    return ("data", json.dumps(data.model_dump(mode="json"), sort_keys=True), parts.seed, *stamps)


def known_data(parts: Parts) -> CheckResult | None:
    """What an earlier check of these data found, if it is remembered."""
    found: CheckResult | None = _CACHE.peek(data_key(parts)) if parts.data is not None else None
    return found


def checked_data(parts: Parts, teacher: CheckpointInfo | None) -> CheckResult:
    """The data's check. teacher: whose tokeniser tells how long the inputs are."""
    counter = None
    if teacher is not None:
        try:
            counter = checkpoints.count_pieces(teacher)
        except StillroomError:
            counter = None  # lengths stay unknown; the teacher's own error is told at its field
    key = data_key(parts)

    def lasting(result: CheckResult) -> bool:
        return not any(finding.code == "network" for finding in result.findings)

    result = _CACHE.get(
        (*key, teacher.tokenizer_fingerprint if counter and teacher else None),
        lambda: prepare.check(parts.data, seed=parts.seed, piece_counter=counter),
        lasting,
    )
    _CACHE.get(key, lambda: result, lasting)  # under the plain key too: `sizes` looks there for the classes
    return result
