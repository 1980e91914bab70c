"""Whole tiny runs: config in, report and student out."""

from __future__ import annotations

import csv

import numpy as np
import pytest
from safetensors.numpy import load_file

from distill_core.data.types import Rows
from distill_core.errors import ConfigError, Stopped
from distill_core.models.saving import load_student
from distill_core.signals.predict import predict_logits
from distill_core.tasks.classification import encode
from distill_core.train.stop import StopToken
from tests.integration.conftest import Runner, StopAfter, payloads, rows_of


def test_two_teachers_one_student_from_files_to_report(runner):
    report, folder, sink = runner.run(runner.config())

    assert report["schema_version"] == 1
    assert (report["status"], report["task"], report["metric"]) == ("done", "classification", "accuracy")
    assert [t["name"] for t in report["teachers"]] == ["bert", "roberta"]
    assert [a["name"] for a in report["arms"]] == ["main", "uniform", "no_teacher"]
    for entry in report["teachers"] + report["arms"]:
        assert 0 <= entry["quality"]["validation"] <= 1
        assert 0 <= entry["quality"]["test"] <= 1
    assert all(0 <= arm["agreement"] <= 1 for arm in report["arms"])
    reference = next(t for t in report["teachers"] if t["name"] == report["reference_teacher"])
    assert reference["quality"]["validation"] == max(t["quality"]["validation"] for t in report["teachers"])
    main = report["arms"][0]
    assert report["compression"]["parameters"] == pytest.approx(reference["parameters"] / main["parameters"])
    assert main["bytes"] == (folder.student / "model.safetensors").stat().st_size
    assert [row["batch"] for row in report["latency"]] == [1, 8]
    assert set(report["seconds"]) >= {"prepare", "teachers", "cache", "distil"}
    assert report["conclusion"]["headline"]

    names = {(row["arm"], row["name"]) for row in rows_of(sink)}
    for term in ("loss_hard", "loss_soft", "loss_hidden", "loss_total", "kl/bert", "weight/roberta", "disagreement"):
        assert ("main", term) in names
    assert ("teacher:bert", "loss") in names
    assert ("teacher:roberta", "validation_quality") in names
    assert ("no_teacher", "loss_soft") not in names
    stages = [(p["stage"], p["state"]) for p in payloads(sink, "stage")]
    assert stages[-1] == ("done", "finished")
    shares = [p["share"] for p in payloads(sink, "progress")]
    assert shares == sorted(shares)
    assert shares[-1] == pytest.approx(1.0)
    assert len(payloads(sink, "latency")) == 2


def test_a_language_column_gives_accuracy_by_language(runner, tmp_path):
    for role in ("train", "test"):
        with open(runner.material["data"][role], newline="") as file:
            rows = [{**row, "lang": ("de", "en")[number % 2]} for number, row in enumerate(csv.DictReader(file))]
        with open(tmp_path / f"{role}.csv", "w", newline="") as file:
            writer = csv.DictWriter(file, ["text", "label", "lang"])
            writer.writeheader()
            writer.writerows(rows)
    paths = {role: str(tmp_path / f"{role}.csv") for role in ("train", "test")}
    spoken_runner = Runner(tmp_path, {**runner.material, "data": {**paths, "columns": {"language": "lang"}}})
    report, _, _ = spoken_runner.run(spoken_runner.config(teachers=1, controls=[]))
    for entry in report["teachers"] + report["arms"]:
        spoken = entry["per_language"]
        assert set(spoken) == {"de", "en"} and sum(row["examples"] for row in spoken.values()) == 60
        whole = sum(row["accuracy"] * row["examples"] for row in spoken.values()) / 60
        assert whole == pytest.approx(entry["quality"]["test"])
        assert entry["macro_language_accuracy"]["validation"] is not None


