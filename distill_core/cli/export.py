"""`export`, `push` and `import`: a finished run taken away, and one made elsewhere taken in."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from distill_core.errors import ConfigError, FieldError
from distill_core.export.formats import FORMATS, ExportState, export_folder, known_formats, read_state
from distill_core.export.markdown import table
from distill_core.jobs import exports as jobs
from distill_core.jobs.exports import Order, build
from distill_core.jobs.imports import import_run
from distill_core.layout import DataHome, RunFolder


def export(path: Path, order: Order) -> int:
    """Make exports of a run's folder; exit status 1 when one was refused or failed."""
    folder = _folder(path)
    if not 0 <= order.allowed <= 100:
        raise ConfigError([FieldError("--allow-loss", "a loss is between 0 and 100 points.", "0.5 is usual.")])
    known = Order(
        known_formats(list(order.formats)),
        order.allowed,
        order.teacher,
        order.out.absolute() if order.out else None,
        order.licence,
    )
    from distill_core.hub import decide_offline

    decide_offline()
    states = build(folder, known, _Progress())
    _say(folder, known, states)
    return int(any(state.state != "ready" for state in states))


def cancel(path: Path, order: Order) -> int:
    """End the building of these formats, whoever started it; what was exported before stays."""
    folder = _folder(path)
    for name in known_formats(list(order.formats)):
        building = read_state(folder, name).state == "building"
        jobs.cancel(folder, name)
        print(f"{FORMATS[name].title}: {'cancelled' if building else 'nothing was being built'}.")
    return 0


def _folder(path: Path) -> RunFolder:
    folder = RunFolder(path.absolute())
    if not folder.config.is_file():
        raise ConfigError([FieldError("folder", f"{path} holds no run.", "Give the folder that `run` wrote.")])
    return folder


class _Progress:
    """A line for everything new that is done."""

    def __init__(self) -> None:
        self._last = ""

    def __call__(self, state: ExportState) -> None:
        line = f"{FORMATS[state.format].title}: {state.note}"
        if state.note and line != self._last:
            print(line, flush=True)
            self._last = line


def _say(folder: RunFolder, order: Order, states: list[ExportState]) -> None:
    rows = [_row(state) for state in states if state.figures]
    if rows:
        heads = ["format", "validation", "lost (points)", "same answers", "MB", "p50 (ms)", "speed-up"]
        print("\n".join(table(heads, rows)))
    for state in states:
        title = FORMATS[state.format].title
        if state.state == "ready":
            where = export_folder(folder, state.format) if order.out is None else order.out / state.format
            print(f"{title}: {where}")
        elif state.error:
            verb = "refused" if state.state == "refused" else "failed"
            words = f"{state.error['message']} {state.error['hint'] or ''}".strip()
            print(f"{title}: {verb}. {words}", file=sys.stderr)


def _row(state: ExportState) -> list[Any]:
    figures = state.figures
    latency = figures.get("latency", [])
    times = ", ".join(f"{row['student_ms']['p50']:.2f} at {row['batch']}" for row in latency)
    faster = ", ".join(f"{row['speedup']:.1f}× at {row['batch']}" for row in latency if row.get("speedup"))
    return [
        FORMATS[state.format].title,
        f"{100 * figures['quality']['export']:.2f}%",
        f"{figures['lost_points']:.2f}",
        f"{100 * figures['agreement']:.2f}%",
        f"{figures['bytes']['export'] / 1e6:.2f}",
        times or "–",
        faster or "–",
    ]


def push(folder: Path, name: str, *, public: bool) -> int:
    """Put an export's folder on the Hub, with the token of the environment."""
    from distill_core.export.push import push as upload

    print(upload(folder, name, private=not public))
    return 0


def take_in(source: Path) -> int:
    """Copy a run's folder, or a zip of one, into the data folder. A page that is open shows it at its next start."""
    folder = import_run(DataHome.from_environment(), source)
    print(f"Imported as {folder.run_id}: {folder.path}")
    return 0
