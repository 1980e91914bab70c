"""What a run's status is, told from its folder and its process. The folder wins over the database."""

from __future__ import annotations

import logging
import signal
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import yaml

from distill_core import config as configs
from distill_core.errors import ConfigError
from distill_core.jobs.ingest import ingest
from distill_core.jobs.meta import read_meta, written_beside
from distill_core.jobs.process import ProcessInfo, RunLock
from distill_core.jobs.queue import QueueFile, RunQueue, config_summary
from distill_core.jobs.store import RunRow, Store
from distill_core.layout import DataHome, RunFolder, is_run_id
from distill_core.storage import read_json

log = logging.getLogger(__name__)

ACTIVE = ("running", "stopping")
MAX_AUTO_RESUMES = 3
RESUME_HINT = "Resume goes on from the last checkpoint."


def is_alive(folder: RunFolder) -> bool:
    """True while a process works on this folder, whoever started it."""
    info = ProcessInfo.read(folder)
    return (info is not None and info.alive()) or RunLock.held(folder)


def lives_on(folder: RunFolder, patience_s: float = 2.0) -> bool:
    """`is_alive`, for the start of the app: a killed process that still holds its files is given time to go."""
    info = ProcessInfo.read(folder)
    end = time.monotonic() + patience_s
    while is_alive(folder):
        # A living process we know needs no second look; a folder held by nobody we know may be one that is ending.
        if (info is not None and info.alive()) or time.monotonic() > end:
            return True
        time.sleep(0.05)
    return False


def interruption(reason: str, returncode: int | None = None) -> dict[str, Any]:
    """What the page shows. A killed process is likely one that took too much memory: said as `likely`."""
    likely = {"likely": "memory"} if returncode == -signal.SIGKILL else {}
    return {"kind": "interrupted", "message": reason, "hint": RESUME_HINT, "field": None, **likely}


def death_reason(returncode: int | None) -> str:
    """Why a process that said nothing is gone, in words. returncode as Popen's: negative = signal."""
    if returncode is None:
        return "The run's process ended while nobody watched (the machine or the app was stopped)."
    if returncode == -signal.SIGKILL:
        return "The run's process was killed; often that means the machine ran out of memory."
    if returncode < 0:
        try:
            name = signal.Signals(-returncode).name
        except ValueError:
            name = f"signal {-returncode}"
        return f"The run's process was ended by {name}."
    return f"The run's process ended without saying why (exit code {returncode}); its log may tell."


def figures(folder: RunFolder) -> dict[str, Any] | None:
    """What the list of runs shows of a report: {quality_kept, compression, speedup, conclusion}; None without one."""
    report = read_json(folder.report)
    if not isinstance(report, dict):
        return None
    conclusion = report.get("conclusion")
    rows = [row for row in report.get("latency") or [] if isinstance(row, dict) and row.get("speedup")]
    chosen = next((row for row in rows if row.get("batch") == 32), rows[-1] if rows else {})
    return {
        "quality_kept": report.get("quality_kept"),
        "compression": (report.get("compression") or {}).get("parameters"),
        "speedup": chosen.get("speedup"),
        "conclusion": conclusion.get("headline") if isinstance(conclusion, dict) else conclusion,
    }


def ended(store: Store, folder: RunFolder, row: RunRow) -> bool:
    """Move a run to the status its terminal event says. False when the present attempt has not written one."""
    terminal = row.state.get("terminal")
    if not terminal or terminal["attempt"] < row.attempt:
        return False
    values: dict[str, Any] = {"status": terminal["kind"], "error": None, "position": None}
    if terminal["kind"] == "failed":
        payload = terminal["payload"]
        values["error"] = {
            "kind": payload.get("error_kind", "problem"),
            "message": payload.get("message", ""),
            "hint": payload.get("hint", ""),
            "field": payload.get("field"),
        }
    elif terminal["kind"] == "done":
        values["result"] = figures(folder)
    store.update(row.id, **values)
    return True


def settle(store: Store, home: DataHome, run_id: str, returncode: int | None, killed_after_s: float | None) -> str:
    """The status of a run whose process is gone. killed_after_s: the app killed it after waiting so long."""
    folder = home.run(run_id)
    row = ingest(store, folder)
    if row is None:
        return "interrupted"
    if ended(store, folder, row):
        return row.state["terminal"]["kind"]
    if killed_after_s is not None:
        reason = f"It did not stop within {killed_after_s:.0f} s and was killed."
    elif row.status == "stopping" and returncode in (None, -signal.SIGTERM, 128 + signal.SIGINT):
        # It was told to stop before it could say so itself (for instance while Python was starting).
        store.update(run_id, status="stopped", error=None)
        return "stopped"
    else:
        reason = death_reason(returncode)
    likely = None if killed_after_s is not None else returncode
    store.update(run_id, status="interrupted", error=interruption(reason, likely))
    info = ProcessInfo.read(folder)
    if info:
        replace(info, ended={"returncode": returncode, "reason": reason}).write(folder)
    return "interrupted"


# ---------------------------------------------------------------- at the start of the app


