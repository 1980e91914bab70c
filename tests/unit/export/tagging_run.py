"""A finished tagging run in three languages, scored by the project's own counting."""

from __future__ import annotations

from typing import Any

import numpy as np

from distill_core.export.report import ArmResult, ReportParts, TeacherResult
from distill_core.measure.scores import Scores
from distill_core.tasks.tagging_quality import entity_counts, tagging_quality
from tests.samples import sample_latency

LABELS = ["O", "B-LOC", "I-LOC", "B-PER", "I-PER"]
LANGUAGES = ("en", "pl", "ru")


def sentences(count: int, seed: int) -> list[np.ndarray]:
    """IOB2 tags of sentences of 6 words: two slots of three words, each an entity of 1 to 3 words or none."""
    rng = np.random.default_rng(seed)
    rows = []
    for _ in range(count):
        tags = np.zeros(6, dtype=np.int64)
        for start in (0, 3):
            kind, length = rng.integers(0, 3), rng.integers(1, 4)
            if kind:
                tags[start] = 2 * kind - 1
                tags[start + 1 : start + length] = 2 * kind
        rows.append(tags)
    return rows


def noisy(gold: list[np.ndarray], errors: float, seed: int, *, weak: str = "pl") -> list[np.ndarray]:
    """Gold with a share of its words replaced by any tag, twice as often in the weak language."""
    rng = np.random.default_rng(seed)
    rows = []
    for number, tags in enumerate(gold):
        share = errors * (2 if LANGUAGES[number % 3] == weak else 1)
        rows.append(np.where(rng.random(6) < share, rng.integers(0, len(LABELS), 6), tags))
    return rows


def measured(gold: list[np.ndarray], predicted: list[np.ndarray]) -> tuple[dict[str, Any], Scores]:
    true, said = ([[LABELS[tag] for tag in row] for row in rows] for rows in (gold, predicted))
    languages = [LANGUAGES[number % 3] for number in range(len(gold))]
    figures = tagging_quality(true, said, languages, types=["LOC", "PER"])
    return figures, Scores.of_entities(*entity_counts(true, said))


def tagging_parts(seeds: tuple[int, ...] = (13,), *, test_size: int = 600) -> ReportParts:
    """One teacher, main and the control without teachers."""
    test, held_out = sentences(test_size, 1), sentences(90, 2)

    def predictor(errors: float, seed: int) -> dict[str, Any]:
        predicted = noisy(test, errors, seed)
        figures, scores = measured(test, predicted)
        validation, _ = measured(held_out, noisy(held_out, errors, seed))
        return {"predicted": np.concatenate(predicted), "scores": scores, "test": figures, "validation": validation}

    teacher = TeacherResult(
        name="support-bert", source="bundled:x", parameters=1_400_000, bytes=5_600_000, **predictor(0.02, 1)
    )
    arms = [
        ArmResult(name=arm, seed=seed, parameters=40_000, bytes=160_000, **predictor(errors, 100 * seed + number))
        for seed in seeds
        for number, (arm, errors) in enumerate((("main", 0.05), ("no_teacher", 0.12)))
    ]
    return ReportParts(
        name="tags",
        run_id="tags-0001",
        labels=LABELS,
        data={"name": "tags", "sizes": {"train": 90, "transfer": 0, "validation": 90, "test": test_size}},
        teachers=[teacher],
        arms=arms,
        latency=sample_latency(),
        seconds={"distil": 3.0},
        task="tagging",
        metric="f1",
    )
