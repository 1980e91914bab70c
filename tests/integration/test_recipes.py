"""Every recipe runs as it stands, on a little of its bundled data: config in, report out."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from distill_core import pipeline, recipes
from distill_core.config import RunConfig, from_dict
from distill_core.events import MemorySink
from distill_core.layout import BUNDLED_DATA, DataHome, RunFolder
from distill_core.train.stop import StopToken
from tests.integration.conftest import payloads, rows_of


@pytest.fixture(scope="module")
def home(tmp_path_factory) -> DataHome:
    """Shared by all recipes: equal settings need their teachers finetuned, and asked, only once."""
    return DataHome(tmp_path_factory.mktemp("recipes"))


def shrunk(name: str) -> RunConfig:
    """The recipe with few rows and one epoch of everything; what it is about stays."""
    raw: dict[str, Any] = recipes.load(name).config.model_dump(mode="json", exclude_none=True)
    tagging = raw["data"]["task"] == "tagging"
    few = {"labelled_per_class": 10 if tagging else 8, "max_transfer": 100, "max_validation": 40, "max_test": 60}
    raw["data"].update(few, validation_share=0.25)
    if raw["data"]["task"] == "masked_lm":  # the smallest of its bundled files is enough
        folder, kept = BUNDLED_DATA[raw["data"]["name"]], {"task": "masked_lm", "max_test": 60, "max_validation": 40}
        raw["data"] = {"source": "files", "train": str(folder / "validation.txt"), **kept}
    raw["teacher_training"]["epochs"] = 1
    raw["training"].update(epochs=1, evaluations=2)
    for stage in raw["training"]["stages"]:
        stage["epochs"] = 1
    raw.update(threads=1, device="cpu", controls=[], measure={"batch_sizes": [1], "tokens": 8, "repeats": 5})
    return from_dict(raw)


def expected_terms(config: RunConfig) -> set[str]:
    if config.training.stages:
        return {name for stage in config.training.stages for name in stage.weights()}
    return set(config.objective.weights())


def expected_phases(config: RunConfig, parts: int) -> list[str]:
    names: list[str] = []
    for stage in config.training.stages:
        names += [f"{stage.name} {k}/{parts}" for k in range(1, parts + 1)] if stage.unfreeze else [stage.name]
    return names


@pytest.mark.parametrize("name", recipes.names())
def test_a_recipe_runs_to_its_report(name, home, tmp_path):
    config, sink = shrunk(name), MemorySink()
    folder = RunFolder(tmp_path / "run")
    report = pipeline.run(config, folder, home, sink, StopToken())

    assert report["status"] == "done"
    assert json.loads(Path(folder.report).read_text()) == json.loads(json.dumps(report))
    main = report["arms"][0]
    assert 0 <= main["quality"]["test"] <= 1
    assert main["parameters"] > 0

    losses: dict[str, list[float]] = {}
    for row in rows_of(sink, "main"):
        if row["name"].startswith("loss_"):
            losses.setdefault(row["name"].removeprefix("loss_"), []).append(row["value"])
    assert set(losses) == expected_terms(config) | {"total"}
    assert all(np.isfinite(values).all() and max(values) > 0 for values in losses.values())

    phases = [payload["name"] for payload in payloads(sink, "phase")]
    unfrozen = [int(one.rpartition("/")[2]) for one in phases if "/" in one]
    assert phases == expected_phases(config, max(unfrozen, default=0))
    if any(stage.unfreeze for stage in config.training.stages):
        assert max(unfrozen) >= 3, "head, body and embeddings at least"
