"""Options that a run may take, one tiny run each: every test would fail if its option had no effect."""

from __future__ import annotations

import numpy as np
import pytest
from safetensors.numpy import load_file
from transformers import AutoTokenizer

from distill_core.data.prepare import prepare
from distill_core.errors import ConfigError, Stopped
from distill_core.models.saving import load_student
from distill_core.signals.live import LiveSource
from distill_core.signals.predict import predict_logits
from distill_core.stages import teachers as teaching
from distill_core.tasks.base import build_task
from distill_core.train.stop import StopToken
from tests.integration.conftest import StopAfter, payloads, rows_of

SEPARATE = {"mode": "separate", "epochs": 2, "batch_size": 16, "learning_rate": 0.003}
TRAINING = {"epochs": 1, "batch_size": 16, "learning_rate": 0.01, "evaluations": 2}
SOFT = {"hard_label_weight": 0.0, "distill_temperature": 2.0}
ONE = {"teachers": 1, "teacher_training": SEPARATE, "training": TRAINING, "controls": []}


def values(sink, name: str, arm: str = "main") -> list[float]:
    return [row["value"] for row in rows_of(sink, arm) if row["name"] == name]


def weights(folder) -> dict[str, np.ndarray]:
    return load_file(folder.student / "model.safetensors")


def ratios(sink) -> list[float]:
    """Of the total and the soft labels' unweighted loss, step by step."""
    pairs = zip(values(sink, "loss_total"), values(sink, "loss_soft"), strict=True)
    return [total / soft for total, soft in pairs]


# ---------------------------------------------------------------- teachers


def test_live_signals_keep_nothing_on_disk_and_ask_at_every_step(runner, monkeypatch):
    asked = []
    get = LiveSource.get
    monkeypatch.setattr(LiveSource, "get", lambda self, rows: asked.append(len(rows)) or get(self, rows))
    report, _, _ = runner.run(runner.config(signals="live", **ONE | {"objective": SOFT}))
    assert report["status"] == "done"
    rows = report["data"]["sizes"]["train"] + report["data"]["sizes"]["transfer"]
    assert sum(asked) == rows, "one epoch"
    assert not list((runner.root / "home" / "signals").iterdir())


@pytest.mark.parametrize("task", ["classification", "tagging"])
def test_out_of_fold_answers_come_from_teachers_that_did_not_see_the_row(task, runner, tagger, monkeypatch):
    chosen = runner if task == "classification" else tagger
    seen: dict[int | None, tuple[int, list[int]]] = {}
    untaught = teaching._untaught

    def watched(ctx, prepared, group):
        found = untaught(ctx, prepared, group)
        seen[group.fold] = (id(found[0].head), [id(teacher.head) for teacher in found])
        return found

    monkeypatch.setattr(teaching, "_untaught", watched)
    folded = {"mode": "cofinetune", "epochs": 1, "batch_size": 16, "learning_rate": 0.003, "folds": 2}
    changes = {"training": TRAINING, "controls": [], "objective": {**SOFT, "teacher_weighting": "mt_bert"}}
    report, folder, sink = chosen.run(chosen.config(teacher_training=folded, **changes))
    assert set(seen) == {None, 0, 1}
    assert all(head == other for head, heads in seen.values() for other in heads), "co-finetuned: one head for all"
    assert len(list((chosen.root / "home" / "teachers").iterdir())) == 3
    plain, other, whole = chosen.run(chosen.config(teacher_training={**folded, "folds": 1}, **changes), "in-fold")
    assert len(list((chosen.root / "home" / "teachers").iterdir())) == 3, "the whole teachers are the same"
    assert report["teachers"][0]["quality"] == plain["teachers"][0]["quality"]
    assert np.mean(values(sink, "weight/bert")) != pytest.approx(np.mean(values(whole, "weight/bert")), abs=1e-6)
    assert any(not np.array_equal(weights(folder)[name], value) for name, value in weights(other).items())


def test_a_folded_run_stopped_while_its_folds_are_taught_ends_the_same(runner):
    folded = {"mode": "cofinetune", "epochs": 1, "batch_size": 16, "learning_rate": 0.003, "folds": 2}
    config = runner.config(teacher_training=folded, training=TRAINING, controls=[])
    _, whole, _ = runner.run(config, "whole", home="other")
    for count in (1, 2):
        stop = StopToken()
        sink = StopAfter(stop, "progress", count, lambda payload: "without fold" in (payload.get("note") or ""))
        with pytest.raises(Stopped):
            runner.run(config, sink=sink, stop=stop)
    _, folder, _ = runner.run(config)
    assert all(np.array_equal(weights(folder)[name], value) for name, value in weights(whole).items())


# ---------------------------------------------------------------- objective


def test_label_revision_puts_gold_first_on_labelled_rows_alone(runner):
    def soft(name, **objective):
        # One step over labelled rows only, one over transfer rows only, from the same student.
        stages = [
            {"name": "labelled", "terms": {"soft": 1.0}, "data": "labelled", "epochs": 1},
            {"name": "transfer", "terms": {"soft": 1.0}, "data": "transfer", "epochs": 1},
        ]
        training = {"batch_size": 256, "learning_rate": 1e-9, "evaluations": 1, "stages": stages}
        config = runner.config(**ONE | {"training": training, "objective": SOFT | objective})
        return values(runner.run(config, name)[2], "loss_soft")

    plain, revised = soft("plain"), soft("revised", label_revision=0.3)
    assert len(plain) == len(revised) == 2
    assert revised[0] > plain[0] + 0.1, "gold leads, so the targets are far from what a new student says"
    assert revised[1] == pytest.approx(plain[1], rel=1e-4)


