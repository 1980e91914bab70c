"""All finished runs, by the data they were made with: what each student keeps, at what size and latency. No torch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from distill_core.errors import StillroomError
from distill_core.layout import RunFolder
from distill_core.services.compare import choose, machines_of, timed_at
from distill_core.services.summaries import summary

#: what the rows may be sorted by → best first is the highest?
ORDERS = {"kept": True, "test": True, "size": False, "latency": False, "time": False}


@dataclass(frozen=True)
class Filters:
    """None, "" and False let everything through that is not archived. data: a data key, or the name that
    one or several have; tag: in any case. examples: those that ship with the project too; None: where there is no other
    run to show."""

    data: str | None = None
    task: str | None = None
    tag: str | None = None
    archived: bool = False
    examples: bool | None = None

    def lets(self, run: dict[str, Any]) -> bool:
        return (
            (not self.data or self.data in (run["data"]["key"], run["data"]["name"]))
            and (not self.task or run["task"] == self.task)
            and (not self.tag or self.tag.casefold() in (tag.casefold() for tag in run["tags"]))
            and (self.archived or not run["archived"])
        )


def leaderboard(
    folders: Sequence[RunFolder],
    filters: Filters | None = None,
    order: str = "kept",
    batch: int | None = None,
    runtime: str | None = None,
) -> dict[str, Any]:
    """{groups: [{key, name, known, task, metric_words, rows: [{id, name, example, tags, archived, created, reference,
    seeds, kept, kept_interval, validation, test, parameters, bytes, seconds, latency: `compare.timed_at`}]}],
    data: [{key, name, known}], tasks, tags (of all finished runs: what can be filtered by),
    batches, batch, runtimes, runtime, machines (of those shown): as `compare.compare` has them,
    examples: are they among them?}

    Groups with more rows come first; rows stand in the given order, the best first, what is not known last. Runs
    without a report, or with a damaged one, are left out.
    """
    runs = []
    for folder in folders:
        try:
            runs.append(summary(folder))
        except (StillroomError, OSError):
            continue  # one bad folder does not hide the others
    filters = filters or Filters()
    examples = wants_examples(filters, any(not run["example"] for run in runs))
    runs = [run for run in runs if examples or not run["example"]]
    shown = [run for run in runs if filters.lets(run)]
    timed = choose(shown, batch, runtime)
    groups: dict[str, dict[str, Any]] = {}
    for run in shown:
        head = {
            **run["data"],
            "task": run["task"],
            "metric_words": run["metric_words"],
            "rows": [],
        }
        groups.setdefault(head["key"], head)["rows"].append(_row(run, timed["batch"], timed["runtime"]))
    for group in groups.values():
        group["rows"].sort(key=lambda row: _place(row, order))
    data = {run["data"]["key"]: run["data"] for run in runs}
    return {
        "groups": sorted(groups.values(), key=lambda group: -len(group["rows"])),
        "data": list(data.values()),
        "tasks": sorted({run["task"] for run in runs}),
        "tags": sorted({tag for run in runs for tag in run["tags"]}, key=str.casefold),
        **timed,
        "machines": machines_of(shown),
        "examples": examples,
    }


def wants_examples(filters: Filters, others: bool) -> bool:
    """others: is there a finished run besides them?"""
    return not others if filters.examples is None else filters.examples


def _row(run: dict[str, Any], batch: int | None, runtime: str | None) -> dict[str, Any]:
    student = next(point for point in run["points"] if point["key"] == "main")
    figures = ("seeds", "kept", "kept_interval", "validation", "test", "parameters", "bytes", "seconds")
    return {
        **{name: run[name] for name in ("id", "name", "example", "tags", "archived", "created", "reference")},
        **{name: student[name] for name in figures},
        "latency": timed_at(student, batch, runtime),
    }


def _place(row: dict[str, Any], order: str) -> tuple[bool, float]:
    values = {
        "kept": row["kept"],
        "test": row["test"],
        "size": row["bytes"],
        "latency": row["latency"] and row["latency"]["p50"],
        "time": row["seconds"],
    }
    value = values[order]
    return value is None, 0.0 if value is None else -value if ORDERS[order] else value
