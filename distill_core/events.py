"""Events: what a run says about itself, appended to `events.jsonl`, one JSON object a line.

An event is ``{"seq": int from 1, "time": float s, "attempt": int from 1, "kind": str, "payload": {...}}``.

kind       payload
started    device, threads, versions {name: version}, pid
stage      stage (one of STAGES), state ("started" | "finished"), seconds (when finished)
progress   share (0..1 of the whole run), eta_s (None until a rate was measured), note (what is being done now)
shapes     teachers [{name, parameters, bytes}], student {parameters, bytes}, compression {parameters, bytes},
           metric (as in the report)
latency    phase ("preview" | "final"), rows [{name, role ("teacher" | "student"), batch, tokens, threads, runtime,
           p50, p95}] (ms)
teacher    name, validation (quality, fraction; None: it stays as pre-trained and answers nothing), level "reference" on
           the best one once all are known
metric     rows [{arm, seed, name, step, value, unit}]; arm is "main", "no_teacher", "uniform", "teacher:NAME", or
           "device" (what the run takes of the machine; its step is working time in whole seconds: `jobs.usage`)
phase      arm, seed, name, index (from 0), of, from_step: that trial's later steps belong to this phase; told again
           when the trial is resumed (the last one of an index counts)
finding    severity, code, field, message, rows, count (what the data checks found)
arm        arm, seed, quality {validation, test} (one trial is finished)
log        level, message
resumed    attempt, arm, seed, from_step: that trial goes on from this step; its later rows of earlier attempts are void
done       seconds
failed     error_kind, message, hint, field
stopped    (empty)
"""

from __future__ import annotations

import contextlib
import errno
import json
import math
import os
import threading
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Protocol, TypedDict

STAGES = ("prepare", "teachers", "cache", "distil", "measure", "done")
STATUSES = ("queued", "running", "stopping", "stopped", "interrupted", "failed", "done")
TERMINAL_STATUSES = ("stopped", "interrupted", "failed", "done")
TERMINAL_EVENTS = ("done", "failed", "stopped")
DEVICE_ARM = "device"


class Event(TypedDict):
    seq: int
    time: float
    attempt: int
    kind: str
    payload: dict[str, Any]


class EventSink(Protocol):
    """Where training code reports to; it knows nothing of files, jobs or pages."""

    def emit(self, kind: str, **payload: Any) -> None: ...


def metric(arm: str, seed: int, name: str, step: int, value: float, unit: str = "") -> dict[str, Any]:
    """One row of a `metric` event. step = optimizer step (of the arm "device": seconds of work)."""
    return {"arm": arm, "seed": seed, "name": name, "step": step, "value": value, "unit": unit}


class NullSink:
    """Swallows events; for tests and tools."""

    def emit(self, kind: str, **payload: Any) -> None:
        del kind, payload


class MemorySink:
    """Keeps events in a list; for tests."""

    def __init__(self) -> None:
        self.events: list[tuple[str, dict[str, Any]]] = []

    def emit(self, kind: str, **payload: Any) -> None:
        self.events.append((kind, payload))


def _finite(value: Any) -> Any:
    """NaN and infinities are no JSON: they become null."""
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, dict):
        return {str(k): _finite(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(v) for v in value]
    return value


class EventLog:
    """Appends events to a file. On opening, a torn last line is cut off and seq and attempt go on from the file.

    Every event is one write() of one line, so readers never see half an event that stays half.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.seq = 0
        self.attempt = 1
        self.had_events = False
        #: seconds between the first and the last event of each earlier attempt, added up
        self.worked_s = 0.0
        self._lock = threading.Lock()
        path.parent.mkdir(parents=True, exist_ok=True)
        self._cut_torn_tail()
        last: Event | None = None
        for event in read_events(path):
            if last is not None and last["attempt"] == event["attempt"]:
                self.worked_s += max(0.0, event["time"] - last["time"])
            self.seq, self.attempt, last = event["seq"], event["attempt"] + 1, event
            self.had_events = True
        self._file = open(path, "ab", buffering=0)  # noqa: SIM115 (kept open for the life of the run)

    def _cut_torn_tail(self) -> None:
        if not self.path.exists():
            return
        with open(self.path, "r+b") as file:
            data = file.read()
            end = data.rfind(b"\n") + 1
            if end != len(data):
                file.truncate(end)

    def emit(self, kind: str, **payload: Any) -> None:
        """Raises OSError on a full disk, and leaves no half line behind."""
        with self._lock:
            self.seq += 1
            event = {
                "seq": self.seq,
                "time": time.time(),
                "attempt": self.attempt,
                "kind": kind,
                "payload": _finite(payload),
            }
            line = json.dumps(event, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"
            size = self.path.stat().st_size
            try:
                if self._file.write(line) != len(line):
                    # A full disk takes the part that fits and reports no error.
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(self.path))
            except OSError:
                # Half an event must not stand before the next whole one.
                os.truncate(self.path, size)
                self.seq -= 1
                raise
            if kind in TERMINAL_EVENTS:
                os.fsync(self._file.fileno())

    def close(self) -> None:
        self._file.close()


def read_events(path: Path) -> Iterator[Event]:
    """All whole events of a file, in order; a damaged line is passed over, an unfinished last one ends the reading."""
    events, _ = read_events_from(path, 0)
    yield from events


def read_events_from(path: Path, offset: int) -> tuple[list[Event], int]:
    """Whole events from a byte offset on, and the offset to go on from next time."""
    try:
        with open(path, "rb") as file:
            file.seek(offset)
            data = file.read()
    except FileNotFoundError:
        return [], offset
    events: list[Event] = []
    for line in data.splitlines(keepends=True):
        if not line.endswith(b"\n"):
            break
        offset += len(line)
        # A damaged line in the middle (a bad disk) loses that event, not all that follow.
        with contextlib.suppress(ValueError):
            events.append(json.loads(line))
    return events, offset


def metric_rows(events: Iterable[Event]) -> list[dict[str, Any]]:
    """All metric rows that still count: what a `resumed` event supersedes is left out."""
    rows: list[dict[str, Any]] = []
    for event in events:
        if event["kind"] == "resumed":
            rows = [row for row in rows if not superseded(row, event["payload"])]
        elif event["kind"] == "metric":
            rows += [{**row, "seq": event["seq"]} for row in event["payload"]["rows"]]
    return rows


def superseded(row: dict[str, Any], resumed: dict[str, Any]) -> bool:
    """True when a resumed trial goes over this row's step again."""
    return row["arm"] == resumed["arm"] and row["seed"] == resumed["seed"] and row["step"] > resumed["from_step"]
