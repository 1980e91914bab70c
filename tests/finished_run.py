"""A finished run as a folder on disk, without training: the sample report's predictions, kept as a run keeps them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from distill_core import recipes
from distill_core.analysis.kept import (
    About,
    Model,
    Split,
    open_split,
    packed,
    sampled_units,
    split_path,
    write_split,
)
from distill_core.config import RunConfig
from distill_core.data.prepare import prepare
from distill_core.events import EventLog, metric
from distill_core.export.formats import FORMATS, ExportState, export_folder
from distill_core.export.formats import write_state as write_export
from distill_core.export.report import ReportParts, build_report, write_report
from distill_core.extras.left_out import differences
from distill_core.extras.state import ExtraState
from distill_core.extras.state import write_state as write_extra
from distill_core.extras.worth import worth
from distill_core.jobs.meta import write_meta
from distill_core.layout import RunFolder
from distill_core.measure.scores import Scores
from distill_core.storage import write_text
from tests.samples import noisy, quality, sample_parts

#: the demo's: rows of its own data, so that texts are found again
SEED = 13


def confidences(predicted: np.ndarray, gold: np.ndarray, seed: int) -> np.ndarray:
    """[N] in (1/C, 1): higher where right, too high on the whole."""
    draws = np.random.default_rng(seed).beta(6, 1.5, len(gold))
    return np.clip(np.where(predicted == gold, draws, 0.75 * draws), 0.2, 0.999)


def logits_of(predicted: np.ndarray, confidence: np.ndarray, classes: int) -> np.ndarray:
    """[N, C] whose softmax gives `confidence` to `predicted`."""
    table = np.tile(((1 - confidence) / (classes - 1))[:, None], (1, classes))
    table[np.arange(len(predicted)), predicted] = confidence
    return np.log(table).astype(np.float32)


def demo_parts(seeds: tuple[int, ...] = (SEED,)) -> tuple[ReportParts, dict[str, tuple[np.ndarray, list[str]]]]:
    """The sample run on the demo's own rows; {split: (gold, ids)}."""
    data = prepare(recipes.load("demo").config.data, seed=SEED)
    rows = {"validation": data.validation, "test": data.test}
    gold = data.test.labels
    parts = sample_parts(seeds, test_size=len(gold))
    parts.gold, parts.labels = gold, data.labels
    shares = {"support-bert": 0.942, "support-roberta": 0.931, "main": 0.926, "no_teacher": 0.889, "uniform": 0.921}
    for number, one in enumerate([*parts.teachers, *parts.arms]):
        one.predicted = noisy(gold, shares[one.name], number + 1, classes=len(data.labels))
        one.test = quality(gold, one.predicted, data.labels)
    return parts, {name: (part.labels, part.ids) for name, part in rows.items()}


def finished_run(
    folder: Path,
    *,
    name: str = "finished",
    kept: bool = True,
    change: Callable[[ReportParts], None] = lambda parts: None,
    training: dict[str, Any] | None = None,
) -> RunFolder:
    """A run that is done, with its report; kept: with its predictions too (earlier versions kept none). change: makes
    other figures of it before the report is built; training: settings that are not the demo's."""
    run = RunFolder(folder).create()
    parts, splits = demo_parts()
    parts.name, parts.run_id = name, run.run_id
    change(parts)
    demo = recipes.load("demo").config.model_dump(mode="json")
    config = RunConfig.model_validate({**demo, "name": name, "training": {**demo["training"], **(training or {})}})
    write_text(run.config, config.to_yaml())
    write_meta(run, name, 1_790_000_000.0)
    report = build_report(parts)
    write_report(run.report, report)
    if kept:
        for split, (gold, ids) in splits.items():
            _keep(run, parts, split, gold, ids)
    steps = ((100, 0.7), (200, 0.85), (300, parts.arms[0].validation["accuracy"]))
    write_events(run, [metric("main", SEED, "validation_quality", step, value, "share") for step, value in steps])
    return run


def write_events(run: RunFolder, metrics: list[dict[str, Any]] | None = None) -> None:
    """The log of a run that was measured and ended well."""
    log = EventLog(run.events)
    log.emit("started", device="cpu", threads=1, versions={}, pid=1)
    if metrics:
        log.emit("metric", rows=metrics)
    log.emit("stage", stage="measure", state="started")
    log.emit("stage", stage="measure", state="finished", seconds=1.0)
    log.emit("stage", stage="done", state="finished", seconds=60.0)
    log.emit("done", seconds=60.0)
    log.close()


def of_data(fingerprint: str, *, validation: float, faster: float = 1.0, size: float = 1.0) -> Callable[[Any], None]:
    """A change for `finished_run`: its data's fingerprint, its student's validation accuracy, × speed, × size."""

    def change(parts: ReportParts) -> None:
        parts.data = {**parts.data, "fingerprint": fingerprint}
        for arm in parts.arms:
            arm.parameters, arm.bytes = round(arm.parameters * size), round(arm.bytes * size)
        parts.arms[0].validation = {**parts.arms[0].validation, "accuracy": validation}
        parts.latency = [
            {**row, "p50": row["p50"] / faster, "p50_interval": [0.9 * row["p50"] / faster, 1.1 * row["p50"] / faster]}
            if row["role"] == "student"
            else row
            for row in parts.latency
        ]

    return change


