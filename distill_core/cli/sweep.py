"""`sweep`, `trials` and `promote`: a search over a run's settings, from its file to a run."""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path
from typing import Any

from distill_core.cli.progress import duration
from distill_core.cli.run import run as start_run
from distill_core.errors import ConfigError, FieldError, JobError
from distill_core.jobs.meta import write_meta
from distill_core.jobs.queue import new_run_id
from distill_core.jobs.sweep_shelf import SweepShelf
from distill_core.jobs.sweeps import Sweeps
from distill_core.layout import DataHome, RunFolder, SweepFolder, is_run_id
from distill_core.services import sweeps as views
from distill_core.storage import write_text
from distill_core.sweeps import spec as specs


def add_sweep(sub: argparse.ArgumentParser) -> None:
    sub.add_argument(
        "source", type=Path, metavar="SWEEP.yaml|DIR", help="a new sweep, or the folder of one to go on with"
    )
    sub.add_argument(
        "--out", type=Path, metavar="DIR", help="new folder (default: in the data folder, seen by the page)"
    )
    away = sub.add_mutually_exclusive_group()
    away.add_argument("--delete", action="store_true", help="move a sweep that rests to the trash, for seven days")
    away.add_argument("--take-back", action="store_true", help="take a deleted one back; DIR: where it lay")


def add_trials(sub: argparse.ArgumentParser) -> None:
    sub.add_argument("folder", type=Path, metavar="DIR")
    sub.add_argument("--json", action="store_true", help="JSON instead of a table")


def add_promote(sub: argparse.ArgumentParser) -> None:
    sub.add_argument("folder", type=Path, metavar="DIR")
    sub.add_argument("number", type=int, metavar="TRIAL")
    sub.add_argument("--out", type=Path, required=True, metavar="RUN", help="new or empty folder for the run")


def sweep(arguments: argparse.Namespace) -> int:
    """Start a sweep, or go on with one, in this process. Returns the exit status."""
    source: Path = arguments.source
    if arguments.delete or arguments.take_back:
        return _shelve(source, back=arguments.take_back)
    folder = _known(source) if source.is_dir() else _new(source, arguments.out)
    from distill_core.hub import decide_offline

    decide_offline()
    from distill_core.sweeps.drive import run_sweep

    status = run_sweep(folder, observer=_Told(folder))
    if status == 0:
        print(f"Trials: python -m distill_core trials {folder.path}", flush=True)
    elif status == 130:
        print(f"Stopped. Go on with: python -m distill_core sweep {folder.path}", flush=True)
    return status


def _shelve(path: Path, *, back: bool) -> int:
    """Into the trash of the data folder, or out of it. Raises ConfigError, JobError, DiskError."""
    place = path.absolute()
    home = DataHome(place.parent.parent)
    if home.sweeps != place.parent or not is_run_id(place.name):
        raise _refused("DIR", f"{path} lies in no data folder's sweeps.", "One made with --out is removed by hand.")
    shelf = SweepShelf(Sweeps(home))
    if back:
        shelf.restore(place.name)
    else:
        shelf.delete(place.name)
    print(f"{place.name} is {'back' if back else 'in the trash'}.", flush=True)
    return 0


def _known(path: Path) -> SweepFolder:
    folder = SweepFolder(path.absolute())
    if not folder.config.is_file():
        raise _refused("DIR", f"{path} holds no sweep (no sweep.yaml).", "Give a sweep's YAML file, or its folder.")
    return folder


def _new(source: Path, out: Path | None) -> SweepFolder:
    spec = specs.load(source)
    path = out.absolute() if out else DataHome.from_environment().create().sweeps / new_run_id(spec.name)
    folder = SweepFolder(path)
    if folder.config.is_file():
        if specs.load(folder.config) != spec.settled():
            raise _refused("--out", f"{out} already holds another sweep.", "Give a new folder.")
        return folder
    try:
        path.mkdir(parents=True, exist_ok=True)
        if any(path.iterdir()):
            raise _refused("--out", f"{out} is not empty and holds no sweep.", "Give a new or empty folder.")
        folder.create()
        write_meta(folder, spec.name, time.time())
        write_text(folder.config, spec.settled().to_yaml())
    except OSError as error:
        raise _refused("--out", f"{path} cannot be written: {error.strerror or error}.", "Choose another.") from None
    return folder


def _refused(field: str, message: str, hint: str) -> ConfigError:
    return ConfigError([FieldError(field, message, hint)])


class _Told:
    """A line for each trial that ended."""

    def __init__(self, folder: SweepFolder) -> None:
        self.of = views.spec_of(folder).most_trials
        self.params: dict[int, dict[str, Any]] = {}

    def emit(self, kind: str, **payload: Any) -> None:
        if kind == "trial":
            self._trial(payload)
        elif kind == "done":
            print(ENDS[payload["why"]], flush=True)

    def _trial(self, payload: dict[str, Any]) -> None:
        number, state = payload["number"], payload["state"]
        if state == "begun":
            self.params[number] = payload["params"]
            return
        of = f" of {self.of}" if self.of else ""
        said = "; ".join(f"{path} {_plain(value)}" for path, value in self.params.get(number, {}).items())
        print(f"trial {number}{of}: {_outcome(payload)}  {said}", flush=True)


#: why a sweep is over
ENDS = {
    "trials": "The budget of trials is used up.",
    "minutes": "The budget of minutes is used up.",
    "all": "Every combination was tried.",
    "refused": "The last proposals were all refused; see why in the trials.",
}


def _plain(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _outcome(one: dict[str, Any]) -> str:
    if one["state"] == "done":
        return f"validation {100 * one['values']['quality']:.2f}%"
    if one["state"] == "pruned":
        return "ended early, below the median"
    error = one.get("error") or {}
    return f"{one['state']}" + (f": {error.get('message')}" if error else "")


def trials(arguments: argparse.Namespace) -> int:
    """What a sweep has tried, as a table or as JSON."""
    folder = _known(arguments.folder)
    found = views.view(Sweeps(DataHome(folder.path.parent.parent)), folder, {})
    if arguments.json:
        print(json.dumps(found, ensure_ascii=False, indent=1))
        return 0
    about = found["sweep"]
    of = f" of {about['of']}" if about["of"] else ""
    print(f"{about['name']}: {about['status']}, {about['tried']}{of} trials, {duration(about['seconds'])} of work")
    on = {number for numbers in found["fronts"].values() for number in numbers} or {found["best"]}
    for one in found["trials"]:
        mark = "*" if one["number"] in on else " "
        figures = [f"{name} {value:,.4g}" for name, value in one["values"].items() if name in about["objectives"][1:]]
        said = [f"{path} {_plain(value)}" for path, value in one["params"].items()]
        print(f"{mark}{one['number']:>4}  {'  '.join([_outcome(one), *figures, *said])}")
    for objective, shares in found["importance"].items():
        print(f"matters for {objective}: " + ", ".join(f"{path} {100 * share:.0f}%" for path, share in shares.items()))
    print("* nothing else tried is better." if any(found["fronts"].values()) else "* the best.")
    return 0


def promote(arguments: argparse.Namespace) -> int:
    """A trial's settings as a whole run: all seeds, controls, test. Returns the run's exit status."""
    folder = _known(arguments.folder)
    try:
        config = views.promoted(folder, arguments.number)
    except JobError as error:
        raise _refused("TRIAL", error.message, error.hint) from None
    out = RunFolder(arguments.out.absolute())
    path = folder.trial(arguments.number).path / "promoted.yaml"
    config.save(path)
    print(f"{config.name} → {out.path}", file=sys.stderr, flush=True)
    return start_run(path, arguments.out)
