from __future__ import annotations

import errno
import json
import os
import signal
from pathlib import Path
from typing import Any

import pytest

from distill_core.errors import DataError, StillroomError, Stopped
from distill_core.events import MemorySink, read_events
from distill_core.jobs.child import ChildSink, explain, run_child
from distill_core.jobs.process import ProcessInfo, RunLock
from distill_core.layout import DataHome, RunFolder
from tests import fake_run


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    folder = RunFolder(tmp_path / "run").create()
    fake_run.config("a name").save(folder.config)
    return folder


def run(folder: RunFolder, pipeline: Any, **more: Any) -> int:
    return run_child(folder, home=DataHome(folder.path.parent / "home"), pipeline=pipeline, **more)


def kinds(folder: RunFolder) -> list[str]:
    return [event["kind"] for event in read_events(folder.events)]


def raising(error: BaseException) -> Any:
    def pipeline(*arguments: Any) -> dict[str, Any]:
        raise error

    return pipeline


def test_done(folder: RunFolder) -> None:
    seen = MemorySink()
    assert run(folder, fake_run.pipeline, observer=seen) == 0
    assert kinds(folder)[:2] == ["log", "started"] and kinds(folder)[-1] == "done"
    assert [kind for kind, _ in seen.events] == kinds(folder)
    started = seen.events[1][1]
    assert started["pid"] == os.getpid() and {"stillroom", "torch", "python"} <= set(started["versions"])
    info = ProcessInfo.read(folder)
    assert info is not None and (info.pid, info.attempt, info.by) == (os.getpid(), 1, "cli")
    assert json.loads(folder.meta.read_text())["name"] == "a name"
    assert not RunLock.held(folder) and not (folder.path / "reserve.bin").exists()


def test_stopped_then_resumed(folder: RunFolder) -> None:
    assert run(folder, raising(Stopped())) == 130
    assert kinds(folder)[-1] == "stopped"
    assert run(folder, fake_run.pipeline) == 1, "a folder with a run is not begun again"
    assert run(folder, fake_run.pipeline, resume=True) == 0
    assert {e["attempt"] for e in read_events(folder.events)} == {1, 2}
    assert run(folder, fake_run.pipeline, resume=True) == 1, "what is finished is not resumed"
    assert kinds(folder)[-1] == "done"


@pytest.mark.parametrize(
    ("error", "kind", "words"),
    [
        (DataError("no text column.", hint="Name it.", field="data.columns.text"), "data", "no text column"),
        (MemoryError(), "memory", "memory"),
        (RuntimeError("CUDA out of memory. Tried to allocate 2 GiB"), "memory", "memory"),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory"), "memory", "memory"),
        (OSError(errno.ENOSPC, "No space left on device"), "disk", "disk is full"),
        (RuntimeError("serialize: I/O error: No space left on device"), "disk", "disk is full"),
        (ZeroDivisionError("division by zero"), "problem", "ZeroDivisionError: division by zero"),
    ],
)
def test_causes_in_words(folder: RunFolder, error: Exception, kind: str, words: str) -> None:
    assert run(folder, raising(error)) == 1
    last = list(read_events(folder.events))[-1]
    assert last["kind"] == "failed" and last["payload"]["error_kind"] == kind
    assert words in last["payload"]["message"] and last["payload"]["hint"]


def test_the_cause_behind_an_error_counts() -> None:
    try:
        try:
            raise OSError(errno.ENOSPC, "No space left on device")
        except OSError as inner:
            raise ValueError("could not save") from inner
    except ValueError as error:
        assert explain(error).kind == "disk"


def test_an_own_error_stays_itself() -> None:
    error = StillroomError("x")
    assert explain(error) is error


def test_bad_config_is_exit_2_and_told_to_the_app(folder: RunFolder, capsys: pytest.CaptureFixture[str]) -> None:
    folder.config.write_text("schema_version: 99\n")
    folder.meta.write_text("{}")
    assert run(folder, fake_run.pipeline) == 2
    assert "newer version" in capsys.readouterr().err
    last = list(read_events(folder.events))[-1]
    assert last["kind"] == "failed" and last["payload"]["error_kind"] == "config"


def test_a_bad_config_makes_no_folder(tmp_path: Path) -> None:
    (tmp_path / "bad.yaml").write_text("nonsense: 1\n")
    assert run_child(RunFolder(tmp_path / "out"), tmp_path / "bad.yaml", pipeline=fake_run.pipeline) == 2
    assert not (tmp_path / "out").exists()


def test_config_from_elsewhere_is_kept_in_the_folder(tmp_path: Path) -> None:
    fake_run.config("elsewhere").save(tmp_path / "c.yaml")
    folder = RunFolder(tmp_path / "out" / "run")
    assert run_child(folder, tmp_path / "c.yaml", home=DataHome(tmp_path), pipeline=fake_run.pipeline) == 0
    assert "elsewhere" in folder.config.read_text()


def test_second_process_on_a_folder_exits_with_a_message(folder: RunFolder, capsys: pytest.CaptureFixture[str]) -> None:
    lock = RunLock.take(folder)
    assert lock is not None
    assert run(folder, fake_run.pipeline) == 1
    assert "working on" in capsys.readouterr().err
    assert kinds(folder) == []
    lock.release()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signals_set_the_stop_token(folder: RunFolder, number: signal.Signals) -> None:
    before = signal.getsignal(number)

    def pipeline(config: Any, folder: Any, home: Any, sink: Any, stop: Any) -> dict[str, Any]:
        os.kill(os.getpid(), number)
        if number == signal.SIGTERM:
            os.kill(os.getpid(), number)  # told twice: the same
        assert stop.is_set()
        raise Stopped

    assert run(folder, pipeline) == 130
    assert signal.getsignal(number) is before


# ---------------------------------------------------------------- a full disk


class FullDisk:
    """Stands in for the log's file: takes `room` more bytes, then part of a line, then nothing."""

    def __init__(self, sink: ChildSink, room: int) -> None:
        self.sink, self.room, self.real = sink, room, sink._log._file
        sink._log._file = self  # type: ignore[assignment]

    def write(self, data: bytes) -> int:
        if (self.sink._reserve.parent / "reserve.bin").exists():
            fits = data[: self.room]
            self.room -= len(fits)
            if not fits:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        else:
            fits = data
        return self.real.write(fits)

    def fileno(self) -> int:
        return self.real.fileno()

    def close(self) -> None:
        self.real.close()


def test_full_disk_leaves_no_half_line_and_the_cause_is_written(folder: RunFolder) -> None:
    def pipeline(config: Any, folder: Any, home: Any, sink: Any, stop: Any) -> dict[str, Any]:
        FullDisk(sink, room=150)
        for _ in range(10):
            sink.emit("log", level="info", message="some words that take room")
        raise AssertionError("the disk should have been full")

    assert run(folder, pipeline) == 1
    data = folder.events.read_bytes()
    assert data.endswith(b"\n")
    events = [json.loads(line) for line in data.splitlines()]
    assert events[-1]["kind"] == "failed" and events[-1]["payload"]["error_kind"] == "disk"
    assert [e["kind"] for e in events[:3]] == ["log", "started", "log"]


def test_last_words_that_cannot_be_written_hide_nothing(
    folder: RunFolder, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    real = ChildSink.emit

    def emit(self: ChildSink, kind: str, **payload: Any) -> None:
        if kind == "failed":
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        real(self, kind, **payload)

    monkeypatch.setattr(ChildSink, "emit", emit)
    assert run(folder, raising(DataError("the real cause."))) == 1
    err = capsys.readouterr().err
    assert "the real cause" in err and "could not be written" in err
