"""Measured of finished tiny runs on request: learning curves without teachers, and arms that leave a teacher out."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from distill_core import config as cfg
from distill_core.analysis.kept import open_split
from distill_core.cli.main import main
from distill_core.data.prepare import prepare
from distill_core.errors import DataError, JobError, Stopped
from distill_core.events import MemorySink
from distill_core.extras.state import extra_folder, finished, read_state
from distill_core.extras.train import FinishedRun, learning_curve, without_teachers
from distill_core.extras.worth import worth
from distill_core.layout import DataHome, RunFolder
from distill_core.measure.uncertainty import holm
from distill_core.stages.arms import stored_answers
from distill_core.tasks.base import build_task
from distill_core.train.stop import StopToken
from tests import tiny
from tests.integration.conftest import Runner

BRIEF: dict[str, Any] = {"training": {"epochs": 2, "batch_size": 16, "learning_rate": 0.02}}
LSTM = {"kind": "bilstm", "embedding": 12, "lstm_hidden": 8, "initialise": "svd", "dropout": 0.1}


def ran(runner: Runner, config: cfg.RunConfig, name: str) -> RunFolder:
    folder = runner.run(config, name)[1]
    folder.config.write_text(config.to_yaml(), encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def few(tmp_path_factory, material) -> tuple[Runner, RunFolder]:
    """Two seeds, two teachers, eight labels a class; the rest of the texts is the transfer set."""
    runner = Runner(tmp_path_factory.mktemp("few"), material)
    data = {**material["data"], "labelled_per_class": 8, "validation_share": 0.25}
    raw = tiny.config_dict(data, material["teachers"], seeds=[13, 14], student=LSTM, controls=["no_teacher"], **BRIEF)
    return runner, ran(runner, cfg.from_dict(raw), "run")


def opened(few: tuple[Runner, RunFolder]) -> FinishedRun:
    runner, folder = few
    return FinishedRun.open(folder, DataHome(runner.root / "home"))


def test_a_learning_curve_of_a_run_with_a_transfer_set(few) -> None:
    run, folder = opened(few), few[1]
    before = folder.report.read_bytes()
    told: list[int] = []
    sink = MemorySink()
    figures = learning_curve(run, 4, sink, StopToken(), lambda found: told.append(len(found["points"])))
    own = run.report["data"]["sizes"]["train"]
    assert figures["own"] == own and figures["seeds"] == [13, 14]
    assert figures["sets"][-3:] == [own, 2 * own, 4 * own] and figures["sets"] == sorted(set(figures["sets"]))
    assert told == list(range(1, 2 * len(figures["sets"]) + 1))
    assert [point["labels"] for point in figures["points"]] == sorted(point["labels"] for point in figures["points"])
    steps = {arm["steps"] for arm in run.report["arms"]}
    assert len(steps) == 1 and all(point["steps"] >= min(steps) for point in figures["points"])
    # Every figure follows from the answers that lie on disk.
    data, curve = prepare(run.config.data, seed=13), {}
    task = build_task("classification")
    for point in figures["points"]:
        trial = extra_folder(folder) / "work" / "checkpoints" / f"labels-{point['labels']}-seed{point['seed']}"
        said = stored_answers(trial)["test"].predicted
        assert point["test"] == np.mean(said == data.test.labels)
        assert not (trial / "final.safetensors").exists()
        curve.setdefault(point["labels"], []).append(type(run.student()[0])(*task.scores(data.test, said, data.labels)))
    assert figures["worth"] == worth(own, run.student(), curve)
    assert folder.report.read_bytes() == before

    sink = MemorySink()
    again = learning_curve(run, 4, sink, StopToken(), lambda found: None)
    assert again == figures and not [payload for kind, payload in sink.events if kind == "metric"]


def test_a_stopped_curve_goes_on_and_ends_the_same(few, tmp_path, material) -> None:
    runner = Runner(tmp_path, material)
    data = {**material["data"], "labelled_per_class": 8, "validation_share": 0.25}
    raw = tiny.config_dict(data, material["teachers"][:1], student=LSTM, controls=[], **BRIEF)
    folder = ran(runner, cfg.from_dict(raw), "run")
    run = FinishedRun.open(folder, DataHome(tmp_path / "home"))
    stop, kept = StopToken(), []

    def keep(found: dict[str, Any]) -> None:
        kept.append(json.loads(json.dumps(found)))
        if len(kept) == 2:
            stop.set()

    with pytest.raises(Stopped):
        learning_curve(run, 1, MemorySink(), stop, keep)
    assert len(kept) == 2 and kept[-1]["worth"] is None
    ended = learning_curve(run, 1, MemorySink(), StopToken(), lambda found: None)
    assert ended["points"][:2] == kept[-1]["points"] and ended["worth"] is not None
    assert ended["sets"][-1] == ended["own"]


def test_arms_without_a_teacher_ask_nothing_again(few) -> None:
    runner, _ = few
    run, sink = opened(few), MemorySink()
    signals = sorted(path.name for path in (runner.root / "home" / "signals").iterdir())
    figures = without_teachers(run, sink, StopToken(), lambda found: None)
    assert sorted(path.name for path in (runner.root / "home" / "signals").iterdir()) == signals
    said = [payload["message"] for kind, payload in sink.events if kind == "log"]
    assert len([message for message in said if "already on disk" in message]) == 2
    assert [(point["number"], point["seed"]) for point in figures["points"]] == [(0, 13), (1, 13), (0, 14), (1, 14)]
    assert not figures["kept_in"] and len(figures["rows"]) == 2
    assert [row["p_adjusted"] for row in figures["rows"]] == holm([row["p"] for row in figures["rows"]])
    by_teacher = {row["teacher"]: row for row in figures["rows"]}
    main_test = np.mean([arm["quality"]["test"] for arm in run.report["arms"] if arm["name"] == "main"])
    for row in figures["rows"]:
        own = [point["test"] for point in figures["points"] if point["teacher"] == row["teacher"]]
        assert row["test"] == pytest.approx(np.mean(own))
        assert row["difference"] == pytest.approx(np.mean(own) - main_test)
    assert set(by_teacher) == {teacher["name"] for teacher in run.report["teachers"]}


def test_an_arm_without_the_second_teacher_is_a_run_with_the_first_alone(tmp_path, material) -> None:
    """Bit for bit: what is left out leaves nothing behind."""
    runner = Runner(tmp_path, material)
    taught = {"mode": "separate", "epochs": 1, "batch_size": 16, "learning_rate": 0.003}
    shared: dict[str, Any] = {"student": LSTM, "controls": [], "teacher_training": taught, **BRIEF}
    both = ran(runner, runner.config(**shared), "both")
    runner.run(runner.config(teachers=1, **shared), "first")
    run = FinishedRun.open(both, DataHome(tmp_path / "home"))
    without_teachers(run, MemorySink(), StopToken(), lambda found: None)
    alone = stored_answers(extra_folder(both) / "work" / "checkpoints" / "without-1-seed13")["test"].predicted
    first = open_split(tmp_path / "first" / "artifacts")
    assert first is not None and np.array_equal(first.predicted("main:13"), alone)


def test_as_a_control_of_the_run_it_is_the_same_and_stands_apart_from_the_report(tmp_path, material) -> None:
    runner = Runner(tmp_path, material)
    config = runner.config(student=LSTM, controls=["without_each"], **BRIEF)
    report, folder, sink = runner.run(config)
    folder.config.write_text(config.to_yaml(), encoding="utf-8")
    assert {arm["name"] for arm in report["arms"]} == {"main"}
    state = read_state(folder, "without")
    assert state.state == "done" and [point["number"] for point in state.figures["points"]] == [0, 1]
    shown = {row["arm"] for kind, payload in sink.events if kind == "metric" for row in payload["rows"]}
    assert "main" in shown and not any(arm.startswith("without") for arm in shown)
    later = without_teachers(FinishedRun.open(folder, DataHome(tmp_path / "home")), MemorySink(), StopToken(), print)
    assert later["rows"] == state.figures["rows"]
    assert [point["test"] for point in later["points"]] == [point["test"] for point in state.figures["points"]]


def test_what_cannot_be_measured_is_refused(few, tmp_path, material) -> None:
    runner = Runner(tmp_path, material)
    single = ran(runner, runner.config(teachers=1, student=LSTM, controls=[], **BRIEF), "single")
    run = FinishedRun.open(single, DataHome(tmp_path / "home"))
    with pytest.raises(JobError, match="None of this run's teachers can be left out"):
        without_teachers(run, MemorySink(), StopToken(), lambda found: None)
    with pytest.raises(JobError, match="no report"):
        FinishedRun.open(RunFolder(tmp_path / "nothing"), DataHome(tmp_path / "home"))
    report = json.loads(single.report.read_text())
    report["data"]["fingerprint"] = "other"
    single.report.write_text(json.dumps(report))
    run = FinishedRun.open(single, DataHome(tmp_path / "home"))
    with pytest.raises(DataError, match="have changed"):
        learning_curve(run, 1, MemorySink(), StopToken(), lambda found: None)


def test_a_tagger_is_measured_by_sentences_and_the_command_line_says_so(
    tmp_path: Path, tagged_material, capsys, monkeypatch
) -> None:
    runner = Runner(tmp_path, tagged_material)
    student = {**LSTM, "vocabulary": "seen"}
    raw = tiny.config_dict({**tagged_material["data"], "labelled_per_class": 12}, tagged_material["teachers"][:1],
                           student=student, controls=[], **BRIEF)  # fmt: skip
    folder = ran(runner, cfg.from_dict(raw), "run")
    monkeypatch.setenv("STILLROOM_HOME", str(tmp_path / "home"))
    assert main(["curve", str(folder.path), "--most", "2"]) == 0
    said = capsys.readouterr().out
    state = read_state(folder, "curve")
    assert state.state == "done" and state.share == 1.0 and state.seconds > 0
    assert finished(folder, "curve") == state.figures and "labelled sentences" in said
    own = state.figures["own"]
    assert re.search(rf"^\| {own} +\| +1× \|", said, re.M) and "training on" in said
    assert state.figures["sets"][-1] == 2 * own
    assert main(["curve", str(folder.path), "--json"]) == 0  # up to 4 times now: the two smaller ones are kept
    assert json.loads(capsys.readouterr().out)["points"][0] == state.figures["points"][0]
    assert main(["without-teachers", str(folder.path)]) == 1
    assert "can be left out" in capsys.readouterr().err
    assert main(["curve", str(folder.path), "--most", "0"]) == 2
    assert main(["curve", str(tmp_path / "nowhere")]) == 2
