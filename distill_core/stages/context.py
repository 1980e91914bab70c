"""What every stage of a run needs at hand."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from distill_core.config import RunConfig
from distill_core.errors import Stopped
from distill_core.events import EventSink
from distill_core.layout import DataHome, RunFolder
from distill_core.measure.energy import EnergyMeter
from distill_core.measure.machine import choose_precision, computes_bf16
from distill_core.models.precision import Precision
from distill_core.progress import WorkPlan
from distill_core.storage import read_json, write_json
from distill_core.train.stop import StopToken


@dataclass
class RunContext:
    """One run under way. stand_ins: the planner's; teachers get random weights of the right shapes, from their small
    files alone. meter: of the energy it takes, where that is asked for. precision: what models compute in while they
    learn and are asked (`settle_precision`)."""

    config: RunConfig
    folder: RunFolder
    home: DataHome
    sink: EventSink
    stop: StopToken
    device: torch.device
    plan: WorkPlan
    stand_ins: bool = False
    meter: EnergyMeter | None = None
    precision: Precision = "fp32"
    _now: tuple[str, float] | None = None
    _cpu: float = 0.0

    @property
    def seed(self) -> int:
        """Seed of everything the arms share: splits and teachers."""
        return self.config.seeds[0]

    def log(self, message: str, level: str = "info") -> None:
        self.sink.emit("log", level=level, message=message)

    def check_stop(self) -> None:
        if self.stop.is_set():
            raise Stopped

    def settle_precision(self) -> None:
        """Choose what models compute in; a run that goes on keeps what it began with, where its device can.

        Raises ConfigError (field `training.precision`) where the device cannot compute what is asked for.
        """
        chosen = choose_precision(self.config.training.precision, self.device)
        path = self.folder.checkpoints / "precision.json"
        found = read_json(path)
        kept = found.get("precision") if isinstance(found, dict) else None
        if kept is None and self._cpu_path.exists():
            kept = "fp32"  # a version that knew nothing else began it
        self.precision = "bf16" if (kept or chosen) == "bf16" else "fp32"
        if self.precision == "bf16" and not computes_bf16(self.device):
            self.precision = chosen
            self.log("This run began in bf16, which this device does not compute; it goes on in fp32.", "warning")
        elif self.precision != chosen:
            self.log(f"This run began in {self.precision} and goes on in it.")
        if self.precision == "bf16":
            self.log("Models compute in bf16 while they learn and are asked; losses and weights are fp32.")
            if self.device.type == "cpu":
                self.log("On a CPU bf16 is seldom faster than fp32, and often far slower.", "warning")
        write_json(path, {"precision": self.precision})

    @property
    def _seconds_path(self) -> Path:
        return self.folder.checkpoints / "seconds.json"

    @property
    def energy_path(self) -> Path:
        return self.folder.checkpoints / "energy.json"

    @property
    def _cpu_path(self) -> Path:
        return self.folder.checkpoints / "cpu_seconds.json"

    def cpu_seconds(self) -> dict[str, float]:
        """CPU seconds of this process, all threads together, as `stage_seconds`; `start` is what came before the first
        stage: loading torch and the project."""
        seconds = _read_seconds(self._cpu_path)
        if self._now:
            name, spent = self._now[0], time.process_time() - self._cpu
            seconds[name] = seconds.get(name, 0.0) + spent
        return seconds

    def started(self) -> None:
        """Note what the start of this attempt cost; to be called once, before the first stage."""
        seconds = self.cpu_seconds()
        write_json(self._cpu_path, {**seconds, "start": seconds.get("start", 0.0) + time.process_time()})

    def stage_seconds(self) -> dict[str, float]:
        """Wall-clock seconds spent in each stage so far, all attempts together, the one under way included."""
        seconds = _read_seconds(self._seconds_path)
        if self._now:
            name, started = self._now
            seconds[name] = seconds.get(name, 0.0) + time.monotonic() - started
        return seconds

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Report a stage's start and end, and add up its time, also when it is stopped on the way."""
        self.check_stop()
        self.sink.emit("stage", stage=name, state="started")
        self._now, self._cpu = (name, time.monotonic()), time.process_time()
        finished = False
        try:
            yield
            finished = True
        finally:
            seconds, spent = self.stage_seconds(), self.cpu_seconds()
            self._now = None
            write_json(self._seconds_path, seconds)
            write_json(self._cpu_path, spent)
            if finished:
                self.sink.emit("stage", stage=name, state="finished", seconds=seconds[name])


class Uncharted:
    """A sink that leaves out the curves of what nobody asked to see drawn; everything else is reported."""

    def __init__(self, sink: EventSink) -> None:
        self.sink = sink

    def emit(self, kind: str, **payload: Any) -> None:
        if kind not in ("metric", "phase", "resumed"):
            self.sink.emit(kind, **payload)


def _read_seconds(path: Path) -> dict[str, float]:
    try:
        seconds: dict[str, float] = json.loads(path.read_text())
    except (FileNotFoundError, ValueError):
        return {}
    return seconds
