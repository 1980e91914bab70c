"""The store: the only SQL of the project. An index of the run folders, which are the truth; it can always be rebuilt.

One SQLite connection in WAL mode behind one lock: every method may be called from any thread. Only the app process
writes here; children write their folder's events.jsonl.
"""

from __future__ import annotations

import json
import logging
import sqlite3
import threading
import time
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from sqlite_utils import Database

from distill_core.errors import DiskError
from distill_core.events import Event
from distill_core.jobs.migrations import migrate
from distill_core.layout import DataHome

log = logging.getLogger(__name__)

_JSON = frozenset({"config", "error", "result", "tags", "state"})


@dataclass
class RunRow:
    """One run as the store knows it.

    position: place in the queue (smallest first), None when not queued. attempt: the attempt that is running or would
    run next; a terminal event of an earlier attempt says nothing about it. state: what the run's events add up to
    (`jobs.ingest.fold`). offset: bytes of events.jsonl read so far. reset_seq: seq of the last `resumed` event that
    made rows void. error: {kind, message, hint} | None. result: figures out of report.json | None.
    """

    id: str
    name: str
    created: float
    status: str
    position: float | None = None
    resume: int = 0
    lane: str | None = None
    attempt: int = 1
    stop_requested: float | None = None
    term_sent: float | None = None
    auto_resumes: int = 0
    auto_metric_seq: int = 0
    config: dict[str, Any] = field(default_factory=dict)
    error: dict[str, Any] | None = None
    result: dict[str, Any] | None = None
    tags: list[str] | None = None
    offset: int = 0
    reset_seq: int = 0
    state: dict[str, Any] = field(default_factory=dict)


_COLUMNS = tuple(f.name for f in fields(RunRow))


def _encode(name: str, value: Any) -> Any:
    if name in _JSON and value is not None:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return value


def _decode(row: dict[str, Any]) -> RunRow:
    return RunRow(**{name: json.loads(v) if name in _JSON and v is not None else v for name, v in row.items()})


