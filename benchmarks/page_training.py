"""A real run through the app, with and without people who look at it: what its steps take."""

from __future__ import annotations

import http.client
import json
import os
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import yaml

from benchmarks.page_viewers import Question, cpu, viewers
from distill_core import recipes
from distill_core.events import TERMINAL_EVENTS
from tests.e2e.conftest import App

PATIENCE_S = 900
#: more than an event's line takes
LAST_BYTES = 2**16


@dataclass
class Trained:
    """The stage that distils, of one run. seconds: wall; child, server: CPU seconds in it; steps: the student's."""

    viewers: int
    seconds: float
    child: float
    server: float
    steps: int


def shortened(epochs: int) -> str:
    """The demo as YAML: no controls, few evaluations, so many epochs of the student; teachers as they are."""
    found = yaml.safe_load(recipes.load("demo").config.to_yaml())
    found["controls"] = []
    found["training"].update(epochs=epochs, evaluations=4)
    return yaml.safe_dump(found)


def call(app: App, name: str, *data: Any) -> Any:
    """An answer of the app's public API (docs/api.md)."""
    line = http.client.HTTPConnection("127.0.0.1", app.port, timeout=120)
    try:
        line.request(
            "POST", f"/gradio_api/call/{name}", json.dumps({"data": data}), {"Content-Type": "application/json"}
        )
        event = json.loads(line.getresponse().read())["event_id"]
        line.request("GET", f"/gradio_api/call/{name}/{event}")
        said = line.getresponse().read().decode()
    finally:
        line.close()
    if not said.startswith("event: complete"):
        raise RuntimeError(f"{name}: {said}")
    return json.loads(said.partition("data: ")[2])[0]


class Meter(threading.Thread):
    """CPU of a run's child and of the server, twice a second from the child's first second to its last."""

    def __init__(self, server: psutil.Process, folder: Path) -> None:
        super().__init__(daemon=True)
        self.server, self.folder, self.over = server, folder, threading.Event()
        self.rows: list[tuple[float, float, float]] = []

    def run(self) -> None:
        child = None
        while not self.over.wait(0.5):
            try:
                child = child or psutil.Process(json.loads((self.folder / "process.json").read_text())["pid"])
                self.rows.append((time.time(), cpu(child), cpu(self.server)))
            except (OSError, ValueError, psutil.Error):
                continue

    def between(self, first: float, last: float) -> tuple[float, float]:
        """CPU seconds of child and server between two moments, read between samples along a straight line."""
        return self._at(last, 1) - self._at(first, 1), self._at(last, 2) - self._at(first, 2)

    def _at(self, when: float, column: int) -> float:
        after = next(i for i, row in enumerate(self.rows) if row[0] >= when)
        one, two = self.rows[max(0, after - 1)], self.rows[after]
        share = (when - one[0]) / (two[0] - one[0]) if two[0] > one[0] else 0.0
        return one[column] + share * (two[column] - one[column])


def events(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "events.jsonl").read_text(encoding="utf-8").splitlines()]


def student_steps(found: list[dict[str, Any]]) -> list[tuple[float, int]]:
    """(time, step) of every event that tells the student's loss."""

    def tells(row: Mapping[str, Any]) -> bool:
        return row["arm"] == "main" and row["name"] == "loss_total"

    rows = [(e["time"], r["step"]) for e in found if e["kind"] == "metric" for r in e["payload"]["rows"] if tells(r)]
    return sorted(rows)


def train(app: App, question: Question, config: str, count: int) -> Trained:
    """One run to its end with `count` viewers of it from the start on. Raises RuntimeError when it fails."""
    assert app.process is not None
    server = psutil.Process(app.process.pid)
    run_id = call(app, "start", config, f"{count}-{time.time()}")
    folder = app.home / "runs" / run_id
    meter = Meter(server, folder)
    meter.start()
    with viewers(question, run_id, count):
        end = time.monotonic() + PATIENCE_S
        while (status := ended(folder)) is None:
            if time.monotonic() > end:
                raise RuntimeError(f"{run_id} did not end")
            time.sleep(1)
    meter.over.set()
    meter.join()
    if status != "done":
        raise RuntimeError(f"{run_id}: {status}")
    rows = student_steps(events(folder))
    # The first tenth is left out: caches and branches that every run warms.
    first, last = rows[len(rows) // 10], rows[-1]
    child, spent = meter.between(first[0], last[0])
    return Trained(count, last[0] - first[0], child, spent, last[1] - first[1])


def ended(folder: Path) -> str | None:
    """How a run has ended, by the last line of its events: the app is not asked."""
    try:
        with open(folder / "events.jsonl", "rb") as file:
            file.seek(max(0, os.fstat(file.fileno()).st_size - LAST_BYTES))
            kind = json.loads(file.read().splitlines()[-1])["kind"]
    except (OSError, ValueError, IndexError):
        return None
    return str(kind) if kind in TERMINAL_EVENTS else None
