"""RunConfig: everything one run is, validated; YAML in and out. Its sections are in `sections/`."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import Field, ValidationError, model_validator

from distill_core.catalogue import STUDENTS
from distill_core.errors import ConfigError, FieldError
from distill_core.sections.base import MAX_TEACHERS, Section, setting
from distill_core.sections.data import BundledData, Columns, Data, DataSection, FileData, HubData, Remedies
from distill_core.sections.measure import MeasureSection
from distill_core.sections.objective import Objective
from distill_core.sections.students import BiLSTMStudent, Student, StudentSection, TransformerStudent
from distill_core.sections.teachers import TeacherSection, TeacherTraining
from distill_core.sections.teaching import refuse_unteachable
from distill_core.sections.training import Training
from distill_core.tasks.base import build_task
from distill_core.tasks.units import UNITS

SCHEMA_VERSION = 1

__all__ = [
    "MAX_TEACHERS",
    "SCHEMA_VERSION",
    "About",
    "BiLSTMStudent",
    "BundledData",
    "Columns",
    "Data",
    "DataSection",
    "FileData",
    "HubData",
    "MeasureSection",
    "Objective",
    "Remedies",
    "RunConfig",
    "Section",
    "Student",
    "StudentSection",
    "TeacherSection",
    "TeacherTraining",
    "Training",
    "TransformerStudent",
    "field_errors",
    "from_dict",
    "from_yaml",
    "load",
    "setting",
    "walk_fields",
]


class About(Section):
    """What a recipe says about itself."""

    title: str = ""
    summary: str = ""
    paper: str = ""
    when: str = ""
    needs: str = ""


class RunConfig(Section):
    """One run. `python -m distill_core run CONFIG.yaml` and the page start exactly this."""

    schema_version: int = setting(SCHEMA_VERSION, "Version of this file's format.", advanced=True)
    about: About | None = None
    name: str = setting("untitled", "Name of the run.", label="Name", min_length=1, max_length=120)
    seeds: list[int] = setting(lambda: [13], "One trial per seed and arm.", label="Seeds", min_length=1, max_length=20)
    device: Literal["auto", "cpu", "cuda", "mps"] = setting(
        "auto", "Where to compute; auto takes the best there is.", label="Device"
    )
    threads: int = setting(
        0, "CPU threads for training; 0: all cores.", unit="threads", label="Threads", ge=0, le=1024, advanced=True
    )
    data: Data
    teachers: list[TeacherSection] = Field(min_length=1, max_length=MAX_TEACHERS)
    teacher_training: TeacherTraining = Field(default_factory=TeacherTraining)
    student: Student
    objective: Objective = Field(default_factory=Objective)
    training: Training = Field(default_factory=Training)
    controls: list[Literal["no_teacher", "uniform", "without_each"]] = setting(
        lambda: ["no_teacher", "uniform"],
        "Arms trained beside the main one, so that the comparison is honest. without_each: the student without each of "
        "its teachers, which can also be measured later.",
        label="Controls",
    )
    signals: Literal["cached", "live"] = setting(
        "cached",
        "cached: each teacher is asked once per example and its answers are kept on disk for all epochs, arms and "
        "later runs. live: it is asked again at every step (needs no disk).",
        label="Teacher signals",
        advanced=True,
    )
    signal_top_k: int = setting(
        64,
        "For masked_lm: how many of the vocabulary's pieces each teacher's answer keeps; all others count as one.",
        unit="pieces",
        label="Pieces kept of a teacher's answer",
        ge=1,
        le=100_000,
        advanced=True,
    )
    measure: MeasureSection = Field(default_factory=MeasureSection)

    @model_validator(mode="after")
    def _contradictions(self) -> RunConfig:
        if self.student.init_teacher > len(self.teachers):
            raise ValueError(
                f"student.init_teacher: there is no teacher number {self.student.init_teacher}; "
                f"{len(self.teachers)} listed."
            )
        if self.teacher_training.mode != "as_is":
            for number, teacher in enumerate(self.teachers):
                if teacher.label_mapping:
                    raise ValueError(
                        f"teachers.{number}.label_mapping: a mapping is only for teachers used as is; "
                        "finetuned teachers learn the data's own labels. Remove it or set "
                        "teacher_training.mode to as_is."
                    )
        refuse_unteachable(self)
        task = build_task(self.data.task)
        if task.unit not in self.student.units:
            able = [entry.title for entry in STUDENTS.values() if task.unit in entry.load().units]
            raise ValueError(f"student.kind: {UNITS[task.unit].asks}; choose a {' or a '.join(able).lower()}.")
        task.refuse(self)
        if self.teacher_training.folds > 1:
            if self.teacher_training.mode == "as_is":
                raise ValueError(
                    "teacher_training.folds: teachers used as they are have not learnt from these rows, so there is "
                    "nothing to leave out. Set it to 1."
                )
            if self.signals == "live":
                raise ValueError(
                    "teacher_training.folds: each fold has teachers of its own, whose answers have to be kept. Set "
                    "signals to cached, or folds to 1."
                )
        if len(set(self.seeds)) != len(self.seeds):
            raise ValueError("seeds: each seed may stand only once.")
        if len(set(self.controls)) != len(self.controls):
            raise ValueError("controls: each control may stand only once.")
        return self

    # ---- in and out

    def to_yaml(self) -> str:
        """This config as YAML, fields in the order of this module, unset optionals left out."""
        return yaml.safe_dump(
            self.model_dump(mode="json", exclude_none=True), sort_keys=False, allow_unicode=True, width=100
        )

    def save(self, path: Path) -> None:
        path.write_text(self.to_yaml(), encoding="utf-8")


def from_dict(raw: Any) -> RunConfig:
    """A validated config. Raises ConfigError naming every field at fault."""
    if not isinstance(raw, dict):
        raise ConfigError(
            [
                FieldError(
                    "config",
                    "this is not a run config: a list of `key: value` settings is needed.",
                    "Start from one of the recipes.",
                )
            ]
        )
    version = raw.get("schema_version", SCHEMA_VERSION)
    if isinstance(version, bool) or not isinstance(version, int) or version < 1:
        raise ConfigError(
            [
                FieldError(
                    "schema_version", f"{version!r} is no version number.", f"This version writes {SCHEMA_VERSION}."
                )
            ]
        )
    if version > SCHEMA_VERSION:
        raise ConfigError(
            [
                FieldError(
                    "schema_version",
                    f"this config was written by a newer version (format {version}; this one reads up to "
                    f"{SCHEMA_VERSION}).",
                    "Update Stillroom, or export the config again from this version.",
                )
            ]
        )
    try:
        return RunConfig.model_validate(raw)
    except ValidationError as error:
        raise ConfigError(field_errors(error)) from None


def from_yaml(text: str) -> RunConfig:
    """A validated config from YAML text. Raises ConfigError."""
    try:
        raw = yaml.safe_load(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f"line {mark.line + 1}, column {mark.column + 1}" if mark else "somewhere"
        problem = getattr(error, "problem", None) or "it cannot be parsed"
        raise ConfigError(
            [
                FieldError(
                    "config", f"this is not valid YAML: {problem} ({where}).", "Check the indentation and colons there."
                )
            ]
        ) from None
    return from_dict(raw)


def load(path: Path) -> RunConfig:
    """A validated config from a YAML file; relative data and teacher paths are taken from the current folder."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise ConfigError([FieldError("config", f"there is no file {path}.", "Check the path.")]) from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(
            [FieldError("config", f"{path} cannot be read: {error}.", "It must be UTF-8 YAML.")]
        ) from None
    return from_yaml(text)