class Store:
    """Raises JobError when the database is from a newer version, DiskError when it cannot be written.

    A damaged file is kept aside (`kept_aside` names it) and a new one begun; the supervisor fills it from the folders.
    """

    def __init__(self, home: DataHome) -> None:
        self.path = home.database
        self.kept_aside: Path | None = None
        self._lock = threading.RLock()
        try:
            self._db = self._open()
        except sqlite3.DatabaseError as error:
            if isinstance(error, sqlite3.OperationalError) and "malformed" not in str(error):
                raise DiskError(
                    f"The database {self.path} cannot be opened: {error}.",
                    hint="Check that the data folder can be written and lies on a local disk.",
                ) from None
            log.warning("the database is damaged (%s); it is built again from the run folders", error)
            self._set_aside()
            self._db = self._open()

    def _open(self) -> Database:
        connection = sqlite3.connect(self.path, check_same_thread=False, timeout=10)
        try:
            result = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
            if result != "ok":
                raise sqlite3.DatabaseError(result)
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute("PRAGMA synchronous=NORMAL")
            db = Database(connection, execute_plugins=False)
            migrate(db)
            return db
        except BaseException:
            connection.close()
            raise

    def _set_aside(self) -> None:
        target = self.path.with_name(f"{self.path.name}.damaged-{time.strftime('%Y%m%d-%H%M%S')}")
        self.path.rename(target)
        self.kept_aside = target
        for ending in ("-wal", "-shm"):
            # A left-over WAL would be replayed into the new file.
            with suppress(FileNotFoundError):
                self.path.with_name(self.path.name + ending).unlink()

    def close(self) -> None:
        with self._lock:
            self._db.close()

    # ---------------------------------------------------------------- runs

    def insert(self, row: RunRow, token: str | None = None) -> None:
        """Add a run (and the token it was started with); one that is known already is left as it is."""
        with self._lock, self._db.atomic():
            values = [_encode(name, getattr(row, name)) for name in _COLUMNS]
            marks = ",".join("?" * len(_COLUMNS))
            self._db.execute(f"INSERT OR IGNORE INTO runs ({','.join(_COLUMNS)}) VALUES ({marks})", values)
            if token:
                self._db.execute("INSERT OR IGNORE INTO tokens (token, run_id) VALUES (?, ?)", [token, row.id])

    def token(self, token: str) -> str | None:
        """Id of the run that was started with this token."""
        with self._lock:
            found = self._db.execute("SELECT run_id FROM tokens WHERE token = ?", [token]).fetchone()
        return found[0] if found else None

    def run(self, run_id: str) -> RunRow | None:
        rows = self._select("WHERE id = ?", [run_id])
        return rows[0] if rows else None

    def runs(self, limit: int | None = None) -> list[RunRow]:
        """Newest first."""
        return self._select("ORDER BY created DESC, id DESC LIMIT ?", [-1 if limit is None else limit])

    def with_status(self, *statuses: str) -> list[RunRow]:
        """Oldest first."""
        marks = ",".join("?" * len(statuses))
        return self._select(f"WHERE status IN ({marks}) ORDER BY created, id", statuses)

    def queued(self) -> list[RunRow]:
        """In the order in which they will run."""
        return self._select("WHERE status = 'queued' ORDER BY position, created, id", [])

    def queue_position(self, run_id: str) -> int | None:
        """1 = next; None when not queued."""
        with self._lock:
            ids = self._db.execute(
                "SELECT id FROM runs WHERE status = 'queued' ORDER BY position, created, id"
            ).fetchall()
        return next((place for place, (found,) in enumerate(ids, 1) if found == run_id), None)

    def _select(self, tail: str, values: Iterable[Any]) -> list[RunRow]:
        with self._lock:
            found = self._db.execute(f"SELECT {','.join(_COLUMNS)} FROM runs {tail}", list(values)).fetchall()
        return [_decode(dict(zip(_COLUMNS, row, strict=True))) for row in found]

    def update(self, run_id: str, **values: Any) -> None:
        """Set columns of a run."""
        self.move(run_id, None, **values)

    def move(self, run_id: str, expected: str | Sequence[str] | None, **values: Any) -> bool:
        """Set columns of a run if its status is still an expected one; False (and nothing done) otherwise."""
        unknown = set(values) - set(_COLUMNS)
        if unknown:
            raise ValueError(f"no such columns: {sorted(unknown)}")
        where, extra = "id = ?", [run_id]
        if expected is not None:
            allowed = [expected] if isinstance(expected, str) else list(expected)
            where += f" AND status IN ({','.join('?' * len(allowed))})"
            extra += allowed
        assignments = ",".join(f"{name} = ?" for name in values)
        data = [_encode(name, value) for name, value in values.items()]
        with self._lock, self._db.atomic():
            return self._db.execute(f"UPDATE runs SET {assignments} WHERE {where}", data + extra).rowcount > 0

    def forget(self, run_id: str) -> None:
        """Drop a run whose folder is gone."""
        with self._lock, self._db.atomic():
            self._db.execute("DELETE FROM runs WHERE id = ?", [run_id])
            for table in ("events", "metrics", "tokens"):
                self._db.execute(f"DELETE FROM {table} WHERE run_id = ?", [run_id])

    # ---------------------------------------------------------------- events and metrics

    def append(self, run_id: str, events: Sequence[Event], state: dict[str, Any], offset: int) -> None:
        """Index new events (known ones are ignored), their metric rows and the state after them, all or nothing."""
        with self._lock, self._db.atomic():
            reset_seq = None
            for event in events:
                payload = json.dumps(event["payload"], ensure_ascii=False, separators=(",", ":"))
                self._db.execute(
                    "INSERT OR IGNORE INTO events (run_id, seq, attempt, time, kind, payload) VALUES (?,?,?,?,?,?)",
                    [run_id, event["seq"], event["attempt"], event["time"], event["kind"], payload],
                )
                if event["kind"] == "metric":
                    self._insert_metrics(run_id, event)
                elif event["kind"] == "resumed" and self._drop_superseded(run_id, event):
                    reset_seq = event["seq"]
            self._db.execute(
                "UPDATE runs SET state = ?, offset = ?, reset_seq = COALESCE(?, reset_seq) WHERE id = ?",
                [_encode("state", state), offset, reset_seq, run_id],
            )

    def _insert_metrics(self, run_id: str, event: Event) -> None:
        rows = [
            (run_id, event["seq"], n, r["arm"], r["seed"], r["name"], r["step"], r["value"], r.get("unit", ""))
            for n, r in enumerate(event["payload"]["rows"])
        ]
        self._db.conn.executemany(
            "INSERT OR IGNORE INTO metrics (run_id, seq, n, arm, seed, name, step, value, unit) "
            "VALUES (?,?,?,?,?,?,?,?,?)",
            rows,
        )

    def _drop_superseded(self, run_id: str, event: Event) -> bool:
        """The same rule as `events.superseded`, restricted to rows written before the event."""
        resumed = event["payload"]
        cursor = self._db.execute(
            "DELETE FROM metrics WHERE run_id = ? AND arm = ? AND seed = ? AND step > ? AND seq < ?",
            [run_id, resumed["arm"], resumed["seed"], resumed["from_step"], event["seq"]],
        )
        return cursor.rowcount > 0

    def clear_events(self, run_id: str) -> None:
        """Forget what was read of a run's file, so that it is read again from its start."""
        with self._lock, self._db.atomic():
            self._db.execute("DELETE FROM events WHERE run_id = ?", [run_id])
            self._db.execute("DELETE FROM metrics WHERE run_id = ?", [run_id])
            self._db.execute("UPDATE runs SET state = '{}', offset = 0, reset_seq = 0 WHERE id = ?", [run_id])

    def metrics(self, run_id: str, after: int = 0) -> list[dict[str, Any]]:
        """Metric rows that count, of events with seq > after, in order."""
        names = ("seq", "arm", "seed", "name", "step", "value", "unit")
        return [dict(zip(names, row, strict=True)) for row in self.metric_points(run_id, after)]

    def metric_points(self, run_id: str, after: int = 0, until: int | None = None) -> list[tuple[Any, ...]]:
        """(seq, arm, seed, name, step, value, unit) of the metric rows that count, of events with
        after < seq <= until, in order."""
        with self._lock:
            return self._db.execute(
                "SELECT seq, arm, seed, name, step, value, unit FROM metrics "
                "WHERE run_id = ? AND seq > ? AND seq <= ? ORDER BY seq, n",
                [run_id, after, 2**62 if until is None else until],
            ).fetchall()

    def events(self, run_id: str, after: int = 0) -> list[Event]:
        with self._lock:
            found = self._db.execute(
                "SELECT seq, time, attempt, kind, payload FROM events WHERE run_id = ? AND seq > ? ORDER BY seq",
                [run_id, after],
            ).fetchall()
        return [
            Event(seq=seq, time=when, attempt=attempt, kind=kind, payload=json.loads(payload))
            for seq, when, attempt, kind, payload in found
        ]
