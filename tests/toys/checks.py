"""What a student and a task can do that only their modules and the catalogue know of. Run by
tests/integration/test_registry.py in a process of its own, with `-p tests.toys.registered`."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from distill_core import config as cfg
from distill_core import pipeline
from distill_core.cli.main import main
from distill_core.errors import ConfigError
from distill_core.events import MemorySink
from distill_core.export.markdown import to_markdown
from distill_core.jobs.queue import config_summary
from distill_core.jobs.store import RunRow, Store
from distill_core.layout import DataHome, RunFolder
from distill_core.planner import latency
from distill_core.planner.estimate import estimate
from distill_core.predict import StudentPredictor
from distill_core.services.check import check_config
from distill_core.services.live import run_state
from distill_core.services.sizes import sizes
from distill_core.train.stop import StopToken
from tests import tiny
from tests.toys import TWO_LINES

STAGES = [
    {"name": "states", "terms": {"hidden": 1}, "data": "both", "epochs": 1},
    {"name": "labels", "terms": {"hard": 1, "soft": 1}, "data": "labelled", "epochs": 12, "unfreeze": True},
]


@pytest.fixture(scope="module")
def raw(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """One teacher, the toy student, the toy task."""
    root = tmp_path_factory.mktemp("material")
    data = {**tiny.write_data(root / "data"), "task": "topics"}
    return tiny.config_dict(
        data,
        [tiny.write_bert(root / "bert")],
        student={"kind": "bag", "breadth": 10, "vocabulary": "seen"},
        teacher_training={"mode": "separate", "epochs": 2, "batch_size": 16, "learning_rate": 0.003},
        training={"stages": STAGES, "batch_size": 16, "evaluations": 2},
        objective={"hidden_weight": 1.0},
        controls=["no_teacher"],
    )


@pytest.fixture(scope="module")
def finished(raw: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], RunFolder, Any]:
    root, sink = tmp_path_factory.mktemp("run"), MemorySink()
    folder = RunFolder(root / "run")
    report = pipeline.run(cfg.from_dict(raw), folder, DataHome(root / "home"), sink, StopToken())
    return report, folder, sink


def test_a_config_goes_out_and_in(raw: dict[str, Any]) -> None:
    config = cfg.from_dict(raw)
    assert cfg.from_yaml(config.to_yaml()) == config
    assert "breadth: 10" in config.to_yaml()
    assert config_summary(config)["student"] == "bag of 10"


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"student": {"kind": "bag", "breadth": 1}}, "student.breadth"),
        ({"student": {"kind": "bag", "length": 3}}, "student.length"),
        ({"student": {"kind": "sack"}}, "student.kind"),
        ({"data": {"source": "bundled", "task": "tagging"}}, "student.kind"),
        ({"data": {"source": "bundled", "task": "masked_lm"}}, "student.kind"),
        ({"data": {"source": "bundled", "task": "topic"}}, "data.task"),
    ],
)
def test_what_is_wrong_is_told_at_its_field(raw: dict[str, Any], change: dict[str, Any], field: str) -> None:
    with pytest.raises(ConfigError) as told:
        cfg.from_dict({**raw, **change})
    assert [error.field for error in told.value.errors] == [field]


def test_check_and_sizes_tell_what_a_run_will_be(raw: dict[str, Any]) -> None:
    full = {**raw, "student": {"kind": "bag", "breadth": 10}}
    outcome = check_config(full)
    assert outcome.ok, outcome.errors
    assert outcome.summary["labels"] == sorted(tiny.TOPICS)
    pieces = outcome.summary["teachers"][0]["vocab_size"]
    assert outcome.summary["student"]["parameters"] == pieces * 10 + 110 + 33
    assert sizes(full)["parameters"] == outcome.summary["student"]["parameters"]
    attention = check_config({**full, "objective": {"matching": {"attention": 1.0}}, "training": {}})
    assert [error.field for error in attention.errors] == ["objective.matching.attention"]
    assert "Bag of pieces" in attention.errors[0].message


def test_a_run_ends_in_a_report(finished: tuple[dict[str, Any], RunFolder, Any]) -> None:
    report, folder, sink = finished
    assert (report["task"], report["metric"], report["unit"]) == ("topics", "hits", "example")
    main_arm = next(arm for arm in report["arms"] if arm["name"] == "main")
    assert main_arm["quality"]["test"] > 0.6
    assert [phase["name"] for phase in main_arm["phases"]] == ["states", "labels 1/3", "labels 2/3", "labels 3/3"]
    names = {row["name"] for kind, payload in sink.events if kind == "metric" for row in payload["rows"]}
    assert {"loss_hidden", "loss_soft", "validation_quality"} <= names
    text = to_markdown(report)
    assert "test hit rate" in text and "## Topics (student, test)" in text and "| letters" in text
    readme = (folder.student / "README.md").read_text(encoding="utf-8")
    assert "A spotter of topics, distilled" in readme and "Test hit rate" in readme and "student.predict" in readme


def test_the_saved_student_predicts(finished: tuple[dict[str, Any], RunFolder, Any], capsys: Any) -> None:
    report, folder, _ = finished
    predictor = StudentPredictor.load(folder.path)
    assert predictor.student.architecture["kind"] == "bag" and predictor.task == "topics"
    main_arm = next(arm for arm in report["arms"] if arm["name"] == "main")
    assert sum(p.numel() for p in predictor.student.parameters()) == main_arm["parameters"]
    texts = [text for text, _ in tiny.sentences(60, 3)]
    right = [p.label == label for p, (_, label) in zip(predictor.predict(texts), tiny.sentences(60, 3), strict=True)]
    assert np.mean(right) == pytest.approx(main_arm["quality"]["test"])
    capsys.readouterr()
    assert main(["predict", str(folder.path), "--text", texts[0], "--json"]) == 0
    assert json.loads(capsys.readouterr().out)[0]["label"] == predictor.predict(texts[:1])[0].label


def test_the_command_line_takes_it_from_the_file_to_the_report(
    raw: dict[str, Any], finished: tuple[dict[str, Any], RunFolder, Any], tmp_path: Path
) -> None:
    """In processes of its own, as people type it; the figures are those of the same run inside this process."""
    file, out = tmp_path / "run.yaml", tmp_path / "run"
    file.write_text(cfg.from_dict(raw).to_yaml(), encoding="utf-8")
    environment = {**os.environ, "PYTHONPATH": TWO_LINES, "STILLROOM_HOME": str(tmp_path / "home")}

    def typed(*words: str) -> str:
        command = [sys.executable, "-m", "distill_core", *words]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    assert "labels (3)" in typed("check", str(file))
    typed("run", str(file), "--out", str(out))
    found = json.loads(typed("report", str(out), "--json"))
    assert [(arm["name"], arm["quality"]) for arm in found["arms"]] == [
        (arm["name"], arm["quality"]) for arm in finished[0]["arms"]
    ]
    assert "test hit rate" in typed("report", str(out))


def test_the_size_told_before_is_the_size_measured(raw: dict[str, Any], finished: tuple[Any, RunFolder, Any]) -> None:
    report, folder, _ = finished
    pieces = StudentPredictor.load(folder.path).student.architecture["pieces"]
    main_arm = next(arm for arm in report["arms"] if arm["name"] == "main")
    assert main_arm["parameters"] == pieces * 10 + 110 + 33


def test_the_saved_student_teaches_in_turn(
    raw: dict[str, Any], finished: tuple[Any, RunFolder, Any], tmp_path: Path
) -> None:
    """As a teaching assistant it is used as it is; it cannot be finetuned, nor asked for attention."""
    _, folder, _ = finished
    assistant = [{"source": str(folder.path)}]
    outcome = check_config({**raw, "teachers": assistant})
    assert [error.field for error in outcome.errors] == ["teachers.0.source"]
    assert "saved Bag of pieces student" in outcome.errors[0].message
    second = {
        **raw,
        "teachers": assistant,
        "teacher_training": {"mode": "as_is"},
        "student": {"kind": "bag", "breadth": 4},
        "training": {"epochs": 1, "batch_size": 16, "evaluations": 1},
    }
    assert check_config(second).ok
    report = pipeline.run(
        cfg.from_dict(second), RunFolder(tmp_path / "run"), DataHome(tmp_path / "home"), MemorySink(), StopToken()
    )
    assert report["teachers"][0]["parameters"] > report["arms"][0]["parameters"]


def test_its_latency_and_a_runs_time_are_measured_before_it(raw: dict[str, Any], tmp_path: Path) -> None:
    config = {**raw, "student": {"kind": "bag", "breadth": 10}}
    draft = {name: cfg.from_dict(config).model_dump(mode="json")[name] for name in ("student", "teachers", "measure")}
    found = latency.answer(
        {**draft, "mode": "separate", "task": "topics", "classes": 3, "max_tokens": 24, "device": "cpu",
         "cache": str(tmp_path / "cache")}
    )  # fmt: skip
    assert {row["role"] for row in found["rows"]} == {"teacher", "student"}
    assert all(value > 0 for value in found["speedup"].values())
    planned = estimate(cfg.from_dict(raw), DataHome(tmp_path / "home"))
    assert 0 < planned["low"] <= planned["seconds"] <= planned["high"]


def test_the_live_page_names_the_metric(tmp_path: Path) -> None:
    home = DataHome(tmp_path)
    home.create()
    row = RunRow("a", "a", 0.0, "running", config={"task": "topics"})
    found = run_state(Store(home), row)
    assert (found["metric"], found["metric_words"]) == ("hits", "hit rate")


def test_the_page_offers_both(tmp_path: Path) -> None:
    from tests.unit.ui.fake_services import FakeServices
    from ui.build import build_app
    from ui.pages import new_data, new_words

    app = build_app(FakeServices(tmp_path, seconds=5), tmp_path)
    shown = {block.elem_id: block for block in app.blocks.values() if getattr(block, "elem_id", None)}
    assert ("Bag of pieces", "bag") in shown["field-student-kind"].choices
    assert ("Bag, 8 units", "bag_8") in shown["field-student-preset"].choices
    assert shown["field-student-breadth"].label == "Breadth of the bag (units)"
    assert shown["field-student-squash"].choices == [("Squashed", "tanh"), ("As it is", "none")]
    assert ("Topics", "topics") in shown["field-data-task"].choices
    assert "0.01 for a bag of pieces" in shown["field-training-learning_rate"].info
    assert "a text and its topic a row" in new_data.rows_html("topics")
    words = new_words.step_words(
        {"data": {"task": "topics", "name": "x"}, "student": {"kind": "bag", "breadth": 8}}, {"labels": list("abc")}
    )
    assert words[0] == "x, 3 topics" and words[2] == "Bag of pieces, 8 units"
