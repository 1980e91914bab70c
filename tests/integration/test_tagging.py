"""Whole tiny tagging runs, two languages: config in, report, student and entities out."""

from __future__ import annotations

import json

import numpy as np
import pytest
from safetensors.numpy import load_file

from distill_core.cli.main import main
from distill_core.errors import Stopped
from distill_core.models.saving import load_student
from distill_core.predict import StudentPredictor
from distill_core.signals.predict import predict_logits
from distill_core.tasks.tagging import encode_words
from distill_core.tasks.tagging_quality import tagging_quality
from distill_core.train.stop import StopToken
from tests.integration.conftest import Runner, StopAfter, payloads, rows_of

TEACHING = {"epochs": 6, "batch_size": 16, "learning_rate": 0.003}
#: enough for the student to find most entities
GOOD = {
    "student": {"kind": "bilstm", "embedding": 24, "lstm_hidden": 16, "initialise": "svd", "dropout": 0.0},
    "training": {"epochs": 12, "batch_size": 16, "learning_rate": 0.02, "evaluations": 6},
    "teacher_training": {"mode": "cofinetune", **TEACHING},
    "controls": [],
}
STUDENTS = {
    "bilstm": {"kind": "bilstm", "embedding": 12, "lstm_hidden": 8, "initialise": "svd", "dropout": 0.1},
    "transformer": {"kind": "transformer", "layers": 1, "hidden": 16, "heads": 2, "initialise": "svd"},
}


def changes(student: str = "bilstm", mode: str = "cofinetune", **more) -> dict:
    return {"student": STUDENTS[student], "teacher_training": {"mode": mode, **TEACHING}, **more}


@pytest.mark.parametrize(("student", "mode"), [("bilstm", "cofinetune"), ("transformer", "separate")])
def test_two_teachers_one_tagger_from_files_to_report(tagger, student, mode):
    report, folder, sink = tagger.run(tagger.config(**changes(student, mode)))

    assert (report["status"], report["task"], report["metric"]) == ("done", "tagging", "f1")
    assert report["labels"] == ["O", "B-LOC", "I-LOC", "B-PER", "I-PER"]
    assert [t["name"] for t in report["teachers"]] == ["bert", "roberta"]
    assert [a["name"] for a in report["arms"]] == ["main", "uniform", "no_teacher"]
    assert max(t["quality"]["test"] for t in report["teachers"]) > 0.3
    for entry in report["teachers"] + report["arms"]:
        assert 0 <= entry["quality"]["validation"] <= 1
        assert set(entry["per_language"]) == {"de", "en"}
        figures = [one["f1"] for one in entry["per_language"].values()]
        assert min(figures) - 1e-9 <= entry["quality"]["test"] <= max(figures) + 1e-9
    assert all(0 <= arm["agreement"] <= 1 for arm in report["arms"])
    names = {row["name"] for row in rows_of(sink, "main")}
    assert {"loss_hard", "loss_soft", "loss_hidden", "weight/bert", "kl/roberta", "disagreement"} <= names
    assert report["conclusion"]["headline"]
    assert (folder.student / "stillroom.json").is_file()


def test_the_saved_tagger_is_the_one_that_was_reported(tagger):
    report, folder, _ = tagger.run(tagger.config(**GOOD))
    main_arm, teacher = report["arms"][0], report["teachers"][0]
    assert main_arm["quality"]["test"] > 0.3, "too bad a tagger to tell anything"
    student, labels, max_tokens = load_student(folder.student)
    with open(tagger.material["data"]["test"], encoding="utf-8") as file:
        test = [json.loads(line) for line in file]
    encoded = encode_words(student.tokenizer, [row["words"] for row in test], max_tokens)
    found = predict_logits(student, encoded, "cpu").argmax(axis=1)
    cuts = np.cumsum([len(row["words"]) for row in test])[:-1]
    predicted = [[labels[i] for i in part] for part in np.split(found, cuts)]
    quality = tagging_quality([row["tags"] for row in test], predicted, [row["language"] for row in test])
    assert quality["f1"] == pytest.approx(main_arm["quality"]["test"])
    for language, figures in quality["per_language"].items():
        assert main_arm["per_language"][language]["f1"] == pytest.approx(figures["f1"])
    assert teacher["parameters"] > main_arm["parameters"]

    # The same text, cut into words by the predictor itself: punctuation apart.
    plain = [row for row in test if not {"O'Neill", "Moreau-Petit"} & set(row["words"])]
    assert len(plain) > 20
    read_again = StudentPredictor.load(folder.path).tag([" ".join(row["words"]) for row in plain])
    for row, tagged in zip(plain, read_again, strict=True):
        assert tagged.words == row["words"]
        assert tagged.tags == predicted[test.index(row)]


