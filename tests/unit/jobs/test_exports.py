"""Exports as jobs: their process, their states on disk, and what is told when it dies. No torch: a script builds."""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path

import pytest

from distill_core.errors import JobError
from distill_core.export.formats import ExportState, export_folder, read_state, refusal, write_state
from distill_core.jobs import exports
from distill_core.jobs.exports import Order, start, states
from distill_core.jobs.process import ProcessInfo
from distill_core.layout import RunFolder


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    """As a finished run leaves it, as far as anybody looks."""
    run = RunFolder(tmp_path / "run").create()
    run.student.mkdir()
    (run.student / "model.safetensors").write_bytes(b"weights")
    run.report.write_text("{}")
    return run


def own(state: str, name: str = "onnx", **more: object) -> ExportState:
    me = ProcessInfo.of(os.getpid(), attempt=1)
    return ExportState(name, state, pid=me.pid, started=me.started, at=time.time(), **more)  # type: ignore[arg-type]


def script(tmp_path: Path, body: str) -> list[str]:
    path = tmp_path / "builder.py"
    path.write_text("import json, sys, time\n" + body, encoding="utf-8")
    return [sys.executable, str(path)]


def wait_for(path: Path) -> list[str]:
    end = time.monotonic() + 20
    while not path.exists() and time.monotonic() < end:
        time.sleep(0.02)
    return list(json.loads(path.read_text()))


def test_nothing_was_made_yet(folder: RunFolder) -> None:
    assert [(state.format, state.state) for state in states(folder)] == [
        ("safetensors", "none"),
        ("onnx", "none"),
        ("onnx-int8", "none"),
    ]


def test_the_command_that_people_type_is_started(folder: RunFolder, tmp_path: Path) -> None:
    seen = tmp_path / "arguments.json"
    body = f"open({str(seen) + '.new'!r}, 'w').write(json.dumps(sys.argv[1:]))\n"
    body += f"import os; os.rename({str(seen) + '.new'!r}, {str(seen)!r})\n"
    body += "import time; time.sleep(5)\n"  # a builder that has ended without a word is told as failed
    order = Order(["onnx", "onnx-int8"], allowed=1.25, teacher=True, licence="mit")
    start(folder, order, command=script(tmp_path, body))
    assert [state.state for state in states(folder)] == ["none", "building", "building"]
    asked = ["export", str(folder.path), "--to", "onnx", "onnx-int8", "--allow-loss", "1.25", "--teacher"]
    assert wait_for(seen) == [*asked, "--license", "mit"]


def test_what_is_being_built_is_not_built_twice(folder: RunFolder, tmp_path: Path) -> None:
    write_state(folder, own("building", note="measuring latency"))
    seen = tmp_path / "arguments.json"
    start(folder, Order(["onnx"]), command=script(tmp_path, f"open({str(seen)!r}, 'w').write('x')"))
    time.sleep(0.3)
    assert not seen.exists() and read_state(folder, "onnx").note == "measuring latency"


def test_a_builder_that_died_is_told(folder: RunFolder) -> None:
    write_state(folder, ExportState("onnx", "building", pid=os.getpid(), started=1.0, at=time.time()))
    (state,) = [state for state in states(folder) if state.format == "onnx"]
    assert state.state == "failed" and state.error is not None and "broke off" in state.error["message"]


def test_a_builder_that_never_came_up_is_told_after_a_while(folder: RunFolder) -> None:
    write_state(folder, ExportState("onnx", "building", at=time.time() - 500))
    assert {state.format: state.state for state in states(folder)}["onnx"] == "failed"


def test_an_export_whose_files_are_gone_was_never_made(folder: RunFolder) -> None:
    write_state(folder, own("ready", figures={"lost_points": 0.0}))
    assert {state.format: state.state for state in states(folder)}["onnx"] == "none"
    export_folder(folder, "onnx").mkdir(parents=True)
    (export_folder(folder, "onnx") / "model.onnx").write_bytes(b"graph")
    assert {state.format: state.state for state in states(folder)}["onnx"] == "ready"


def test_a_damaged_state_is_none(folder: RunFolder) -> None:
    write_state(folder, own("ready"))
    (export_folder(folder, "onnx").parent / "onnx.json").write_text("{half")
    assert read_state(folder, "onnx") == ExportState("onnx")


def test_a_run_without_a_student_is_refused(folder: RunFolder) -> None:
    folder.report.unlink()
    with pytest.raises(JobError, match="no finished student"):
        start(folder, Order(["onnx"]))


