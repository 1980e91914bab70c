"""From a run's events.jsonl into the store: reading on from an offset, and adding events up to a state."""

from __future__ import annotations

import json
import logging
import time
from typing import Any

from distill_core.events import DEVICE_ARM, STAGES, TERMINAL_EVENTS, Event
from distill_core.jobs.store import RunRow, Store
from distill_core.layout import RunFolder

log = logging.getLogger(__name__)

CHUNK = 4 * 2**20  # bytes read at once; bounds the time one transaction takes
LOG_LINES = 12


def read_tail(folder: RunFolder, offset: int) -> tuple[list[Event], int]:
    """Whole events from a byte offset on (at most `CHUNK` bytes, at least one line), and the next offset.

    An unfinished last line is left for next time. A whole line that is no event (damaged by a full disk or a power
    cut) is skipped: what follows it must not be lost.
    """
    try:
        with open(folder.events, "rb") as file:
            file.seek(offset)
            data = file.read(CHUNK)
            if len(data) == CHUNK and b"\n" not in data:
                data += file.readline()
    except FileNotFoundError:
        return [], offset
    events: list[Event] = []
    end = data.rfind(b"\n") + 1
    for line in data[:end].splitlines():
        event = _parse(line)
        if event is None:
            log.warning("%s: a damaged line in events.jsonl was skipped", folder.run_id)
        else:
            events.append(event)
    return events, offset + end


def _parse(line: bytes) -> Event | None:
    try:
        raw = json.loads(line)
        event = Event(
            seq=int(raw["seq"]),
            time=float(raw["time"]),
            attempt=int(raw["attempt"]),
            kind=str(raw["kind"]),
            payload=dict(raw["payload"]),
        )
        fold({}, event)  # a payload without its parts counts as damaged too
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
    return event


def ingest(store: Store, folder: RunFolder) -> RunRow | None:
    """Read what is new in a run's file into the store; returns the run's row as it then is (None: unknown run)."""
    while True:
        row = store.run(folder.run_id)
        if row is None:
            return None
        try:
            size = folder.events.stat().st_size
        except FileNotFoundError:
            size = 0
        if size < row.offset:
            log.warning("%s: events.jsonl became shorter; it is read again", folder.run_id)
            store.clear_events(folder.run_id)
            continue
        if size == row.offset:
            return row
        events, offset = read_tail(folder, row.offset)
        if offset == row.offset:
            return row
        seen = row.state.get("last_seq", 0)
        fresh = [event for event in events if event["seq"] > seen]
        for event in fresh:
            fold(row.state, event)
        store.append(folder.run_id, fresh, row.state, offset)


# ---------------------------------------------------------------- state


def fold(state: dict[str, Any], event: Event) -> None:
    """Add one event to a state (a plain JSON dict that starts empty).

    Keys: device, threads, versions, stage, stages {stage: "started" | "finished"}, share, eta_s, progress_time, note,
    shapes, latency [rows with phase], phases [{arm, seed, name, index, of, from_step}],
    teachers [{name, validation, reference}], findings, arms, log [lines],
    terminal {kind, attempt, payload} | None (the last attempt's end), last_seq, last_attempt, last_time,
    last_metric_seq (of a training metric), attempt_started, active_s (seconds of work in earlier attempts).
    """
    kind, payload = event["kind"], event["payload"]
    if event["attempt"] != state.get("last_attempt"):
        if "attempt_started" in state:
            state["active_s"] = state.get("active_s", 0.0) + max(0.0, state["last_time"] - state["attempt_started"])
        state["attempt_started"] = event["time"]
    handler = _FOLDS.get(kind)
    if handler:
        handler(state, event, payload)
    if kind in TERMINAL_EVENTS:
        state["terminal"] = {"kind": kind, "attempt": event["attempt"], "payload": payload}
    state["last_seq"] = event["seq"]
    state["last_attempt"] = event["attempt"]
    state["last_time"] = event["time"]


def _started(state: dict[str, Any], event: Event, payload: dict[str, Any]) -> None:
    state["device"] = payload.get("device")
    state["threads"] = payload.get("threads")
    state["versions"] = payload.get("versions", {})
    state["terminal"] = None
    state["eta_s"] = None
    state["stages"] = {name: how for name, how in state.get("stages", {}).items() if how == "finished"}


