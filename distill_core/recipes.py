"""Recipes: run configs that ship with the project, each a published method or the demo."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

from distill_core import config as cfg
from distill_core.errors import ConfigError, FieldError
from distill_core.layout import RECIPES


@dataclass(frozen=True)
class Recipe:
    """A named, complete run config with a description of itself."""

    name: str
    config: cfg.RunConfig

    @property
    def about(self) -> cfg.About:
        return self.config.about or cfg.About(title=self.name)


@cache
def _load(path: Path) -> Recipe:
    return Recipe(path.stem, cfg.load(path))


def names() -> list[str]:
    """Names of all recipes, the demo first."""
    found = sorted(path.stem for path in RECIPES.glob("*.yaml"))
    return sorted(found, key=lambda name: name != "demo")


def load(name: str) -> Recipe:
    """The recipe of that name. Raises ConfigError naming those there are."""
    if name not in names():
        raise ConfigError([FieldError("recipe", f"there is no recipe {name!r}.", f"There are: {', '.join(names())}.")])
    return _load(RECIPES / f"{name}.yaml")


def all_recipes() -> list[Recipe]:
    return [load(name) for name in names()]
