"""Four stages with teachers of their own (ERNIE-Tiny, 2106.02241): a checkpoint as pre-trained, then finetuned."""

from __future__ import annotations

import json

import numpy as np
import pytest
from safetensors.numpy import load_file

from distill_core.config import from_dict
from distill_core.errors import Stopped
from distill_core.export.markdown import to_markdown
from distill_core.train.stop import StopToken
from tests import tiny
from tests.integration.conftest import StopAfter, payloads, rows_of

STATES = {"hidden": 1.0, "attention": 1.0}
FOUR = [
    {"name": "general", "terms": STATES, "data": "transfer", "teachers": ["raw"], "epochs": 1},
    {"name": "general, taught", "terms": STATES, "data": "transfer", "teachers": ["taught"], "epochs": 1},
    {"name": "layers", "terms": STATES, "data": "labelled", "teachers": ["taught"], "epochs": 2},
    {"name": "labels", "terms": {"soft": 1.0, "hard": 1.0}, "data": "labelled", "epochs": 2},
]


def four(runner, **changes):
    """Both teachers are one checkpoint; the second learns the task."""
    raw = tiny.config_dict(
        runner.material["data"],
        [],
        **{
            "teacher_training": {"mode": "separate", "epochs": 2, "batch_size": 16, "learning_rate": 0.003},
            "student": {"kind": "transformer", "layers": 2, "hidden": 16, "heads": 2},
            "objective": {"hidden_projection": "student"},
            "training": {"batch_size": 16, "learning_rate": 0.01, "evaluations": 2, "stages": FOUR},
            "controls": ["no_teacher", "uniform"],
            **changes,
        },
    )
    one = {"source": str(runner.material["teachers"][0])}
    return from_dict(raw | {"teachers": [{**one, "name": "raw", "pretrained_only": True}, {**one, "name": "taught"}]})


def weights(folder) -> dict[str, np.ndarray]:
    return load_file(folder.student / "model.safetensors")


def metas(runner) -> list[dict]:
    return [json.loads(path.read_text()) for path in sorted((runner.root / "home" / "signals").glob("*/meta.json"))]


def test_each_stage_learns_from_its_teachers_and_reports_say_who_has_no_quality(runner):
    report, _, sink = runner.run(four(runner))
    assert [payload["name"] for payload in payloads(sink, "phase") if payload["arm"] == "main"] == [
        stage["name"] for stage in FOUR
    ]
    raw, taught = report["teachers"]
    assert raw["quality"] == {"validation": None, "test": None} and raw["interval"] is None
    assert not raw["reference"] and taught["reference"] and report["reference_teacher"] == "taught"
    assert taught["parameters"] > raw["parameters"] > 0
    assert {row["name"] for row in report["latency_models"]} == {"taught", "student"}
    assert list(report["arms"][0]["agreements"]) == ["taught"]
    assert report["missing_controls"] == {"uniform": "single_teacher"}
    said = [sentence for sentence in report["conclusion"]["sentences"] if sentence.startswith("raw stays")]
    assert len(said) == 1
    assert any("teacher: raw" in line and "–" in line for line in to_markdown(report).splitlines())
    told = {payload["name"]: payload for payload in payloads(sink, "teacher")}
    assert told["raw"]["validation"] is None and told["taught"]["level"] == "reference"
    names = {row["name"] for row in rows_of(sink, "main")}
    assert "weight/taught" in names and not names & {"weight/raw", "kl/raw"}


def test_each_teacher_is_asked_for_what_its_stages_need_alone(runner):
    general = {"name": "general", "terms": {"hidden": 1.0}, "data": "transfer", "teachers": [1], "epochs": 1}
    labels = {"name": "labels", "terms": {"soft": 1.0, "hard": 1.0}, "epochs": 1}
    training = {"batch_size": 16, "learning_rate": 0.01, "evaluations": 1, "stages": [general, labels]}
    runner.run(four(runner, training=training, controls=[]))
    found = {meta["classes"]: meta["plan"]["layers"] for meta in metas(runner)}
    assert found[0] and not found[max(found)]
    assert len(found) == 2

    runner.run(four(runner, training=training | {"stages": [labels]}, controls=[]), "labels alone")
    assert len(metas(runner)) == 2, "the pre-trained teacher is not asked at all, the other one was"


def test_a_stop_in_any_stage_leads_to_the_same_student(runner):
    config = four(runner, controls=[])
    _, whole, _ = runner.run(config, "whole")
    for index in (1, 3):
        stop, name = StopToken(), f"stopped in {index}"
        sink = StopAfter(stop, "phase", 1, lambda payload, at=index: payload["index"] == at)
        with pytest.raises(Stopped):
            runner.run(config, name, sink=sink, stop=stop)
        _, folder, again = runner.run(config, name)
        assert payloads(again, "phase")[-1]["index"] == 3
        for part, value in weights(whole).items():
            np.testing.assert_array_equal(weights(folder)[part], value)


def test_stages_with_other_teachers_weigh_them_among_themselves(runner):
    """One stage with both answering, one with the second alone: its weight there is what one teacher's would be."""
    stages = [
        {"name": "both", "terms": {"soft": 1.0}, "data": "transfer", "epochs": 1},
        {"name": "one", "terms": {"soft": 1.0}, "data": "labelled", "teachers": [2], "epochs": 1},
    ]
    config = runner.config(
        teacher_training={"mode": "separate", "epochs": 1, "batch_size": 16, "learning_rate": 0.003},
        objective={"teacher_weighting": "adaptive"},
        training={"batch_size": 16, "learning_rate": 0.01, "evaluations": 1, "stages": stages},
        controls=["uniform"],
    )
    _, _, sink = runner.run(config)
    found: dict[str, list[float]] = {}
    for row in rows_of(sink, "main"):
        found.setdefault(row["name"], []).append(row["value"])
    first = len(found["weight/bert"])
    assert np.add(found["weight/bert"], found["weight/roberta"][:first]) == pytest.approx(1, abs=1e-5)
    assert found["weight/roberta"][first:] and found["weight/roberta"][first:] == pytest.approx(
        [1] * (len(found["weight/roberta"]) - first)
    )
    uniform = {row["value"] for row in rows_of(sink, "uniform") if row["name"] == "weight/roberta"}
    assert len({round(value, 5) for value in uniform}) == 1


def test_cofinetuned_and_folded_teachers_leave_the_pretrained_one_out(runner):
    training = {"mode": "separate", "epochs": 1, "batch_size": 16, "learning_rate": 0.003, "folds": 2}
    report, _, sink = runner.run(four(runner, teacher_training=training, controls=[]))
    assert {payload["name"] for payload in payloads(sink, "teacher")} == {"raw", "taught"}
    assert report["teachers"][0]["quality"]["test"] is None
    together = training | {"mode": "cofinetune", "folds": 1}
    report, _, _ = runner.run(four(runner, teacher_training=together, controls=[]), "together")
    assert report["reference_teacher"] == "taught"


def test_in_tagging_words_are_matched_with_a_teacher_that_tags_nothing(tagger):
    stages = [
        {"name": "states", "terms": {"hidden": 1.0}, "teachers": ["raw"], "epochs": 1},
        {"name": "tags", "terms": {"soft": 1.0, "hard": 1.0, "hidden": 0.5}, "epochs": 1},
    ]
    training = {"batch_size": 16, "learning_rate": 0.01, "evaluations": 1, "stages": stages}
    report, _, _ = tagger.run(four(tagger, training=training, controls=[]))
    assert report["metric"] == "f1" and report["reference_teacher"] == "taught"
