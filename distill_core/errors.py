"""Errors a user reads: what happened, where, and what to do next.

Every error raised on purpose is a `StillroomError`. `kind` is the human category a page or report shows,
`hint` the next step, `field` the dotted path of the setting it belongs to (``data.text_column``), when there is one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


class StillroomError(Exception):
    """Base of all errors with a message for people.

    Args:
        message: what happened, one sentence.
        hint: what to do about it, one sentence (may be empty).
        field: dotted path of the config field at fault, if one is.
    """

    kind = "problem"

    def __init__(self, message: str, *, hint: str = "", field: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.field = field

    def __str__(self) -> str:
        where = f"{self.field}: " if self.field else ""
        return f"{where}{self.message}" + (f" {self.hint}" if self.hint else "")

    def as_dict(self) -> dict[str, str | None]:
        return {"kind": self.kind, "message": self.message, "hint": self.hint, "field": self.field}


class DataError(StillroomError):
    """The data cannot be read or cannot be used as they are."""

    kind = "data"


class CheckpointError(StillroomError):
    """A teacher or student checkpoint cannot be used."""

    kind = "checkpoint"


class NetworkError(StillroomError):
    """Something has to come from the Hub and there is no way to reach it."""

    kind = "network"


class DiskError(StillroomError):
    """The disk is full or a file cannot be written."""

    kind = "disk"


class MemoryError_(StillroomError):
    """The machine (or the accelerator) ran out of memory."""

    kind = "memory"


class TrainingError(StillroomError):
    """Training went wrong, e.g. the loss stopped being a number."""

    kind = "training"


class JobError(StillroomError):
    """A run cannot be started, stopped or resumed in the state it is in."""

    kind = "job"


class Stopped(Exception):
    """Raised inside a run when the stop token was set and a checkpoint has been written. Not an error."""


@dataclass(frozen=True)
class FieldError:
    """One refused setting: its dotted path, what is wrong with it, and what to do."""

    field: str
    message: str
    hint: str = ""

    def __str__(self) -> str:
        return f"{self.field}: {self.message}" + (f" {self.hint}" if self.hint else "")


class ConfigError(StillroomError):
    """The config was refused; `errors` names every field at fault."""

    kind = "config"

    def __init__(self, errors: Sequence[FieldError]) -> None:
        self.errors = list(errors)
        first = self.errors[0]
        super().__init__(first.message, hint=first.hint, field=first.field)

    def __str__(self) -> str:
        return "\n".join(str(error) for error in self.errors)