def test_the_saved_student_is_the_one_that_was_reported(runner):
    report, folder, _ = runner.run(runner.config())
    student, labels, max_tokens = load_student(folder.student)
    with open(runner.material["data"]["test"], newline="") as file:
        test = list(csv.DictReader(file))
    gold = np.array([labels.index(row["label"]) for row in test])
    rows = Rows(texts=[row["text"] for row in test], pairs=None, labels=gold, source_rows=list(range(1, len(test) + 1)))
    logits = predict_logits(student, encode(student.tokenizer, rows, max_tokens), "cpu")
    assert float(np.mean(logits.argmax(1) == gold)) == pytest.approx(report["arms"][0]["quality"]["test"])


def test_controls_differ_from_main_only_in_what_they_control(runner):
    _, _, sink = runner.run(runner.config())
    rows = rows_of(sink)

    def of(arm, name):
        return [row["value"] for row in rows if row["arm"] == arm and row["name"] == name]

    steps = {arm: max(r["step"] for r in rows if r["arm"] == arm) for arm in ("main", "uniform", "no_teacher")}
    assert len(set(steps.values())) == 1
    weights = [np.mean(of("main", "weight/bert")), np.mean(of("main", "weight/roberta"))]
    constant = set(of("uniform", "weight/bert")) | set(of("uniform", "weight/roberta"))
    assert max(constant) - min(constant) < 1e-6
    assert next(iter(constant)) == pytest.approx(np.mean(weights), abs=0.01)
    assert len(set(of("main", "weight/bert"))) > 1


@pytest.fixture(scope="module")
def whole(tmp_path_factory, material):
    runner = Runner(tmp_path_factory.mktemp("whole"), material)
    report, folder, _ = runner.run(runner.config())
    return report, load_file(folder.student / "model.safetensors")


@pytest.mark.parametrize(
    ("kind", "count"), [("stage", 1), ("metric", 4), ("metric", 20), ("metric", 60), ("arm", 1), ("arm", 3)]
)
def test_a_run_stopped_anywhere_resumes_to_the_same_student(runner, whole, kind, count):
    expected, weights = whole
    stop = StopToken()
    with pytest.raises(Stopped):
        runner.run(runner.config(), sink=StopAfter(stop, kind, count), stop=stop)
    report, folder, _ = runner.run(runner.config())
    assert [a["quality"] for a in report["arms"]] == [a["quality"] for a in expected["arms"]]
    assert [a["agreement"] for a in report["arms"]] == [a["agreement"] for a in expected["arms"]]
    found = load_file(folder.student / "model.safetensors")
    assert found.keys() == weights.keys()
    assert all(np.array_equal(found[key], weights[key]) for key in weights)


def test_a_second_run_asks_no_teacher_again(runner):
    first, *_ = runner.run(runner.config(), "one")
    second, _, sink = runner.run(runner.config(), "two")
    assert not [row for row in rows_of(sink) if row["arm"].startswith("teacher:")]
    said = " ".join(p["message"] for p in payloads(sink, "log"))
    assert "taken from the store" in said
    assert "already on disk" in said
    assert [a["quality"] for a in second["arms"]] == [a["quality"] for a in first["arms"]]


def test_live_and_cached_teachers_teach_the_same_student(runner):
    cached, *_ = runner.run(runner.config(), "cached")
    live, *_ = runner.run(runner.config(signals="live"), "live")
    for one, other in zip(cached["arms"], live["arms"], strict=True):
        assert one["quality"]["test"] == pytest.approx(other["quality"]["test"], abs=0.05)


STUDENTS = {
    "own sizes": {"kind": "transformer", "layers": 1, "hidden": 16, "heads": 2},
    "teacher layers": {"kind": "transformer", "layers": 1, "initialise": "teacher_layers"},
    "svd": {"kind": "transformer", "layers": 1, "hidden": 16, "heads": 2, "initialise": "svd", "init_teacher": 2},
    "bilstm with projection": {"kind": "bilstm", "embedding": 8, "lstm_hidden": 8, "projection": 12},
}


