"""Figures of a finished run for tables of several: a point for its student, each control and each teacher. No torch.

Read from `report.json`, and remembered until that changes; intervals of what the report has none of (how much of the
reference teacher's quality a control or another teacher keeps) come from the kept predictions.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from distill_core import layout
from distill_core.analysis.kept import open_split, split_path
from distill_core.errors import DataError
from distill_core.export.formats import FORMATS, latency_rows
from distill_core.export.verdict import metric_words
from distill_core.jobs.meta import read_meta, written_beside
from distill_core.layout import RunFolder
from distill_core.measure.uncertainty import kept_interval
from distill_core.services.results import Remembered, report_of

#: runs whose figures are held at once: a few kB each
HELD = 2000
ROLES = {"main": "student"}
#: the runtime of the run itself, which no export adds anything to
TORCH = FORMATS["safetensors"].runtime

#: beside what was measured of a run that ships with the project
AWAY = "the examples' machine"

_reports, _intervals = Remembered(HELD), Remembered(HELD)


def summary(folder: RunFolder) -> dict[str, Any]:
    """{id, name, example (does it ship with the project?), machine (in words), tags, archived, created,
    task, metric, metric_words, data: {key, name, known}, reference,
    points: [{key ("main", "no_teacher", "uniform" or "teacher:NAME"), role ("student", "control", "teacher"), name,
    seeds (their number; 0: a teacher), validation, test (mean over seeds), interval (of test; None over several seeds),
    kept (test quality / the reference teacher's), kept_interval, parameters, bytes, seconds (of training, mean over
    seeds; None for teachers, whose time is told together), latency: [{batch, setting, p50, p95, interval, lost_points
    (of an export: what it lost of validation quality against the student, whose quality is told)}]}]}

    Two runs have the same `data.key` when data, metric and scoring are the same, so that qualities can be compared.
    known: False in reports of earlier versions, which do not tell their data; then the run stands for itself.
    setting: runtime, threads, length and device of a latency in words; those of examples are never the same as a
    person's own, because a machine's name (CPU, 2 cores) says too little. What is not known is None.

    Raises JobError (no report), DataError (damaged).
    """
    if not folder.report.is_file():
        report_of(folder)  # says so in words
    found = _reports.get(folder.report, "summary", lambda: _read(folder))
    beside = written_beside(read_meta(folder), found["name"])
    found = {**found, "points": _with_exports(found["points"], folder)}
    return {**found, "name": beside["name"], "tags": beside["tags"], "archived": bool(beside["archived"])}


def is_example(folder: RunFolder) -> bool:
    """Does this run ship with the project? Then it was measured on another machine than a person's own."""
    return folder.path.resolve().is_relative_to(layout.EXAMPLES.resolve())


def _with_exports(points: Sequence[Mapping[str, Any]], folder: RunFolder) -> list[dict[str, Any]]:
    """The same with what was timed of the run's exports: student and reference teacher on ONNX Runtime."""
    rows = [row for row in latency_rows(folder) if FORMATS[row["format"]].runtime != TORCH]
    student, away = next(point for point in points if point["key"] == "main"), is_example(folder)
    found = []
    for point in points:
        own: list[dict[str, Any]] = []
        for row in rows:
            if point["role"] != "teacher" and point["parameters"] == student["parameters"]:
                own.append(_exported(row, row["student_ms"], row["lost_points"], away))
            elif point["key"] == f"teacher:{row['teacher']}" and row["teacher_ms"]:
                own.append(_exported(row, row["teacher_ms"], None, away))
        found.append({**point, "latency": [*point["latency"], *own]})
    return found


def _exported(row: Mapping[str, Any], times: Mapping[str, Any], lost: float | None, away: bool) -> dict[str, Any]:
    return {
        "batch": row["batch"],
        "setting": _setting(row, str(row["device_name"]), away),
        "p50": times["p50"],
        "p95": times["p95"],
        "interval": times.get("p50_interval"),
        "lost_points": lost,
    }


def with_intervals(found: Mapping[str, Any], folder: RunFolder) -> dict[str, Any]:
    """The same summary with the intervals that follow from kept predictions."""
    more = kept_intervals(folder)
    points = [{**point, "kept_interval": point["kept_interval"] or more.get(point["key"])} for point in found["points"]]
    return {**found, "points": points}


def kept_intervals(folder: RunFolder) -> dict[str, list[float]]:
    """{key of a point: 95% interval of its share of the reference teacher's test quality}; {} where no predictions
    were kept. The reference teacher has none: its share is 1 by definition."""
    path = split_path(folder.artifacts, "test")
    return _intervals.get(path, "kept", lambda: _kept_intervals(folder)) if path.is_file() else {}


def _kept_intervals(folder: RunFolder) -> dict[str, list[float]]:
    split = open_split(folder.artifacts)
    assert split is not None
    about, keys = split.about, dict[str, list[str]]()
    for model in about.models:
        if model.key != about.reference:
            name = f"teacher:{model.name}" if model.role == "teacher" else model.role
            keys.setdefault(name, []).append(model.key)
    reference = split.scores(about.reference)
    found = {name: kept_interval([split.scores(key) for key in own], reference) for name, own in keys.items()}
    return {name: list(between) for name, between in found.items() if between is not None}


