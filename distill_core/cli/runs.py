"""`note` and `diff`: what the page's run menu does, on run folders.

A page that is open learns of notes at its next start.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from distill_core.config import load
from distill_core.errors import JobError
from distill_core.export.markdown import table
from distill_core.jobs.meta import Words, annotate, read_meta, written_beside
from distill_core.layout import RunFolder, SweepFolder
from distill_core.services.differences import differences


def note(path: Path, words: Words) -> int:
    """Write the given words beside a run or a sweep, then print all that stand there."""
    folder = next((one for one in (RunFolder(path), SweepFolder(path)) if one.config.is_file()), None)
    if folder is None:
        raise JobError(f"{path} holds no run.", hint="Give the folder of a run, with its config.yaml, or of a sweep.")
    given = words.checked()
    beside = annotate(folder, words) if given else written_beside(read_meta(folder), folder.path.resolve().name)
    print(f"name: {beside['name']}")
    print(f"tags: {', '.join(beside['tags']) or '–'}")
    print(f"archived: {'yes' if beside['archived'] else 'no'}")
    print(f"notes: {beside['notes'] or '–'}")
    return 0


def diff(here: Path, there: Path) -> int:
    """Print a table of the settings that differ; nothing but a sentence when none does."""
    rows = differences(load(_config(here)), load(_config(there)))
    if not rows:
        print("Both have the same settings.")
        return 0
    print(
        *table(["setting", str(here), str(there)], [[r["field"], _said(r["here"]), _said(r["there"])] for r in rows]),
        sep="\n",
    )
    return 0


def _config(path: Path) -> Path:
    return RunFolder(path).config if path.is_dir() else path


def _said(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return "–" if value is None else str(value)
