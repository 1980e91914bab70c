"""How long a run takes, and what it needs: its plan, exactly as it will be, multiplied by probes of this machine."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch

import distill_core.jobs.warm as warm
from distill_core.config import RunConfig, from_dict
from distill_core.layout import DataHome, RunFolder
from distill_core.measure.machine import choose_device
from distill_core.pipeline import settle
from distill_core.planner import needs
from distill_core.planner.probe import timed
from distill_core.planner.stages import StageCosts
from distill_core.planner.store import Cost, ProbeStore
from distill_core.progress import WorkPlan
from distill_core.stages import plan, prepare
from distill_core.stages.context import RunContext

#: what the probes of one machine are held to (benchmarks/planner.py): CPU seconds within so large a share
MARGIN = 0.3


class _Quiet:
    """An event sink for which nothing is worth reporting."""

    def emit(self, kind: str, **payload: Any) -> None:
        del kind, payload


def answer(payload: dict[str, Any]) -> dict[str, Any]:
    """Handler of "estimate". payload: {"config": a run config, "home": the data folder}. See `estimate`."""
    return estimate(from_dict(payload["config"]), DataHome(Path(payload["home"])))


def estimate(config: RunConfig, home: DataHome) -> dict[str, Any]:
    """{"seconds", "low", "high", "cpu_seconds", "parts": [{"stage", "seconds", "cpu_seconds"}], "memory_bytes",
    "disk_bytes", "signals": "live" | "cached", "basis": words, "probe_seconds": CPU seconds this took}.

    seconds: by the clock, on a machine that has little else to do. low, high: of `seconds`; low also counts on patience
    ending trials as early as it may. Stages: start (loading torch), prepare, teachers, cache, distil, measure; what an
    earlier run has left is not done again. memory_bytes: about the most the run's process holds at once, on
    the host, without what is mapped of the signals' files.
    disk_bytes: what the run leaves, and its largest checkpoint.

    Raises StillroomError where the run itself could not be prepared, Stopped between two probes when something else
    comes first: what was measured is kept.
    """
    home.create()
    with _threads(), tempfile.TemporaryDirectory(dir=home.cache, prefix="planner-") as scratch:
        settle(config)
        began = time.process_time()
        folder = RunFolder(Path(scratch) / "run").create()
        device = choose_device(config.device)
        quiet = _Quiet()
        ctx = RunContext(config, folder, home, quiet, warm.stop, device, WorkPlan(quiet), stand_ins=True)
        ctx.settle_precision()
        before = needs.resident()
        found: list[prepare.Prepared] = []
        reading = timed(lambda: found.append(prepare.run(ctx)), device)
        prepared = found[0]
        texts = max(0, needs.resident() - before - needs.bytes_of(prepared.teachers))
        student = plan.new_student(ctx, prepared, ctx.seed, random=True)
        planned = plan.plan_student(ctx, prepared, student)
        costs = StageCosts(ctx, prepared, planned, student, ProbeStore(home.cache), Path(scratch))
        stages = {
            "start": Cost(warm.start_cpu_seconds, warm.start_cpu_seconds),
            "prepare": reading + costs.preview(),
            "teachers": costs.teachers(),
            "cache": costs.cache(),
            "distil": costs.distil(),
            "measure": costs.measure(),
        }
        return {
            **_times(stages, costs.sparable, None if device.type != "cpu" else costs.parallel),
            "memory_bytes": needs.memory(costs, max(warm.start_memory, 0), texts),
            "disk_bytes": needs.disk(costs),
            "signals": config.signals,
            "basis": _basis(costs, device),
            "probe_seconds": time.process_time() - began,
        }


def _times(stages: dict[str, Cost], sparable: Cost, parallel: float | None) -> dict[str, Any]:
    """parallel: threads that were really at work at a time; None where an accelerator works, and the clock counts.

    On the CPU the clock of the probes says more about what else the machine did than about the run; CPU time does not.
    """

    def seconds(cost: Cost) -> float:
        return cost.wall if parallel is None else cost.cpu / parallel

    total = sum(stages.values(), Cost())
    return {
        "seconds": seconds(total),
        "low": (1 - MARGIN) * (seconds(total) - seconds(sparable)),
        "high": (1 + MARGIN) * seconds(total),
        "cpu_seconds": total.cpu,
        "parts": [{"stage": name, "seconds": seconds(cost), "cpu_seconds": cost.cpu} for name, cost in stages.items()],
    }


def _basis(costs: StageCosts, device: torch.device) -> str:
    threads = torch.get_num_threads()
    where = device.type if device.type != "cpu" else f"the CPU, {threads} thread{'' if threads == 1 else 's'}"
    known = f", {costs.remembered} more were known" if costs.remembered else ""
    kept = [f"Found from earlier runs: {', '.join(costs.found)}."] if costs.found else []
    measured = f"{costs.measured} short probe{'' if costs.measured == 1 else 's'} of this run's own steps on {where}"
    return " ".join([f"Measured: {measured}{known}; times the run's plan.", *kept])


@contextmanager
def _threads() -> Iterator[None]:
    before = torch.get_num_threads()
    try:
        yield
    finally:
        torch.set_num_threads(before)
