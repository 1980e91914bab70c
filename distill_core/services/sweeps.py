"""What the page shows of sweeps, read from their folders: the list, one with its trials, what can be varied."""

from __future__ import annotations

import time
from collections import OrderedDict
from threading import Lock
from typing import Any

from distill_core.config import RunConfig, from_dict
from distill_core.errors import ConfigError, JobError
from distill_core.events import read_events_from
from distill_core.export.verdict import metric_words
from distill_core.jobs.meta import read_meta
from distill_core.jobs.sweeps import Sweeps, name_of
from distill_core.layout import SweepFolder
from distill_core.services.pareto import front
from distill_core.services.sweep_curves import TrialCurves
from distill_core.sweeps import spec as specs
from distill_core.sweeps.fields import Searchable, changed, searchable
from distill_core.sweeps.ledger import Ledger, Tried
from distill_core.sweeps.spec import DIRECTIONS, SweepSpec
from distill_core.tasks.base import build_task

#: bytes at the end of a trial's events in which its last word on progress is looked for
_TAIL = 16_384
_lock = Lock()
_specs: OrderedDict[str, SweepSpec] = OrderedDict()
_curves = TrialCurves()


def spec_of(folder: SweepFolder) -> SweepSpec:
    """A sweep's settings, which never change. Raises ConfigError."""
    key = str(folder.path)
    with _lock:
        if key in _specs:
            return _specs[key]
    found = specs.load(folder.config)
    with _lock:
        _specs[key] = found
        while len(_specs) > 64:
            _specs.popitem(last=False)
    return found


def row(sweeps: Sweeps, folder: SweepFolder) -> dict[str, Any]:
    """One line of the list; see `Services.sweeps`."""
    meta, ledger = read_meta(folder), Ledger.read(folder)
    found: dict[str, Any] = {
        "id": folder.run_id,
        "name": str(meta.get("name") or folder.run_id),
        "created": float(meta.get("created") or folder.config.stat().st_mtime),
        "status": sweeps.status(folder, ledger),
        "tried": ledger.counted,
        "of": None,
        "best": None,
        "metric_words": "",
        "fields": [],
        "archived": bool(meta.get("archived")),
    }
    try:
        spec = spec_of(folder)
    except ConfigError:
        return found  # of a later version: still to be seen
    best = ledger.best()
    found |= {
        "of": spec.most_trials,
        "best": best.values["quality"] if best else None,
        "metric_words": _metric_words(spec.base),
        "fields": list(spec.search),
    }
    return found


def _metric_words(config: RunConfig) -> str:
    task = build_task(config.data.task)
    return metric_words(task.metric, task.name)


def view(sweeps: Sweeps, folder: SweepFolder, runs: dict[int, str], cursor: int = 0) -> dict[str, Any]:
    """See `Services.sweep`. runs: {trial number: id of the run it was promoted to}."""
    spec, ledger = spec_of(folder), Ledger.read(folder)
    status = sweeps.status(folder, ledger)
    reset = cursor > ledger.last
    fresh = [one for one in ledger.trials if reset or one.changed > cursor]
    trials = [_trial(one, runs) for one in ledger.trials if one in fresh or one.number in runs]
    drawn = fresh if ledger.open is None or ledger.open in fresh else [*fresh, ledger.open]
    best = ledger.best()
    costs = [name for name in spec.objectives if DIRECTIONS[name] == "minimize"]
    return {
        "sweep": {
            **row(sweeps, folder),
            "sampler": spec.sampler,
            "objectives": list(spec.objectives),
            "prune": spec.prune,
            "minutes": spec.budget.minutes,
            "batch": spec.base.measure.batch_sizes[0],
            "seed": spec.base.seeds[0],
            "seeds": len(spec.base.seeds),
            "seconds": ledger.seconds,
            "left": _left(spec, ledger) if status in ("running", "queued") else None,
            "why": ledger.why if status == "done" else "",
            "error": sweeps.error(folder, ledger) if status in ("failed", "interrupted") else None,
            "device": spec.base.device,
            "now": _now(folder, ledger) if status in ("running", "stopping") else None,
        },
        "fields": [_field(spec, path) for path in spec.search],
        "trials": trials,
        "curves": {one.number: _curves.of(folder.trial(one.number)) for one in drawn},
        "cursor": ledger.last,
        "reset": reset,
        "best": best.number if best else None,
        "fronts": {cost: _front(ledger, cost) for cost in costs},
        "importance": ledger.importance,
        "finished": len(ledger.finished()),
        "teachers": ledger.teachers or [],
        "time": time.time(),
    }