def test_teachers_hard_labels_teach_rows_without_gold(runner):
    objective = {"hard_label_weight": 1.0, "soft_label_weight": 0.0, "teacher_label_weight": 2.0}
    _, folder, sink = runner.run(runner.config(**ONE | {"objective": objective}), "both")
    # The rows of a batch are mixed: a step has both kinds, and the total is their weighted sum.
    steps = {row["step"] for row in rows_of(sink, "main") if row["name"] == "loss_teacher_labels"}
    assert len(steps) >= 5
    found = zip(values(sink, "loss_total"), values(sink, "loss_hard"), values(sink, "loss_teacher_labels"), strict=True)
    for total, hard, teacher in found:
        assert total == pytest.approx(hard + 2 * teacher, rel=1e-4)
    _, gold_only, _ = runner.run(
        runner.config(**ONE | {"objective": objective | {"teacher_label_weight": 0.0}}), "gold"
    )
    assert any(not np.array_equal(weights(folder)[name], value) for name, value in weights(gold_only).items())


@pytest.mark.parametrize("shape", ["linear", "cosine"])
def test_the_soft_labels_weight_moves_to_its_end(runner, shape):
    objective = SOFT | {"soft_label_weight": 4.0, "soft_label_weight_end": 1.0, "soft_label_weight_shape": shape}
    _, _, sink = runner.run(runner.config(**ONE | {"objective": objective}))
    found = np.array(ratios(sink))
    share = np.linspace(0, 1, len(found))
    expected = 4 - 3 * share if shape == "linear" else 2.5 + 1.5 * np.cos(np.pi * share)
    assert found == pytest.approx(expected, rel=1e-4)


# ---------------------------------------------------------------- student


SEEN = {
    "bilstm": {"kind": "bilstm", "embedding": 24, "lstm_hidden": 16, "initialise": "svd", "vocabulary": "seen"},
    "transformer": {"kind": "transformer", "layers": 1, "initialise": "teacher_layers", "vocabulary": "seen"},
}


@pytest.mark.parametrize("task", ["classification", "tagging"])
@pytest.mark.parametrize("student", SEEN)
def test_a_student_with_the_seen_pieces_alone(task, student, runner, tagger):
    chosen = runner if task == "classification" else tagger
    objective = {"hidden_weight": 0.1, "teacher_weighting": "uniform"}
    training = TRAINING | {"epochs": 12, "learning_rate": 0.02}
    changes = {"teacher_training": SEPARATE, "training": training, "controls": [], "objective": objective}
    config = chosen.config(student=SEEN[student], **changes)
    report, folder, _ = chosen.run(config)
    saved, labels, max_tokens = load_student(folder.student)
    teacher = AutoTokenizer.from_pretrained(chosen.material["teachers"][0])
    assert len(saved.tokenizer) < len(teacher)
    seen = set(saved.tokenizer.get_vocab())
    assert seen < set(teacher.get_vocab())

    # What was reported was measured on texts cut into the student's own pieces.
    task_of = build_task(task)
    test = prepare(config.data, seed=config.seeds[0]).test
    predicted = predict_logits(saved, task_of.encode(saved.tokenizer, test, max_tokens), "cpu").argmax(axis=1)
    quality = task_of.quality(test, predicted, labels)[task_of.metric]
    assert report["arms"][0]["quality"]["test"] == pytest.approx(quality)
    assert quality > 0


# ---------------------------------------------------------------- stages and controls


def test_the_uniform_control_of_a_staged_run_has_mains_mean_weight_where_it_counts(runner):
    """UniKD's weights are 1/N on average on rows without gold and less on rows with: only the stage whose soft labels
    use them may set the control's constant."""
    stages = [
        {"name": "states", "terms": {"hidden": 1.0}, "data": "labelled", "epochs": 2},
        {"name": "logits", "terms": {"soft": 1.0}, "data": "transfer", "epochs": 1},
        {"name": "labels", "terms": {"hard": 1.0}, "data": "labelled", "epochs": 1},
    ]
    config = runner.config(
        teacher_training=SEPARATE,
        objective={"teacher_weighting": "unikd"},
        training={"batch_size": 16, "learning_rate": 0.01, "evaluations": 1, "stages": stages},
        controls=["uniform", "no_teacher"],
    )
    _, _, sink = runner.run(config)
    main = np.array([values(sink, "weight/bert"), values(sink, "weight/roberta")])
    assert main.std() > 0
    assert main.mean() == pytest.approx(0.5, abs=1e-4)
    uniform = np.array([values(sink, "weight/bert", "uniform"), values(sink, "weight/roberta", "uniform")])
    assert uniform == pytest.approx(np.full_like(uniform, main.mean()), abs=1e-5)
    names = [payload["name"] for payload in payloads(sink, "phase") if payload["arm"] == "uniform"]
    assert names == ["states", "logits", "labels"]
    steps = {arm: max(row["step"] for row in rows_of(sink, arm)) for arm in ("main", "uniform", "no_teacher")}
    assert len(set(steps.values())) == 1


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"objective": {"hidden_weight": 1.0, "hidden_level": "pooled"}}, "objective.hidden_level"),
        ({"training": {"stages": [{"name": "one", "terms": {"pooled": 1.0}}]}}, "training.stages"),
        ({"training": {"stages": [{"name": "one", "terms": {"attention": 1.0}}]}}, "training.stages"),
    ],
)
def test_what_cannot_work_is_refused_before_a_teacher_is_trained(tagger, changes, field):
    with pytest.raises(ConfigError) as caught:
        tagger.run(tagger.config(**changes))
    assert caught.value.field == field
    assert not list((tagger.root / "home" / "teachers").iterdir())
