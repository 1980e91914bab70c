"""Sweeps over a config that is never really trained, and trials whose figures are computed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from distill_core.config import RunConfig
from distill_core.events import metric
from distill_core.layout import SweepFolder
from distill_core.sweeps import spec as specs
from distill_core.sweeps.ledger import Ledger, Tried
from distill_core.sweeps.spec import SweepSpec
from tests import fake_run

SEARCH = {"training.learning_rate": [0.001, 0.01, 0.1], "student.lstm_hidden": [16, 32]}


def sweep(base: dict[str, Any] | None = None, **more: Any) -> SweepSpec:
    """A valid sweep; `more` replaces its parts, base the base config's."""
    config = fake_run.config(**(base or {})).model_dump(mode="json", exclude_none=True)
    return specs.from_dict({"base": config, "search": SEARCH, "sampler": "grid", "budget": {"trials": 6}, **more})


def folder_of(root: Path, spec: SweepSpec) -> SweepFolder:
    folder = SweepFolder(root / "sweeps" / "made")
    folder.create()
    folder.config.write_text(spec.to_yaml(), encoding="utf-8")
    return folder


def quality_of(params: dict[str, Any]) -> float:
    """Best at a learning rate of 0.01 and the larger student."""
    return 0.9 - abs(params["training.learning_rate"] - 0.01) + params["student.lstm_hidden"] / 1000


class Worker:
    """A trial's work without torch: as many evaluations as the config has, rising to `quality_of`."""

    def __init__(self, before: Callable[[RunConfig], None] = lambda config: None) -> None:
        self.before, self.configs, self.asked = before, [], []

    def __call__(self, config, folder, home, sink, stop, *, ask, timed):
        self.configs.append(config)
        self.asked.append(ask)
        self.before(config)
        if ask:
            sink.emit("teacher", name="one", validation=0.97)
        params = {
            "training.learning_rate": config.training.learning_rate, "student.lstm_hidden": config.student.lstm_hidden,
        }  # fmt: skip
        quality = quality_of(params)
        for number in range(1, 5):
            sink.emit(
                "metric", rows=[metric("main", 13, "validation_quality", 5 * number, quality * number / 4, "share")]
            )
        (folder.checkpoints / "seconds.json").write_text('{"distil": 2.0}')
        values = {"quality": quality, "parameters": 1000.0 * config.student.lstm_hidden, "time": 1.5}
        return {"values": values | ({"latency": 0.5} if timed else {}), "steps": 20, "best_step": 20}


def tried(params: dict[str, Any], number: int, **more: Any) -> Tried:
    quality = quality_of(params)
    return Tried(number, params, "done", {"quality": quality, "parameters": 1.0}, [quality / 2, quality], **more)


def states(folder: SweepFolder) -> list[tuple[int, str]]:
    return [(one.number, one.state) for one in Ledger.read(folder).trials]
