"""A realistic finished run, made with the project's own report builder, for tests and for pages under construction."""

from __future__ import annotations

from typing import Any

import numpy as np

from distill_core.export.report import ArmResult, ReportParts, TeacherResult, build_report

LABELS = ["billing", "cancel", "delivery", "login", "other", "refund", "returns", "warranty"]
SIZES = {"student": (402_312, 1_610_216), "bert": (1_412_904, 5_656_120), "roberta": (1_268_232, 5_077_304)}


def quality(gold: np.ndarray, predicted: np.ndarray, labels: list[str] | None = None) -> dict[str, Any]:
    """The shape of `tasks.classification.quality`, computed here without torch."""
    per_class = []
    for number, label in enumerate(labels or LABELS):
        hits = int(np.sum((gold == number) & (predicted == number)))
        said, support = int(np.sum(predicted == number)), int(np.sum(gold == number))
        precision, recall = hits / said if said else 0.0, hits / support if support else 0.0
        f1 = 2 * precision * recall / (precision + recall) if hits else 0.0
        row = {"label": label, "precision": precision, "recall": recall, "f1": f1, "support": support}
        per_class.append(row)
    macro = sum(row["f1"] for row in per_class) / len(per_class)
    return {"accuracy": float(np.mean(gold == predicted)), "macro_f1": macro, "per_class": per_class}


def noisy(gold: np.ndarray, accuracy: float, seed: int, *, classes: int = len(LABELS)) -> np.ndarray:
    """Predictions of which about `accuracy` are right; examples hard for one seed are hard for most."""
    rng = np.random.default_rng(seed)
    hardness = np.random.default_rng(0).random(gold.size) * 0.7 + rng.random(gold.size) * 0.3
    wrong = hardness > np.quantile(hardness, accuracy)
    shift = np.random.default_rng(1).integers(1, classes, gold.size)
    return np.where(wrong, (gold + shift) % classes, gold)


def sample_latency() -> list[dict[str, Any]]:
    """Rows as `measure_latency` gives them."""
    rows = []
    figures = {"support-bert": (2.31, 24.8), "support-roberta": (2.12, 21.9), "student": (0.91, 4.43)}
    for name, by_batch in figures.items():
        for batch, p50 in zip((1, 32), by_batch, strict=True):
            rows.append(
                {
                    "name": name,
                    "role": "student" if name == "student" else "teacher",
                    "batch": batch,
                    "tokens": 32,
                    "threads": 1,
                    "runtime": "torch eager fp32",
                    "device": "cpu",
                    "p50": p50,
                    "p95": round(p50 * 1.12, 3),
                    "cpu_ms": p50,
                    "repeats": 30,
                }
            )
    return rows


def sample_parts(seeds: tuple[int, ...] = (13,), *, test_size: int = 1500) -> ReportParts:
    """Two teachers, three arms, one or more seeds. Change fields of it to make other cases."""
    rng = np.random.default_rng(7)
    gold, held_out = rng.integers(0, len(LABELS), test_size), rng.integers(0, len(LABELS), 150)

    def measured(accuracy: float, seed: int) -> dict[str, Any]:
        predicted, validation = noisy(gold, accuracy, seed), noisy(held_out, min(0.995, accuracy + 0.01), seed)
        return {
            "predicted": predicted,
            "test": quality(gold, predicted),
            "validation": quality(held_out, validation),
        }

    teachers = [
        TeacherResult(name=f"support-{kind}", source=f"bundled:support-{kind}", parameters=n, bytes=b, **measured(a, s))
        for kind, (n, b), a, s in (("bert", SIZES["bert"], 0.942, 101), ("roberta", SIZES["roberta"], 0.931, 102))
    ]
    arms = []
    for seed in seeds:
        for arm, accuracy in (("main", 0.926), ("no_teacher", 0.889), ("uniform", 0.921)):
            found = measured(accuracy, seed * 10 + len(arm))
            arms.append(
                ArmResult(
                    name=arm,
                    seed=seed,
                    parameters=SIZES["student"][0],
                    bytes=SIZES["student"][1],
                    steps=705,
                    best_step=635,
                    seconds=21.4,
                    **found,
                )
            )
    return ReportParts(
        name="support-demo",
        run_id="support-demo-0001",
        created=1_790_000_000.0,
        gold=gold,
        labels=LABELS,
        data={
            "source": "bundled",
            "name": "support-desk",
            "sizes": {"train": 1350, "transfer": 6000, "validation": 150, "test": test_size},
        },
        teachers=teachers,
        arms=arms,
        latency=sample_latency(),
        latency_protocol={"warmup": 5, "repeats": 30, "threads": 1, "tokens": 32, "device": "cpu"},
        seconds={"prepare": 2.1, "teachers": 38.5, "cache": 6.2, "distil": 64.3, "measure": 4.8},
        device={"device": "cpu", "device_name": "CPU, 2 cores", "threads": 2},
        versions={"stillroom": "0.1.0", "torch": "2.13.0", "transformers": "5.23.0"},
        findings=[
            {
                "severity": "info",
                "code": "overlap",
                "field": "data.test",
                "message": "3 training rows also stand in the test set; they were removed from training.",
                "rows": [17, 204, 981],
                "count": 3,
            }
        ],
        config={"name": "support-demo", "seeds": list(seeds)},
    )


def sample_report(seeds: tuple[int, ...] = (13,)) -> dict[str, Any]:
    """report.json of the run above, as a dict."""
    return build_report(sample_parts(seeds))