def _keep(run: RunFolder, parts: ReportParts, split: str, gold: np.ndarray, ids: list[str]) -> Split:
    teachers = [Model(f"teacher:{n}", "teacher", one.name) for n, one in enumerate(parts.teachers)]
    arms = [Model(f"{arm.name}:{arm.seed}", arm.name, arm.name, arm.seed) for arm in parts.arms]
    about = About(
        task="classification",
        metric="accuracy",
        unit="example",
        labels=list(parts.labels),
        models=[*teachers, *arms],
        reference="teacher:0",
        student=f"main:{SEED}",
        control=f"no_teacher:{SEED}",
    )
    rng = np.random.default_rng(3)
    tensors: dict[str, np.ndarray] = {
        "ids": np.asarray([int(key, 16) for key in ids], dtype=np.uint64),
        "lengths": rng.integers(4, 30, len(gold)).astype(np.int32),
        "gold": gold.astype(np.int8),
        "unseen": rng.integers(0, 2, len(gold)).astype(np.uint16),
        "units": sampled_units(len(gold), len(about.labels)),
    }
    for number, (model, one) in enumerate(zip(about.models, [*parts.teachers, *parts.arms], strict=True)):
        predicted = one.predicted if split == "test" else noisy(gold, 0.93, number + 1, classes=len(about.labels))
        sure = confidences(predicted, gold, number)
        tensors[f"{model.key}/predicted"] = predicted.astype(np.int8)
        tensors[f"{model.key}/confidence"] = packed(sure)
        tensors[f"{model.key}/logits"] = logits_of(predicted, sure, len(about.labels))
    path = split_path(run.artifacts, split)
    write_split(path, about, tensors)
    return Split(path)


#: of the made-up learning curve: labels → share of test rows that a student without teachers has right
CURVE = {15: 0.62, 30: 0.74, 60: 0.83, 120: 0.89, 240: 0.92, 480: 0.935}


def measured(run: RunFolder) -> None:
    """What `curve` and `without-teachers` leave in a run's folder, of made-up students."""
    split = open_split(run.artifacts, "test")
    assert split is not None
    student, gold, seeds = [split.scores(f"main:{SEED}")], split.gold.astype(np.int64), [SEED]
    about = {"task": "classification", "unit": "example", "metric": "accuracy", "seeds": seeds}

    def made(share: float, seed: int) -> Scores:
        return Scores.of_predictions(noisy(gold, share, seed, classes=len(split.about.labels)), gold)

    curve = {labels: [made(share, labels)] for labels, share in CURVE.items()}
    points = [
        {"times": labels / 120, "labels": labels, "seed": SEED, "steps": 300, "validation": one.quality,
         "test": one.quality, "seconds": 2.0}
        for labels, (one,) in curve.items()
    ]  # fmt: skip
    figures = {**about, "own": 120, "sets": list(CURVE), "points": points, "worth": worth(120, student, curve)}
    arms = {model.name: [made(share, 90)] for model, share in zip(split.about.teachers, (0.91, 0.92), strict=True)}
    rows = differences(student, arms)
    without = {**about, "points": [], "kept_in": [], "rows": rows}
    write_extra(run, ExtraState("curve", "done", share=1.0, at=1.0, seconds=42.0, figures=figures))
    write_extra(run, ExtraState("without", "done", share=1.0, at=1.0, seconds=21.0, figures=without))


def exported(run: RunFolder) -> None:
    """ONNX exports of a made-up run as their builder leaves them; int8 is faster, and lost 0.2 points."""
    report = json.loads(run.report.read_text(encoding="utf-8"))
    timed = {(row["role"], row["batch"]): row for row in report["latency_models"] if row["name"] != "support-roberta"}

    def times(role: str, batch: int, factor: float) -> dict[str, Any]:
        p50 = timed[role, batch]["p50"] / factor
        return {"p50": p50, "p95": 1.2 * p50, "p50_interval": [0.9 * p50, 1.1 * p50]}

    for name, factor, lost, size in (("onnx", 2.0, 0.0, 4_000_000), ("onnx-int8", 3.0, 0.2, 1_100_000)):
        rows = [
            {"batch": batch, "tokens": 32, "threads": 1, "runtime": FORMATS[name].runtime,
             "student_ms": times("student", batch, factor), "student_torch_ms": times("student", batch, 1.0),
             "teacher_ms": times("teacher", batch, factor / 2), "speedup": 2.0 * timed["teacher", batch]["p50"]
             / timed["student", batch]["p50"]}
            for batch in (1, 32)
        ]  # fmt: skip
        figures = {
            "format": name, "seed": SEED, "rows": 120, "metric": "accuracy", "metric_words": "accuracy",
            "quality": {"student": 0.93, "export": 0.93 - lost / 100}, "lost_points": lost, "agreement": 1.0,
            "bytes": {"student": 4_000_000, "export": size}, "library": "onnx", "latency": rows,
            "teacher": "support-bert", "protocol": {"repeats": 30},
            "device": {"device": "cpu", "device_name": "CPU, 2 cores"},
        }  # fmt: skip
        export_folder(run, name).mkdir(parents=True)
        (export_folder(run, name) / FORMATS[name].model).write_bytes(b"graph")
        write_export(run, ExportState(name, "ready", teacher=True, at=1.0, figures=figures))


def energetic(parts: ReportParts) -> None:
    """A change for `finished_run`: its energy was measured."""
    parts.energy = {
        "kwh": 0.0042, "parts": {"cpu": 0.0031, "gpu": 0.0, "ram": 0.0011}, "co2_kg": 0.0016, "seconds": 300.0,
        "country": "DEU", "estimated": True, "tool": "codecarbon 3.3.2",
        "how": {"cpu": "estimated from how busy this run kept the processor", "gpu": None, "ram": "estimated"},
    }  # fmt: skip
