"""Whole tiny runs of masked language modelling: plain text in, report and student out."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

from distill_core import config, pipeline
from distill_core.analysis.kept import open_split
from distill_core.cli.main import main
from distill_core.errors import ConfigError, DataError, Stopped
from distill_core.events import MemorySink
from distill_core.export.markdown import to_markdown
from distill_core.layout import DataHome, RunFolder
from distill_core.models.saving import load_student
from distill_core.predict import StudentPredictor
from distill_core.services import result_details, results
from distill_core.signals.predict import predict_units
from distill_core.tasks.masked_lm import MaskedLM
from distill_core.train.stop import StopToken
from tests import tiny
from tests.integration.test_pipeline import StopAfter, rows_of

OWN = {"kind": "transformer", "layers": 2, "hidden": 16, "heads": 2, "dropout": 0.1}


@pytest.fixture(scope="module")
def text(tmp_path_factory) -> dict[str, str]:
    """train.txt and test.txt, one text a line."""
    folder = tmp_path_factory.mktemp("text")
    paths = {}
    for role, count, seed in (("train", 80, 1), ("test", 40, 3)):
        path = folder / f"{role}.txt"
        path.write_text("\n".join(text for text, _ in tiny.sentences(count, seed)) + "\n", encoding="utf-8")
        paths[role] = str(path)
    return paths


def config_of(text: dict[str, str], teacher: Path, **changes) -> config.RunConfig:
    raw = tiny.config_dict(text, [teacher])
    raw |= {
        "data": {"source": "files", "task": "masked_lm", "max_tokens": 24, **text},
        "teacher_training": {"mode": "separate", "epochs": 2, "batch_size": 16, "learning_rate": 0.003},
        "student": OWN,
        "objective": {
            "soft_label_weight": 4.0,
            "soft_label_weight_end": 1.0,
            "teacher_weighting": "uniform",
            "distill_temperature": 1.0,
        },
        "training": {"epochs": 3, "batch_size": 16, "learning_rate": 0.01, "evaluations": 3},
        "signal_top_k": 8,
    }
    return config.from_dict({**raw, **changes})


@pytest.fixture
def run(tmp_path):
    def run_it(run_config, name="run", *, sink=None, stop=None):
        sink = sink or MemorySink()
        folder = RunFolder(tmp_path / name)
        return (
            pipeline.run(run_config, folder, DataHome(tmp_path / f"home-{name}"), sink, stop or StopToken()),
            folder,
            sink,
        )

    return run_it


def curve(sink: MemorySink, arm: str, name: str) -> list[tuple[int, float]]:
    return [(row["step"], row["value"]) for row in rows_of(sink) if (row["arm"], row["name"]) == (arm, name)]


@pytest.mark.parametrize("mode", ["as_is", "separate"])
def test_from_plain_text_to_report_and_student(run, text, material, mode):
    training = {"mode": mode, "epochs": 2, "batch_size": 16, "learning_rate": 0.003}
    run_config = config_of(text, material["teachers"][0], teacher_training=training)
    report, folder, sink = run(run_config)
    folder.config.write_text(run_config.to_yaml(), encoding="utf-8")
    assert (report["task"], report["metric"], report["unit"]) == ("masked_lm", "accuracy", "piece")
    assert (report["labels"], report["majority"]) == ([], None)
    assert [arm["name"] for arm in report["arms"]] == ["main", "no_teacher"]
    for entry in report["teachers"] + report["arms"]:
        assert 0 <= entry["quality"]["test"] <= 1
        assert entry["per_class"] == []
        assert 1 <= entry["perplexity"]["test"] < 1000
    assert report["data"]["sizes"] == {"train": 72, "transfer": 0, "validation": 8, "test": 40}
    # Three epochs of five batches, of which each sees every text once.
    assert report["arms"][0]["steps"] == 3 * math.ceil(72 / 16)
    losses = curve(sink, "main", "validation_loss")
    assert len(losses) == 3
    assert losses[-1][1] < losses[0][1] < 2 * math.log(200)
    assert {row["unit"] for row in rows_of(sink) if row["name"] == "validation_loss"} == {"nats"}
    assert bool(curve(sink, "teacher:bert", "validation_loss")) == (mode == "separate")
    assert all(np.isfinite([value for _, value in curve(sink, "main", "loss_soft")]))
    assert report["conclusion"]["headline"]

    perplexity = f"{report['arms'][0]['perplexity']['test']:,.2f}"
    assert "test perplexity" in to_markdown(report) and perplexity in to_markdown(report)
    readme = (folder.student / "README.md").read_text()
    assert "[MASK]" in readme and perplexity in readme and "## Labels" not in readme

    student, labels, max_tokens = load_student(folder.student)
    assert (student.task, labels, max_tokens) == ("masked_lm", [], 24)
    from distill_core.data.types import Rows

    lines = Path(text["test"]).read_text().split("\n")[:-1]
    rows = Rows(lines, None, np.zeros(len(lines)), list(range(len(lines))))
    encoded = MaskedLM(0.15).encode(student.tokenizer, rows, max_tokens)
    answers = predict_units(student, encoded, "cpu", confident=True)
    assert math.exp(float(answers.nll.mean())) == pytest.approx(report["arms"][0]["perplexity"]["test"], rel=1e-4)
    kept_answers_are(folder, report, encoded, answers)
    what_follows_from_kept_answers(folder, report, lines)


def kept_answers_are(folder: RunFolder, report: dict, encoded, answers) -> None:
    """What was kept of the student is what the saved student says, piece by piece."""
    split = open_split(folder.artifacts)
    assert split is not None and split.by_piece
    pieces = split.of_pieces("pieces")
    assert np.array_equal(split.counts, encoded.word_counts)
    assert np.array_equal(pieces[split.gold], encoded.gold.all())
    own = split.about.student
    assert np.array_equal(pieces[split.predicted(own)], answers.predicted)
    assert np.abs(split.confidence(own) - answers.confidence).max() < 1e-4
    assert np.abs(split.nll(own) - answers.nll).max() < 0.01
    entries = {"teacher:0": report["teachers"][0], own: report["arms"][0], "no_teacher:13": report["arms"][1]}
    for key, entry in entries.items():
        assert split.scores(key).quality == pytest.approx(entry["quality"]["test"])
        assert split.nll(key).mean() == pytest.approx(entry["loss"]["test"], rel=1e-3)
    kept = report["kept"]["predictions"]["test"]
    assert (kept["rows"], kept["units"], kept["logits"]) == (40, len(split.gold), 0)


def what_follows_from_kept_answers(folder: RunFolder, report: dict, lines: list[str]) -> None:
    main_arm = report["arms"][0]
    found = result_details.details(folder)
    assert found["missing"] == "" and found["unit"] == "piece"
    student = found["mistakes"]["student"]
    assert student["wrong"] == round((1 - main_arm["quality"]["test"]) * student["units"])
    assert found["calibration"]["student"]["accuracy"] == pytest.approx(main_arm["quality"]["test"])
    assert found["teachers"]["accuracy"] == [pytest.approx(report["teachers"][0]["quality"]["test"])]
    differing = result_details.disagreements(folder, {})
    assert differing["pieces"] == round((1 - main_arm["agreement"]) * student["units"])
    for row in differing["rows"]:
        assert row["text"] == lines[row["row"] - 1] == "".join(part for part, _ in row["parts"])
        marked = [part for part, number in row["parts"] if number]
        # Lower case throughout: the pieces read as the text does.
        assert marked == [place["gold"].removeprefix("##") for place in row["places"]]
    assert {row["kind"] for row in results.lost(folder)["rows"]} >= {"length"}


def test_live_and_cached_teachers_teach_alike(run, text, material):
    """Also through the same most probable classes: the first losses are equal, the last nearly."""
    found = {}
    for signals in ("cached", "live"):
        _, _, sink = run(config_of(text, material["teachers"][0], signals=signals), signals)
        found[signals] = [value for _, value in curve(sink, "main", "loss_soft")]
    assert found["live"] == pytest.approx(found["cached"], rel=1e-3)
    assert found["live"][0] == pytest.approx(found["cached"][0], abs=1e-6)


def test_a_stopped_run_resumes_to_the_same_student(run, text, material):
    whole, folder, _ = run(config_of(text, material["teachers"][0]), "whole")
    expected = load_file(folder.student / "model.safetensors")
    stop = StopToken()
    with pytest.raises(Stopped):
        run(config_of(text, material["teachers"][0]), "cut", sink=StopAfter(stop, "metric", 12), stop=stop)
    report, folder, _ = run(config_of(text, material["teachers"][0]), "cut")
    assert [arm["quality"] for arm in report["arms"]] == [arm["quality"] for arm in whole["arms"]]
    found = load_file(folder.student / "model.safetensors")
    assert all(np.array_equal(found[name], expected[name]) for name in expected)


STUDENTS = {
    "teacher layers": {"kind": "transformer", "layers": 1, "initialise": "teacher_layers"},
    "remapped": {"kind": "transformer", "layers": 3, "initialise": "teacher_layers", "layer_choice": "remap"},
    "svd": {**OWN, "initialise": "svd"},
    "factorised": {**OWN, "embedding": 8},
}


@pytest.mark.parametrize("student", STUDENTS.values(), ids=STUDENTS.keys())
@pytest.mark.parametrize("family", [0, 1], ids=["bert", "roberta"])
def test_every_student_learns_with_hidden_states(run, text, material, student, family):
    objective = {
        "soft_label_weight": 5.0,
        "hard_label_weight": 2.0,
        "distill_temperature": 2.0,
        "hidden_weight": 1.0,
        "hidden_loss": "cosine",
        "hidden_layers": "last",
    }
    training = {"epochs": 1, "batch_size": 16, "learning_rate": 0.01, "evaluations": 1}
    changes = {"student": student, "objective": objective, "training": training, "controls": []}
    report, folder, sink = run(config_of(text, material["teachers"][family], **changes))
    hidden = [value for _, value in curve(sink, "main", "loss_hidden")]
    assert all(np.isfinite(hidden))
    assert hidden[0] > 0
    loaded, *_ = load_student(folder.student)
    assert sum(p.numel() for p in loaded.parameters()) == report["arms"][0]["parameters"]


def test_an_teacher_with_other_pieces_is_refused(run, text, material):
    with pytest.raises(ConfigError, match="other pieces") as caught:
        run(config_of(text, material["teachers"][0], teachers=[{"source": str(t)} for t in material["teachers"]]))
    assert caught.value.field == "teachers.1.source"


def test_hidden_words_are_filled_in(run, text, material, capsys):
    _, folder, _ = run(config_of(text, material["teachers"][0], controls=[]))
    assert main(["predict", str(folder.path), "--text", "my [MASK] is [MASK]"]) == 0
    printed = capsys.readouterr().out
    assert printed.count("my [MASK] is [MASK]") == 2
    student = StudentPredictor.load(folder.path)
    found = student.fill(["please help me with my [MASK] today"], top=3)
    assert len(found) == 1
    (gap,) = found[0].gaps
    assert len(gap) == 3
    assert found[0].filled == f"please help me with my {gap[0].piece} today"
    with pytest.raises(DataError, match="no \\[MASK\\]"):
        student.fill(["nothing is hidden here"])
    with pytest.raises(DataError, match="guesses hidden words"):
        student.predict(["a text"])
    cut = student.fill(["[MASK] " + "help " * 40 + "[MASK]"])[0]
    assert [bool(gap) for gap in cut.gaps] == [True, False]
    shares = [guess.probability for guess in gap]
    assert shares == sorted(shares, reverse=True)
    assert 0 < sum(shares) <= 1
