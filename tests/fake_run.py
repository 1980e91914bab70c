"""A run's child without torch: the real entry (`run_child`) around a pipeline that only counts.

`python -m tests.fake_run FOLDER [resume]`; what it does is read from FOLDER/behaviour.json or, failing that, from the
file named by FAKE_BEHAVIOUR: {steps, pause_s, fail, ignore_stop, slow_start_s, burst, curves}. With `curves`, each step
brings so many curves as a student with two teachers has, and the first `burst` steps come without a pause.
"""

from __future__ import annotations

import errno
import json
import math
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

from distill_core.config import RunConfig, from_dict
from distill_core.errors import DataError, Stopped
from distill_core.events import EventSink, metric
from distill_core.jobs.child import run_child
from distill_core.layout import DataHome, RunFolder
from distill_core.train.stop import StopToken


def config(name: str = "fake run", **more: Any) -> RunConfig:
    """A config that is valid and never really run."""
    raw = {
        "name": name,
        "data": {"source": "bundled"},
        "teachers": [{"source": "bundled:support-bert"}],
        "student": {"kind": "bilstm"},
    }
    return from_dict({**raw, **more})


def command(folder: RunFolder, resume: bool) -> list[str]:
    """For `Supervisor(command=…)`."""
    return [sys.executable, "-m", "tests.fake_run", str(folder.path), *(["resume"] if resume else [])]


def behaviour(folder: RunFolder) -> dict[str, Any]:
    for path in (folder.path / "behaviour.json", Path(os.environ.get("FAKE_BEHAVIOUR", "/nonexistent"))):
        if path.exists():
            return json.loads(path.read_text())
    return {}


def curves(step: int) -> list[dict[str, Any]]:
    """What a student with two teachers says of itself at a step: five losses, and the rest of the board."""
    fall, noise = math.exp(-step / 3000), math.sin(12.9898 * step)
    losses = {"loss_total": 3.0, "loss_soft": 1.6, "loss_hard": 1.1, "loss_hidden": 0.7, "loss_pkd": 0.4}
    rows = [metric("main", 13, name, step, top * (fall + 0.1) + 0.05 * noise) for name, top in losses.items()]
    for number, name in enumerate(("one", "two")):
        rows.append(metric("main", 13, f"kl/{name}", step, 1.5 * fall + 0.1 * number + 0.03 * noise))
        rows.append(metric("main", 13, f"weight/{name}", step, 0.9 - 0.1 * number + 0.01 * noise))
    rows.append(metric("main", 13, "disagreement", step, 0.1 + 0.02 * noise))
    rows.append(metric("main", 13, "learning_rate", step, 2e-3 * fall))
    rows.append(metric("main", 13, "examples_per_second", step, 2400 + 90 * noise, "examples/s"))
    if step % 250 == 0:
        rows.append(metric("main", 13, "validation_quality", step, 0.95 - 0.5 * fall, "share"))
    return rows


def pipeline(config: RunConfig, folder: RunFolder, home: DataHome, sink: EventSink, stop: StopToken) -> dict[str, Any]:
    wanted = behaviour(folder)
    steps, pause = wanted.get("steps", 5), wanted.get("pause_s", 0.01)
    saved = folder.checkpoints / "step"
    done = int(saved.read_text()) if saved.exists() else 0
    if saved.exists():
        sink.emit("resumed", attempt=2, arm="main", seed=13, from_step=done)
    if wanted.get("fail") == "data":
        raise DataError("there is no text column.", hint="Name it.", field="data.columns.text")
    if wanted.get("fail") == "disk":
        raise OSError(errno.ENOSPC, "No space left on device")
    if wanted.get("fail") == "bug":
        raise KeyError("surprise")
    sink.emit("stage", stage="distil", state="started")
    for step in range(done + 1, steps + 1):
        if step <= wanted.get("burst", 0):
            sink.emit("metric", rows=curves(step))
            continue
        time.sleep(pause)
        rows = curves(step) if wanted.get("curves") else [metric("main", 13, "loss", step, 1 / step)]
        sink.emit("metric", rows=rows)
        sink.emit("progress", share=step / steps, eta_s=(steps - step) * pause, note=f"step {step}")
        if step % 2 == 0:
            temporary = saved.with_suffix(".tmp")
            temporary.write_text(str(step))
            temporary.replace(saved)
        if stop.is_set() and not wanted.get("ignore_stop"):
            saved.write_text(str(step))
            raise Stopped
    report = {"status": "done", "quality_kept": 0.99, "compression": {"parameters": 28.0}}
    folder.report.write_text(json.dumps(report))
    sink.emit("stage", stage="distil", state="finished", seconds=1.0)
    return report


if __name__ == "__main__":
    target = RunFolder(Path(sys.argv[1]))
    if behaviour(target).get("slow_start_s"):
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        time.sleep(behaviour(target)["slow_start_s"])
    sys.exit(run_child(target, resume="resume" in sys.argv[2:], pipeline=pipeline))
