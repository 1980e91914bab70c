"""`examine`: what the page shows of a finished run's single answers; `calibrate`: the temperature it offers."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from distill_core.analysis.examples import ORDERS, WHO
from distill_core.errors import JobError
from distill_core.export.markdown import table
from distill_core.layout import RunFolder
from distill_core.services import result_details

#: mistakes that are printed
_MISTAKES = 10
_MISSING = {
    "nothing_kept": "This run was made before predictions were kept; run it again to examine it.",
    "single_answers": "This run was made before single answers of masked LM were kept: texts alone are counted, so "
    "there is nothing more to examine. Run it again to have them.",
    "too_many": "The test hides too many pieces to keep every answer: texts alone are counted, so there is nothing "
    "more to examine.",
}


def add_examine(sub: argparse.ArgumentParser) -> None:
    sub.add_argument("folder", type=Path, metavar="DIR")
    sub.add_argument("--csv", action="store_true", help="the test rows on which student and teacher differ, as CSV")
    sub.add_argument("--against", default="", metavar="TEACHER", help="its name (default: the best one)")
    sub.add_argument("--who", choices=WHO, default="any", help="is right on these rows")
    of = "rows of this class alone; in masked LM a kind of hidden pieces, or a piece"
    sub.add_argument("--class", dest="gold", default="", metavar="LABEL", help=of)
    sub.add_argument("--sure", type=float, default=0.0, metavar="SHARE", help="least confidence of the student")
    sub.add_argument("--order", choices=ORDERS, default="row", help="by row, or the surest first")
    sub.add_argument("--price", type=float, metavar="PER_HOUR", help="of the machine: what a million predictions cost")
    sub.add_argument("--json", action="store_true", help="all figures as JSON")


def add_calibrate(sub: argparse.ArgumentParser) -> None:
    sub.add_argument("folder", type=Path, metavar="DIR")
    sub.add_argument("--off", action="store_true", help="take the temperature away again")


def _run(path: Path) -> RunFolder:
    folder = RunFolder(path)
    if not folder.config.is_file():
        raise JobError(f"{path} holds no run.", hint="Give the folder of a run, with its config.yaml.")
    return folder


def examine(arguments: argparse.Namespace) -> int:
    """Print it; with --csv the rows on which student and teacher differ."""
    folder = _run(arguments.folder)
    found = result_details.details(folder)
    if arguments.csv:
        print(result_details.disagreements_csv(folder, _wanted(arguments, found)), end="")
        return 0
    costs = result_details.cost(folder, arguments.price)
    if arguments.json:
        print(json.dumps({**found, "cost": costs}, ensure_ascii=False, indent=1))
        return 0
    print("\n".join([*_said(found), *_costs(costs)]))
    return 0


def calibrate(arguments: argparse.Namespace) -> int:
    """Use the temperature that validation gives, or none."""
    found = result_details.set_temperature(_run(arguments.folder), not arguments.off)
    value = found["temperature"]
    print("No temperature is used." if value is None else f"The student's logits are divided by {value:.3f}.")
    return 0


def _wanted(arguments: argparse.Namespace, found: dict[str, Any]) -> dict[str, Any]:
    keys = {name: key for key, name in (found.get("against") or {}).items()}
    given = {name: getattr(arguments, name) for name in ("who", "gold", "sure", "order")}
    return {**given, "against": keys.get(arguments.against, arguments.against)}


def _said(found: dict[str, Any]) -> list[str]:
    if found["missing"]:
        return [_MISSING[found["missing"]]]
    lines = []
    for side in ("student", "teacher"):
        one = found["calibration"][side]
        if one is None:
            continue
        lines.append(
            f"{side}: sure by {100 * one['confidence']:.1f}%, right in {100 * one['accuracy']:.1f}%; expected "
            f"calibration error {100 * one['ece']:.2f} points ({len(one['bins'])} equal bins)"
        )
        fitted = one["temperature"]
        if fitted:
            lines.append(
                f"  temperature {fitted['value']:.3f} from validation: {100 * fitted['ece_before']:.2f} → "
                f"{100 * fitted['ece_after']:.2f} points on test"
            )
    lines += ["", *_teachers(found["teachers"])]
    return lines if found["groups"] is None else [*lines, "", *_groups(found["groups"]), *_mistakes(found["mistakes"])]


def _groups(rows: list[dict[str, Any]]) -> list[str]:
    """Hidden pieces by what they are: how many of them are guessed."""
    sides = [side for side in ("student", "teacher", "control") if rows and rows[0][side] is not None]
    cells = [[row["name"], f"{row['pieces']:,}", *(f"{100 * row[side]:.1f}%" for side in sides)] for row in rows]
    return table(["hidden pieces", "how many", *sides], cells) if rows else []


def _mistakes(found: dict[str, Any]) -> list[str]:
    pairs = found["student"]["pairs"][:_MISTAKES]
    rows = [[pair["gold"], pair["said"], pair["count"], pair["of"]] for pair in pairs]
    return ["", *table(["gold", "the student said", "times", "of"], rows)] if rows else []


def _teachers(found: dict[str, Any] | None) -> list[str]:
    if found is None:
        return []
    rows = [
        [name, f"{100 * found['accuracy'][i]:.1f}%", found["errors"][i], *found["both"][i]]
        for i, name in enumerate(found["names"])
    ]
    return [
        *table(["teacher", "right", "wrong", *(f"both wrong with {name}" for name in found["names"])], rows),
        f"some teacher is right: {100 * found['oracle']:.1f}%; student: {100 * found['student']:.1f}%; right where all "
        f"teachers are wrong: {found['student_beyond']}",
    ]


def _costs(found: dict[str, Any]) -> list[str]:
    if found["price"] is None:
        return []
    rows = [[row["name"], row["batch"], f"{row['per_second']:,.0f}", f"{row['cost']:.4f}"] for row in found["rows"]]
    said = ["", *found["energy"]] if found["energy"] else []
    return ["", *table(["model", "batch", "predictions/s", "a million cost"], rows), *said]
