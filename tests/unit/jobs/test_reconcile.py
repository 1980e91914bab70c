from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from distill_core.events import EventLog
from distill_core.jobs.process import ProcessInfo, RunLock
from distill_core.jobs.queue import RunQueue
from distill_core.jobs.reconcile import figures, reconcile_all, settle
from distill_core.jobs.store import Store
from distill_core.layout import DataHome, RunFolder
from tests.fake_run import config

DEAD = ProcessInfo(pid=2**22 - 1, started=1.0, attempt=1, by="app", lane="cpu")


@pytest.fixture
def queue(store: Store, home: DataHome) -> RunQueue:
    return RunQueue(store, home)


def cli_run(home: DataHome, run_id: str, *kinds: str) -> RunFolder:
    """A folder as the command line leaves it."""
    folder = home.run(run_id).create()
    config(run_id).save(folder.config)
    log = EventLog(folder.events)
    log.emit("started", device="cpu", threads=1, versions={}, pid=1)
    for kind in kinds:
        log.emit(kind, **({"error_kind": "data", "message": "m", "hint": "h"} if kind == "failed" else {}))
    log.close()
    return folder


def status(queue: RunQueue, run_id: str) -> str:
    row = queue.store.run(run_id)
    assert row is not None
    return row.status


def test_folders_from_elsewhere_are_imported(queue: RunQueue, home: DataHome) -> None:
    cli_run(home, "finished", "done")
    cli_run(home, "broken", "failed")
    cli_run(home, "halted", "stopped")
    cli_run(home, "dead")
    (home.runs / "half-made").mkdir()
    config().save(home.runs / "half-made" / "config.yaml")
    (home.runs / "Not A Run").mkdir()
    assert reconcile_all(queue.store, queue, home) == []
    found = {row.id: row.status for row in queue.store.runs()}
    assert found == {"finished": "done", "broken": "failed", "halted": "stopped", "dead": "interrupted"}
    broken = queue.store.run("broken")
    assert broken is not None and broken.error == {"kind": "data", "message": "m", "hint": "h", "field": None}


def test_a_config_this_version_cannot_read_hides_no_run(queue: RunQueue, home: DataHome) -> None:
    folder = cli_run(home, "later", "done")
    folder.config.write_text("schema_version: 99\ndata: {name: x}\n")
    reconcile_all(queue.store, queue, home)
    row = queue.store.run("later")
    assert row is not None and row.status == "done" and row.config["data"] == "x"


def test_a_deleted_folder_leaves_the_list(queue: RunQueue, home: DataHome) -> None:
    run_id = queue.add(config())
    shutil.rmtree(home.run(run_id).path)
    reconcile_all(queue.store, queue, home)
    assert queue.store.runs() == []


def test_terminal_event_in_the_folder_wins(queue: RunQueue, home: DataHome) -> None:
    run_id = queue.add(config())
    queue.claim(lambda row: True, "cpu")
    log = EventLog(home.run(run_id).events)
    log.emit("done", seconds=1.0)
    log.close()
    DEAD.write(home.run(run_id))
    reconcile_all(queue.store, queue, home)
    assert status(queue, run_id) == "done"


def test_the_end_of_an_earlier_attempt_is_no_end(queue: RunQueue, home: DataHome) -> None:
    run_id = queue.add(config())
    queue.claim(lambda row: True, "cpu")
    log = EventLog(home.run(run_id).events)
    log.emit("stopped")
    log.close()
    assert settle(queue.store, home, run_id, 130, None) == "stopped"
    queue.resume(run_id)
    queue.claim(lambda row: True, "cpu")
    DEAD.write(home.run(run_id))
    assert settle(queue.store, home, run_id, -9, None) == "interrupted"
    ended = ProcessInfo.read(home.run(run_id))
    assert ended is not None and ended.ended is not None and ended.ended["returncode"] == -9


def test_interruption_is_remembered_by_the_folder(queue: RunQueue, home: DataHome) -> None:
    run_id = queue.add(config())
    queue.claim(lambda row: True, "cpu")
    DEAD.write(home.run(run_id))
    (home.run(run_id).path / "queue.json").unlink()
    settle(queue.store, home, run_id, -9, None)
    before = queue.store.run(run_id)
    queue.store.forget(run_id)
    reconcile_all(queue.store, queue, home)
    after = queue.store.run(run_id)
    assert before is not None and after is not None
    assert (after.status, after.error) == (before.status, before.error) == ("interrupted", before.error)


def test_stopping_when_the_app_died_is_stopped_not_resumed(queue: RunQueue, home: DataHome) -> None:
    run_id = queue.add(config())
    queue.claim(lambda row: True, "cpu")
    queue.stop(run_id)
    DEAD.write(home.run(run_id))
    reconcile_all(queue.store, queue, home)
    assert status(queue, run_id) == "stopped"


def test_a_held_folder_is_alive_even_without_process_file(queue: RunQueue, home: DataHome) -> None:
    run_id = queue.add(config())
    queue.claim(lambda row: True, "cpu")
    lock = RunLock.take(home.run(run_id))
    assert lock is not None
    assert [row.id for row in reconcile_all(queue.store, queue, home)] == [run_id]
    lock.release()
    reconcile_all(queue.store, queue, home)
    assert status(queue, run_id) == "queued"


def test_progress_gives_new_automatic_resumes(queue: RunQueue, home: DataHome) -> None:
    run_id = queue.add(config())
    folder = home.run(run_id)
    for round_ in range(6):
        queue.claim(lambda row: True, "cpu")
        log = EventLog(folder.events)
        row = {"arm": "main", "seed": 1, "name": "loss", "step": round_, "value": 1.0, "unit": ""}
        log.emit("metric", rows=[row])
        log.close()
        reconcile_all(queue.store, queue, home)
        assert status(queue, run_id) == "queued", "every attempt got further"
    for _ in range(2):
        queue.claim(lambda row: True, "cpu")
        reconcile_all(queue.store, queue, home)
        assert status(queue, run_id) == "queued"
    queue.claim(lambda row: True, "cpu")
    reconcile_all(queue.store, queue, home)
    assert status(queue, run_id) == "interrupted"


def test_runs_that_died_together_keep_their_order(queue: RunQueue, home: DataHome) -> None:
    ids = [queue.add(config(f"r{n}")) for n in range(3)]
    queue.claim(lambda row: True, "cuda:0")
    queue.claim(lambda row: True, "cuda:1")
    reconcile_all(queue.store, queue, home)
    assert [row.id for row in queue.store.queued()] == ids


def test_figures_of_a_report(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    assert figures(folder) is None
    folder.report.write_text("{broken")
    assert figures(folder) is None
    rows = [{"batch": 1, "speedup": 5.0}, {"batch": 32, "speedup": 9.0}, {"batch": 64, "speedup": 2.0}]
    report = {
        "quality_kept": 0.98,
        "compression": {"parameters": 28.0},
        "latency": rows,
        "conclusion": {"headline": "Ship it."},
    }
    folder.report.write_text(json.dumps(report))
    assert figures(folder) == {"quality_kept": 0.98, "compression": 28.0, "speedup": 9.0, "conclusion": "Ship it."}


def test_a_folder_nobody_understands_stops_nothing(queue: RunQueue, home: DataHome) -> None:
    cli_run(home, "fine", "done")
    cli_run(home, "strange", "done").meta.write_text('{"created": "yesterday"}')
    cli_run(home, "strange-process").process.write_text('{"pid": "x", "started": null, "attempt": []}')
    reconcile_all(queue.store, queue, home)
    assert status(queue, "fine") == "done" and status(queue, "strange-process") == "interrupted"
