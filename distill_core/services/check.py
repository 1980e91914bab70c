"""What can be known about a draft before a run starts: every field at fault, what the data say, sizes, advice."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from distill_core import recipes, shapes
from distill_core.checkpoints import CheckpointInfo
from distill_core.compatibility import misfits
from distill_core.config import RunConfig, TeacherSection, from_dict
from distill_core.errors import CheckpointError, ConfigError, FieldError, StillroomError
from distill_core.measure.energy import refusals
from distill_core.models.labels import label_columns
from distill_core.saved_students import retraining_misfit
from distill_core.sections.teaching import listeners
from distill_core.services.drafts import Parts, checked_data, foreign_paths, inspect, known_data, refuse_foreign_paths
from distill_core.services.sizes import DEFAULT_CLASSES, advice_on, sizes, student_sizes, teacher_parameters
from distill_core.tasks.base import Task, build_task
from distill_core.tasks.units import UNITS

__all__ = ["CheckOutcome", "check_config", "foreign_paths", "recipe_rows", "refuse_foreign_paths", "sizes"]


@dataclass
class CheckOutcome:
    """errors: what keeps the run from starting, by field. findings: what the data checks say, and then
    advice (code `advice`), as dicts of `Finding`.
    summary: {teachers: [{number (from 0), name, source, model_type, parameters, bytes, layers, hidden, labels (list |
              None), pretrained_only, tokenizer, error}], student: {parameters, bytes, megabytes, compression,
              teacher_parameters} | None, labels: [..], sizes: {split: rows}, columns: [..], preview:
              [{column: value}], balance: {label: rows}, guessed: {..}}.
    config: the validated config when nothing in it is at fault, else None."""

    errors: list[FieldError] = field(default_factory=list)
    findings: list[dict[str, Any]] = field(default_factory=list)
    summary: dict[str, Any] = field(default_factory=dict)
    config: RunConfig | None = None

    @property
    def ok(self) -> bool:
        return self.config is not None and not self.errors


def check_config(
    raw: dict[str, Any], *, uploads_only: Path | None = None, known_data_only: bool = False
) -> CheckOutcome:  # fmt: skip
    """Look at a draft as far as it goes; never raises for a bad one.

    Parts are looked at on their own, so that a missing student does not hide what the data have to say.
    uploads_only: when given, data files must lie below this folder, and teachers be bundled or Hub names.
    known_data_only: data that no earlier check has seen are left alone, so that it takes milliseconds.
    """
    outcome = CheckOutcome()
    try:
        outcome.config = from_dict(raw)
    except ConfigError as error:
        outcome.errors += error.errors
    parts = Parts.of(raw)
    outcome.errors += foreign_paths(parts.data, dict(enumerate(parts.teachers)), uploads_only)
    barred = {error.field for error in outcome.errors}
    infos = _look_at_teachers(parts, barred, outcome)
    labels: list[str] = []
    known = known_data(parts) if known_data_only else None
    if known_data_only:
        labels = known.labels if known else []
    elif parts.data is not None and not any(name.startswith("data.") for name in barred):
        labels = _look_at_data(parts, infos, outcome)
    if labels and parts.mode == "as_is":
        _match_labels(parts, infos, labels, outcome)
    classes = max(DEFAULT_CLASSES, len(labels))
    counts = teacher_parameters(parts, infos, classes)
    for row in outcome.summary["teachers"]:
        if row["number"] in counts:
            row.update(parameters=counts[row["number"]], bytes=shapes.fp32_bytes(counts[row["number"]]))
    outcome.summary["student"] = None
    if parts.student is not None:
        try:
            outcome.summary["student"] = student_sizes(parts, infos, classes)
        except ConfigError as error:
            outcome.errors += error.errors
    config = outcome.config
    outcome.errors += refusals(config.measure) if config is not None else []
    if config is not None and len(infos) == len(config.teachers):
        outcome.errors += misfits(
            config.student,
            config.objective,
            [infos[n] for n in range(len(infos))],
            embedding_width=shapes.embedding_width(infos[config.student.init_teacher - 1]),
            stages=config.training.stages,
            task=config.data.task,
            signals=config.signals,
            listeners=listeners(config),
        )
    size = outcome.summary["student"]
    advice = advice_on(parts, infos, size["parameters"] if size else None)
    outcome.findings += [item.as_dict() for item in advice]
    outcome.errors = list(dict.fromkeys(outcome.errors))
    return outcome


# ---------------------------------------------------------------- looking


def _look_at_teachers(parts: Parts, barred: set[str], outcome: CheckOutcome) -> dict[int, CheckpointInfo]:
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
            if parts.mode == "as_is" and not teacher.pretrained_only:
                _refuse_unready(number, info, build_task(parts.task))
            elif misfit := retraining_misfit(info.name, info.student):
                raise CheckpointError(misfit[0], hint=misfit[1], field=f"teachers.{number}.source")
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
        "pretrained_only": teacher.pretrained_only,
    }


def _refuse_unready(number: int, info: CheckpointInfo, task: Task) -> None:
    # Whole masked language models are a matter of `compatibility`: no mode gives one a new head.
    if not task.ready(info) and task.unit != "piece":
        unit = UNITS[task.unit]
        raise CheckpointError(
            f"{info.name} has no {unit.head} head, so it cannot be used as is.",
            hint=f"Let it be finetuned (teacher_training.mode: separate), or choose a checkpoint that {unit.does}.",
            field=f"teachers.{number}.source",
        )


def _look_at_data(parts: Parts, infos: dict[int, CheckpointInfo], outcome: CheckOutcome) -> list[str]:
    result = checked_data(parts, infos.get(0))
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


def _match_labels(parts: Parts, infos: dict[int, CheckpointInfo], labels: list[str], outcome: CheckOutcome) -> None:
    for number, info in infos.items():
        teacher = parts.teachers[number]
        if teacher is None or teacher.pretrained_only or not build_task(parts.task).ready(info):
            continue
        try:
            label_columns(info.labels or [], labels, teacher.label_mapping, field=f"teachers.{number}.label_mapping")
        except CheckpointError as error:
            outcome.errors.append(FieldError(str(error.field), error.message, error.hint))


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
