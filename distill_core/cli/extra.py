"""`curve` and `without-teachers`: what is measured of a finished run on request."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from distill_core.cli.output import flush_stdout
from distill_core.errors import ConfigError, FieldError
from distill_core.export.markdown import table
from distill_core.export.verdict import metric_words
from distill_core.extras.state import LARGEST_MOST, USUAL_MOST, ExtraState
from distill_core.extras.words import left_out_words, worth_words
from distill_core.layout import DataHome, RunFolder

_GO_ON = "Type the same again to go on: what was finished is kept."


def add_curve(sub: argparse.ArgumentParser) -> None:
    sub.add_argument("folder", type=Path, metavar="RUN", help="a finished run's folder")
    sub.add_argument(
        "--most",
        type=int,
        default=USUAL_MOST,
        metavar="TIMES",
        help=f"go up to so many times the run's labels, where the data hold them (default {USUAL_MOST})",
    )
    sub.add_argument("--json", action="store_true", help="the figures as JSON instead of tables")


def add_without(sub: argparse.ArgumentParser) -> None:
    sub.add_argument("folder", type=Path, metavar="RUN", help="a finished run's folder")
    sub.add_argument("--json", action="store_true", help="the figures as JSON instead of tables")


def curve(arguments: argparse.Namespace) -> int:
    """Measure it, or go on; exit status 1 when it failed, 130 when it was stopped."""
    if not 1 <= arguments.most <= LARGEST_MOST:
        raise ConfigError([FieldError("--most", f"it lies between 1 and {LARGEST_MOST}.", f"{USUAL_MOST} is usual.")])
    return _work(arguments, "curve", arguments.most)


def without(arguments: argparse.Namespace) -> int:
    return _work(arguments, "without", USUAL_MOST)


def _work(arguments: argparse.Namespace, kind: str, most: int) -> int:
    folder = RunFolder(arguments.folder.absolute())
    if not folder.config.is_file():
        raise ConfigError(
            [FieldError("folder", f"{arguments.folder} holds no run.", "Give the folder that `run` wrote.")]
        )
    from distill_core.hub import decide_offline
    from distill_core.jobs.extras import Order, work

    decide_offline()
    state = work(folder, Order(kind, most), DataHome.from_environment(), _Progress(quiet=arguments.json))
    if state.state == "stopped":
        print(f"Stopped. {_GO_ON}", file=sys.stderr)
        return 130
    if state.error:
        print(f"{state.error['message']} {state.error['hint'] or ''}".strip(), file=sys.stderr)
        return 1
    if arguments.json:
        print(json.dumps(state.figures, ensure_ascii=False, indent=1))
    else:
        print("\n".join(lines(kind, state.figures)))
    return 0


class _Progress:
    """A line for everything new that is done."""

    def __init__(self, *, quiet: bool) -> None:
        self._quiet, self._last = quiet, ""

    def __call__(self, state: ExtraState) -> None:
        if state.note and state.note != self._last and not self._quiet:
            print(f"{100 * state.share:3.0f}% {state.note}", flush=True)
            flush_stdout()
        self._last = state.note


def lines(kind: str, figures: dict[str, Any]) -> list[str]:
    """Figures of a measurement that is done: sentences, then a table."""
    return curve_lines(figures) if kind == "curve" else without_lines(figures)


def curve_lines(figures: dict[str, Any]) -> list[str]:
    rows = []
    for point in figures["worth"]["points"]:
        own = [one for one in figures["points"] if one["labels"] == point["labels"]]
        low, high = point["interval"]
        rows.append(
            [
                f"{point['labels']:,}",
                f"{own[0]['times']:g}×",
                f"{100 * sum(one['test'] for one in own) / len(own):.1f}%",
                f"{100 * point['difference']:+.1f} ({100 * low:+.1f} to {100 * high:+.1f})",
            ]
        )
    head = [
        "labels",
        "of the run's",
        f"test {metric_words(figures['metric'], figures['task'])}",
        "student better by, points",
    ]
    return [*worth_words(figures["worth"], figures["unit"]), "", *table(head, rows)]


def without_lines(figures: dict[str, Any]) -> list[str]:
    rows = [[row["teacher"], f"{100 * row['test']:.1f}%"] for row in figures["rows"]]
    said = [left_out_words(row) for row in figures["rows"]]
    said += [f"{one['teacher']} cannot be left out: {one['why']}" for one in figures["kept_in"]]
    return [*said, "", *table(["without", f"test {metric_words(figures['metric'], figures['task'])}"], rows)]
