"""What the page reads once a second: a run's state and the points of its curves that the page does not have yet."""

from __future__ import annotations

import json
import time
import zlib
from typing import Any

from distill_core import config as configs
from distill_core.config import RunConfig
from distill_core.errors import ConfigError
from distill_core.events import STAGES
from distill_core.export.verdict import metric_words
from distill_core.jobs.reconcile import ACTIVE
from distill_core.jobs.store import RunRow, Store
from distill_core.layout import DataHome
from distill_core.services.next_steps import next_steps
from distill_core.services.series import CurveCache
from distill_core.storage import read_json
from distill_core.tasks.base import known_task

#: parts of a run's state that seldom change: sent only when they did; name → what stands for one that is not there yet
PARTS: dict[str, Any] = {
    "shapes": None,
    "latency": [],
    "teachers": [],
    "phases": [],
    "log": [],
    "findings": [],
}


def run_row(row: RunRow) -> dict[str, Any]:
    """One line of the list of runs; see `Services.runs`."""
    result = row.result or {}
    return {
        "id": row.id,
        "name": row.name,
        "status": row.status,
        "stage": stage_of(row),
        "share": share_of(row),
        "data": row.config.get("data"),
        "teachers": row.config.get("teachers", []),
        "student": row.config.get("student"),
        "quality_kept": result.get("quality_kept"),
        "compression": result.get("compression"),
        "speedup": result.get("speedup"),
        "created": row.created,
        "conclusion": result.get("conclusion"),
        "elapsed_s": elapsed(row, time.time()),
        "tags": row.tags or [],
        "archived": bool(row.archived),
    }


def live_view(
    store: Store,
    home: DataHome,
    row: RunRow,
    cursor: int,
    curves: CurveCache,
    seen: dict[str, str] | None = None,
) -> dict[str, Any]:
    """See `Services.live`."""
    state = row.state
    last = state.get("last_seq", 0)
    # A cursor from before the last void rows, or from another history of the run, has points that no longer count.
    reset = 0 < cursor < row.reset_seq or cursor > last
    about, points = curves.since(row, 0 if reset else max(0, cursor))
    return {
        "run": {**run_state(store, row), "error": error_of(store, home, row)},
        "cursor": last,
        "reset": reset,
        "curves": about,
        "points": points,
        **changed_parts(state, seen or {}),
        "report": read_json(home.run(row.id).report) if row.status == "done" else None,
    }


def changed_parts(state: dict[str, Any], seen: dict[str, str]) -> dict[str, Any]:
    """The parts of a run's state that a page shows, without those whose version it has seen; and their `versions`."""
    parts: dict[str, Any] = {}
    versions: dict[str, str] = {}
    for name, empty in PARTS.items():
        part = state.get(name, empty)
        version = f"{zlib.crc32(json.dumps(part).encode()):08x}"
        if seen.get(name) != version:
            parts[name], versions[name] = part, version
    return {**parts, "versions": versions}


def run_state(store: Store, row: RunRow, now: float | None = None) -> dict[str, Any]:
    """The `run` part of a live view. now: seconds since 1970."""
    now = time.time() if now is None else now
    state = row.state
    known = state.get("stages", {})
    task = known_task(row.config.get("task"))
    # Until the run itself says what its quality is told in.
    metric = str((state.get("shapes") or {}).get("metric") or task.metric)
    return {
        "id": row.id,
        "name": row.name,
        "metric": metric,
        "metric_words": metric_words(metric, task.name),
        "status": row.status,
        "queue_position": store.queue_position(row.id) if row.status == "queued" else None,
        "stage": stage_of(row),
        "stages": {stage: known.get(stage, "waiting") for stage in STAGES},
        "share": share_of(row),
        "eta_s": time_left(row, now),
        "note": note_of(row),
        "device": state.get("device"),
        "created": row.created,
        "elapsed_s": elapsed(row, now),
        "tags": row.tags or [],
        "notes": row.notes,
        "archived": bool(row.archived),
    }


def error_of(store: Store, home: DataHome, row: RunRow) -> dict[str, Any] | None:
    """The run's error with its next steps; a config that cannot be read any more has none."""
    if row.error is None or row.status not in ("failed", "interrupted"):
        return row.error
    try:
        steps = steps_of(store, configs.load(home.run(row.id).config), row)
    except ConfigError:
        steps = []
    return {**row.error, "steps": steps}


def steps_of(store: Store, config: RunConfig, row: RunRow) -> list[dict[str, Any]]:
    """What can be done about a run's error; [] without one."""
    if row.error is None:
        return []
    return next_steps(config, row.error, stage_of(row), peak_rate=store.peak(row.id, "main", "learning_rate"))


def stage_of(row: RunRow) -> str | None:
    """The stage a run is in, or was in when it ended; None before its first."""
    return "done" if row.status == "done" else row.state.get("stage")


def share_of(row: RunRow) -> float:
    return 1.0 if row.status == "done" else float(row.state.get("share") or 0.0)


def time_left(row: RunRow, now: float) -> float | None:
    """The run's own estimate, less the time since it was made; None unless it is running and knows."""
    estimate = row.state.get("eta_s")
    if row.status not in ACTIVE or estimate is None:
        return None
    return max(0.0, float(estimate) - max(0.0, now - row.state.get("progress_time", now)))


def elapsed(row: RunRow, now: float) -> float:
    """Seconds of work, all attempts together, without the time in which nothing ran."""
    state = row.state
    if "attempt_started" not in state:
        return 0.0
    # A run claimed again has not begun its new attempt until that says so.
    running = row.status in ACTIVE and state.get("last_attempt") == row.attempt
    end = now if running else state["last_time"]
    return float(state.get("active_s", 0.0) + max(0.0, end - state["attempt_started"]))


def note_of(row: RunRow) -> str:
    """What is being done now, in words."""
    if row.status == "queued":
        return "waiting for its turn"
    if row.status in ACTIVE and row.state.get("last_attempt") != row.attempt:
        return "starting"
    if row.status == "stopping":
        return "stopping after a checkpoint"
    return str(row.state.get("note") or "") if row.status == "running" else ""
