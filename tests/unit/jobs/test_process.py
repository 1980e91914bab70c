from __future__ import annotations

import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from distill_core.errors import JobError
from distill_core.jobs.process import LOCK_FD, NICE, ProcessInfo, RunLock, child_environment, spawn
from distill_core.layout import RunFolder
from distill_core.storage import write_text

WAIT = "import sys, time; print('hello', flush=True); time.sleep(60)"


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    return RunFolder(tmp_path / "a").create()


def test_write_atomic_leaves_only_the_file(tmp_path: Path) -> None:
    write_text(tmp_path / "x.json", "1")
    write_text(tmp_path / "x.json", "2")
    assert [p.name for p in tmp_path.iterdir()] == ["x.json"] and (tmp_path / "x.json").read_text() == "2"


def test_process_info_round_trip_and_damage(folder: RunFolder) -> None:
    assert ProcessInfo.read(folder) is None
    info = ProcessInfo.of(os.getpid(), attempt=2, by="app", lane="cpu")
    info.write(folder)
    assert ProcessInfo.read(folder) == info
    for text in ("", "{", "[]", "3", "{}"):
        folder.process.write_text(text)
        assert ProcessInfo.read(folder) is None


def test_a_pid_that_was_given_away_is_not_alive() -> None:
    info = ProcessInfo.of(os.getpid(), attempt=1)
    assert info.alive()
    stranger = replace(info, started=info.started - 3600)
    assert not stranger.alive()
    assert not stranger.send(signal.SIGKILL), "a stranger is never signalled"


def test_a_zombie_is_dead() -> None:
    child = subprocess.Popen([sys.executable, "-c", "pass"])
    info = ProcessInfo.of(child.pid, attempt=1)
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert psutil.Process(child.pid).status() == psutil.STATUS_ZOMBIE
    assert not info.alive()
    child.wait()
    assert not info.alive()


def test_lock_is_for_one(folder: RunFolder) -> None:
    assert not RunLock.held(folder)
    lock = RunLock.take(folder)
    assert lock is not None and RunLock.held(folder) and RunLock.take(folder) is None
    with pytest.raises(JobError, match="already"):
        RunLock.inherited_or_taken(folder, {})
    lock.release()
    assert not RunLock.held(folder)


def test_lock_passes_to_the_child_at_birth(folder: RunFolder) -> None:
    lock = RunLock.take(folder)
    assert lock is not None
    child = spawn([sys.executable, "-c", WAIT], folder, child_environment({}), lock)
    try:
        lock.release()
        assert RunLock.held(folder), "the child holds it, though it has not done anything yet"
        assert psutil.Process(child.pid).nice() == max(NICE, os.nice(0))
        assert os.getsid(child.pid) == child.pid
        share = Path(f"/proc/{child.pid}/autogroup")
        if share.exists():  # else this kernel knows no shares of sessions
            assert share.read_text().split()[-1] == str(max(NICE, os.nice(0)))
    finally:
        ProcessInfo.of(child.pid, attempt=1).send(signal.SIGKILL)
        assert child.wait() == -signal.SIGKILL
    assert not RunLock.held(folder)


def test_a_wrong_descriptor_is_not_taken_for_the_lock(folder: RunFolder, tmp_path: Path) -> None:
    with open(tmp_path / "other", "w") as other:
        lock = RunLock.inherited_or_taken(folder, {LOCK_FD: str(other.fileno())})
        assert lock.descriptor != other.fileno() and RunLock.held(folder)
        lock.release()


def test_environment_is_cleaned(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STILLROOM_AUTH", "me:secret")
    monkeypatch.setenv("GRADIO_TEMP_DIR", "x")
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    environment = child_environment({"STILLROOM_HOME": "h"})
    assert "STILLROOM_AUTH" not in environment and "GRADIO_TEMP_DIR" not in environment
    assert environment["OMP_NUM_THREADS"] == "2" and environment["STILLROOM_HOME"] == "h"