def _trial(one: Tried, runs: dict[int, str]) -> dict[str, Any]:
    return {
        "number": one.number,
        "state": one.state,
        "params": one.params,
        "values": one.values,
        "curve": one.curve,
        "seconds": one.seconds or None,
        "error": one.error,
        "run": runs.get(one.number),
    }


def _field(spec: SweepSpec, path: str) -> dict[str, Any]:
    """{path, label, unit, kind, log, choices (all values where they can be counted, else None), low, high}."""
    about, given = searchable(spec.base)[path], spec.search[path]
    ends = None if isinstance(given, list) else (given.low, given.high)
    return {
        "path": path,
        "label": about.label,
        "unit": about.unit,
        "kind": about.kind,
        "log": False if isinstance(given, list) else given.log,
        "choices": spec.choices(path) if isinstance(given, list) else None,
        "low": ends[0] if ends else None,
        "high": ends[1] if ends else None,
    }


def _front(ledger: Ledger, cost: str) -> list[int]:
    """Numbers of the finished trials that none beats in validation quality and this cost, by rising cost."""
    done = [one for one in ledger.finished() if cost in one.values]
    return [done[at].number for at in front([(one.values[cost], one.values["quality"]) for one in done])]


def _left(spec: SweepSpec, ledger: Ledger) -> float | None:
    """Seconds that are left at the pace of the trials so far; None before the second has ended."""
    ended = [one.seconds for one in ledger.trials if one.state in ("done", "pruned")]
    if len(ended) < 2:
        return None
    # The first one also teaches and asks the teachers, for all of them.
    pace = sum(ended[1:]) / len(ended[1:])
    ends = []
    if spec.most_trials is not None:
        ends.append(max(0, spec.most_trials - ledger.counted) * pace)
    if spec.budget.minutes is not None:
        ends.append(max(0.0, 60 * spec.budget.minutes - ledger.seconds))
    return min(ends) if ends else None


def _now(folder: SweepFolder, ledger: Ledger) -> dict[str, Any] | None:
    """{number, share, note} of the trial under way."""
    one = ledger.open
    if one is None:
        return None
    path = folder.trial(one.number).events
    try:
        start = max(0, path.stat().st_size - _TAIL)
    except OSError:
        return {"number": one.number, "share": None, "note": ""}
    events, _ = read_events_from(path, start)
    said: dict[str, Any] = next((e["payload"] for e in reversed(events) if e["kind"] == "progress"), {})
    return {"number": one.number, "share": said.get("share"), "note": said.get("note") or ""}


# ---------------------------------------------------------------- promoted trials


def finished(folder: SweepFolder) -> list[int]:
    """Numbers of the finished trials."""
    return [one.number for one in Ledger.read(folder).finished()]


def promoted(folder: SweepFolder, number: int) -> RunConfig:
    """A finished trial's settings as a whole run: the base config's seeds, controls, test. Raises JobError."""
    one = Ledger.read(folder).tried.get(number)
    if one is None or one.state != "done":
        raise JobError("Only a finished trial can become a run.", hint="Choose one with a validation figure.")
    spec = spec_of(folder)
    return from_dict({**changed(spec.base, one.params), "name": f"{name_of(folder)[:100]}, trial {number}"})


# ---------------------------------------------------------------- what can be varied


def fields(base: RunConfig) -> list[dict[str, Any]]:
    """See `Services.sweep_fields`."""
    return [
        {
            "path": one.path,
            "label": one.label,
            "unit": one.unit,
            "kind": one.kind,
            "now": one.now,
            "choices": list(one.choices),
            "values": ", ".join(_typed(value) for value in suggested(one)),
            "first": _rank(one),
        }
        for one in searchable(base).values()
    ]


def _rank(one: Searchable) -> int:
    """Place among what is offered first (rate, then width, then other sizes); 0: not offered by itself."""
    if one.path == "training.learning_rate":
        return 1
    if not (one.slider and one.path.startswith("student.")):
        return 0
    return 2 if "hidden" in one.path else 3


def _typed(value: Any) -> str:
    if value is None:
        return "none"
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def suggested(one: Searchable) -> list[Any]:
    """Values worth a first try around the present one; [] where there is no telling."""
    if one.kind == "choice":
        return list(one.choices)
    if one.kind == "bool":
        return [False, True]
    if one.path == "training.learning_rate" and not one.now:
        return [0.0005, 0.001, 0.003]
    if not one.now or isinstance(one.now, str):
        return []
    if one.kind == "int":
        now = int(one.now)
        return [now, 2 * now] if now < 2 else [now // 2, now, 2 * now] if now % 2 == 0 else [now, 2 * now]
    return [float(f"{float(one.now) * factor:.2g}") for factor in (1 / 3, 1, 3)]
