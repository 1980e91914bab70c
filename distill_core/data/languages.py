"""Several files as languages: `{language}` in a path stands for each language that is listed."""

from __future__ import annotations

import re
from collections.abc import Mapping

from distill_core.config import FileData
from distill_core.data.types import Findings

PLACEHOLDER = "{language}"
LANGUAGE = re.compile(r"\w[\w.\-]*")  # it becomes a part of a path: nothing that leads out of a folder


def languages_of(config: FileData, paths: Mapping[str, str], findings: Findings) -> list[str] | None:
    """The languages whose files are read; None, and an error finding, where they do not fit the paths."""
    languages = list(dict.fromkeys(name.strip() for name in config.languages if name.strip()))
    wanted = [split for split, path in paths.items() if PLACEHOLDER in path]
    if wanted and not languages:
        message = f"The {wanted[0]} file has {PLACEHOLDER} in its name, but no languages are given. List them."
        findings.add("error", "languages", "data.languages", message)
        return None
    strange = [name for name in languages if not LANGUAGE.fullmatch(name)]
    if strange:
        message = f"{strange[0]!r} cannot be part of a file name: a language is letters, digits, “-”, “_” and “.”."
        findings.add("error", "languages", "data.languages", message)
        return None
    if languages and not wanted:
        message = f"Languages are listed, but no file has {PLACEHOLDER} in its name: they are not used."
        findings.add("warning", "languages", "data.languages", message)
    return languages
