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
        source, target = self.home.run(run_id).path, self.home.trash / run_id
        try:
            self.home.trash.mkdir(exist_ok=True)
            os.utime(source)  # when it was deleted: told by the folder, so that a restart does not forget it
            source.rename(target)
        except OSError as error:
            raise DiskError(
                f"{row.name} could not be deleted: {error.strerror or error}.", hint="Try again in a moment."
            ) from None
        self.store.forget(run_id)

    def restore(self, run_id: str) -> None:
        """Bring a deleted run back as it was."""
        source, folder = self.home.trash / run_id, self.home.run(run_id)
        if folder.path.exists():
            return
        try:
            source.rename(folder.path)
        except FileNotFoundError:
            raise JobError(
                "This run is no longer in the trash.", hint=f"Deleted runs are kept for {KEPT_S / 86400:.0f} days."
            ) from None
        except OSError as error:
            raise DiskError(f"It could not be brought back: {error.strerror or error}.", hint="Try again.") from None
        import_folder(self.store, folder)
        row = self.store.run(run_id)
        # Only a run that rested was deleted: what its process left behind looks like work that was cut off.
        if row is not None and row.status in BUSY and not ended(self.store, folder, row):
            self.store.update(run_id, status="stopped", position=None)

    def deleted(self) -> list[dict[str, Any]]:
        """[{id, name, deleted (s since 1970), bytes}] of the trash, newest first."""
        found = []
        for path in self._folders():
            with suppress(OSError):
                meta = read_meta(RunFolder(path))
                size = sum(file.stat().st_size for file in path.rglob("*") if file.is_file())
                name = str(meta.get("name") or path.name)
                found.append({"id": path.name, "name": name, "deleted": path.stat().st_mtime, "bytes": size})
        return sorted(found, key=lambda row: row["deleted"], reverse=True)

    def throw_away(self, older_than_s: float = KEPT_S, now: float | None = None) -> list[str]:
        """Remove from the disk what was deleted so long ago; the ids."""
        limit = (time.time() if now is None else now) - older_than_s
        gone = []
        for path in self._folders():
            try:
                if path.stat().st_mtime <= limit:
                    shutil.rmtree(path)
                    gone.append(path.name)
            except OSError as error:
                log.warning("%s: could not be removed from the trash: %s", path.name, error)
        return gone

    def _folders(self) -> list[Path]:
        if not self.home.trash.is_dir():
            return []
        return [path for path in self.home.trash.iterdir() if is_run_id(path.name) and path.is_dir()]