def _read(folder: RunFolder) -> dict[str, Any]:
    report = report_of(folder)
    try:
        return _summary(report, folder.path.resolve().name, is_example(folder))
    except (KeyError, TypeError, StopIteration) as error:
        raise DataError(
            f"The report of {report.get('name') or folder.run_id} lacks figures ({error!r}).",
            hint="Resume the run: its last stage writes the report again.",
        ) from None


def _summary(report: Mapping[str, Any], run_id: str, example: bool) -> dict[str, Any]:
    data, metric = report["data"], str(report["metric"])
    known = bool(data.get("fingerprint"))
    scoring = str((report.get("protocol") or {}).get("scoring") or "")
    key = " ".join(filter(None, [str(data["fingerprint"]), metric, scoring])) if known else f"run {run_id}"
    reference = next(t for t in report["teachers"] if t["name"] == report["reference_teacher"])
    return {
        "id": run_id,
        "name": str(report.get("name") or run_id),
        "example": example,
        "machine": _machine(report, example),
        "created": report.get("created"),
        "task": report["task"],
        "metric": metric,
        "metric_words": metric_words(metric, report["task"]),
        "data": {"key": key, "name": str(data.get("name") or ""), "known": known},
        "reference": reference["name"],
        "points": [
            *_arms(report, reference, example),
            *(_teacher(teacher, report, reference, example) for teacher in report["teachers"]),
        ],
    }


def _arms(report: Mapping[str, Any], reference: Mapping[str, Any], away: bool) -> list[dict[str, Any]]:
    by_name: dict[str, list[Mapping[str, Any]]] = {}
    for arm in report["arms"]:
        by_name.setdefault(arm["name"], []).append(arm)
    student = by_name["main"][0]
    points = []
    for name, arms in by_name.items():
        first = arms[0]
        same = first["parameters"] == student["parameters"]
        point = {
            **_figures(name, ROLES.get(name, "control"), name, arms, reference),
            "seeds": len(arms),
            "seconds": _mean([arm.get("seconds") for arm in arms]),
            # A control is the student's own network with other weights: what was timed of the one holds for the other.
            "latency": _latency(report, away, lambda row: row["role"] == "student") if same else [],
        }
        if name == "main":
            point |= {"kept": report.get("quality_kept"), "kept_interval": report.get("quality_kept_interval")}
        points.append(point)
    return points


def _teacher(
    teacher: Mapping[str, Any], report: Mapping[str, Any], reference: Mapping[str, Any], away: bool
) -> dict[str, Any]:
    name = str(teacher["name"])
    own = _latency(report, away, lambda row: row["role"] == "teacher" and row["name"] == name)
    found = _figures(f"teacher:{name}", "teacher", name, [teacher], reference)
    return {**found, "seeds": 0, "seconds": None, "latency": own}


def _figures(
    key: str, role: str, name: str, models: Sequence[Mapping[str, Any]], reference: Mapping[str, Any]
) -> dict[str, Any]:
    test, ceiling = _mean([one["quality"]["test"] for one in models]), reference["quality"]["test"]
    return {
        "key": key,
        "role": role,
        "name": name,
        "validation": _mean([one["quality"]["validation"] for one in models]),
        "test": test,
        "interval": models[0].get("interval") if len(models) == 1 else None,
        "kept": None if test is None or not ceiling else test / ceiling,
        "kept_interval": None,
        "parameters": models[0]["parameters"],
        "bytes": models[0]["bytes"],
    }


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known and len(known) == len(values) else None


def _latency(report: Mapping[str, Any], away: bool, wanted: Any) -> list[dict[str, Any]]:
    machine = str((report.get("device") or {}).get("device_name") or "")
    rows = [row for row in report.get("latency_models") or [] if wanted(row)]
    return [
        {
            "batch": row["batch"],
            "setting": _setting(row, machine, away),
            "p50": row["p50"],
            "p95": row["p95"],
            "interval": row.get("p50_interval"),
            "lost_points": None,
        }
        for row in rows
    ]


def _machine(report: Mapping[str, Any], example: bool) -> str:
    """ "CPU, 2 cores": what tells machines apart, here as in `_setting`; "" where nothing is known."""
    device = report.get("device") or {}
    words = str(device.get("device_name") or device.get("device") or "")
    return f"{words} ({AWAY})" if example else words


def _setting(row: Mapping[str, Any], machine: str, away: bool) -> str:
    """Latencies are compared only where all of this is the same."""
    device = str(row.get("device") or "")
    where = f"{device} ({machine})" if machine and machine.lower() != device.lower() else device
    threads = f"{row['threads']} thread{'' if row['threads'] == 1 else 's'}"
    return " · ".join(
        filter(None, [str(row["runtime"]), threads, f"{row['tokens']} tokens", where, AWAY if away else ""])
    )
