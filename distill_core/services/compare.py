"""Several finished runs side by side: what each reaches at what cost, which of them nothing else beats. No torch.

Validation decides who is on a front; test is what is shown of it. Runs of different data are on different fronts.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from distill_core.config import load
from distill_core.errors import JobError, StillroomError
from distill_core.layout import RunFolder
from distill_core.services.differences import differing
from distill_core.services.pareto import front
from distill_core.services.summaries import summary, with_intervals

#: runs that are compared at once: more make no readable chart
MOST = 12
#: what a front may weigh quality against → what a point has of it
COSTS = ("latency", "size", "time")


def compare(folders: Sequence[RunFolder], batch: int | None = None, runtime: str | None = None) -> dict[str, Any]:
    """What the runs in these folders reach, at what cost.

    batch, runtime: of the latencies; None, or one that none of them was measured with: the smallest batch, and the
    runtime (with threads, length, device) that most of them share.

    {runs: [{id, name, example, machine, tags, archived, created, task, metric, metric_words, data, reference}],
     left_out: [{id, name, why}] (no report yet, damaged),
     points: [{id (run/key), run, run_name, example, data (key), and of `summaries.summary`: key, role, name, seeds,
         validation, test, interval, kept, kept_interval, parameters, bytes, seconds; latency: `timed_at` | None,
         on: [costs on whose front it is]}],
     groups: [{key, name, known, metric, metric_words, runs: [ids], fronts: {cost: [points' ids, by rising cost]}}],
     batches, batch, runtimes, runtime (both None when nothing was timed), machines: `machines_of` the runs,
     settings: `differences.differing` of the runs (in their order), unread: [names of runs whose config is unreadable]}

    Raises JobError when there is nothing to compare, or too much.
    """
    unique = list({folder.path.resolve(): folder for folder in folders}.values())
    if not unique:
        raise JobError("No run was chosen.", hint="Choose at least two finished runs.", field="runs")
    if len(unique) > MOST:
        raise JobError(
            f"{len(unique)} runs are too many to be read side by side.", hint=f"Choose at most {MOST}.", field="runs"
        )
    runs, left_out, used = [], [], []
    for folder in unique:
        try:
            runs.append(with_intervals(summary(folder), folder))
            used.append(folder)
        except StillroomError as error:
            left_out.append(
                {"id": folder.run_id, "name": folder.run_id, "why": f"{error.message} {error.hint}".strip()}
            )
    timed = choose(runs, batch, runtime)
    points = [_point(run, point, timed["batch"], timed["runtime"]) for run in runs for point in run["points"]]
    groups = [_group(key, runs, points) for key in dict.fromkeys(run["data"]["key"] for run in runs)]
    for point in points:
        point["on"] = [c for c in COSTS if any(point["id"] in group["fronts"][c] for group in groups)]
    settings, unread = _settings(used, [run["name"] for run in runs])
    return {
        "runs": [{name: value for name, value in run.items() if name != "points"} for run in runs],
        "left_out": left_out,
        "points": points,
        "groups": groups,
        **timed,
        "machines": machines_of(runs),
        "settings": settings,
        "unread": unread,
    }


def cost_of(point: Mapping[str, Any], cost: str) -> float | None:
    """Milliseconds of a call, bytes, or seconds of training; None where that is not known."""
    if cost == "latency":
        return None if point["latency"] is None else float(point["latency"]["p50"])
    value = point["bytes"] if cost == "size" else point["seconds"]
    return None if value is None else float(value)


def choose(runs: Sequence[Mapping[str, Any]], batch: int | None, runtime: str | None) -> dict[str, Any]:
    """{runtimes, runtime, batches, batch} of several summaries: those asked for where they were measured, else the
    runtime that most runs share (the first of equals; a person's own before examples), and its smallest batch among
    those that most of them share."""
    rows = [[row for point in run["points"] for row in point["latency"]] for run in runs]
    named = [
        (run, setting) for run, own in zip(runs, rows, strict=True) for setting in {r["setting"]: None for r in own}
    ]
    runtimes = Counter(setting for _, setting in named)
    theirs = Counter(setting for run, setting in named if not run["example"])
    most = max(runtimes, key=lambda name: (theirs[name], runtimes[name]), default=None)
    chosen = runtime if runtime in runtimes else most
    batches = Counter(size for own in rows for size in {row["batch"] for row in own if row["setting"] == chosen})
    smallest = min(batches, key=lambda size: (-batches[size], size), default=None)
    return {
        "runtimes": list(runtimes),
        "runtime": chosen,
        "batches": sorted(batches),
        "batch": batch if batch in batches else smallest,
    }


def machines_of(runs: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """[{name, runs: [names]}] of where runs were measured, as far as their reports tell: with more than one, times are
    not to be compared across them."""
    found: dict[str, list[str]] = {}
    for run in runs:
        if run["machine"]:
            found.setdefault(run["machine"], []).append(run["name"])
    return [{"name": name, "runs": names} for name, names in found.items()]


def timed_at(point: Mapping[str, Any], batch: int | None, runtime: str | None) -> dict[str, Any] | None:
    """{p50, p95, interval, lost_points} of a point at this batch and runtime; None where it was not measured so."""
    row = next((r for r in point["latency"] if r["batch"] == batch and r["setting"] == runtime), None)
    return None if row is None else {name: row[name] for name in ("p50", "p95", "interval", "lost_points")}


def _point(run: Mapping[str, Any], point: Mapping[str, Any], batch: int | None, runtime: str | None) -> dict[str, Any]:
    return {
        **point,
        "id": f"{run['id']}/{point['key']}",
        "run": run["id"],
        "run_name": run["name"],
        "example": run["example"],
        "data": run["data"]["key"],
        "latency": timed_at(point, batch, runtime),
    }


def _group(key: str, runs: Sequence[Mapping[str, Any]], points: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    own = [run for run in runs if run["data"]["key"] == key]
    first = own[0]
    return {
        "key": key,
        "name": first["data"]["name"],
        "known": first["data"]["known"],
        "metric": first["metric"],
        "metric_words": first["metric_words"],
        "runs": [run["id"] for run in own],
        "fronts": {cost: _front([p for p in points if p["data"] == key], cost) for cost in COSTS},
    }


def _front(points: Sequence[Mapping[str, Any]], cost: str) -> list[str]:
    """By validation quality itself, not by the share that is kept: that has another teacher below it in each run."""
    told = [(p["id"], cost_of(p, cost), p["validation"]) for p in points]
    known = [(name, at, quality) for name, at, quality in told if at is not None and quality is not None]
    return [known[number][0] for number in front([(at, quality) for _, at, quality in known])]


def _settings(folders: Sequence[RunFolder], names: Sequence[str]) -> tuple[list[dict[str, Any]], list[str]]:
    configs, unread = [], []
    for folder, name in zip(folders, names, strict=True):
        try:
            configs.append(load(folder.config))
        except (StillroomError, OSError):
            unread.append(name)
    return ([], unread) if unread else (differing(configs), [])