def test_the_command_line_prints_the_entities(tagger, capsys):
    _, folder, _ = tagger.run(tagger.config(**GOOD))
    text = "please call Ada in New York ."
    (expected,) = StudentPredictor.load(folder.path).tag([text])
    assert expected.entities, "too bad a tagger to tell anything"
    assert main(["predict", str(folder.path), "--text", text]) == 0
    printed = capsys.readouterr().out
    for entity in expected.entities:
        assert entity.text == text[entity.start : entity.end]
        assert f"{entity.type} | {entity.text}" in " ".join(printed.split())
    assert main(["predict", str(folder.path), "--text", text, "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == [json.loads(json.dumps(expected.as_dict()))]


# ---------------------------------------------------------------- stages

STAGES = [
    {"name": "states", "terms": {"hidden": 1.0}, "data": "transfer", "epochs": 1},
    {"name": "logits", "terms": {"soft": 1.0}, "data": "both", "epochs": 1, "unfreeze": True},
    {"name": "tags", "terms": {"hard": 1.0}, "data": "labelled", "epochs": 1, "unfreeze": True, "fresh_head": True},
]
PHASES = ["states", *(f"logits {k}/3" for k in (1, 2, 3)), *(f"tags {k}/3" for k in (1, 2, 3))]


def staged(runner: Runner):
    return runner.config(
        **changes(
            objective={
                "soft_label_loss": "log_odds_mse",
                "hidden_projection": "student",
                "teacher_weighting": "mt_bert",
            },
            training={"batch_size": 16, "learning_rate": 0.01, "evaluations": 2, "stages": STAGES},
            controls=["uniform", "no_teacher"],
        )
    )


@pytest.fixture(scope="module")
def whole(tmp_path_factory, tagged_material):
    runner = Runner(tmp_path_factory.mktemp("whole"), tagged_material)
    report, folder, sink = runner.run(staged(runner))
    return report, load_file(folder.student / "model.safetensors"), sink


def test_stages_come_in_order_with_their_own_terms(whole):
    _, _, sink = whole
    phases = [p for p in payloads(sink, "phase") if p["arm"] == "main"]
    assert [p["name"] for p in phases] == PHASES
    assert [p["index"] for p in phases] == list(range(7))
    starts = [p["from_step"] for p in phases]
    # 48 transfer rows and 48 labelled ones, 16 a step; a stage that is chosen by its loss keeps its steps.
    assert starts == [0, 3, 9, 15, 21, 24, 27]
    logged = {"loss_hidden": "states", "loss_soft": "logits", "loss_hard": "tags"}
    for name, stage in logged.items():
        steps = [row["step"] for row in rows_of(sink, "main") if row["name"] == name]
        inside = [s for p, s in zip(phases, [*starts[1:], 30], strict=True) if p["name"].startswith(stage)]
        first = next(p["from_step"] for p in phases if p["name"].startswith(stage))
        assert min(steps) > first and max(steps) <= max(inside)
    assert {p["arm"] for p in payloads(sink, "phase")} == {"main", "uniform"}


def test_a_staged_run_stopped_in_every_phase_ends_the_same(tagger, whole):
    """One run, stopped in the middle of each phase of the main arm and of some of the control's."""
    expected, weights, _ = whole
    at = [("main", index) for index in range(7)] + [("uniform", 2), ("uniform", 6)]
    for arm, index in at:
        stop = StopToken()
        sink = StopInPhase(stop, arm, index)
        with pytest.raises(Stopped):
            tagger.run(staged(tagger), sink=sink, stop=stop)
    report, folder, _ = tagger.run(staged(tagger))
    for key in ("quality", "agreement", "per_language", "steps", "best_step"):
        assert [arm.get(key) for arm in report["arms"]] == [arm.get(key) for arm in expected["arms"]], key
    found = load_file(folder.student / "model.safetensors")
    assert found.keys() == weights.keys()
    assert all(np.array_equal(found[name], weights[name]) for name in weights)


class StopInPhase(StopAfter):
    """Sets the stop token at the second step of one phase of one arm."""

    def __init__(self, stop: StopToken, arm: str, index: int) -> None:
        self.here = False
        self.wanted = (arm, index)
        super().__init__(stop, "metric", 2, lambda payload: self.here and self.losses(payload))

    def losses(self, payload: dict) -> bool:
        return any(row["name"] == "loss_total" and row["arm"] == self.wanted[0] for row in payload["rows"])

    def emit(self, kind, **payload):
        if kind == "phase":
            self.here = (payload["arm"], payload["index"]) == self.wanted
        super().emit(kind, **payload)


# ---------------------------------------------------------------- tags of no entities


def test_plain_tags_from_files_to_words_and_their_tags(tmp_path, tagged_material, capsys):
    """One class a kind of word; some sentences are longer than the limit."""
    data = dict(tagged_material["data"])
    for role in ("train", "test"):
        with open(data[role], encoding="utf-8") as file:
            rows = [json.loads(line) for line in file]
        for row in rows:
            row["tags"] = ["PROPN" if tag != "O" else "PUNCT" if word == "." else "X"
                           for word, tag in zip(row["words"], row["tags"], strict=True)]  # fmt: skip
        (tmp_path / f"{role}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
        data[role] = str(tmp_path / f"{role}.jsonl")
    runner = Runner(tmp_path, {**tagged_material, "data": {**data, "max_tokens": 16}})
    report, folder, sink = runner.run(runner.config(teachers=1, **GOOD))
    assert (report["task"], report["metric"], report["unit"]) == ("tagging", "accuracy", "word")
    assert report["labels"] == ["PROPN", "PUNCT", "X"] and report["protocol"]["interval_method"] == "linearised"
    assert "word accuracy" in report["conclusion"]["headline"]
    assert payloads(sink, "shapes")[0]["metric"] == "accuracy"
    main_arm = report["arms"][0]
    assert main_arm["quality"]["test"] > 0.5 and set(main_arm["per_language"]) == {"de", "en"}
    assert main_arm["macro_language_accuracy"]["test"] is not None

    # Words beyond the limit are wrong: the report's figure is that of the words that were seen.
    student, labels, limit = load_student(folder.student)
    with open(data["test"], encoding="utf-8") as file:
        test = [json.loads(line) for line in file]
    encoded = encode_words(student.tokenizer, [row["words"] for row in test], limit)
    logits = predict_logits(student, encoded, "cpu")
    gold = np.array([labels.index(tag) for row in test for tag in row["tags"]])
    seen = logits.any(axis=1)
    assert not seen.all(), "no sentence is too long"
    right = (logits.argmax(axis=1) == gold) & seen
    assert main_arm["quality"]["test"] == pytest.approx(right.mean())

    capsys.readouterr()
    assert main(["predict", str(folder.path), "--text", "please call Ada ."]) == 0
    printed = capsys.readouterr().out
    (tagged,) = StudentPredictor.load(folder.path).tag(["please call Ada ."])
    assert tagged.entities == [] and f"Ada/{tagged.tags[2]}" in printed
