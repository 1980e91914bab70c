"""A config file as a draft: what commands that only look at it start from."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from distill_core.config import load
from distill_core.errors import ConfigError


def draft_of(path: Path) -> dict[str, Any]:
    """The config as typed, also when settings are refused: the check then tells those and whatever else is wrong."""
    try:
        return load(path).model_dump(mode="json", exclude_none=True)
    except ConfigError:
        try:
            raw = yaml.safe_load(path.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError, yaml.YAMLError):
            raw = None
        if not isinstance(raw, dict):
            raise
        return raw
