"""What a sweep is: a base run config, the settings it varies, a budget, a sampler, objectives. YAML in, out."""

from __future__ import annotations

import difflib
import itertools
import math
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import Field, ValidationError, field_validator, model_validator

from distill_core import config as configs
from distill_core.config import RunConfig, Section, setting
from distill_core.config_paths import absolutise
from distill_core.errors import ConfigError, FieldError
from distill_core.sweeps.fields import Scalar, checked_value, searchable

SCHEMA_VERSION = 1
MOST_TRIALS, MOST_FIELDS, MOST_VALUES = 1000, 12, 200

SamplerName = Literal["grid", "random", "tpe", "gp", "nsga2"]
Objective = Literal["quality", "parameters", "latency", "time"]
#: which way each objective is better
DIRECTIONS: dict[str, str] = {
    "quality": "maximize",
    "parameters": "minimize",
    "latency": "minimize",
    "time": "minimize",
}


class Range(Section):
    """Numbers from low to high, both included."""

    low: float = setting(..., "Smallest value.")
    high: float = setting(..., "Largest value.")
    log: bool = setting(False, "Equal steps are equal factors: for rates.")
    step: float | None = setting(None, "Only low, low + step, low + 2·step, … A grid needs it.", gt=0)

    @model_validator(mode="after")
    def _sound(self) -> Range:
        if not (math.isfinite(self.low) and math.isfinite(self.high)):
            raise ValueError("low: both ends must be finite.")
        if self.low >= self.high:
            raise ValueError(f"high: it must be above low ({self.low:g}).")
        if self.log and self.low <= 0:
            raise ValueError("low: on a log scale it must be above zero.")
        if self.log and self.step is not None:
            raise ValueError("step: a log scale has no steps; give a list of values.")
        return self

    def values(self) -> list[float] | None:
        """All its values where it has steps."""
        if self.step is None:
            return None
        return [round(self.low + i * self.step, 12) for i in range(1 + int((self.high - self.low) / self.step + 1e-9))]


class Budget(Section):
    """When a sweep is over: what comes first."""

    trials: int | None = setting(None, "So many trials.", unit="trials", label="Trials", ge=1, le=MOST_TRIALS)
    minutes: float | None = setting(
        None, "No trial begins after so much work.", unit="min", label="Minutes", gt=0, le=100_000
    )


class SweepSpec(Section):
    """One sweep. `python -m distill_core sweep SPEC.yaml` and the page start exactly this."""

    schema_version: int = setting(SCHEMA_VERSION, "Version of this file's format.", ge=1, le=SCHEMA_VERSION)
    name: str = setting("sweep", "Name of the sweep.", label="Name", min_length=1, max_length=100)
    base: RunConfig
    search: dict[str, list[Scalar] | Range] = Field(min_length=1, max_length=MOST_FIELDS)
    sampler: SamplerName = setting("tpe", "How the next values are chosen.", label="Sampler")
    objectives: list[Objective] = setting(
        lambda: ["quality"], "Validation quality, and what it is weighed against.", label="Objectives", max_length=3
    )
    prune: bool = setting(
        False, "End trials early whose validation is below the median of those before. With quality alone."
    )
    seed: int = setting(1, "Seed of the sampler; the trials' own seed is the base config's first.", ge=0, le=2**31)
    budget: Budget = Field(default_factory=Budget)

    @field_validator("search", mode="before")
    @classmethod
    def _values_or_range(cls, given: Any) -> Any:
        """Told apart here: pydantic's own errors would name both kinds for one slip."""
        if not isinstance(given, dict):
            return given
        found: dict[str, Any] = {}
        for path, value in given.items():
            if isinstance(value, dict):
                try:
                    value = Range.model_validate(value)
                except ValidationError as error:
                    first = error.errors()[0]
                    if first["type"] == "value_error":
                        raise ValueError(f"{path}.{first['ctx']['error']}") from None
                    where = ".".join([str(path), *map(str, first["loc"])])
                    said = {"extra_forbidden": "there is no such setting.", "missing": "this setting is missing."}
                    raise ValueError(f"{where}: {said.get(first['type'], first['msg'].lower() + '.')}") from None
            elif not isinstance(value, list | Range):
                raise ValueError(f"{path}: give a list of values, or a range with low and high.")
            found[str(path)] = value
        return found

    @model_validator(mode="after")
    def _fits(self) -> SweepSpec:
        if self.objectives[:1] != ["quality"] or len(set(self.objectives)) != len(self.objectives):
            raise ValueError("objectives: quality comes first, and each stands only once.")
        if self.prune and len(self.objectives) > 1:
            raise ValueError(
                "prune: trials can only be ended early where quality alone counts; leave it off, or choose that "
                "objective alone."
            )
        if self.budget.trials is None and self.budget.minutes is None and self.sampler != "grid":
            raise ValueError("budget: say how many trials or how many minutes.")
        return self

    # ---- in and out

    def to_yaml(self) -> str:
        raw = self.model_dump(mode="json", exclude_none=True)
        # A value that is None means "not set" there, and must not be left out.
        raw["search"] = {
            path: value if isinstance(value, list) else value.model_dump(mode="json", exclude_none=True)
            for path, value in self.search.items()
        }
        return yaml.safe_dump(raw, sort_keys=False, allow_unicode=True, width=100)

    def settled(self) -> SweepSpec:
        """With local paths made absolute, so that it can go on from anywhere."""
        return self.model_copy(update={"base": absolutise(self.base)})

    # ---- what there is to try

    def choices(self, path: str) -> list[Any] | None:
        """All values a setting may take, in their order; None where they cannot be counted."""
        given = self.search[path]
        if isinstance(given, list):
            return list(given)
        whole = searchable(self.base)[path].kind == "int"
        values = Range(low=given.low, high=given.high, step=1).values() if whole and not given.log else None
        values = given.values() or values
        return [int(v) for v in values] if whole and values else values

    def combinations(self) -> int | None:
        """How many different trials there can be; None: no end of them."""
        counts = [self.choices(path) for path in self.search]
        return None if any(one is None for one in counts) else math.prod(len(one) for one in counts if one is not None)

    def grid(self) -> list[dict[str, Any]]:
        """All combinations, the last setting changing fastest. Only where they can be counted."""
        values = [self.choices(path) or [] for path in self.search]
        return [dict(zip(self.search, one, strict=True)) for one in itertools.product(*values)]

    @property
    def most_trials(self) -> int | None:
        """How many trials there will be at most, as far as that is known."""
        known = [n for n in (self.budget.trials, self.combinations()) if n is not None]
        return min(known) if known else None


