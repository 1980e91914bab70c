"""Faults a run must survive: killed children, a killed app, two apps, a full disk, a damaged database."""

from __future__ import annotations

import functools
import itertools
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from distill_core.errors import JobError
from distill_core.events import TERMINAL_STATUSES, read_events
from distill_core.jobs.process import ProcessInfo, RunLock
from distill_core.layout import PROJECT, DataHome
from distill_core.services import Services
from tests import fake_app, fake_run
from tests.unit.services.curves import Follower

pytestmark = pytest.mark.timeout(180)


def until(condition: Callable[[], Any], seconds: float = 60.0) -> Any:
    """The condition's first true value."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        value = condition()
        if value:
            return value
        time.sleep(0.02)
    raise AssertionError(f"{condition} did not become true within {seconds} s")


@pytest.fixture
def home(tmp_path: Path) -> DataHome:
    return DataHome(tmp_path / "home").create()


@pytest.fixture
def opened(home: DataHome) -> Iterator[Callable[..., Services]]:
    """Opens apps on the home and closes them all; what they started is killed."""
    apps: list[Services] = []

    def open_app(**options: Any) -> Services:
        app = fake_app.services(home.root, **options)
        apps.append(app)
        app.start_background()
        return app

    yield open_app
    for app in apps:
        app.close()
    kill_all(home)


def kill_all(home: DataHome) -> None:
    for path in home.runs.iterdir():
        info = ProcessInfo.read(home.run(path.name))
        if info:
            info.send(signal.SIGKILL)


def behave(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, **wanted: Any) -> None:
    file = tmp_path / "behaviour.json"
    file.write_text(json.dumps(wanted))
    monkeypatch.setenv("FAKE_BEHAVIOUR", str(file))


def status(app: Services, run_id: str) -> str:
    return app.live(run_id)["run"]["status"]


def ended(app: Services, run_id: str) -> str:
    return until(lambda: (s := status(app, run_id)) in TERMINAL_STATUSES and s)


def steps(app: Services, run_id: str) -> list[int]:
    return drawn(app.live(run_id))


def drawn(live: dict[str, Any]) -> list[int]:
    """Steps of the loss's points: what the run takes of the machine is told beside it."""
    page = Follower()
    page.take(live)
    return page.steps("loss")


def start_app_process(home: DataHome, *names: str) -> tuple[subprocess.Popen[str], list[str]]:
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.fake_app", str(home.root), *names],
        stdout=subprocess.PIPE,
        text=True,
        cwd=PROJECT,
    )
    assert process.stdout is not None
    return process, json.loads(process.stdout.readline())


def kill(process: subprocess.Popen[str]) -> None:
    process.kill()
    process.wait()
    assert process.stdout is not None
    process.stdout.close()


def wait_for_metrics(home: DataHome, run_id: str, count: int = 3) -> ProcessInfo:
    folder = home.run(run_id)
    until(lambda: sum(e["kind"] == "metric" for e in read_events(folder.events)) >= count)
    info = ProcessInfo.read(folder)
    assert info is not None
    return info


# ---------------------------------------------------------------- the plain way


def test_a_run_goes_through_and_everything_is_recorded(opened: Callable[..., Services]) -> None:
    app = opened()
    run_id = app.start(fake_run.config("Größe 1"))
    assert ended(app, run_id) == "done"
    assert run_id.startswith("grosse-1-")
    live = app.live(run_id)
    assert drawn(live) == [1, 2, 3, 4, 5]
    assert live["report"]["quality_kept"] == 0.99
    assert live["run"]["share"] == 1.0 and live["run"]["eta_s"] is None
    row = app.runs()[0]
    assert (row["id"], row["quality_kept"], row["compression"]) == (run_id, 0.99, 28.0)
    assert app.live(run_id, live["cursor"])["points"] == []
    assert not RunLock.held(app.home.run(run_id))


def test_runs_go_one_after_another_in_order(opened: Callable[..., Services]) -> None:
    app = opened()
    ids = [app.start(fake_run.config(f"run {n}")) for n in range(3)]
    for run_id in ids:
        assert ended(app, run_id) == "done"
    spans = []
    for run_id in ids:
        events = list(read_events(app.home.run(run_id).events))
        spans.append((events[0]["time"], events[-1]["time"]))
    assert all(before[1] <= after[0] for before, after in itertools.pairwise(spans))


