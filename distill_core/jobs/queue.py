"""The queue: how runs get in, in which order they leave, and what Stop and Resume mean in each status."""

from __future__ import annotations

import json
import re
import secrets
import sqlite3
import threading
import time
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from distill_core.config import FileData, RunConfig
from distill_core.config_paths import absolutise
from distill_core.errors import DiskError, JobError
from distill_core.jobs.meta import write_meta
from distill_core.jobs.store import RunRow, Store
from distill_core.layout import DataHome, RunFolder, known_name
from distill_core.storage import read_json, write_text

RESUMABLE = ("stopped", "interrupted", "failed")


def slug(name: str, longest: int = 40) -> str:
    """A name as lower-case letters, digits and hyphens: "Größe Ä/1" → "grosse-a-1"; "run" when nothing is left."""
    plain = unicodedata.normalize("NFKD", name.replace("ß", "ss")).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:longest].strip("-") or "run"


def new_run_id(name: str) -> str:
    """E.g. support-demo-20261121-015900-ab12 (local time, four random hex digits)."""
    return f"{slug(name)}-{time.strftime('%Y%m%d-%H%M%S')}-{secrets.token_hex(2)}"


def config_summary(config: RunConfig) -> dict[str, Any]:
    """What the list of runs shows of a config: {data, task, teachers [names], student, device}."""
    data = known_name(config.data.train) if isinstance(config.data, FileData) else config.data.name
    teachers = [t.name or Path(t.source.removeprefix("bundled:")).name for t in config.teachers]
    return {
        "data": data,
        "task": config.data.task,
        "teachers": teachers,
        "student": config.student.in_short(),
        "device": config.device,
    }


class QueueFile:
    """queue.json in a waiting run's folder: the queue can be told from the folders alone. Gone once the run starts."""

    @staticmethod
    def path(folder: RunFolder) -> Path:
        return folder.path / "queue.json"

    @classmethod
    def write(cls, folder: RunFolder, position: float) -> None:
        write_text(cls.path(folder), json.dumps({"position": position}))

    @classmethod
    def read(cls, folder: RunFolder) -> float | None:
        raw = read_json(cls.path(folder))
        value = raw.get("position") if isinstance(raw, dict) else None
        return float(value) if isinstance(value, int | float) else None

    @classmethod
    def remove(cls, folder: RunFolder) -> None:
        cls.path(folder).unlink(missing_ok=True)


class RunQueue:
    """Order is a number: smaller runs earlier. `limit` counts waiting runs, not the running ones."""

    def __init__(self, store: Store, home: DataHome, *, limit: int = 20) -> None:
        self.store = store
        self.home = home
        self.limit = limit
        self._lock = threading.RLock()  # counting and inserting are one step; so are looking at a status and moving it

    def add(self, config: RunConfig, *, token: str | None = None, estimate: Mapping[str, Any] | None = None) -> str:
        """Make the run's folder, then its row, queued last; its id. The same token again gives the same id.

        estimate: what it is expected to take (`planner.estimate`), kept in meta.json and told beside the result.

        Raises JobError when the queue is full, DiskError when the folder cannot be written.
        """
        with self._lock:
            known = self.store.token(token) if token else None
            if known:
                return known
            self._refuse_when_full()
            run_id, created = new_run_id(config.name), time.time()
            position = self._last() + 1
            row = RunRow(run_id, config.name, created, "queued", position, config=config_summary(config), tags=[])
            try:
                self._create_folder(row, absolutise(config), token, estimate)
                self.store.insert(row, token)
            except (OSError, sqlite3.OperationalError) as error:
                raise DiskError(
                    f"The run could not be written to {self.home.root}: {error}.",
                    hint="Make room on the disk, then press Start again.",
                ) from error
            return run_id

    def _create_folder(
        self, row: RunRow, config: RunConfig, token: str | None, estimate: Mapping[str, Any] | None
    ) -> None:
        folder = self.home.run(row.id)
        folder.path.mkdir(parents=True)
        folder.create()
        assert row.position is not None
        write_text(folder.config, config.to_yaml())
        QueueFile.write(folder, row.position)
        # meta.json comes last: a folder without it was never a run.
        write_meta(folder, row.name, row.created, token, estimate)

    def _refuse_when_full(self) -> None:
        waiting = len(self.store.queued())
        if waiting >= self.limit:
            raise JobError(
                f"The queue is full: {waiting} runs are waiting already.",
                hint="Wait until one has started, or stop one that waits.",
            )

    def _last(self) -> float:
        return max((row.position or 0.0 for row in self.store.queued()), default=0.0)

    def _first(self) -> float:
        return min((row.position or 0.0 for row in self.store.queued()), default=0.0)

    def put_back(self, run_id: str, expected: tuple[str, ...], *, front: bool = False, **more: Any) -> bool:
        """Queue a run that was there before, at the end or at the front, if its status is still an expected one."""
        with self._lock:
            row = self.store.run(run_id)
            if row is None or row.status not in expected:
                return False
            position = self._first() - 1 if front else self._last() + 1
            QueueFile.write(self.home.run(run_id), position)
            values = {"stop_requested": None, "term_sent": None, "error": None, "lane": None, **more}
            return self.store.move(
                run_id,
                expected,
                status="queued",
                position=position,
                resume=1,
                attempt=row.state.get("last_attempt", 0) + 1,
                **values,
            )

    def claim(self, accepts: Callable[[RunRow], bool], lane: str) -> RunRow | None:
        """Take the first waiting run that a lane accepts; its status is `running` from then on."""
        with self._lock:
            for row in self.store.queued():
                if accepts(row):
                    values = {"attempt": row.state.get("last_attempt", 0) + 1, "lane": lane}
                    if self.store.move(row.id, "queued", status="running", position=None, **values):
                        return replace(row, status="running", position=None, **values)
        return None

    def stop(self, run_id: str) -> str:
        """queued → stopped; running → stopping (its lane sends the signal); anything else stays as it is."""
        with self._lock:
            if self.store.move(run_id, "queued", status="stopped", position=None):
                QueueFile.remove(self.home.run(run_id))
            else:
                self.store.move(run_id, "running", status="stopping", stop_requested=time.time())
            return self._status(run_id)

    def resume(self, run_id: str) -> str:
        """stopped, interrupted, failed → queued; queued, running, stopping stay. Raises JobError when done or full."""
        with self._lock:
            status = self._status(run_id)
            if status == "done":
                raise JobError("This run is finished; there is nothing to resume.", hint="Start a new run from it.")
            if status in RESUMABLE:
                self._refuse_when_full()
                self.put_back(run_id, RESUMABLE, auto_resumes=0)
            return self._status(run_id)

    def _status(self, run_id: str) -> str:
        row = self.store.run(run_id)
        if row is None:
            raise JobError("There is no such run.", hint="Open it from the list of runs.")
        return row.status