_UNION_TAGS = {"bundled", "files", "hub", *STUDENTS}


def field_errors(error: ValidationError) -> list[FieldError]:
    """pydantic's errors in words for people, each with its field's path."""
    found = []
    for item in error.errors():
        loc = item["loc"]
        # pydantic puts the chosen union member into the path (data.files.train); people write data.train.
        parts = [str(p) for i, p in enumerate(loc) if not (i == 1 and p in _UNION_TAGS)]
        path, message = ".".join(parts), item["msg"]
        if item["type"] == "extra_forbidden":
            message, hint = "there is no such setting.", "Check the spelling, or remove it."
        elif item["type"] == "missing":
            message, hint = "this setting is missing.", "Fill it in."
        elif item["type"] == "union_tag_not_found":
            tag = "kind" if path == "student" else "source"
            path, message, hint = f"{path}.{tag}", "this setting is missing.", "Say which kind it is."
        elif item["type"] == "union_tag_invalid":
            tag = "kind" if path == "student" else "source"
            context = item.get("ctx", {})
            path = f"{path}.{tag}"
            message = f"{context.get('tag')!r} is not one of {context.get('expected_tags')}."
            hint = "Choose one of these."
        elif item["type"] == "value_error":
            message, hint = str(item["ctx"]["error"]), ""
            head, colon, tail = message.partition(": ")
            # Validators over several fields start their message with the field they blame.
            if colon and " " not in head:
                path, message = ".".join(filter(None, [path, head])), tail
        else:
            hint = f"It was {item['input']!r}."
            message = message[:1].lower() + message[1:] + "."
        found.append(FieldError(path or "config", message, hint))
    return found


def walk_fields(section: type[Section], prefix: str = "") -> list[tuple[str, Any]]:
    """(dotted path, FieldInfo) of every plain field of a section class; parts that are unions are not entered."""
    rows: list[tuple[str, Any]] = []
    for name, info in section.model_fields.items():
        inner = info.annotation
        if isinstance(inner, type) and issubclass(inner, Section):
            rows += walk_fields(inner, f"{prefix}{name}.")
        else:
            rows.append((f"{prefix}{name}", info))
    return rows
