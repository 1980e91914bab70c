"""Finished tiny runs tried side by side: the models answer as they did in the run."""

from __future__ import annotations

import shutil

import pytest

from distill_core import playground
from distill_core.analysis.kept import open_split
from distill_core.data.prepare import prepare
from distill_core.errors import DataError
from distill_core.layout import TEMPERATURE, DataHome
from distill_core.storage import write_json
from tests import tiny
from tests.integration.conftest import Runner
from tests.integration.test_masked_lm import config_of


def ran(runner: Runner, config, **options):
    """The folder of a finished run, with its config beside it, as the run's process leaves it."""
    _, folder, _ = runner.run(config, **options)
    folder.config.write_text(config.to_yaml())
    return folder


def asked(runner: Runner, folder, texts, pairs=None):
    playground._held.clear()
    home = DataHome(runner.root / "home")
    return playground.answer({"run": str(folder.path), "home": str(home.root), "texts": texts, "pairs": pairs})


@pytest.mark.parametrize("mode", ["cofinetune", "separate"])
def test_everybody_answers_as_in_the_run(runner, mode):
    changes = {"teacher_training": {"mode": mode, "epochs": 1, "batch_size": 16, "learning_rate": 0.003}}
    config = runner.config(**changes)
    folder = ran(runner, config)
    rows, split = prepare(config.data, seed=config.seeds[0]).test, open_split(folder.artifacts)
    found = asked(runner, folder, rows.texts)
    assert [(m["key"], m["role"]) for m in found["models"]] == [
        ("teacher:0", "teacher"),
        ("teacher:1", "teacher"),
        ("student", "student"),
        ("control", "control"),
    ]
    keys = {"student": split.about.student, "control": "no_teacher:13"}
    for model in found["models"]:
        key = keys.get(model["key"], model["key"])
        assert [split.about.labels.index(a["label"]) for a in model["answers"]] == split.predicted(key).tolist()
        sure = [a["confidence"] for a in model["answers"]]
        assert sure == pytest.approx(split.confidence(key).tolist(), abs=1e-4)
        assert model["seconds"] > 0
    assert found["unit"] == "example" and found["device"] == "cpu"


def test_models_are_loaded_once_and_again_when_they_change(runner):
    folder = ran(runner, runner.config())
    first = asked(runner, folder, ["my parcel is late"])
    table = playground.laid(folder, DataHome(runner.root / "home"), "cpu")
    assert playground.laid(folder, DataHome(runner.root / "home"), "cpu") is table
    write_json(folder.student / TEMPERATURE, {"temperature": 4.0})
    warmer = playground.answer(
        {"run": str(folder.path), "home": str(runner.root / "home"), "texts": ["my parcel is late"], "pairs": None}
    )
    before, after = (next(m for m in f["models"] if m["key"] == "student")["answers"][0] for f in (first, warmer))
    assert before["label"] == after["label"] and after["confidence"] < before["confidence"]


def test_teachers_whose_weights_are_gone_say_so(runner):
    folder = ran(runner, runner.config())
    shutil.rmtree(runner.root / "home" / "teachers")
    shutil.rmtree(folder.control)
    found = asked(runner, folder, ["hello"])
    assert [m.get("why", "")[:38] for m in found["models"]] == ["Its finetuned weights are no longer on"] * 2 + [""]
    (folder.artifacts / "models.json").unlink()
    assert all("before it was kept" in m["why"] for m in asked(runner, folder, ["hello"])["models"][:2])


def test_words_get_tags_from_everybody(tagger):
    folder = ran(tagger, tagger.config(), home="home")
    found = asked(tagger, folder, ["please call Ada in Paris .", "nothing here"])
    assert found["unit"] == "word" and not found["plain"]
    for model in found["models"]:
        assert [len(a["words"]) for a in model["answers"]] == [6, 2]
        assert all(0 <= score <= 1 for a in model["answers"] for score in a["scores"])


def test_gaps_are_filled_by_everybody(runner, tmp_path):
    for role, count, seed in (("train", 60, 1), ("test", 20, 3)):
        lines = [text for text, _ in tiny.sentences(count, seed)]
        (tmp_path / f"{role}.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    text = {role: str(tmp_path / f"{role}.txt") for role in ("train", "test")}
    folder = ran(runner, config_of(text, runner.material["teachers"][0]))
    found = asked(runner, folder, ["my [MASK] is late"])
    assert found["unit"] == "piece"
    for model in found["models"]:
        assert len(model["answers"][0]["gaps"]) == 1 and len(model["answers"][0]["gaps"][0]) == 5
    with pytest.raises(DataError, match="no \\[MASK\\]"):
        asked(runner, folder, ["nothing is hidden"])
