"""YAML that people type or bring: read with limits, and what is wrong with it in words."""

from __future__ import annotations

from typing import Any

import yaml

from distill_core.errors import FieldError


def read(typed: str, path: str, longest: int) -> tuple[Any, FieldError | None]:
    """(what it says, None), or (None, why it cannot be read). longest, in characters; path: the field to blame."""
    if len(typed) > longest:
        return None, FieldError(path, "this is too long.", f"At most {longest:,} characters are read.")
    try:
        # An alias may stand for itself many times over: small texts that fill the memory.
        if any(isinstance(token, yaml.AliasToken) for token in yaml.scan(typed)):
            return None, FieldError(path, "aliases (*name) cannot be used here.", "Write the part out again.")
        return yaml.safe_load(typed), None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f" (line {mark.line + 1}, column {mark.column + 1})" if mark else ""
        problem = getattr(error, "problem", None) or "it cannot be parsed"
        return None, FieldError(
            path, f"this is not valid YAML: {problem}{where}.", "Check the indentation and colons there."
        )
    except (RecursionError, ValueError):
        return None, FieldError(path, "this is not valid YAML: it cannot be read.", "Write it as in the example.")