def test_a_builder_that_cannot_be_started_is_told(folder: RunFolder, tmp_path: Path) -> None:
    with pytest.raises(JobError, match="could not be started"):
        start(folder, Order(["onnx"]), command=[str(tmp_path / "nobody")])
    assert read_state(folder, "onnx").state == "failed"


def test_errors_of_a_whole_order_are_told_of_every_format(folder: RunFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    """The report cannot be read: found before torch is asked for anything."""
    told: list[ExportState] = []
    folder.config.write_text("x")
    made = exports.build(folder, Order(["onnx", "onnx-int8"]), told.append)
    assert [state.state for state in made] == ["failed", "failed"]
    assert all(state.error and "damaged" in state.error["message"] for state in made)
    assert [state.note for state in told[:3]] == ["waiting for its turn", "waiting for its turn", "starting"]
    assert read_state(folder, "onnx-int8").state == "failed"


def test_a_refusal_names_the_figures() -> None:
    figures = {"lost_points": 0.75, "quality": {"student": 0.9, "export": 0.8925}, "metric_words": "entity F1"}
    assert refusal(figures, 0.75) is None
    assert refusal(figures, 0.5) == (
        "It loses 0.75 points of validation entity F1 (90.00% → 89.25%); at most 0.5 are allowed."
    )


def until_gone(info: ProcessInfo) -> bool:
    end = time.monotonic() + 20
    while info.alive() and time.monotonic() < end:
        time.sleep(0.02)
    return not info.alive()


def begun(folder: RunFolder, tmp_path: Path, formats: list[str], body: str = "") -> ProcessInfo:
    """A builder that works on, once it is known by its first word."""
    seen = tmp_path / "seen.json"
    seen.unlink(missing_ok=True)
    words = f"{body}\nopen({str(seen) + '.new'!r}, 'w').write('[]')\n"
    words += f"import os; os.rename({str(seen) + '.new'!r}, {str(seen)!r})\ntime.sleep(120)\n"
    start(folder, Order(formats), command=script(tmp_path, words))
    wait_for(seen)
    state = read_state(folder, formats[0])
    return ProcessInfo(state.pid, state.started, 1)


def test_a_build_is_cancelled_with_its_process_and_its_folder(folder: RunFolder, tmp_path: Path) -> None:
    builder = begun(folder, tmp_path, ["onnx", "onnx-int8"])
    half = folder.artifacts / ".making.abc"
    half.mkdir()
    (half / "model.onnx").write_bytes(b"half")
    assert builder.alive() and builder.works_on(folder)
    exports.cancel(folder, "onnx")
    assert until_gone(builder) and not half.exists()
    assert [state.state for state in states(folder)] == ["none"] * 3
    exports.cancel(folder, "onnx")  # harmless


def test_one_that_does_not_listen_is_ended_all_the_same(folder: RunFolder, tmp_path: Path) -> None:
    deaf = begun(folder, tmp_path, ["onnx"], "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)")
    exports.cancel(folder, "onnx", patience=0.3)
    assert until_gone(deaf) and read_state(folder, "onnx").state == "none"


def test_an_earlier_export_stays_when_the_new_one_is_cancelled(folder: RunFolder, tmp_path: Path) -> None:
    kept = export_folder(folder, "onnx")
    kept.mkdir(parents=True)
    (kept / "model.onnx").write_bytes(b"graph")
    (kept / "measured.json").write_text(json.dumps({"lost_points": 0.25, "teacher": "bert"}))
    begun(folder, tmp_path, ["onnx"])
    exports.cancel(folder, "onnx")
    state = read_state(folder, "onnx")
    assert state.state == "ready" and state.figures["lost_points"] == 0.25 and state.teacher
    assert (kept / "model.onnx").read_bytes() == b"graph"


def test_what_another_builder_works_on_is_left_alone(folder: RunFolder, tmp_path: Path) -> None:
    begun(folder, tmp_path, ["onnx"])
    other = folder.artifacts / ".making.other"
    other.mkdir()
    with exports._alone(folder):
        exports.cancel(folder, "onnx")
    assert other.is_dir()


def test_no_process_is_ended_that_does_not_work_on_this_run(folder: RunFolder) -> None:
    """A run's folder may come from anywhere, and name any process."""
    write_state(folder, own("building"))
    exports.cancel(folder, "onnx")  # this very process
    assert read_state(folder, "onnx").state == "none"
