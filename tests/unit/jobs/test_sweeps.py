"""A sweep's status, told from its folder; what the app notes beside it; which one a lane takes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest

from distill_core.errors import JobError
from distill_core.events import EventLog
from distill_core.jobs.process import ProcessInfo, RunLock
from distill_core.jobs.sweeps import Sweeps, SweepWatch, read_state, sweep_command, write_state
from distill_core.layout import DataHome, SweepFolder
from tests.unit.sweeps.made import sweep


@pytest.fixture
def sweeps(home: DataHome) -> Sweeps:
    return Sweeps(home)


def said(folder: SweepFolder, *kinds: str, **payload: Any) -> None:
    """A process that said this, and is gone."""
    log = EventLog(folder.events)
    for kind in kinds:
        log.emit(kind, **payload)
    log.close()


def test_it_waits_until_a_lane_takes_it_once(sweeps: Sweeps) -> None:
    first = sweeps.add(sweep(name="first"), "a")
    assert sweeps.add(sweep(name="first"), "a") == first
    second = sweeps.add(sweep(name="second", base={"device": "cuda"}))
    assert sweeps.status(sweeps.folder(first)) == "queued"
    taken = sweeps.next(lambda device: device in ("auto", "cpu"))
    assert taken is not None and taken.run_id == first
    assert sweeps.next(lambda device: device in ("auto", "cpu")) is None
    other = sweeps.next(lambda device: True)
    assert other is not None and other.run_id == second
    sweeps.leave(other)
    assert sweeps.next(lambda device: True) == other
    assert sweep_command(taken)[1:] == ["-m", "distill_core", "sweep", str(taken.path)]


@pytest.mark.parametrize(
    ("kinds", "payload", "status"),
    [
        (("started", "done"), {"why": "trials"}, "done"),
        (("started", "stopped"), {}, "stopped"),
        (("started", "gave_way"), {}, "queued"),
        (("started", "failed"), {"error_kind": "data", "message": "no"}, "failed"),
    ],
)
def test_what_its_process_said_last_is_its_status(
    sweeps: Sweeps, kinds: tuple[str, ...], payload: dict[str, Any], status: str
) -> None:
    folder = sweeps.folder(sweeps.add(sweep()))
    said(folder, *kinds, **payload)
    assert sweeps.settle(folder, 0, killed=False) == status
    if status == "done":
        with pytest.raises(JobError):
            sweeps.go_on(folder.run_id)
    else:
        assert sweeps.go_on(folder.run_id) == "queued"


def test_a_living_process_is_running_and_stopping(sweeps: Sweeps) -> None:
    folder = sweeps.folder(sweeps.add(sweep()))
    ProcessInfo.of(os.getpid(), attempt=1, by="app", lane="cpu").write(folder)
    assert sweeps.status(folder) == "running"
    assert sweeps.stop(folder.run_id) == "stopping" and read_state(folder)["asked"] > 0
    assert sweeps.adopted("cpu", first=True) == [folder] and sweeps.adopted("cuda:0", first=False) == []
    assert sweeps.next(lambda device: True) is None


def test_one_of_the_command_line_is_told_to_stop_at_once(sweeps: Sweeps) -> None:
    folder = sweeps.folder(sweeps.add(sweep()))
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    ProcessInfo.of(child.pid, attempt=1).write(folder)
    assert sweeps.stop(folder.run_id) in ("stopping", "stopped")
    assert child.wait(30) == -signal.SIGTERM


def test_go_on_said_before_the_lane_saw_the_end_is_not_lost(sweeps: Sweeps) -> None:
    folder = sweeps.folder(sweeps.add(sweep()))
    assert sweeps.next(lambda device: True) == folder
    write_state(folder, wanted=False, stop=True)  # as `stop` does while it runs
    said(folder, "started", "stopped")
    assert sweeps.go_on(folder.run_id) == "queued" and sweeps.next(lambda device: True) is None
    assert sweeps.settle(folder, 130, killed=False) == "queued"
    assert sweeps.next(lambda device: True) == folder


def test_one_that_waits_is_stopped_at_once(sweeps: Sweeps) -> None:
    folder = sweeps.folder(sweeps.add(sweep()))
    assert sweeps.stop(folder.run_id) == "stopped" and sweeps.next(lambda device: True) is None
    assert sweeps.go_on(folder.run_id) == "queued"


def test_what_died_with_the_app_rests_and_what_waited_waits(sweeps: Sweeps) -> None:
    died, waited, gave = (sweeps.folder(sweeps.add(sweep(name=name))) for name in ("died", "waited", "gave"))
    said(died, "started")
    said(gave, "started", "gave_way")
    again = Sweeps(sweeps.home)
    again.reconcile()
    assert [again.status(one) for one in (died, waited, gave)] == ["interrupted", "queued", "queued"]
    assert "Go on" in read_state(died)["error"]["hint"]
    again.go_on(died.run_id)
    again.reconcile()
    assert again.status(died) == "queued"


def test_a_process_that_dies_again_and_again_without_a_trial_is_left_alone(sweeps: Sweeps) -> None:
    folder = sweeps.folder(sweeps.add(sweep()))
    found = []
    for _ in range(3):
        said(folder, "started")
        found.append(sweeps.settle(folder, -9, killed=False))
    assert found == ["queued", "queued", "interrupted"]
    assert "memory" in read_state(folder)["error"]["message"]


def test_each_finished_trial_gives_it_new_patience(sweeps: Sweeps) -> None:
    folder = sweeps.folder(sweeps.add(sweep()))
    for number in range(1, 6):
        said(folder, "started")
        said(folder, "trial", number=number, state="done", values={"quality": 0.5})
        assert sweeps.settle(folder, -9, killed=False) == "queued"


def test_a_run_that_waits_has_it_give_way(sweeps: Sweeps) -> None:
    folder = sweeps.folder(sweeps.add(sweep()))
    waits: Callable[[], bool] = lambda: waiting  # noqa: E731
    watch = SweepWatch(sweeps, folder, run_waits=waits, grace_s=1)
    lock = RunLock.take(folder)
    assert lock is not None
    waiting = False
    assert not watch.look() and not folder.give_way.exists()
    waiting = True
    assert not watch.look() and folder.give_way.exists()
    lock.release()
    assert watch.look()


def test_what_is_no_sweep_is_told(sweeps: Sweeps) -> None:
    for name in ("nowhere", "../runs", ""):
        with pytest.raises(JobError):
            sweeps.folder(name)