def _stage(state: dict[str, Any], event: Event, payload: dict[str, Any]) -> None:
    if payload["stage"] not in STAGES:
        raise ValueError(payload["stage"])
    state.setdefault("stages", {})[payload["stage"]] = payload["state"]
    if payload["state"] == "started":
        state["stage"] = payload["stage"]


def _progress(state: dict[str, Any], event: Event, payload: dict[str, Any]) -> None:
    state["share"] = payload["share"]
    state["eta_s"] = payload.get("eta_s")
    state["note"] = payload.get("note") or ""
    state["progress_time"] = event["time"]


def _shapes(state: dict[str, Any], event: Event, payload: dict[str, Any]) -> None:
    state["shapes"] = payload


def _latency(state: dict[str, Any], event: Event, payload: dict[str, Any]) -> None:
    def key(row: dict[str, Any]) -> tuple[Any, ...]:
        return tuple(row[name] for name in ("name", "batch", "tokens", "threads", "runtime"))

    merged = {key(row): row for row in state.get("latency", [])}
    for row in payload["rows"]:
        known = merged.get(key(row))
        if not (known and known["phase"] == "final" and payload["phase"] != "final"):
            merged[key(row)] = {**row, "phase": payload["phase"]}
    state["latency"] = list(merged.values())


def _teacher(state: dict[str, Any], event: Event, payload: dict[str, Any]) -> None:
    teachers = {row["name"]: row for row in state.get("teachers", [])}
    reference = payload.get("level") == "reference"
    if reference:
        for row in teachers.values():
            row["reference"] = False
    teachers[payload["name"]] = {
        "name": payload["name"],
        "validation": payload["validation"],
        "reference": reference,
    }
    state["teachers"] = list(teachers.values())


def _metric(state: dict[str, Any], event: Event, payload: dict[str, Any]) -> None:
    for row in payload["rows"]:
        _ = (str(row["arm"]), int(row["seed"]), str(row["name"]), int(row["step"]), row["value"])
    # A run that only reports what it takes of the machine has not come further.
    if any(row["arm"] != DEVICE_ARM for row in payload["rows"]):
        state["last_metric_seq"] = event["seq"]


def _phase(state: dict[str, Any], event: Event, payload: dict[str, Any]) -> None:
    # A resumed trial tells its phases again.
    row = {name: payload[name] for name in ("arm", "seed", "name", "index", "of", "from_step")}
    same = (row["arm"], row["seed"], row["index"])
    others = [p for p in state.get("phases", []) if (p["arm"], p["seed"], p["index"]) != same]
    state["phases"] = sorted([*others, row], key=lambda p: (p["arm"], p["seed"], p["index"]))


def _finding(state: dict[str, Any], event: Event, payload: dict[str, Any]) -> None:
    # Every attempt checks the data again: the same finding is kept once.
    same = (payload.get("code"), payload.get("field"), payload["message"])
    kept = [f for f in state.get("findings", []) if (f.get("code"), f.get("field"), f["message"]) != same]
    state["findings"] = [*kept, payload]


def _arm(state: dict[str, Any], event: Event, payload: dict[str, Any]) -> None:
    others = [a for a in state.get("arms", []) if (a["arm"], a["seed"]) != (payload["arm"], payload["seed"])]
    state["arms"] = [*others, payload]


def _log(state: dict[str, Any], event: Event, payload: dict[str, Any]) -> None:
    level = payload.get("level", "info")
    prefix = "" if level == "info" else f"{level}: "
    clock = time.strftime("%H:%M:%S", time.localtime(event["time"]))
    state["log"] = [*state.get("log", []), f"{clock}  {prefix}{payload['message']}"][-LOG_LINES:]


def _resumed(state: dict[str, Any], event: Event, payload: dict[str, Any]) -> None:
    _ = (payload["arm"], payload["seed"], payload["from_step"])


_FOLDS = {
    "started": _started,
    "stage": _stage,
    "progress": _progress,
    "shapes": _shapes,
    "latency": _latency,
    "teacher": _teacher,
    "metric": _metric,
    "phase": _phase,
    "finding": _finding,
    "arm": _arm,
    "log": _log,
    "resumed": _resumed,
}
