"""What every stage of a run needs at hand."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import torch

from distill_core.config import RunConfig
from distill_core.errors import Stopped
from distill_core.events import EventSink
from distill_core.layout import DataHome, RunFolder
from distill_core.progress import WorkPlan
from distill_core.storage import write_json
from distill_core.train.stop import StopToken


@dataclass
class RunContext:
    """One run under way."""

    config: RunConfig
    folder: RunFolder
    home: DataHome
    sink: EventSink
    stop: StopToken
    device: torch.device
    plan: WorkPlan
    _now: tuple[str, float] | None = None

    @property
    def seed(self) -> int:
        """Seed of everything the arms share: splits and teachers."""
        return self.config.seeds[0]

    def log(self, message: str, level: str = "info") -> None:
        self.sink.emit("log", level=level, message=message)

    def check_stop(self) -> None:
        if self.stop.is_set():
            raise Stopped

    @property
    def _seconds_path(self) -> Path:
        return self.folder.checkpoints / "seconds.json"

    def stage_seconds(self) -> dict[str, float]:
        """Wall-clock seconds spent in each stage so far, all attempts together, the one under way included."""
        try:
            seconds: dict[str, float] = json.loads(self._seconds_path.read_text())
        except (FileNotFoundError, ValueError):
            seconds = {}
        if self._now:
            name, started = self._now
            seconds[name] = seconds.get(name, 0.0) + time.monotonic() - started
        return seconds

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Report a stage's start and end, and add up its time, also when it is stopped on the way."""
        self.check_stop()
        self.sink.emit("stage", stage=name, state="started")
        self._now = (name, time.monotonic())
        finished = False
        try:
            yield
            finished = True
        finally:
            seconds = self.stage_seconds()
            self._now = None
            write_json(self._seconds_path, seconds)
            if finished:
                self.sink.emit("stage", stage=name, state="finished", seconds=seconds[name])
