"""Model cards: metadata the Hub reads, every figure from the report or the measuring."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from huggingface_hub import ModelCard

from distill_core.export.card import CardParts, metadata, model_card
from distill_core.export.report import build_report
from distill_core.export.use_lines import Use, use_lines
from tests.samples import sample_parts, sample_report
from tests.unit.export.tagging_run import tagging_parts

FIGURES: dict[str, Any] = {
    "format": "onnx",
    "rows": 200,
    "metric_words": "accuracy",
    "quality": {"student": 0.915, "export": 0.91},
    "lost_points": 0.5,
    "agreement": 0.985,
    "bytes": {"student": 1_610_000, "export": 430_000},
    "teacher": "support-bert",
    "device": {"device_name": "CPU, 2 cores"},
    "latency": [
        {
            "batch": 32,
            "tokens": 32,
            "threads": 1,
            "runtime": "onnxruntime int8",
            "student_ms": {"p50": 2.0, "p95": 2.5},
            "student_torch_ms": {"p50": 6.0, "p95": 7.0},
            "teacher_ms": {"p50": 50.0, "p95": 60.0},
            "speedup": 25.0,
        }
    ],
}
ONNX = Use("onnx", "example", 64, inputs=("input_ids", "attention_mask"))


def parts(**more: Any) -> CardParts:
    return CardParts(sample_report(), FIGURES, ONNX, "ONNX, int8", **more)


def test_the_hub_reads_its_metadata(tmp_path: Path) -> None:
    path = tmp_path / "README.md"
    path.write_text(model_card(parts(licence="apache-2.0")), encoding="utf-8")
    data = ModelCard.load(path, ignore_metadata_errors=False).data
    main = sample_report()["arms"][0]
    assert data.license == "apache-2.0" and data.library_name == "onnxruntime"
    assert data.pipeline_tag == "text-classification" and "onnx" in data.tags
    values = {(result.dataset_split, result.metric_type): result.metric_value for result in data.eval_results}
    assert values["test", "accuracy"] == pytest.approx(main["quality"]["test"], abs=1e-6)
    assert values["validation", "accuracy"] == 0.91


def test_what_is_not_known_is_left_out() -> None:
    found = metadata(parts())
    assert not {"license", "base_model", "datasets", "language"} & set(found)


def test_names_on_the_hub_are_told_and_paths_of_a_machine_are_not() -> None:
    report = sample_report()
    report["teachers"][0]["source"] = "/home/ada/bert"
    report["teachers"][1]["source"] = "google-bert/bert-base-uncased"
    report["config"] = {"data": {"source": "hub", "name": "fancyzhx/ag_news", "revision": "main"}}
    text = model_card(replace(parts(), report=report))
    found = metadata(replace(parts(), report=report))
    assert found["base_model"] == ["google-bert/bert-base-uncased"] and found["datasets"] == ["fancyzhx/ag_news"]
    assert found["model-index"][0]["results"][0]["dataset"]["revision"] == "main"
    assert "/home" not in text


def test_a_tagger_says_its_languages_and_its_metric() -> None:
    report = build_report(tagging_parts())
    found = metadata(replace(parts(), report=report, use=replace(ONNX, unit="word")))
    assert found["language"] == ["en", "pl", "ru"] and found["pipeline_tag"] == "token-classification"
    assert found["metrics"] == ["f1"]


def test_the_figures_of_the_export_stand_beside_those_of_the_student() -> None:
    text = model_card(parts())
    assert "| Validation accuracy (200 rows) | 91.00% (student before export: 91.50%) |" in text
    assert "| Same answer as the student before export | 98.50% |" in text
    assert "| Model file | 0.43 MB (as safetensors: 1.61 MB) |" in text
    assert "2.00 ms; the student in torch 6.00 ms; support-bert on the same runtime 50.00 ms, 25.0× as long" in text
    assert "Measured on CPU, 2 cores." in text and "cut at 64 tokens" in text


def test_of_several_seeds_its_own_figure_stands_beside_the_mean() -> None:
    report = build_report(sample_parts((1, 2, 3)))
    mains = [arm for arm in report["arms"] if arm["name"] == "main"]
    own = next(arm for arm in mains if arm["seed"] == report["student_seed"])
    mean = sum(arm["quality"]["test"] for arm in mains) / 3
    text = model_card(replace(parts(), report=report))
    assert f"the trial with seed {own['seed']}, the one of 3 with the highest validation" in text
    assert f"test accuracy is {100 * own['quality']['test']:.1f}%; the mean over all seeds is {100 * mean:.1f}%" in text
    assert "the mean over all seeds" not in model_card(parts())


def test_a_fitted_temperature_is_told() -> None:
    assert "softmax" not in model_card(parts())
    text = model_card(replace(parts(), use=replace(ONNX, temperature=1.62)))
    assert "the softmax of logits / 1.62, as fitted on validation" in text


@pytest.mark.parametrize("library", ["transformers", "onnx", "stillroom"])
@pytest.mark.parametrize("unit", ["example", "word", "piece"])
@pytest.mark.parametrize("pairs", [False, True])
def test_the_lines_are_python(library: str, unit: str, pairs: bool) -> None:
    use = Use(library, unit, 24, inputs=("input_ids", "attention_mask", "token_type_ids"), mask="<mask>", pairs=pairs)
    lines = use_lines(use)
    compile(lines, "README.md", "exec")
    names = set(re.findall(r"^(?:import|from) (\w+)", lines, re.M))
    allowed = {
        "transformers": {"torch", "transformers"},
        "onnx": {"json", "numpy", "onnxruntime", "tokenizers"},
        "stillroom": {"distill_core"},
    }
    assert names <= allowed[library]
    assert unit != "piece" or "<mask>" in lines
