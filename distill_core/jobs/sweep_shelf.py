"""What happens to a sweep once it rests: its name, archive, delete and take back; as `jobs.shelf` does with runs."""

from __future__ import annotations

import time
from typing import Any

from distill_core.jobs import shelf
from distill_core.jobs.meta import Words, annotate
from distill_core.jobs.sweeps import Sweeps, name_of


class SweepShelf:
    """The words beside the sweeps of a data folder, and their trash. Methods raise JobError and DiskError."""

    def __init__(self, sweeps: Sweeps) -> None:
        self._sweeps = sweeps
        self._home = sweeps.home

    def annotate(self, sweep_id: str, words: Words) -> None:
        """Name, tags, notes, archived; also of one that is at work."""
        annotate(self._sweeps.folder(sweep_id), words)

    def delete(self, sweep_id: str) -> None:
        """Move a sweep that rests to the trash. Runs that its trials were promoted to stay."""
        with self._sweeps.at_rest(sweep_id) as folder:
            shelf.move_to(self._home.sweeps_trash, folder, name_of(folder))

    def restore(self, sweep_id: str) -> None:
        """Bring a deleted sweep back as it was."""
        shelf.take_back(self._home.sweeps_trash, self._home.sweep(sweep_id), "sweep")

    def deleted(self) -> list[dict[str, Any]]:
        """[{id, name, deleted (s since 1970), bytes}], newest first."""
        return shelf.trashed(self._home.sweeps_trash)

    def throw_away(self, older_than_s: float = shelf.KEPT_S, now: float | None = None) -> list[str]:
        """Remove from the disk what was deleted so long ago; the ids."""
        return shelf.throw_away(self._home.sweeps_trash, older_than_s, time.time() if now is None else now)