def reconcile_all(store: Store, queue: RunQueue, home: DataHome) -> list[RunRow]:
    """Bring every run's row in line with its folder; the runs that live on are returned, to be adopted.

    Runs that died with the app are queued again at the front, in their old order.
    """
    present = {path.name: RunFolder(path) for path in sorted(home.runs.iterdir()) if is_run(path)}
    for known in store.runs():
        if known.id not in present:
            log.warning("%s: its folder is gone; it is dropped from the list", known.id)
            store.forget(known.id)
    alive: list[RunRow] = []
    dead: list[RunRow] = []
    for folder in present.values():
        try:
            row, lives = _reconcile(store, folder)
        except Exception:
            # One folder that nobody can make sense of must not keep the app from starting.
            log.exception("%s: its folder could not be read", folder.run_id)
            continue
        if lives:
            alive.append(row)
        elif row.status in ACTIVE:
            dead.append(row)
    for lost in sorted(dead, key=lambda r: (r.created, r.id), reverse=True):
        _revive(store, queue, home, lost)
    return alive


def _reconcile(store: Store, folder: RunFolder) -> tuple[RunRow, bool]:
    """One run's row as its folder and process say, and whether a process works on it."""
    if store.run(folder.run_id) is None:
        import_folder(store, folder)
    else:
        known = store.run(folder.run_id)
        assert known is not None
        # Written by the command line while the app was away.
        store.update(folder.run_id, **written_beside(read_meta(folder), known.name))
    row = ingest(store, folder)
    assert row is not None
    if lives_on(folder):
        info = ProcessInfo.read(folder)
        status = row.status if row.status in ACTIVE else "running"
        attempt = max(row.attempt, info.attempt if info else 1)
        store.update(row.id, status=status, position=None, attempt=attempt)
        QueueFile.remove(folder)
        lane = info.lane if info else row.lane
        return replace(row, status=status, position=None, attempt=attempt, lane=lane), True
    if row.status not in (*ACTIVE, "queued"):
        ended(store, folder, row)
    return row, False


def _revive(store: Store, queue: RunQueue, home: DataHome, row: RunRow) -> None:
    """A run that was active when the app went down and whose process is gone too."""
    folder = home.run(row.id)
    if ended(store, folder, row):
        return
    if row.status == "stopping":
        store.update(row.id, status="stopped", error=None)
        return
    progressed = row.state.get("last_metric_seq", 0) > row.auto_metric_seq
    count = 1 if progressed else row.auto_resumes + 1
    if count > MAX_AUTO_RESUMES:
        reason = f"It was resumed {MAX_AUTO_RESUMES} times by itself and got no further."
        store.update(row.id, status="interrupted", error=interruption(reason))
        return
    log.info("%s: died with the app; it goes on by itself", row.id)
    queue.put_back(row.id, ACTIVE, front=True, auto_resumes=count, auto_metric_seq=row.state.get("last_metric_seq", 0))


def is_run(path: Path) -> bool:
    folder = RunFolder(path)
    return is_run_id(path.name) and folder.config.is_file() and (folder.meta.is_file() or folder.events.is_file())


def import_folder(store: Store, folder: RunFolder) -> None:
    """Add a folder the store does not know: made by the command line, on another machine, or before the database."""
    meta = read_meta(folder)
    try:
        config = configs.load(folder.config)
        name, summary = config.name, config_summary(config)
    except ConfigError:
        name, summary = folder.run_id, _loose_summary(folder)
    row = RunRow(
        id=folder.run_id,
        name=name,
        created=float(meta.get("created") or folder.config.stat().st_mtime),
        status="stopped",
        config=summary,
    )
    row = replace(row, **written_beside(meta, row.name))
    store.insert(row, meta.get("token"))
    known = ingest(store, folder)
    assert known is not None
    store.update(row.id, **_imported_status(folder, known))
    current = store.run(row.id)
    assert current is not None
    if current.status not in ("queued", "running"):
        ended(store, folder, current)


def _imported_status(folder: RunFolder, row: RunRow) -> dict[str, Any]:
    last_attempt = row.state.get("last_attempt", 0)
    position, info = QueueFile.read(folder), ProcessInfo.read(folder)
    if position is not None:
        return {"status": "queued", "position": position, "resume": int(last_attempt > 0), "attempt": last_attempt + 1}
    attempt = max(1, last_attempt, info.attempt if info else 1)
    if info and info.ended:
        reason = interruption(str(info.ended.get("reason")), info.ended.get("returncode"))
        return {"status": "interrupted", "attempt": attempt, "error": reason}
    if info and info.by == "app":
        return {"status": "running", "attempt": attempt, "lane": info.lane}  # dead or alive: seen right after
    if info or last_attempt:
        return {"status": "interrupted", "attempt": attempt, "error": interruption(death_reason(None))}
    return {"status": "stopped", "attempt": 1}


def _loose_summary(folder: RunFolder) -> dict[str, Any]:
    """A config this version cannot read must not hide the run."""
    try:
        raw = yaml.safe_load(folder.config.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError):
        raw = None
    data = raw.get("data") if isinstance(raw, dict) else None
    return {"data": data.get("name") if isinstance(data, dict) else None, "teachers": [], "student": None}
