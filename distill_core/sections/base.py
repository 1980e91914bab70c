"""What the sections of a RunConfig are made of."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

MAX_TEACHERS = 8


@dataclass(frozen=True)
class Slider:
    """A number the page also gives a slider: the stretch that is usual. What lies outside can still be typed.

    multiple_of, divisor_of: another field of the section that the slider's values are multiples, or divisors, of.
    """

    low: int
    high: int
    step: int = 1
    multiple_of: str = ""
    divisor_of: str = ""


def setting(
    default: Any = ...,
    help: str = "",
    *,
    unit: str = "",
    label: str = "",
    advanced: bool = False,
    words: dict[str, str] | None = None,
    slider: Slider | None = None,
    **limits: Any,
) -> Any:
    """A pydantic Field whose help, unit and label travel with it (`ui/forms.py` draws widgets from them).

    words: what the page calls each choice of a Literal, where that is not the choice itself.
    """
    extra: dict[str, Any] = {"unit": unit, "label": label, "advanced": advanced}
    if words:
        extra["words"] = words
    if slider:
        extra["slider"] = asdict(slider)
    if callable(default):
        return Field(default_factory=default, description=help, json_schema_extra=extra, **limits)
    return Field(default, description=help, json_schema_extra=extra, **limits)


class Section(BaseModel):
    """Base of all parts: unknown keys are refused, assignment is validated."""

    model_config = ConfigDict(extra="forbid", validate_assignment=True)
