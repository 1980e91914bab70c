"""Values as people type them in one line: "0.001, 0.003", "true, false", "0.0001 to 0.01 log", "32 to 128 step 32"."""

from __future__ import annotations

import re
from typing import Any

from distill_core.errors import ConfigError, FieldError

_RANGE = re.compile(r"^\s*(\S+)\s+to\s+(\S+?)(?:\s+(log)|\s+step\s+(\S+))?\s*$", re.IGNORECASE)
_WORDS: dict[str, Any] = {
    "true": True,
    "yes": True,
    "on": True,
    "false": False,
    "no": False,
    "off": False,
    "none": None,
}
LONGEST = 2000


def read(path: str, typed: str) -> list[Any] | dict[str, Any]:
    """A list of values, or {low, high, log | step}. Raises ConfigError at `search.PATH`."""
    text = typed.strip()
    if not text or len(text) > LONGEST:
        raise _refused(path, "there are no values." if not text else "this is too long.")
    found = _RANGE.match(text)
    if found:
        low, high, log, step = found.groups()
        made: dict[str, Any] = {"low": _number(path, low), "high": _number(path, high)}
        if log:
            made["log"] = True
        if step:
            made["step"] = _number(path, step)
        return made
    parts = [part.strip() for part in re.split(r"[,;]", text) if part.strip()]
    return [_value(part) for part in parts]


def _value(part: str) -> Any:
    if part.lower() in _WORDS:
        return _WORDS[part.lower()]
    for kind in (int, float):
        try:
            return kind(part)
        except ValueError:
            continue
    return part


def _number(path: str, part: str) -> float:
    try:
        return float(part)
    except ValueError:
        raise _refused(path, f"{part!r} is no number.") from None


def _refused(path: str, message: str) -> ConfigError:
    hint = "Write values with commas between them (16, 32, 64), or a range: 0.0001 to 0.01 log, 32 to 128 step 32."
    return ConfigError([FieldError(f"search.{path}", message, hint)])
