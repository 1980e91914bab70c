"""The limits of a run in plain words: what its figures do not say, and what was not measured. No torch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from distill_core.tasks.base import known_task

#: how many small slices are named
_NAMED = 8


def sentences(report: Mapping[str, Any], verdict: Mapping[str, Any]) -> list[str]:
    """One limit a sentence; only those that hold for this run."""
    seeds = report["seeds"]
    said = []
    if len(seeds) == 1:
        said.append(
            f"One seed is one seed: everything was trained once (seed {seeds[0]}), and another seed would give other "
            "figures. What is said of the method needs several."
        )
    else:
        said.append(f"{len(seeds)} seeds were trained; their spread is that of {len(seeds)} values, no more.")
    controls = {row["against"] for row in report["comparisons"] if row["role"] == "control"}
    if "no_teacher" not in controls:
        said.append("The student without teachers was not trained: whether the teachers helped is not known.")
    said.append(_test_set(report))
    lost = verdict.get("lost")
    if lost is None:
        said.append("Single classes, languages and lengths were not compared: no predictions were kept.")
    elif lost["small"]:
        named = ", ".join(f"{row['name']} ({row['rows']})" for row in lost["small"][:_NAMED])
        more = f" and {len(lost['small']) - _NAMED} more" if len(lost["small"]) > _NAMED else ""
        said.append(f"Too small to be compared by themselves: {named}{more}. A loss there would not have been seen.")
    if lost is not None and not lost["losses"]:
        said.append("That no loss is shown does not mean that there is none.")
    said += [_latency(report), _not_measured(report)]
    return said


def _test_set(report: Mapping[str, Any]) -> str:
    size = (report["data"].get("sizes") or {}).get("test")
    noun = known_task(report["task"]).words.row
    rows = f"{size:,} {noun}s" if size else "one test set"
    half = report.get("test_half_width")
    known = f", which tells one student's quality to ±{100 * half:.1f} points" if half is not None else ""
    return (
        f"Quality was measured on {rows} from the same source as the training data{known}. Texts of another kind, "
        "later texts, and texts made to mislead were not measured."
    )


def _latency(report: Mapping[str, Any]) -> str:
    runtimes = sorted({row["runtime"] for row in report.get("latency_models") or []})
    if not runtimes:
        return "Latency was not measured."
    machine = (report.get("device") or {}).get("device_name") or "one machine"
    return (
        f"Latency holds for {' and '.join(runtimes)} on {machine}: other machines, runtimes, lengths and batch sizes "
        "were not measured, and time for tokenising and transfer comes on top."
    )


def _not_measured(report: Mapping[str, Any]) -> str:
    energy = "" if report.get("energy") else "energy, "
    return f"Not measured: {energy}fairness between groups of people, and behaviour under load."
