"""What happens to a run once it rests: words beside it, archive, delete and take back.

The run's folder stays the truth: words stand in its meta.json, a deleted run is its folder moved to the trash.
"""

from __future__ import annotations

import logging
import os
import shutil
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from distill_core.errors import DiskError, JobError
from distill_core.jobs.meta import Words, annotate, read_meta
from distill_core.jobs.reconcile import ended, import_folder
from distill_core.jobs.store import Store
from distill_core.layout import DataHome, RunFolder, is_run_id

log = logging.getLogger(__name__)

#: seconds for which a deleted run can be taken back
KEPT_S = 7 * 86400.0
#: a run in one of these statuses has a process, or will have one
BUSY = ("queued", "running", "stopping")


class Shelf:
    """The words beside the runs of a data folder, and its trash. Methods raise JobError and DiskError."""

    def __init__(self, store: Store, home: DataHome) -> None:
        self.store = store
        self.home = home

    def annotate(self, run_id: str, words: Words) -> None:
        """Name, tags, notes, archived: in the folder first, then in the list."""
        self.store.update(run_id, **annotate(self.home.run(run_id), words))

    def delete(self, run_id: str) -> None:
        """Move a run that rests to the trash. What it shares with others (signals, teachers) stays."""
        row = self.store.run(run_id)
        if row is None:
            raise JobError("There is no such run.", hint="It may be deleted already.")
        if row.status in BUSY:
            raise JobError(f"{row.name} is {row.status}; it is not deleted.", hint="Stop it first.")
        move_to(self.home.trash, self.home.run(run_id), row.name)
        self.store.forget(run_id)

    def restore(self, run_id: str) -> None:
        """Bring a deleted run back as it was."""
        folder = self.home.run(run_id)
        if not take_back(self.home.trash, folder, "run"):
            return
        import_folder(self.store, folder)
        row = self.store.run(run_id)
        # Only a run that rested was deleted: what its process left behind looks like work that was cut off.
        if row is not None and row.status in BUSY and not ended(self.store, folder, row):
            self.store.update(run_id, status="stopped", position=None)

    def deleted(self) -> list[dict[str, Any]]:
        """[{id, name, deleted (s since 1970), bytes}] of the trash, newest first."""
        return trashed(self.home.trash)

    def throw_away(self, older_than_s: float = KEPT_S, now: float | None = None) -> list[str]:
        """Remove from the disk what was deleted so long ago; the ids."""
        return throw_away(self.home.trash, older_than_s, now)


# ---------------------------------------------------------------- a trash, of runs or of sweeps


def move_to(trash: Path, folder: RunFolder, name: str) -> None:
    """Move a folder that rests into a trash. name: what people call it. Raises DiskError."""
    try:
        trash.mkdir(exist_ok=True)
        os.utime(folder.path)  # when it was deleted: told by the folder, so that a restart does not forget it
        folder.path.rename(trash / folder.run_id)
    except OSError as error:
        raise DiskError(f"{name} could not be deleted: {error.strerror or error}.", hint="Try again.") from None


def take_back(trash: Path, folder: RunFolder, what: str) -> bool:
    """Move a folder back to where it was; False where it is there already. Raises JobError, DiskError."""
    if folder.path.exists():
        return False
    try:
        (trash / folder.run_id).rename(folder.path)
    except FileNotFoundError:
        raise JobError(
            f"This {what} is no longer in the trash.", hint=f"It is kept for {KEPT_S / 86400:.0f} days."
        ) from None
    except OSError as error:
        raise DiskError(f"It could not be brought back: {error.strerror or error}.", hint="Try again.") from None
    return True


def trashed(trash: Path) -> list[dict[str, Any]]:
    """[{id, name, deleted (s since 1970), bytes}] of a trash, newest first."""
    found = []
    for path in _folders(trash):
        with suppress(OSError):
            meta = read_meta(RunFolder(path))
            size = sum(file.stat().st_size for file in path.rglob("*") if file.is_file())
            name = str(meta.get("name") or path.name)
            found.append({"id": path.name, "name": name, "deleted": path.stat().st_mtime, "bytes": size})
    return sorted(found, key=lambda row: row["deleted"], reverse=True)


def throw_away(trash: Path, older_than_s: float = KEPT_S, now: float | None = None) -> list[str]:
    """Remove from the disk what was moved to a trash so long ago; the ids."""
    limit = (time.time() if now is None else now) - older_than_s
    gone = []
    for path in _folders(trash):
        try:
            if path.stat().st_mtime <= limit:
                shutil.rmtree(path)
                gone.append(path.name)
        except OSError as error:
            log.warning("%s: could not be removed from the trash: %s", path.name, error)
    return gone


def _folders(trash: Path) -> list[Path]:
    if not trash.is_dir():
        return []
    return [path for path in trash.iterdir() if is_run_id(path.name) and path.is_dir()]
