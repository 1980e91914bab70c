"""Whole tiny runs taken away: every export loads by the very lines of its README, in a process without this project."""

from __future__ import annotations

import csv
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from huggingface_hub import ModelCard

from distill_core import config
from distill_core.cli.main import main
from distill_core.data.types import Rows
from distill_core.errors import JobError
from distill_core.export.build import refuse_foreign
from distill_core.export.formats import FORMATS, export_folder, latency_rows, read_state
from distill_core.layout import RunFolder
from distill_core.models.saving import load_student
from distill_core.signals.predict import predict_logits
from distill_core.tasks.base import build_task
from tests import tiny
from tests.integration.conftest import Runner

LSTM = {"kind": "bilstm", "embedding": 12, "lstm_hidden": 8, "initialise": "svd", "dropout": 0.1}
BERT = {"kind": "transformer", "layers": 1, "hidden": 16, "heads": 2, "initialise": "svd"}
BRIEF: dict[str, Any] = {"training": {"epochs": 3, "batch_size": 16, "learning_rate": 0.02}, "controls": []}


@pytest.fixture(scope="module")
def pairs(tmp_path_factory, material) -> Runner:
    """A transformer that reads pairs: the second text repeats the topic or not."""
    root = tmp_path_factory.mktemp("pairs")
    data: dict[str, Any] = {"columns": {"text": "text", "text_pair": "second", "label": "label"}}
    for role, count, seed in (("train", 80, 1), ("test", 40, 3)):
        data[role] = str(root / f"{role}.csv")
        with open(data[role], "w", newline="", encoding="utf-8") as file:
            rows = csv.writer(file)
            rows.writerow(["text", "second", "label"])
            rows.writerows([text, f"about {label} {number}", label]
                           for number, (text, label) in enumerate(tiny.sentences(count, seed)))  # fmt: skip
    return Runner(root, {"data": data, "teachers": material["teachers"]})


@pytest.fixture(scope="module")
def finished(tmp_path_factory, material, tagged_material, pairs) -> dict[str, RunFolder]:
    """One finished run each."""
    root = tmp_path_factory.mktemp("runs")
    found = {}
    plain, tagged = Runner(root, material), Runner(root, tagged_material)
    text = root / "texts.txt"
    text.write_text("\n".join(tiny.tagging_texts()[:160]) + "\n", encoding="utf-8")
    guesser = tiny.config_dict(
        {"train": str(text), "task": "masked_lm", "validation_share": 0.2, "test_share": 0.2},
        tagged_material["teachers"][:1],
        **BRIEF,
        student=BERT,
        teacher_training={"mode": "as_is"},
        objective={"soft_label_weight": 1.0},
    )
    runs = {
        "lstm": (plain, plain.config(student=LSTM, seeds=[13, 14], **BRIEF)),
        "pairs": (pairs, pairs.config(student=BERT, teachers=1, **BRIEF)),
        "tagger": (tagged, tagged.config(student={**BERT, "vocabulary": "seen"}, **BRIEF)),
        "guesser": (plain, config.from_dict(guesser)),
    }
    for name, (runner, wanted) in runs.items():
        folder = runner.run(wanted, name)[1]
        folder.config.write_text(wanted.to_yaml(), encoding="utf-8")
        found[name] = folder
    return found


