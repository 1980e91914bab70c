"""Chains: the student of one run teaches in the next one."""

from __future__ import annotations

import pytest

from distill_core.cli.main import main
from distill_core.services.check import check_config
from tests.integration.conftest import rows_of

FIRST = {
    "bilstm": {"kind": "bilstm", "embedding": 16, "lstm_hidden": 10, "projection": 12, "vocabulary": "seen"},
    "transformer": {"kind": "transformer", "layers": 2, "hidden": 16, "heads": 2},
}
SECOND = {"kind": "bilstm", "embedding": 8, "lstm_hidden": 6, "initialise": "svd"}


@pytest.mark.parametrize("kind", FIRST)
def test_a_student_teaches_the_next_one(runner, kind):
    training = {"epochs": 4, "batch_size": 16, "learning_rate": 0.02}
    first, folder, _ = runner.run(runner.config(teachers=1, student=FIRST[kind], training=training, controls=[]))
    assistant = next(arm for arm in first["arms"] if arm["name"] == "main")

    chained = runner.config(
        teachers=1,
        student=SECOND,
        teacher_training={"mode": "as_is"},
        objective={"hidden_weight": 1.0, "hidden_level": "word", "matching": {"pooled": 1.0}},
        controls=["no_teacher"],
    )
    raw = {**chained.model_dump(mode="json"), "teachers": [{"source": str(folder.student)}]}
    outcome = check_config(raw)
    assert outcome.ok, outcome.errors
    (row,) = outcome.summary["teachers"]
    assert row["parameters"] == assistant["parameters"] and row["labels"] == first["labels"]
    second, _, sink = runner.run(outcome.config, name="second")
    (teacher,) = second["teachers"]
    assert teacher["name"] == "run" and teacher["parameters"] == assistant["parameters"]
    assert teacher["quality"]["test"] == pytest.approx(assistant["quality"]["test"])
    assert {"loss_soft", "loss_hidden", "loss_pooled"} <= {found["name"] for found in rows_of(sink, "main")}
    assert second["compression"]["parameters"] > 1 and [arm["name"] for arm in second["arms"]] == ["main", "no_teacher"]


def test_what_a_saved_bilstm_cannot_do_is_said_before_the_start(runner, tmp_path, capsys):
    _, folder, _ = runner.run(runner.config(teachers=1, student=FIRST["bilstm"], controls=[]))
    raw = {**runner.config(teachers=1).model_dump(mode="json"), "teachers": [{"source": str(folder.path)}]}
    said = {error.field: error.message for error in check_config(raw).errors}
    assert "no encoder to finetune" in said["teachers.0.source"]
    config = runner.config(teachers=1).model_copy(update={"teachers": check_config(raw).config.teachers})
    (tmp_path / "chain.yaml").write_text(config.to_yaml())
    assert main(["check", str(tmp_path / "chain.yaml")]) != 0
    printed = capsys.readouterr()
    assert "no encoder to finetune" in " ".join((printed.out + printed.err).split())
