"""Which recipes suit what is chosen so far: each is filled in beside the data and teachers that are there, and checked.

There are no rules of its own here: a reason is what the check of that config says, or advice that what the recipe asks
for would have nothing to work on.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from distill_core import recipes
from distill_core.catalogue import DEFAULT_TASK, TASKS
from distill_core.errors import FieldError
from distill_core.services.check import CheckOutcome, check_config
from distill_core.services.drafts import Parts

#: the sections a recipe brings, and the settings outside them that a method may depend on
METHOD = ("teacher_training", "student", "objective", "training")
BESIDE = ("controls", "threads", "signals", "signal_top_k")


def brings_teachers(config: dict[str, Any]) -> bool:
    """Does a recipe need teachers of its own making, whatever the task? Its stages name them, or one stays as it is."""
    stages = config.get("training", {}).get("stages", [])
    teachers = config.get("teachers", [])
    return any(one.get("teachers") for one in stages) or any(one.get("pretrained_only") for one in teachers)


def merged(draft: dict[str, Any], config: dict[str, Any]) -> dict[str, Any]:
    """A draft once a recipe for the same task is filled in. config: the recipe's, as a dict.

    Who stays as pre-trained is a matter of the method: the recipe's word counts.
    """
    found = {name: part for name, part in draft.items() if name not in (*METHOD, *BESIDE)}
    found |= {name: config[name] for name in (*METHOD, *BESIDE) if name in config}
    if brings_teachers(config):
        return {**found, "teachers": config["teachers"]}
    as_is = config.get("teacher_training", {}).get("mode") == "as_is"
    dropped = {"pretrained_only"} if as_is else {"pretrained_only", "label_mapping"}
    teachers = draft.get("teachers")
    found["teachers"] = [
        {name: value for name, value in teacher.items() if name not in dropped}
        for teacher in (teachers if isinstance(teachers, list) else [])
        if isinstance(teacher, dict)
    ]
    return found


def fits(
    draft: dict[str, Any],
    *,
    uploads_only: Path | None = None,
    seconds: Callable[[dict[str, Any]], dict[str, Any] | None] = lambda draft: None,
) -> list[dict[str, Any]]:
    """See `Services.recipe_fits`. seconds: what is known of a draft's expected time, asked of those that suit."""
    raw = draft if isinstance(draft, dict) else {}
    parts = Parts.of(raw)
    own = {(error.field, error.message) for error in _checked(raw, uploads_only).errors}
    rows = []
    for recipe in recipes.all_recipes():
        config = recipe.config.model_dump(mode="json", exclude_none=True)
        row: dict[str, Any] = {"name": recipe.name, "reason": None, "task": False, "estimate": None}
        task = str(config.get("data", {}).get("task", DEFAULT_TASK))
        if parts.data is not None and task != parts.task:
            row |= {"reason": _other_task(task, parts.task), "task": True}
        else:
            # What is not chosen yet is taken from the recipe: it cannot be at fault there.
            filled = dict(raw)
            filled["data"] = raw["data"] if parts.data is not None else config["data"]
            filled["teachers"] = raw["teachers"] if parts.teachers else config["teachers"]
            trial = merged(filled, config)
            error = _reason(_checked(trial, uploads_only), own)
            if error is None:
                row["estimate"] = seconds(trial)
            else:
                row["reason"] = {"field": error.field, "message": error.message, "hint": error.hint}
        rows.append(row)
    return rows


def _checked(draft: dict[str, Any], uploads_only: Path | None) -> CheckOutcome:
    """Quick: data that were not looked at before are not looked at now."""
    return check_config(draft, uploads_only=uploads_only, known_data_only=True)


def _reason(outcome: CheckOutcome, own: set[tuple[str, str]]) -> FieldError | None:
    """What keeps the method from working. own: what is wrong whatever the method."""
    for error in outcome.errors:
        part = error.field.split(".", 1)[0]
        if part in METHOD or part in BESIDE or (part == "teachers" and (error.field, error.message) not in own):
            return error
    idle = next((finding for finding in outcome.findings if finding.get("idle")), None)
    return FieldError(str(idle["field"]), str(idle["message"])) if idle else None


def _other_task(wanted: str, chosen: str) -> dict[str, str]:
    titles = [TASKS[name].title if name in TASKS else name for name in (wanted, chosen)]
    message = f"it is made for the task “{titles[0]}”, and your data are for “{titles[1]}”."
    return {"field": "data.task", "message": message, "hint": "Filling it in brings its own data and teachers."}
