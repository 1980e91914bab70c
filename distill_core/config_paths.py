"""Paths in a config: made absolute when a run is stored, so that it can be resumed from anywhere."""

from __future__ import annotations

import os
from pathlib import Path

from distill_core.config import RunConfig

_FILES = ("train", "validation", "test", "transfer")


def absolutise(config: RunConfig, base: Path | None = None) -> RunConfig:
    """A copy of the config with the local paths that exist made absolute.

    Relative ones are taken from `base` (the current folder). Bundled data and teachers, names on the Hub, and paths to
    nothing stay as they are: the latter are refused later, in the words the user typed.
    """
    base = Path.cwd() if base is None else base
    raw = config.model_dump(mode="json", exclude_none=True)
    if config.data.source == "files":
        for name in _FILES:
            if raw["data"].get(name):
                raw["data"][name] = _absolute(raw["data"][name], base)
    for teacher in raw["teachers"]:
        if not teacher["source"].startswith("bundled:"):
            teacher["source"] = _absolute(teacher["source"], base)
    return RunConfig.model_validate(raw)


def _absolute(text: str, base: Path) -> str:
    path = base / Path(text).expanduser()
    try:
        # Not resolve(): a link may carry the ending that tells the format, and its target none.
        return os.path.abspath(path) if path.exists() else text  # noqa: PTH100
    except OSError:  # e.g. longer than a path may be
        return text
