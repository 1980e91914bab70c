"""`verdict`: ship it or not, against thresholds that are kept with the run."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from distill_core.errors import JobError
from distill_core.export.markdown import table
from distill_core.export.verdict import points
from distill_core.layout import RunFolder
from distill_core.services import results

#: option → threshold; "off" takes it away
_OPTIONS = {
    "keep": ("keep", "PERCENT", "of the best teacher's quality"),
    "smaller": ("smaller", "TIMES", "fewer parameters than the best teacher's"),
    "megabytes": ("mb", "MB", "at most, as fp32 safetensors"),
    "latency_ms": ("latency-ms", "MS", "at most, median of one call at --batch"),
    "faster": ("faster", "TIMES", "as fast as the best teacher at --batch"),
    "batch": ("batch", "N", "one of the batch sizes that were measured (default: the smallest)"),
    "slice_loss": ("slice-loss", "POINTS", "that a class, language, length, rare slice or kind of piece may lose"),
}
_MARKS = {"met": "✓", "missed": "✗", "unsure": "?", "open": "–"}


def add_arguments(sub: argparse.ArgumentParser) -> None:
    sub.add_argument("folder", type=Path, metavar="DIR")
    for name, (option, metavar, said) in _OPTIONS.items():
        sub.add_argument(f"--{option}", dest=name, type=_number, metavar=metavar, help=f"{said}; off: not asked for")
    sub.add_argument(
        "--gain",
        action=argparse.BooleanOptionalAction,
        default=None,
        help="the teachers have to be shown to have helped",
    )
    sub.add_argument("--forget", action="store_true", help="back to the thresholds by default")
    sub.add_argument("--json", action="store_true", help="JSON instead of sentences")


def _number(text: str) -> float | str:
    if text.lower() == "off":
        return ""
    try:
        return float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"a number, or off: not {text!r}") from None


def verdict(arguments: argparse.Namespace) -> int:
    """Print it; exit status 0 for ship, 1 otherwise. Thresholds that are given are kept with the run."""
    folder = RunFolder(arguments.folder)
    if not folder.config.is_file():
        raise JobError(f"{arguments.folder} holds no run.", hint="Give the folder of a run, with its config.yaml.")
    given: dict[str, Any] = {
        name: getattr(arguments, name) for name in (*_OPTIONS, "gain") if getattr(arguments, name) is not None
    }
    found = results.verdict(folder, given, forget=arguments.forget)
    if arguments.json:
        print(json.dumps(found, ensure_ascii=False, indent=1))
    else:
        print("\n".join(lines(found)))
    return 0 if found["verdict"] == "ship" else 1


def lines(found: dict[str, Any]) -> list[str]:
    """The verdict in words, then each check, then where the student falls behind."""
    said = [f"{found['words']} {found['headline']}", ""]
    said += [f"{_MARKS[check['status']]} {check['said']}" for check in found["checks"]]
    losses = (found["lost"] or {}).get("losses") or []
    if losses:
        rows = [
            [
                *(row["title"], row["rows"], row["against_title"], f"{100 * row['student']:.1f}%"),
                *(f"{100 * row['other']:.1f}%", points(row["difference"], signed=True), f"{row['p_adjusted']:.3g}"),
            ]
            for row in losses
        ]
        said += ["", *table(["where", "rows", "against", "student", "other", "difference", "p (Holm)"], rows)]
    whose = "kept with this run" if found["own"] else "by default"
    asked = ", ".join(
        f"{name} {_shown(value)}" for name, value in found["thresholds"].items() if value not in (None, False)
    )
    return [*said, "", f"Thresholds ({whose}): {asked or 'none'}."]


def _shown(value: Any) -> str:
    return "on" if value is True else f"{value:g}"