def run_lines(folder: Path, texts: list[Any]) -> np.ndarray:
    """Logits of the README's own lines for these texts, in a fresh process that cannot find this project."""
    (code,) = re.findall(r"```python\n(.*?)```", (folder / "README.md").read_text(encoding="utf-8"), re.S)
    assert len(re.findall(r"^texts = .*$", code, re.M)) == 1
    code = re.sub(r"^texts = .*$", lambda _: f"texts = {texts!r}", code, flags=re.M)
    code += "\nimport sys\nassert not any(name.startswith('distill_core') for name in sys.modules)\n"
    code += "np_rows = logits.tolist()\nimport json\nopen('../answers.json', 'w').write(json.dumps(np_rows))\n"
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=folder,
        env={**environment, "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    answers = folder.parent / "answers.json"
    return np.asarray(json.loads(answers.read_text()))


def student_logits(folder: RunFolder, texts: list[Any]) -> list[np.ndarray]:
    """The saved student's own, for each text [C], or [T, C] with a row a piece."""
    student, _, max_tokens = load_student(folder.student)
    first = [text if isinstance(text, str) else text[0] for text in texts]
    second = None if isinstance(texts[0], str) else [text[1] for text in texts]
    rows = Rows(first, second, np.full(len(texts), -1), list(range(len(texts))))
    if student.unit == "example":
        encoded = build_task(student.task).encode(student.tokenizer, rows, max_tokens)
        return list(predict_logits(student, encoded, "cpu"))
    from distill_core.models.types import Batch
    from distill_core.models.words import each_piece

    found = []
    for text in first:
        ids = torch.tensor([student.tokenizer(text, truncation=True, max_length=max_tokens)["input_ids"]])
        with torch.inference_mode(), each_piece():
            batch = Batch(ids, torch.ones_like(ids, dtype=torch.bool), None, torch.arange(ids.shape[1])[None])
            found.append(student.eval()(batch).logits[0].numpy())
    return found


TEXTS: dict[str, list[Any]] = {
    "lstm": ["where is my parcel", "refund", "please reset my password again " * 9],
    "pairs": [("where is my parcel", "about parcel 1"), ("refund", "about money " * 20)],
    "tagger": ["please call Ada Lovelace in New York .", "Köln"],
    "guesser": ["please call [MASK] in Oslo .", "wo in [MASK] wohnt [MASK] ?"],
}


@pytest.mark.slow
@pytest.mark.parametrize("name", TEXTS)
def test_the_readmes_own_lines_answer_as_the_student_does(finished, name, capsys):
    folder = finished[name]
    assert main(["export", str(folder.path), "--to", "safetensors", "onnx", "--allow-loss", "0.001"]) == 0
    expected = student_logits(folder, TEXTS[name])
    capsys.readouterr()
    assert main(["report", str(folder.path)]) == 0
    printed = capsys.readouterr().out
    assert "## Exports" in printed and "| onnxruntime " in printed
    libraries = []
    for form in ("safetensors", "onnx"):
        state = read_state(folder, form)
        assert state.state == "ready" and state.figures["agreement"] == 1.0
        assert state.figures["lost_points"] == pytest.approx(0.0, abs=1e-9)
        libraries.append(state.figures["library"])
        if state.figures["library"] == "stillroom":
            continue
        found = run_lines(export_folder(folder, form), TEXTS[name])
        assert len(found) == len(expected)
        for row, own in zip(found, expected, strict=True):
            np.testing.assert_allclose(row if own.ndim == 1 else row[: len(own)], own, atol=1e-4)
        (export_folder(folder, form).parent / "answers.json").unlink()
    assert libraries == ["stillroom" if name == "lstm" else "transformers", "onnx"]


@pytest.mark.slow
def test_exports_are_measured_beside_the_student_and_the_teacher(finished, tmp_path, capsys):
    folder = finished["lstm"]
    out = tmp_path / "taken"
    asked = ["export", str(folder.path), "--to", "onnx-int8", "onnx", "--out", str(out), "--teacher"]
    assert main([*asked, "--allow-loss", "100", "--license", "mit"]) == 0
    report = json.loads(folder.report.read_text())
    for form, runtime in (("onnx", "onnxruntime"), ("onnx-int8", "onnxruntime int8")):
        figures = json.loads((out / form / "measured.json").read_text())
        assert figures["seed"] == report["student_seed"]
        best = max(arm["quality"]["validation"] for arm in report["arms"])
        assert figures["quality"]["student"] == pytest.approx(best), "the rows are those of the run"
        assert figures["rows"] == report["data"]["sizes"]["validation"]
        assert [row["batch"] for row in figures["latency"]] == [1, 8, 32]
        for row in figures["latency"]:
            assert (row["runtime"], row["threads"], row["tokens"]) == (runtime, 1, 8)
            assert row["speedup"] == pytest.approx(row["teacher_ms"]["p50"] / row["student_ms"]["p50"])
            assert 0 < row["student_ms"]["p50"] <= row["student_ms"]["p95"]
        assert figures["teacher"] == report["reference_teacher"]
        assert figures["bytes"]["export"] == (out / form / "model.onnx").stat().st_size
        card = ModelCard.load(out / form / "README.md", ignore_metadata_errors=False)
        assert card.data.license == "mit" and card.data.pipeline_tag == "text-classification"
        values = {result.metric_name: result.metric_value for result in card.data.eval_results}
        own = next(arm for arm in report["arms"] if arm["seed"] == report["student_seed"])
        assert values["Test, student before export (accuracy)"] == pytest.approx(own["quality"]["test"], abs=1e-6)
        mean = np.mean([arm["quality"]["test"] for arm in report["arms"]])
        assert f"the mean over all seeds is {100 * mean:.1f}%" in card.content
        assert f"test accuracy is {100 * own['quality']['test']:.1f}%" in card.content
    printed = capsys.readouterr().out
    assert all(f"{FORMATS[form].title}: {out / form}" in printed for form in ("onnx", "onnx-int8"))
    assert not list(folder.artifacts.glob(".making*"))


@pytest.mark.slow
def test_an_export_that_lost_too_much_is_refused_with_its_figures(finished, monkeypatch, capsys):
    """A graph whose answers are turned around stands for one that rounding has ruined."""
    from distill_core.export import build
    from distill_core.export.runtime import OnnxModel

    class Ruined(OnnxModel):
        def __call__(self, batch):
            outputs = super().__call__(batch)
            outputs.logits = -outputs.logits
            return outputs

    folder = finished["lstm"]
    export_folder(folder, "onnx").mkdir(parents=True, exist_ok=True)
    monkeypatch.setattr(build, "OnnxModel", Ruined)
    assert main(["export", str(folder.path), "--to", "onnx"]) == 1
    state = read_state(folder, "onnx")
    assert state.state == "refused" and state.figures["agreement"] < 1
    lost = 100 * (state.figures["quality"]["student"] - state.figures["quality"]["export"])
    assert lost > 0.5 and state.figures["lost_points"] == pytest.approx(lost)
    assert f"It loses {lost:.2f} points of validation accuracy" in state.error["message"]
    assert "allow a larger loss" in state.error["hint"]
    assert not export_folder(folder, "onnx").exists()
    assert "onnxruntime" not in {row["runtime"] for row in latency_rows(folder)}
    assert "refused. It loses" in capsys.readouterr().err


@pytest.mark.slow
def test_data_that_have_changed_are_noticed(finished, tmp_path, capsys):
    folder = finished["lstm"]
    changed = config.load(folder.config)
    moved = tmp_path / "train.csv"
    text = Path(changed.data.train).read_text(encoding="utf-8")
    moved.write_text(text.replace("today", "tonight"), encoding="utf-8")
    before = folder.config.read_text()
    folder.config.write_text(before.replace(str(changed.data.train), str(moved)))
    try:
        assert main(["export", str(folder.path), "--to", "onnx-int8"]) == 1
        assert "have changed since" in capsys.readouterr().err
        moved.unlink()
        assert main(["export", str(folder.path), "--to", "onnx-int8"]) == 1
        assert "put its data back" in capsys.readouterr().err
        assert read_state(folder, "onnx-int8").state == "failed"
    finally:
        folder.config.write_text(before)


def test_what_is_no_export_is_never_replaced(tmp_path):
    foreign = tmp_path / "onnx"
    foreign.mkdir()
    refuse_foreign(foreign)
    (foreign / "thesis.txt").write_text("years of work")
    with pytest.raises(JobError, match="holds no export"):
        refuse_foreign(foreign)
    with pytest.raises(JobError, match="holds no export"):
        refuse_foreign(foreign / "thesis.txt")
    (foreign / "measured.json").write_text("{}")
    refuse_foreign(foreign)
    refuse_foreign(tmp_path / "nothing there")
