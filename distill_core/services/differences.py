"""What differs between two runs: their saved configs, setting by setting."""

from __future__ import annotations

from typing import Any

from distill_core.config import RunConfig

#: told elsewhere, or no setting of the work
_LEFT_OUT = ("name", "about")


def differences(here: RunConfig, there: RunConfig) -> list[dict[str, Any]]:
    """[{field (dotted path, as "teachers.0.source"), here, there}], in the order of the config; None where a setting
    is unset or the other's kind does not have it. Defaults count as settings: what runs is compared."""
    one, other = _flat(here.model_dump(mode="json")), _flat(there.model_dump(mode="json"))
    fields = list(dict.fromkeys((*one, *other)))
    return [
        {"field": field, "here": one.get(field), "there": other.get(field)}
        for field in fields
        if field.partition(".")[0] not in _LEFT_OUT and one.get(field) != other.get(field)
    ]


def _flat(value: Any, path: str = "") -> dict[str, Any]:
    """{dotted path: plain value}; lists of plain values stay whole, lists of settings are numbered."""
    if isinstance(value, dict):
        pairs = list(value.items())
    elif isinstance(value, list) and any(isinstance(item, dict | list) for item in value):
        pairs = [(str(number), item) for number, item in enumerate(value)]
    else:
        return {path: value}
    found: dict[str, Any] = {}
    for name, item in pairs:
        found |= _flat(item, f"{path}.{name}" if path else str(name))
    return found