def from_dict(raw: Any) -> SweepSpec:
    """A validated sweep. Raises ConfigError naming every field at fault."""
    if not isinstance(raw, dict):
        raise _refused("sweep", "this is no sweep: a list of `key: value` settings is needed.", "See docs/guide.md.")
    if isinstance(raw.get("base"), dict):
        # By its own reader, whose words are meant for people.
        try:
            raw = {**raw, "base": configs.from_dict(raw["base"])}
        except ConfigError as error:
            raise ConfigError([FieldError(f"base.{e.field}", e.message, e.hint) for e in error.errors]) from None
    try:
        spec = SweepSpec.model_validate(raw)
    except ValidationError as error:
        raise ConfigError(configs.field_errors(error)) from None
    return _checked(spec)


def from_yaml(text: str, beside: Path | None = None) -> SweepSpec:
    """A sweep from YAML. `base` may be the name of a config file; relative ones lie in `beside`. Raises ConfigError."""
    try:
        raw = yaml.safe_load(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f" (line {mark.line + 1}, column {mark.column + 1})" if mark else ""
        raise _refused("sweep", f"this is not valid YAML{where}.", "Check the indentation and colons there.") from None
    if isinstance(raw, dict) and isinstance(raw.get("base"), str):
        raw["base"] = configs.load((beside or Path()) / raw["base"])
    return from_dict(raw)


def load(path: Path) -> SweepSpec:
    """A sweep from a file. Raises ConfigError."""
    try:
        return from_yaml(path.read_text(encoding="utf-8"), path.parent)
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise _refused("sweep", f"{path} cannot be read: {reason}.", "Check the path.") from None


def _refused(field: str, message: str, hint: str = "") -> ConfigError:
    return ConfigError([FieldError(field, message, hint)])


def _checked(spec: SweepSpec) -> SweepSpec:
    """Every value held against the config's own rules, and put as the config holds it."""
    known, errors = searchable(spec.base), []
    search: dict[str, Any] = {}
    for path, given in spec.search.items():
        try:
            if path not in known:
                raise _unknown(path, list(known))
            search[path] = _values(spec, path, given) if isinstance(given, list) else _range(spec, path, given)
        except ConfigError as error:
            errors += error.errors
    if not errors:
        spec = spec.model_copy(update={"search": search})
        errors = _too_much(spec)
    if errors:
        raise ConfigError(errors)
    return spec


def _unknown(path: str, known: list[str]) -> ConfigError:
    close = difflib.get_close_matches(path, known, n=3, cutoff=0.5)
    hint = f"Close to it: {', '.join(close)}." if close else "Numbers, choices and switches of the config can be."
    return _refused(f"search.{path}", "there is no such setting that a sweep can vary.", hint)


def _values(spec: SweepSpec, path: str, given: list[Any]) -> list[Any]:
    if not 1 <= len(given) <= MOST_VALUES:
        raise _refused(f"search.{path}", f"give 1 to {MOST_VALUES} values.")
    found = [checked_value(spec.base, path, value) for value in given]
    if len({repr(value) for value in found}) != len(found):
        raise _refused(f"search.{path}", "each value may stand only once.", f"It was {given!r}.")
    return found


def _range(spec: SweepSpec, path: str, given: Range) -> Range:
    about = searchable(spec.base)[path]
    if about.kind not in ("int", "float"):
        choices = f" Choose from {', '.join(about.choices)}." if about.choices else ""
        raise _refused(f"search.{path}", "this setting is no number, so it has no range.", f"Give a list.{choices}")
    ends = [given.low, given.high, *([given.step] if given.step else [])]
    if about.kind == "int" and any(end != int(end) for end in ends):
        raise _refused(f"search.{path}", "this setting is a whole number; so are the ends and steps of its range.")
    for end in (given.low, given.high):
        checked_value(spec.base, path, int(end) if about.kind == "int" else end)
    return given


def _too_much(spec: SweepSpec) -> list[FieldError]:
    if spec.sampler != "grid":
        return []
    endless = [path for path in spec.search if spec.choices(path) is None]
    if endless:
        return [
            FieldError(f"search.{path}", "a grid needs values that can be counted.", "Give a list, or a step.")
            for path in endless
        ]
    count = spec.combinations() or 0
    if count > MOST_TRIALS and spec.budget.trials is None and spec.budget.minutes is None:
        return [FieldError("budget", f"the grid has {count:,} combinations.", "Say how many trials or minutes.")]
    return []