def test_full_queue_tells_how_many_wait(
    opened: Callable[..., Services], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    behave(monkeypatch, tmp_path, steps=10_000, pause_s=0.05)
    app = opened()
    first = app.start(fake_run.config("long"))
    until(lambda: status(app, first) == "running")
    waiting = [app.start(fake_run.config(f"wait {n}")) for n in range(3)]
    assert [app.live(w)["run"]["queue_position"] for w in waiting] == [1, 2, 3]
    with pytest.raises(JobError, match="3 runs are waiting"):
        app.start(fake_run.config("one too many"))
    assert app.stop(waiting[0]) == "stopped"
    assert app.live(waiting[1])["run"]["queue_position"] == 1


def test_same_token_same_run(opened: Callable[..., Services]) -> None:
    app = opened()
    first = app.start(fake_run.config(), token="press-1")
    assert app.start(fake_run.config(), token="press-1") == first
    assert app.start(fake_run.config(), token="press-2") != first
    assert len(app.runs()) == 2


# ---------------------------------------------------------------- stop and resume


def test_stop_twice_then_resume_to_the_end(
    opened: Callable[..., Services], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    behave(monkeypatch, tmp_path, steps=40, pause_s=0.05)
    app = opened()
    run_id = app.start(fake_run.config())
    wait_for_metrics(app.home, run_id)
    assert app.stop(run_id) == "stopping"
    assert app.stop(run_id) == "stopping"
    assert ended(app, run_id) == "stopped"
    assert app.stop(run_id) == "stopped"
    cursor = app.live(run_id)["cursor"]
    assert app.resume(run_id) in ("queued", "running")
    assert app.resume(run_id) in ("queued", "running")
    assert ended(app, run_id) == "done"
    assert steps(app, run_id) == list(range(1, 41))
    assert not app.live(run_id, cursor)["reset"], "it stopped at its checkpoint, so no point became void"
    with pytest.raises(JobError, match="finished"):
        app.resume(run_id)


def test_stop_before_the_child_listens(
    opened: Callable[..., Services], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    behave(monkeypatch, tmp_path, slow_start_s=30)
    app = opened()
    run_id = app.start(fake_run.config())
    until(lambda: ProcessInfo.read(app.home.run(run_id)))
    app.stop(run_id)
    assert ended(app, run_id) == "stopped"


def test_a_child_that_does_not_stop_is_killed(
    opened: Callable[..., Services], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    behave(monkeypatch, tmp_path, steps=10_000, pause_s=0.05, ignore_stop=True)
    app = opened(grace_s=0.5)
    run_id = app.start(fake_run.config())
    wait_for_metrics(app.home, run_id)
    app.stop(run_id)
    assert ended(app, run_id) == "interrupted"
    assert "did not stop within" in app.live(run_id)["run"]["error"]["message"]


# ---------------------------------------------------------------- killed children


def test_killed_child_is_interrupted_and_resumes(
    opened: Callable[..., Services], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    behave(monkeypatch, tmp_path, steps=30, pause_s=0.05)
    app = opened()
    run_id = app.start(fake_run.config())
    info = wait_for_metrics(app.home, run_id, 4)
    os.kill(info.pid, signal.SIGKILL)
    assert ended(app, run_id) == "interrupted"
    error = app.live(run_id)["run"]["error"]
    assert "memory" in error["message"] and "Resume" in error["hint"]
    until(lambda: not RunLock.held(app.home.run(run_id)))
    app.resume(run_id)
    assert ended(app, run_id) == "done"
    assert steps(app, run_id) == list(range(1, 31)), "void points are gone, none is missing"


def test_failures_are_told_in_words(
    opened: Callable[..., Services], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    app = opened()
    for fail, kind in (("data", "data"), ("disk", "disk"), ("bug", "problem")):
        behave(monkeypatch, tmp_path, fail=fail)
        run_id = app.start(fake_run.config(fail))
        assert ended(app, run_id) == "failed"
        error = app.live(run_id)["run"]["error"]
        assert error["kind"] == kind and error["message"] and error["hint"]
    assert "KeyError" in app.log_text(run_id), "the traceback is in the log"


# ---------------------------------------------------------------- a killed app


def test_app_killed_the_child_goes_on_and_is_adopted(
    home: DataHome, opened: Callable[..., Services], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    behave(monkeypatch, tmp_path, steps=40, pause_s=0.05)
    process, [run_id, second] = start_app_process(home, "first", "second")
    info = wait_for_metrics(home, run_id)
    kill(process)
    assert info.alive()
    app = opened()
    assert status(app, run_id) == "running" and status(app, second) == "queued"
    assert ended(app, run_id) == "done"
    assert steps(app, run_id) == list(range(1, 41))
    events = app.store.events(run_id)
    assert [e["seq"] for e in events] == list(range(1, len(events) + 1))
    assert {e["attempt"] for e in events} == {1}, "it was adopted, not started again"
    assert ended(app, second) == "done"


def test_an_adopted_run_can_be_stopped(
    home: DataHome, opened: Callable[..., Services], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    behave(monkeypatch, tmp_path, steps=10_000, pause_s=0.05)
    process, [run_id] = start_app_process(home, "first")
    wait_for_metrics(home, run_id)
    kill(process)
    app = opened()
    assert app.stop(run_id) == "stopping"
    assert ended(app, run_id) == "stopped"


def test_app_and_child_killed_the_run_resumes_by_itself(
    home: DataHome, opened: Callable[..., Services], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    behave(monkeypatch, tmp_path, steps=30, pause_s=0.05)
    process, [run_id, second] = start_app_process(home, "first", "second")
    info = wait_for_metrics(home, run_id, 5)
    kill(process)
    os.kill(info.pid, signal.SIGKILL)
    until(lambda: not info.alive())
    with home.run(run_id).events.open("ab") as file:
        file.write(b'{"seq":99,"torn')
    app = opened()
    assert status(app, run_id) in ("queued", "running")
    assert ended(app, run_id) == "done", app.live(run_id)["run"]["error"]
    assert steps(app, run_id) == list(range(1, 31))
    assert ended(app, second) == "done"
    first_end = list(read_events(home.run(run_id).events))[-1]["time"]
    assert next(iter(read_events(home.run(second).events)))["time"] >= first_end, "the order of the queue is kept"


def test_automatic_resumes_end_when_nothing_gets_further(
    home: DataHome, opened: Callable[..., Services], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    behave(monkeypatch, tmp_path, slow_start_s=60)
    run_id = ""

    def alive(app: Services) -> ProcessInfo | None:
        info = ProcessInfo.read(home.run(run_id))
        return info if info and info.alive() and status(app, run_id) == "running" else None

    for _ in range(4):
        app = opened()
        run_id = run_id or app.start(fake_run.config())
        info = until(functools.partial(alive, app))
        app.close()
        os.kill(info.pid, signal.SIGKILL)
        until(lambda i=info: not i.alive())
    app = opened()
    assert status(app, run_id) == "interrupted"
    assert "3 times" in app.live(run_id)["run"]["error"]["message"]


def test_app_killed_between_claim_and_process_file(
    home: DataHome, opened: Callable[..., Services], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The lock is handed over at birth: a child nobody wrote down is found, not started twice."""
    behave(monkeypatch, tmp_path, steps=40, pause_s=0.05, slow_start_s=1)
    process, [run_id] = start_app_process(home, "first")
    folder = home.run(run_id)
    until(lambda: ProcessInfo.read(folder))
    kill(process)
    folder.process.unlink()
    app = opened()
    assert status(app, run_id) == "running"
    assert ended(app, run_id) == "done"
    assert {e["attempt"] for e in app.store.events(run_id)} == {1}


# ---------------------------------------------------------------- database and folder


def test_a_second_app_on_one_folder_says_who_holds_it(home: DataHome, opened: Callable[..., Services]) -> None:
    opened()
    result = subprocess.run(
        [sys.executable, "-m", "tests.fake_app", str(home.root)], capture_output=True, text=True, cwd=PROJECT
    )
    assert result.returncode == 1
    assert "in use by another Stillroom" in result.stderr and str(os.getpid()) in result.stderr


@pytest.mark.parametrize("damage", ["deleted", "garbage", "truncated"])
def test_a_lost_database_is_built_again(home: DataHome, opened: Callable[..., Services], damage: str) -> None:
    app = opened()
    run_id = app.start(fake_run.config("kept"), token="press-1")
    assert ended(app, run_id) == "done"
    before, row = app.live(run_id), app.runs()[0]
    app.close()
    if damage == "deleted":
        home.database.unlink()
    elif damage == "garbage":
        home.database.write_bytes(b"this is no database" * 1000)
    else:
        home.database.write_bytes(home.database.read_bytes()[:8192])
    again = opened()
    after = again.live(run_id)
    assert after == before
    assert again.runs()[0] == row
    assert again.start(fake_run.config("kept"), token="press-1") == run_id
    if damage != "deleted":
        assert again.store.kept_aside is not None and again.store.kept_aside.exists()


def test_waiting_and_dead_runs_survive_the_loss_of_the_database(
    home: DataHome, opened: Callable[..., Services], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    behave(monkeypatch, tmp_path, steps=20, pause_s=0.05)
    process, ids = start_app_process(home, "a", "b", "c")
    info = wait_for_metrics(home, ids[0])
    kill(process)
    os.kill(info.pid, signal.SIGKILL)
    until(lambda: not info.alive())
    home.database.unlink()
    app = opened()
    for run_id in ids:
        assert ended(app, run_id) == "done"
        assert steps(app, run_id) == list(range(1, 21))
    starts = [list(read_events(home.run(run_id).events))[-1]["time"] for run_id in ids]
    assert starts == sorted(starts)
