"""Measurements as jobs: their process, their states on disk, what is told when it dies. No torch: a script works."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from pathlib import Path

import pytest

from distill_core.errors import JobError
from distill_core.extras.state import ExtraState, extra_folder, finished, read_state, state_path, write_state
from distill_core.jobs import extras
from distill_core.jobs.extras import Order, start, states, stop, work
from distill_core.jobs.process import ProcessInfo
from distill_core.layout import DataHome, RunFolder


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    run = RunFolder(tmp_path / "run").create()
    run.report.write_text("{}")
    return run


def script(tmp_path: Path, body: str) -> list[str]:
    path = tmp_path / "worker.py"
    path.write_text("import json, os, sys, time\n" + body, encoding="utf-8")
    return [sys.executable, str(path)]


def until(seen: object, seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while not seen() and time.monotonic() < end:  # type: ignore[operator]
        time.sleep(0.02)
    assert seen()  # type: ignore[operator]


def test_nothing_was_measured_yet(folder: RunFolder) -> None:
    assert {kind: state.state for kind, state in states(folder).items()} == {"curve": "none", "without": "none"}
    assert finished(folder, "curve") is None


def test_the_command_that_people_type_is_started_and_can_be_stopped(folder: RunFolder, tmp_path: Path) -> None:
    seen = tmp_path / "arguments.json"
    body = f"open({str(seen) + '.new'!r}, 'w').write(json.dumps(sys.argv[1:]))\n"
    body += f"os.rename({str(seen) + '.new'!r}, {str(seen)!r})\ntime.sleep(60)\n"
    start(folder, Order("curve", most=8), command=script(tmp_path, body))
    until(seen.exists)
    assert json.loads(seen.read_text()) == ["curve", str(folder.path), "--most", "8"]
    state = states(folder)["curve"]
    assert state.state == "running" and state.pid and state.most == 8
    seen.unlink()
    start(folder, Order("curve", most=8), command=script(tmp_path, body))  # it is being worked on
    time.sleep(0.3)
    assert not seen.exists()
    stop(folder, "curve")
    until(lambda: not ProcessInfo(state.pid, state.started, 1).alive())
    assert states(folder)["curve"].state == "failed"  # this script writes no last word


def test_one_that_died_is_told_and_keeps_its_figures(folder: RunFolder) -> None:
    figures = {"points": [{"labels": 4}]}
    write_state(folder, ExtraState("curve", "running", pid=os.getpid(), started=1.0, at=time.time(), figures=figures))
    state = states(folder)["curve"]
    assert state.state == "failed" and state.figures == figures
    assert state.error is not None and "kept" in str(state.error["hint"])
    write_state(folder, ExtraState("without", "running", at=time.time() - 500))
    assert states(folder)["without"].state == "failed"


def test_going_on_keeps_what_was_finished_unless_another_size_is_wanted(folder: RunFolder, tmp_path: Path) -> None:
    figures = {"points": [{"labels": 4}]}
    for most, kept in ((4, figures), (8, {})):
        write_state(folder, ExtraState("curve", "stopped", most=4, figures=figures, seconds=5.0))
        start(folder, Order("curve", most), command=script(tmp_path, ""))
        assert read_state(folder, "curve").figures == kept


def test_a_run_without_a_report_and_a_worker_that_cannot_start_are_refused(folder: RunFolder, tmp_path: Path) -> None:
    with pytest.raises(JobError, match="could not be started"):
        start(folder, Order("without"), command=[str(tmp_path / "nobody")])
    assert read_state(folder, "without").state == "failed"
    folder.report.unlink()
    with pytest.raises(JobError, match="no report"):
        start(folder, Order("curve"))


def test_what_goes_wrong_is_written_down_in_words(folder: RunFolder, tmp_path: Path) -> None:
    told: list[ExtraState] = []
    found = work(folder, Order("curve"), DataHome(tmp_path / "home"), told.append)
    assert found.state == "failed" and found.error is not None and "damaged" in found.error["message"]
    assert [state.note for state in told[:2]] == ["waiting for its turn", "starting"]
    assert read_state(folder, "curve") == found


def test_one_waits_for_the_other_and_can_be_stopped_while_it_waits(
    folder: RunFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def asked_to_stop(state: ExtraState) -> None:
        os.kill(os.getpid(), signal.SIGTERM)

    monkeypatch.setattr(extras, "_measure", lambda *_: pytest.fail("it was not its turn"))
    from distill_core.train.stop import StopToken

    with extras._alone(folder, StopToken()):
        found = work(folder, Order("without"), DataHome(tmp_path / "home"), _after(asked_to_stop, 1))
    assert found.state == "stopped" and finished(folder, "without") is None


def _after(act: object, calls: int) -> object:
    """Acts a moment after the state was told so often: by then the worker listens to signals."""
    import threading

    seen: list[ExtraState] = []

    def told(state: ExtraState) -> None:
        seen.append(state)
        if len(seen) == calls:
            threading.Timer(0.5, act, [state]).start()  # type: ignore[arg-type]

    return told


def test_a_measurement_that_is_done_is_told_with_its_share_and_time(
    folder: RunFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def measure(_folder: object, _order: object, _home: object, teller: extras._Teller, _stop: object) -> dict:
        teller.emit("progress", share=0.5, eta_s=3.0, note="training on 4 labels")
        teller.emit("metric", rows=[])
        teller.keep({"points": [1]})
        return {"points": [1, 2]}

    monkeypatch.setattr(extras, "_measure", measure)
    told: list[ExtraState] = []
    found = work(folder, Order("curve"), DataHome(tmp_path / "home"), told.append)
    assert [(one.note, one.share) for one in told[1:3]] == [("training on 4 labels", 0.5)] * 2
    assert told[2].figures == {"points": [1]} and found.state == "done" and found.share == 1.0
    assert finished(folder, "curve") == {"points": [1, 2]} and found.seconds >= 0
    assert state_path(folder, "curve") == extra_folder(folder) / "learning_curve.json"
