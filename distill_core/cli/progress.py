"""A run's events on the terminal: a bar with time left on a terminal, plain lines elsewhere. Never stops a run."""

from __future__ import annotations

import sys
import threading
import time
from typing import Any, TextIO

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn

from distill_core.events import EventSink

#: plain output: at most one progress line in this many seconds
PLAIN_SECONDS = 10.0


class Watcher:
    """Passes events to a display that may fail: a closed terminal or pipe is no reason to lose a run."""

    def __init__(self, shown: EventSink) -> None:
        self._shown: EventSink | None = shown

    def emit(self, kind: str, **payload: Any) -> None:
        if self._shown is None:
            return
        try:
            self._shown.emit(kind, **payload)
        except (OSError, ValueError):  # ValueError: write to a closed file
            self._shown = None


def display(stream: TextIO | None = None) -> EventSink:
    """The display that fits the stream (standard output)."""
    stream = sys.stdout if stream is None else stream
    try:
        terminal = stream.isatty()
    except ValueError:
        terminal = False
    return BarDisplay(Console(file=stream)) if terminal else PlainDisplay(stream)


def duration(seconds: float) -> str:
    """ "12 s", "1 min 12 s", "2 h 5 min"."""
    whole = max(0, round(seconds))
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def line_of(kind: str, payload: dict[str, Any]) -> str | None:
    """The line that an event is worth, None for those that are not worth one."""
    if kind == "stage":
        if payload["state"] == "started":
            return f"{payload['stage']} …"
        return f"{payload['stage']}: {duration(payload.get('seconds') or 0.0)}"
    if kind == "log":
        return str(payload["message"])
    if kind == "finding":
        return f"{payload['severity']}: {payload['field']}: {payload['message']}"
    if kind == "teacher":
        if payload["validation"] is None:
            return f"teacher {payload['name']}: stays as pre-trained, no quality of its own"
        best = " (reference)" if payload.get("level") == "reference" else ""
        return f"teacher {payload['name']}{best}: validation {100 * payload['validation']:.1f}%"
    if kind == "arm":
        quality = payload["quality"]
        shown = ", ".join(f"{split} {100 * quality[split]:.1f}%" for split in ("validation", "test"))
        return f"{payload['arm']}, seed {payload['seed']}: {shown}"
    if kind == "resumed":
        return f"resumed: {payload['arm']}, seed {payload['seed']}, from step {payload['from_step']}"
    return None  # failures are said on stderr by the child itself


def validation_of(payload: dict[str, Any]) -> str | None:
    """The last validation quality in a `metric` event, in words."""
    rows = [row for row in payload["rows"] if row["name"] == "validation_quality" and row["value"] is not None]
    return f"{rows[-1]['arm']} {100 * rows[-1]['value']:.1f}%" if rows else None


def progress_text(payload: dict[str, Any]) -> str:
    """ "41%, 1 min 12 s left: distilling"."""
    left = f", {duration(payload['eta_s'])} left" if payload.get("eta_s") is not None else ""
    note = f": {payload['note']}" if payload.get("note") else ""
    return f"{100 * payload['share']:.0f}%{left}{note}"


class PlainDisplay:
    """One line per thing that happened; progress and validation at most every `PLAIN_SECONDS`."""

    def __init__(self, stream: TextIO) -> None:
        self._stream, self._lock = stream, threading.Lock()
        self._last = float("-inf")
        self._validation = ""

    def emit(self, kind: str, **payload: Any) -> None:
        with self._lock:
            if kind == "metric":
                self._validation = validation_of(payload) or self._validation
            line = self._progress(payload) if kind == "progress" else line_of(kind, payload)
            if line:
                print(line, file=self._stream, flush=True)

    def _progress(self, payload: dict[str, Any]) -> str | None:
        now = time.monotonic()
        if now - self._last < PLAIN_SECONDS:
            return None
        self._last = now
        return progress_text(payload) + (f" (validation: {self._validation})" if self._validation else "")


class BarDisplay:
    """A bar that stays at the bottom; lines scroll above it."""

    def __init__(self, console: Console) -> None:
        self._lock = threading.Lock()
        self._bar = Progress(
            TextColumn("{task.fields[stage]:<8}", markup=False),
            BarColumn(bar_width=24),
            TextColumn("{task.percentage:>3.0f}%", markup=False),
            TextColumn("{task.fields[left]}", markup=False),
            TextColumn("{task.fields[validation]}", markup=False),
            TextColumn("{task.fields[note]}", markup=False),
            console=console,
            transient=True,
        )
        self._task: TaskID | None = None

    def emit(self, kind: str, **payload: Any) -> None:
        with self._lock:
            if self._task is None:
                self._task = self._bar.add_task("run", total=1.0, stage="", left="", validation="", note="")
                self._bar.start()
            if kind == "progress":
                eta = payload.get("eta_s")
                left = "" if eta is None else f"{duration(eta)} left"
                self._bar.update(self._task, completed=payload["share"], left=left, note=payload.get("note") or "")
            elif kind == "metric":
                found = validation_of(payload)
                if found:
                    self._bar.update(self._task, validation=f"validation {found}")
            elif kind == "stage" and payload["state"] == "started":
                self._bar.update(self._task, stage=payload["stage"])
            else:
                line = line_of(kind, payload)
                if line:
                    self._bar.console.print(line, markup=False, highlight=False)
            if kind in ("done", "failed", "stopped"):
                self._bar.stop()
                self._task = None
