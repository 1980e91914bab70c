"""The backup beside the app: a thread of its own, so that a bucket that is full, slow or gone stops no run and no page.

First it takes back what this data folder lacks (a Space starts with an empty disk), then it copies what changed, every
minute. What goes wrong is told on the page until it goes right again.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from distill_core.errors import StillroomError
from distill_core.jobs.backup import Backup
from distill_core.jobs.reconcile import import_folder
from distill_core.jobs.store import Store
from distill_core.layout import DataHome, RunFolder

log = logging.getLogger(__name__)

#: s between two looks; between two copies of a run that is being worked on; after which a copy counts as hanging
EVERY_S, WORKING_S, HANGS_S = 60.0, 600.0, 600.0
#: s that the app waits at its end for what is not copied yet
LAST_S = 20.0


def backups_of(home: DataHome, store: Store, bucket: Path | None) -> Backups:
    """bucket: the mounted folder; None: there is no backup."""
    return Backups(Backup(home, bucket) if bucket else None, lambda folder: import_folder(store, folder))


class Backups:
    """restored: called with each run taken back. Methods may be called from any thread and return at once, but for
    `close`, which waits a little."""

    def __init__(
        self, backup: Backup | None, restored: Callable[[RunFolder], None], *, every_s: float = EVERY_S
    ) -> None:
        self._backup, self._restored, self._every_s = backup, restored, every_s
        self._ending = threading.Event()
        self._thread: threading.Thread | None = None
        self._began: float | None = None
        self._error = ""
        self._refused: dict[str, str] = {}
        self._saved_at: float | None = None
        self._working_at = time.monotonic()
        self._took_back = False

    def start(self) -> None:
        if self._backup is None:
            return
        self._thread = threading.Thread(target=self._work, name="backup", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Copy what rests, if that is quick, and end."""
        self._ending.set()
        if self._thread is not None:
            self._thread.join(LAST_S)

    def state(self) -> dict[str, Any] | None:
        """None without a backup, else {restoring: bool, saved (s since 1970 of the last time all was copied | None),
        error: "" or in words, refused: {run or sweep: why it could not be taken back}}"""
        if self._backup is None:
            return None
        began, error = self._began, self._error
        if began is not None and time.monotonic() - began > HANGS_S:
            error = f"The backup folder has not answered for {(time.monotonic() - began) / 60:.0f} min."
        return {
            "restoring": not self._took_back and not error,
            "saved": self._saved_at,
            "error": error,
            "refused": dict(self._refused),
        }

    def once(self) -> None:
        """One look: take back, then copy. What goes wrong is kept for `state`."""
        assert self._backup is not None
        self._began = time.monotonic()
        try:
            if not self._took_back:
                self._take_back(self._backup)
            self._copy(self._backup)
            self._error, self._saved_at = "", time.time()
        except StillroomError as error:
            self._error = f"{error.message} {error.hint}".strip()
        except Exception as error:
            log.exception("the backup failed")
            self._error = f"The backup failed ({type(error).__name__})."
        finally:
            self._began = None

    def _work(self) -> None:
        while not self._ending.is_set():
            self.once()
            self._ending.wait(self._every_s)
        if self._took_back:
            self.once()

    def _take_back(self, backup: Backup) -> None:
        backup.restore_uploads()
        for name in backup.missing():
            if self._ending.is_set():
                return
            try:
                self._restored(backup.restore(name))
            except StillroomError as error:
                # One run that is damaged must not keep the others from coming back.
                log.warning("%s: not taken back from the backup: %s", name, error)
                self._refused[name] = error.message
        for name in backup.missing_sweeps():
            if self._ending.is_set():
                return
            try:
                backup.restore_sweep(name)
            except StillroomError as error:
                log.warning("%s: not taken back from the backup: %s", name, error)
                self._refused[name] = error.message
        self._took_back = True

    def _copy(self, backup: Backup) -> None:
        working = time.monotonic() - self._working_at >= WORKING_S
        backup.save_uploads()
        backup.drop_deleted()
        for folder in backup.due(working=working):
            backup.save(folder)
        if working:
            self._working_at = time.monotonic()