@pytest.mark.parametrize("student", STUDENTS.values(), ids=STUDENTS.keys())
@pytest.mark.parametrize("level", ["auto", "pooled"])
def test_every_student_learns_from_both_teachers(runner, student, level):
    objective = {"hidden_weight": 0.5, "hidden_level": level, "teacher_weighting": "uniform"}
    training = {"epochs": 1, "batch_size": 16, "learning_rate": 0.01, "evaluations": 2}
    changes = {"student": student, "objective": objective, "training": training}
    report, _, sink = runner.run(runner.config(**changes))
    assert [arm["name"] for arm in report["arms"]] == ["main", "no_teacher"]
    assert report["missing_controls"] == {"uniform": "already_uniform"}
    hidden = [row["value"] for row in rows_of(sink) if (row["arm"], row["name"]) == ("main", "loss_hidden")]
    assert all(np.isfinite(hidden))
    assert hidden[0] > 0


def test_several_seeds_give_one_trial_per_arm_and_seed(runner):
    config = runner.config(teachers=1, seeds=[1, 2], teacher_training={"mode": "separate", "epochs": 1})
    report, *_ = runner.run(config)
    assert [(a["name"], a["seed"]) for a in report["arms"]] == [
        (arm, seed) for seed in (1, 2) for arm in ("main", "uniform", "no_teacher")
    ]


def test_comparing_tokens_across_tokenisers_is_refused_by_field(runner):
    config = runner.config(
        objective={"hidden_weight": 1.0, "hidden_level": "token"},
        student={"kind": "transformer", "layers": 1, "hidden": 16, "heads": 2},
    )
    with pytest.raises(ConfigError, match="cuts text into other pieces") as caught:
        runner.run(config)
    assert caught.value.field == "objective.hidden_level"


def test_everybodys_answers_are_kept_and_give_the_reports_figures(runner):
    from distill_core.analysis.kept import open_split
    from distill_core.models.saving import load_student

    report, folder, _ = runner.run(runner.config(seeds=[13, 14]), name="kept")
    for split in ("validation", "test"):
        answers = open_split(folder.artifacts, split)
        rows = {("teacher", t["name"], None): t for t in report["teachers"]}
        rows |= {(a["name"], a["name"], a["seed"]): a for a in report["arms"]}
        assert {(m.role, m.name, m.seed) for m in answers.about.models} == set(rows)
        for model in answers.about.models:
            found = rows[model.role, model.name, model.seed]
            assert answers.scores(model.key).quality == pytest.approx(found["quality"][split])
            logits, sure = answers.logits(model.key), answers.confidence(model.key)
            assert (logits.argmax(axis=1) == answers.predicted(model.key)).all()
            shares = np.exp(logits.astype(float) - logits.max(axis=1, keepdims=True))
            assert np.abs(shares.max(axis=1) / shares.sum(axis=1) - sure).max() < 1e-4
        assert report["kept"]["predictions"][split]["rows"] == len(answers)
    assert answers.about.student == f"main:{report['student_seed']}"
    reference = next(m.key for m in answers.about.models if m.name == report["reference_teacher"])
    assert answers.about.reference == reference
    # The control that is kept is the one that validated best.
    controls = [arm for arm in report["arms"] if arm["name"] == "no_teacher"]
    best = max(controls, key=lambda arm: arm["quality"]["validation"])
    assert report["kept"]["control"]["seed"] == best["seed"] and load_student(folder.control)[1] == report["labels"]


def test_a_resumed_run_keeps_the_same_answers(runner):
    """Trials that were finished before the stop are read again, with their confidences."""
    whole = runner.run(runner.config(), name="whole", home="one")[1]
    stop = StopToken()
    sink = StopAfter(stop, "arm", 2)
    with pytest.raises(Stopped):
        runner.run(runner.config(), name="parts", home="two", sink=sink, stop=stop)
    parts = runner.run(runner.config(), name="parts", home="two")[1]
    for split in ("validation", "test"):
        first, second = (load_file(run.artifacts / "predictions" / f"{split}.safetensors") for run in (whole, parts))
        assert set(first) == set(second)
        assert all(np.array_equal(first[name], second[name]) for name in first)
