"""Which settings of a run config a sweep may vary, and putting values there. No torch."""

from __future__ import annotations

import types
import typing
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from distill_core import config as configs
from distill_core.catalogue import TERMS
from distill_core.compatibility import used_terms
from distill_core.config import RunConfig
from distill_core.errors import ConfigError, FieldError

Kind = Literal["int", "float", "bool", "choice"]
Scalar = bool | int | float | str | None

#: settings that a trial has of its own, or what quality is measured on: trials could not be compared
_FIXED = ("schema_version", "about", "name", "seeds", "device", "threads", "data", "controls", "signals", "measure")
_YET_FREE, _FIXED_TOO = ("data.max_tokens",), ("training.precision",)


@dataclass(frozen=True)
class Searchable:
    """One setting that may be varied. now: its value in the base config. low, high: limits the config sets, if any."""

    path: str
    kind: Kind
    label: str
    unit: str
    now: Scalar
    choices: tuple[str, ...] = ()
    optional: bool = False
    slider: bool = False


def searchable(base: RunConfig) -> dict[str, Searchable]:
    """{dotted path: setting} of everything a sweep over `base` may vary, in the config's order."""
    return {found.path: found for found in _walk(base, "") if _free(found.path)}


def _free(path: str) -> bool:
    return path in _YET_FREE or (path not in _FIXED_TOO and path.split(".", 1)[0] not in _FIXED)


def _walk(part: Any, prefix: str) -> Iterator[Searchable]:
    if isinstance(part, BaseModel):
        for name, info in type(part).model_fields.items():
            value = getattr(part, name)
            if isinstance(value, BaseModel | list | dict):
                yield from _walk(value, f"{prefix}{name}.")
            elif (told := _told(f"{prefix}{name}", info, value)) is not None:
                yield told
    elif isinstance(part, list):
        for number, item in enumerate(part):
            yield from _walk(item, f"{prefix}{number}.")
    elif isinstance(part, dict):
        for name, value in part.items():
            if isinstance(value, BaseModel):
                yield from _walk(value, f"{prefix}{name}.")
            elif isinstance(value, int | float) and not isinstance(value, bool):
                yield Searchable(f"{prefix}{name}", "float", str(name), "", value)


def _told(path: str, info: FieldInfo, now: Any) -> Searchable | None:
    """A plain field as something to vary; None of texts and of choices with one member alone."""
    found = _kind(info.annotation)
    if found is None:
        return None
    kind, choices, optional = found
    extra = info.json_schema_extra if isinstance(info.json_schema_extra, dict) else {}
    label = str(extra.get("label") or path.rsplit(".", 1)[-1].replace("_", " ").capitalize())
    unit = str(extra.get("unit") or "")
    return Searchable(path, kind, label, unit, now, choices, optional, bool(extra.get("slider")))


def _kind(annotation: Any) -> tuple[Kind, tuple[str, ...], bool] | None:
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin in (typing.Union, types.UnionType):
        inner = [_kind(a) for a in arguments if a is not type(None)]
        if len(inner) != 1 or inner[0] is None:
            return None
        return inner[0][0], inner[0][1], type(None) in arguments
    if origin is Literal:
        return ("choice", tuple(map(str, arguments)), False) if len(arguments) > 1 else None
    plain: dict[Any, Kind] = {int: "int", float: "float", bool: "bool"}
    return (plain[annotation], (), False) if annotation in plain else None


def value_at(config: RunConfig, path: str) -> Any:
    """The value of a setting that is there."""
    part: Any = config
    for name in path.split("."):
        part = (
            part[int(name)] if isinstance(part, list) else part[name] if isinstance(part, dict) else getattr(part, name)
        )
    return part


def changed(base: RunConfig, params: Mapping[str, Any]) -> dict[str, Any]:
    """The base config as a dict with these settings in it, unchecked."""
    raw = base.model_dump(mode="json", exclude_none=True)
    for path, value in params.items():
        part: Any = raw
        *outer, last = path.split(".")
        for name in outer:
            part = part[int(name)] if isinstance(part, list) else part.setdefault(name, {})
        if isinstance(part, list):
            part[int(last)] = value
        else:
            part[last] = value
    return raw


def checked_value(base: RunConfig, path: str, value: Any) -> Any:
    """A value as the config holds it ("1e-3" → 0.001). Raises ConfigError where it cannot stand at this setting; what
    is wrong elsewhere (values that do not go together) is left to the trial."""
    try:
        found = value_at(configs.from_dict(changed(base, {path: value})), path)
    except ConfigError as error:
        own = [e for e in error.errors if e.field == path or e.field.startswith(path + ".")]
        if own:
            raise ConfigError([FieldError(f"search.{path}", e.message, e.hint) for e in own]) from None
        return value
    if isinstance(value, bool) != isinstance(found, bool):
        raise ConfigError([FieldError(f"search.{path}", f"{value!r} is not a value of this setting.", "")])
    return found


def trial_config(base: RunConfig, params: Mapping[str, Any], name: str) -> RunConfig:
    """What a trial trains: one seed, main alone, teachers asked once for all trials. Raises ConfigError (values that do
    not go together)."""
    raw = changed(base, params)
    config = configs.from_dict({**raw, "name": name[:120], "seeds": raw["seeds"][:1], "controls": []})
    live = any("live" in TERMS[term].needs for term in used_terms(config.objective, config.training.stages))
    return config if live else config.model_copy(update={"signals": "cached"})
