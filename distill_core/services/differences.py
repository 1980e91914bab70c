"""What differs between runs: their saved configs, setting by setting."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from distill_core.config import RunConfig

#: told elsewhere, or no setting of the work
_LEFT_OUT = ("name", "about")


def differing(configs: Sequence[RunConfig]) -> list[dict[str, Any]]:
    """[{field (dotted path, as "teachers.0.source"), values (one a config)}] of the settings in which not all are
    alike, in the order of the configs; None where a setting is unset or one's kind does not have it. Defaults count as
    settings: what runs is compared."""
    flat = [_flat(config.model_dump(mode="json")) for config in configs]
    fields = [field for field in dict.fromkeys(name for one in flat for name in one) if _told(field)]
    rows = [{"field": field, "values": [one.get(field) for one in flat]} for field in fields]
    return [row for row in rows if any(value != row["values"][0] for value in row["values"][1:])]


def differences(here: RunConfig, there: RunConfig) -> list[dict[str, Any]]:
    """[{field, here, there}] of two; see `differing`."""
    return [
        {"field": row["field"], "here": row["values"][0], "there": row["values"][1]} for row in differing([here, there])
    ]


def _told(field: str) -> bool:
    return field.partition(".")[0] not in _LEFT_OUT


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
