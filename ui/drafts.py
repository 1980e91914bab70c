"""What is typed on the New run page → a draft (a dict shaped like RunConfig), and errors back to where they belong."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from distill_core.config import MAX_TEACHERS, walk_fields
from distill_core.config import RunConfig as _RunConfig
from distill_core.errors import FieldError
from ui.forms import Form, nested

#: first part of a path → number of the step (from 0) on which its fields stand
STEP_OF = {"data": 0, "teachers": 1, "teacher_training": 1, "student": 2, "name": 4}
METHOD, REVIEW = 3, 4


@dataclass(frozen=True)
class Typed:
    """A page's values as they came from the browser: the two choices of sections, then one value a binding."""

    source: str
    kind: str
    values: tuple[Any, ...]

    @property
    def chosen(self) -> dict[str, str]:
        return {"data": self.source, "student": self.kind}


def draft_of(form: Form, typed: Typed) -> tuple[dict[str, Any], list[int]]:
    """(draft, slots): slots[i] is the page's teacher slot of the draft's teacher i. Empty slots are left out."""
    draft = nested(form.values(typed.values, typed.chosen))
    draft.setdefault("data", {})["source"] = typed.source
    draft.setdefault("student", {})["kind"] = typed.kind
    by_slot = draft.pop("teachers", {})
    slots = [i for i in range(MAX_TEACHERS) if by_slot.get(str(i), {}).get("source")]
    draft["teachers"] = [by_slot[str(i)] for i in slots]
    if draft.get("teacher_training", {}).get("mode") != "as_is":
        for teacher in draft["teachers"]:
            teacher.pop("label_mapping", None)  # the field is not shown in the other modes
    return draft, slots


def at_slots(errors: Sequence[FieldError], slots: list[int]) -> list[FieldError]:
    """Errors of the draft's teachers, told by the page's teacher slots."""
    found = []
    for error in errors:
        if error.field == "teachers":
            error = FieldError("teachers.0.source", "a run needs at least one teacher.", "Choose one here.")
        elif error.field == "data.columns":
            error = replace(error, field="data.columns.text")
        else:
            error = replace(error, field=slot_path(error.field, slots))
        found.append(error)
    return found


def advice_at_slots(advice: Sequence[Mapping[str, Any]], slots: list[int]) -> list[dict[str, Any]]:
    """Advice (findings) likewise."""
    return [{**item, "field": slot_path(str(item["field"]), slots)} for item in advice]


def slot_path(path: str, slots: list[int]) -> str:
    """A path of the draft as the page counts teachers; one of a teacher as a whole is its source's."""
    parts = path.split(".")
    if parts[0] == "teachers" and len(parts) > 1 and parts[1].isdigit() and int(parts[1]) < len(slots):
        parts[1] = str(slots[int(parts[1])])
        if len(parts) == 2:
            parts.append("source")
    return ".".join(parts)


def step_of(path: str) -> int:
    """The step whose fields a path belongs to; what is no field of the page stands at Review."""
    first = path.split(".", 1)[0]
    if first in STEP_OF:
        return STEP_OF[first]
    return METHOD if first in _RunConfig.model_fields else REVIEW


def section_fields(section: Any, prefix: str, *, leave_out: Sequence[str] = ()) -> list[tuple[str, Any]]:
    """(path, field) of a config section's plain fields."""
    return [
        (f"{prefix}{path}", info)
        for path, info in walk_fields(section)
        if path.split(".", 1)[0] not in leave_out and path not in ("source", "kind")
    ]


def recipe_values(config: dict[str, Any]) -> dict[str, Any]:
    """{path: value} of a recipe's plain settings, without its data, teachers, name and description of itself."""
    flat: dict[str, Any] = {}

    def walk(part: dict[str, Any], prefix: str) -> None:
        for key, value in part.items():
            if isinstance(value, dict):
                walk(value, f"{prefix}{key}.")
            else:
                flat[f"{prefix}{key}"] = value

    kept = {k: v for k, v in config.items() if k not in ("about", "data", "teachers", "name", "schema_version")}
    walk(kept, "")
    return flat
