"""What can be taken away from a finished run, and taken in: exports, their archives and cards, the Hub, imports."""

from __future__ import annotations

import logging
import threading
from dataclasses import asdict
from pathlib import Path
from typing import Any

from distill_core.errors import ConfigError, DataError, DiskError, FieldError, JobError, StillroomError
from distill_core.export.bundle import README, zip_folder
from distill_core.export.formats import ALLOWED_LOSS, FORMATS, export_folder
from distill_core.export.push import push
from distill_core.jobs import exports as jobs
from distill_core.jobs.imports import forget, import_run
from distill_core.jobs.reconcile import import_folder
from distill_core.jobs.store import Store
from distill_core.layout import DataHome, RunFolder

log = logging.getLogger(__name__)


class Exports:
    """One per app. Methods raise StillroomErrors and return at once, but for `archive` and `take_in`, which copy."""

    def __init__(self, home: DataHome, store: Store) -> None:
        self.home, self.store = home, store
        self._pushes: dict[tuple[str, str], dict[str, Any]] = {}
        self._lock = threading.Lock()

    def rows(self, folder: RunFolder) -> list[dict[str, Any]]:
        """[{format, title, runtime, state, allowed, teacher, note, at, figures, error, push}] of all formats; see
        `export.formats.ExportState`. push: {state: "pushing" | "pushed" | "failed", url | error, hint} | None."""
        with self._lock:
            pushes = {key: dict(value) for key, value in self._pushes.items()}
        return [
            {
                **asdict(state),
                "title": FORMATS[state.format].title,
                "runtime": FORMATS[state.format].runtime,
                "push": pushes.get((folder.run_id, state.format)),
            }
            for state in jobs.states(folder)
        ]

    def build(self, folder: RunFolder, formats: list[str], allowed: float, *, teacher: bool, licence: str) -> None:
        """Start building. Raises ConfigError (an unknown format, a loss that is none), JobError (no student)."""
        wrong = [name for name in formats if name not in FORMATS]
        if wrong or not formats:
            raise ConfigError([FieldError("format", "there is no such export format.", f"Take {', '.join(FORMATS)}.")])
        if not 0 <= allowed <= 100:
            message = "a loss is between 0 and 100 points."
            raise ConfigError([FieldError("allow_loss", message, f"{ALLOWED_LOSS} is usual.")])
        jobs.start(folder, jobs.Order(formats, allowed, teacher, licence=_licence(licence)))

    def cancel(self, folder: RunFolder, name: str) -> None:
        """End the building of a format. Raises ConfigError (an unknown one), JobError (it cannot be ended)."""
        if name not in FORMATS:
            raise ConfigError([FieldError("format", "there is no such export format.", f"Take {', '.join(FORMATS)}.")])
        jobs.cancel(folder, name)

    def refuse_busy(self, folder: RunFolder) -> None:
        """Raises JobError while an export of the run is being built: its process writes into the run's folder."""
        if any(state.state == "building" for state in jobs.states(folder)):
            raise JobError(
                "An export of this run is being built.",
                hint="Wait until it is done, or cancel it, then delete the run.",
            )

    def ready(self, folder: RunFolder, name: str) -> Path:
        """The export's folder. Raises JobError unless it is ready."""
        state = next((state for state in jobs.states(folder) if state.format == name), None)
        if state is None or state.state != "ready":
            raise JobError("This export is not there yet.", hint="Build it first.")
        return export_folder(folder, name)

    def archive(self, folder: RunFolder, name: str) -> Path:
        """A zip of an export, packed once. Raises JobError, DiskError."""
        source = self.ready(folder, name)
        target = self.home.cache / "downloads" / folder.run_id / f"{folder.run_id}-{name}.zip"
        newest = max(path.stat().st_mtime for path in [source, *source.rglob("*")])
        if target.exists() and target.stat().st_mtime >= newest:
            return target
        try:
            return zip_folder(source, target, top=f"{folder.run_id}-{name}")
        except OSError as error:
            raise DiskError(
                f"The archive could not be written: {error.strerror or error}.", hint="Make room on the disk."
            ) from None

    def card(self, folder: RunFolder, name: str) -> str:
        """The export's README.md, its metadata in front. Raises JobError."""
        return (self.ready(folder, name) / README).read_text(encoding="utf-8")

    def push(self, folder: RunFolder, name: str, repository: str, *, token: str | None, private: bool) -> None:
        """Start putting an export on the Hub; `rows` tells how far it is. The token is kept by nobody."""
        source, key = self.ready(folder, name), (folder.run_id, name)
        with self._lock:
            if (self._pushes.get(key) or {}).get("state") == "pushing":
                return
            self._pushes[key] = {"state": "pushing"}

        def work() -> None:
            try:
                found: dict[str, Any] = {
                    "state": "pushed",
                    "url": push(source, repository, token=token, private=private),
                }
            except StillroomError as error:
                found = {"state": "failed", "error": error.message, "hint": error.hint, "field": error.field}
            except Exception as error:
                # Its text may hold what was sent: only its kind is told.
                log.error("%s: pushing an export failed: %s", folder.run_id, type(error).__name__)
                found = {"state": "failed", "error": "The upload failed.", "hint": "Try it again.", "field": None}
            with self._lock:
                self._pushes[key] = found

        threading.Thread(target=work, name="push", daemon=True).start()

    def take_in(self, source: Path, name: str) -> str:
        """Import a run from an uploaded archive; its id. Raises JobError, DataError, DiskError."""
        if not name.lower().endswith(".zip"):
            raise DataError(f"{name or 'This file'} is no zip archive.", hint="Zip the run's folder and give that.")
        folder = import_run(self.home, source, name=name)
        try:
            import_folder(self.store, folder)
        except Exception as error:
            forget(folder)
            log.exception("%s: an imported run could not be listed", folder.run_id)
            raise DataError(
                f"Its events cannot be read here ({type(error).__name__}).", hint="Copy the whole folder once more."
            ) from None
        return folder.run_id


def _licence(text: str) -> str | None:
    """An identifier as the Hub has them, or None for an empty one. Raises ConfigError."""
    wanted = text.strip().lower()
    if wanted and not all(letter.isalnum() or letter in "-._+" for letter in wanted):
        raise ConfigError([FieldError("licence", "this is no identifier of a licence.", "Write it like apache-2.0.")])
    return wanted or None
