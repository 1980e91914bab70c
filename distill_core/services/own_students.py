"""Students of finished runs in the data folder, to be the teachers of a next run."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from distill_core.errors import StillroomError
from distill_core.layout import DataHome, is_run_id
from distill_core.saved_students import find

#: that many are listed
MOST = 40


def finished(rows: Iterable[dict[str, Any]], home: DataHome) -> list[dict[str, Any]]:
    """See `Services.own_students`. rows: as `Services.runs` tells them, newest first."""
    found: list[dict[str, Any]] = []
    for row in rows:
        if row["status"] != "done" or row["archived"] or len(found) == MOST:
            continue
        folder = home.run(row["id"]).path
        try:
            known = find(folder) is not None
        except StillroomError:
            continue
        if known:
            kept = {name: row[name] for name in ("id", "name", "student", "created", "quality_kept")}
            found.append({**kept, "source": str(folder)})
    return found


def is_own(source: str, home: DataHome) -> bool:
    """Does it name a run's folder of this data folder, or the student in one, and nothing else? Nobody learns from the
    answer what lies elsewhere."""
    path = Path(source)
    if not path.is_absolute() or ".." in path.parts or "~" in source:
        return False
    try:
        parts = path.resolve().relative_to(home.runs.resolve()).parts
    except (ValueError, OSError):
        return False
    return len(parts) in (1, 3) and is_run_id(parts[0]) and parts[1:] in ((), ("artifacts", "student"))
