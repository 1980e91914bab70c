"""`compare` and `leaderboard`: several finished runs side by side, as the page's Compare has them."""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from distill_core.errors import ConfigError, FieldError
from distill_core.export.markdown import table
from distill_core.layout import EXAMPLES, DataHome, RunFolder, is_run_id
from distill_core.services.compare import COSTS
from distill_core.services.compare import compare as compared
from distill_core.services.leaderboard import ORDERS, Filters
from distill_core.services.leaderboard import leaderboard as ranked

_COST_WORDS = {"latency": "latency", "size": "size", "time": "training time"}
_FRONT = (
    "front: no other model of these data has a higher validation quality at no more {cost}, or the same at less. "
    "Test is shown; it chooses nothing."
)
_ARMS = {"main": "student", "no_teacher": "student, no teachers", "uniform": "student, uniform weights"}


def add_compare(sub: argparse.ArgumentParser) -> None:
    sub.add_argument("runs", nargs="*", metavar="RUN", help="a run's folder, or its id in the data folder")
    _add_examples(sub, "also, or not, the runs that ship with the project (default: where no run is named)")
    _add_latency(sub)
    sub.add_argument("--x", choices=COSTS, default="latency", help="what the front weighs quality against")
    sub.add_argument("--json", action="store_true", help="JSON instead of tables")


def add_leaderboard(sub: argparse.ArgumentParser) -> None:
    sub.add_argument("runs", nargs="*", metavar="RUN", help="these runs alone (default: all of the data folder)")
    sub.add_argument("--data", metavar="NAME", help="runs of one data set: its name, or the start of its fingerprint")
    sub.add_argument("--task", metavar="TASK")
    sub.add_argument("--tag", metavar="TAG")
    sub.add_argument("--archived", action="store_true", help="archived runs too")
    sub.add_argument("--sort", choices=tuple(ORDERS), default="kept")
    _add_examples(sub, "also, or not, the runs that ship with the project (default: where there is no other)")
    _add_latency(sub)
    sub.add_argument("--json", action="store_true", help="JSON instead of tables")


def _add_examples(sub: argparse.ArgumentParser, words: str) -> None:
    sub.add_argument("--examples", action=argparse.BooleanOptionalAction, help=words)


def _add_latency(sub: argparse.ArgumentParser) -> None:
    sub.add_argument("--batch", type=int, metavar="N", help="batch size of the latencies (default: the smallest)")
    sub.add_argument(
        "--runtime",
        metavar="TEXT",
        help="of several runtimes the one whose description holds this (default: most runs')",
    )


def compare(arguments: argparse.Namespace) -> int:
    """A table a data set with the front marked, then the settings that differ."""
    folders = [_folder(given) for given in arguments.runs]
    if arguments.examples or (not folders and arguments.examples is None):
        folders += _shipped()
    found = compared(folders, arguments.batch)
    if arguments.runtime:
        found = compared(folders, arguments.batch, _runtime(found, arguments.runtime))
    _measured(found, arguments.batch)
    print(json.dumps(found, ensure_ascii=False, indent=1) if arguments.json else "\n".join(lines(found, arguments.x)))
    return 0


def leaderboard(arguments: argparse.Namespace) -> int:
    """A table a data set, the best first."""
    chosen = [_folder(given) for given in arguments.runs]
    # An example that is named is wanted.
    wanted = True if chosen and arguments.examples is None else arguments.examples
    folders = [*(chosen or _all()), *(_shipped() if arguments.examples or not chosen else [])]
    found = ranked(folders, Filters(examples=wanted))
    filters = Filters(_data(found, arguments.data), arguments.task, arguments.tag, arguments.archived, wanted)
    found = ranked(folders, filters, arguments.sort, arguments.batch)
    if arguments.runtime:
        runtime = _runtime(found, arguments.runtime)
        found = ranked(folders, filters, arguments.sort, arguments.batch, runtime)
    _measured(found, arguments.batch)
    print(json.dumps(found, ensure_ascii=False, indent=1) if arguments.json else "\n".join(board_lines(found)))
    return 0


def lines(found: Mapping[str, Any], x: str) -> list[str]:
    """What `compare` prints. x: one of COSTS."""
    said = [f"{one['name']} is left out: {one['why']}" for one in found["left_out"]]
    for group in found["groups"]:
        said += [*([""] if said else []), _heading(group), ""]
        rows = [
            [
                *(
                    "front" if point["id"] in group["fronts"][x] else "",
                    _marked(point["run_name"], point),
                    _named(point),
                ),
                *(_kept(point), _percent(point["validation"]), _percent(point["test"], point["interval"])),
                *(_ms(point["latency"]), f"{point['bytes'] / 1e6:.2f}", f"{point['parameters']:,}"),
                _seconds(point["seconds"]),
            ]
            for point in found["points"]
            if point["data"] == group["key"]
        ]
        head = ["", "run", "model", "keeps", "validation", "test", "p50, ms", "MB", "parameters", "training, s"]
        said += table(head, rows)
    said += [
        "",
        _FRONT.format(cost=_COST_WORDS[x]),
    ]
    said += [*_timing(found), *_machines(found), *_settings(found)]
    return said


def board_lines(found: Mapping[str, Any]) -> list[str]:
    """What `leaderboard` prints."""
    if not found["groups"]:
        return ["No finished run matches." if found["data"] else "There is no finished run yet."]
    said: list[str] = []
    for group in found["groups"]:
        rows = [
            [
                *(
                    _marked(row["name"], row),
                    _kept(row),
                    _percent(row["validation"]),
                    _percent(row["test"]),
                    _ms(row["latency"]),
                ),
                *(f"{row['bytes'] / 1e6:.2f}", f"{row['parameters']:,}", _seconds(row["seconds"])),
                *(", ".join(row["tags"]) + (" (archived)" if row["archived"] else ""), row["id"]),
            ]
            for row in group["rows"]
        ]
        head = ["run", "keeps", "validation", "test", "p50, ms", "MB", "parameters", "training, s", "tags", "id"]
        said += [_heading(group), "", *table(head, rows), ""]
    return [*said[:-1], *_timing(found), *_machines(found)]


def _heading(group: Mapping[str, Any]) -> str:
    told = group["key"].split()[0][:12] if group["known"] else "its data are not told: compared with itself alone"
    return f"{group['name'] or 'data'} ({told}), {group['metric_words']}"


def _timing(found: Mapping[str, Any]) -> list[str]:
    if found["runtime"] is None:
        return ["", "No latency was measured."]
    others = [setting for setting in found["runtimes"] if setting != found["runtime"]]
    more = f" Others: {'; '.join(others)}." if others else ""
    return ["", f"Latency: batch {found['batch']}, {found['runtime']}.{more}"]


def _machines(found: Mapping[str, Any]) -> list[str]:
    if len(found["machines"]) < 2:
        return []
    where = "; ".join(f"{', '.join(one['runs'])} on {one['name']}" for one in found["machines"])
    return ["", f"Measured on different machines: {where}. Do not compare times of one with times of another."]


def _settings(found: Mapping[str, Any]) -> list[str]:
    names = [run["name"] for run in found["runs"]]
    if found["unread"]:
        return ["", f"Settings cannot be compared: the config of {', '.join(found['unread'])} cannot be read."]
    if len(names) < 2:
        return []
    if not found["settings"]:
        return ["", "All have the same settings."]
    rows = [[row["field"], *map(_said, row["values"])] for row in found["settings"]]
    return ["", *table(["setting", *names], rows)]


def _marked(name: str, one: Mapping[str, Any]) -> str:
    return f"{name} (example)" if one["example"] else name


def _named(point: Mapping[str, Any]) -> str:
    return _ARMS.get(point["key"], point["name"])


def _kept(point: Mapping[str, Any]) -> str:
    return _percent(point["kept"], point["kept_interval"])


def _percent(value: float | None, between: Sequence[float] | None = None) -> str:
    if value is None:
        return "–"
    span = f" ({100 * between[0]:.1f}–{100 * between[1]:.1f})" if between else ""
    return f"{100 * value:.1f}%{span}"


def _ms(latency: Mapping[str, Any] | None) -> str:
    if latency is None:
        return "–"
    span = f" ({latency['interval'][0]:.3g}–{latency['interval'][1]:.3g})" if latency["interval"] else ""
    return f"{latency['p50']:.3g}{span}"


def _seconds(value: float | None) -> str:
    return "–" if value is None else f"{value:.1f}"


def _said(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return "–" if value is None else str(value)


def _folder(given: str) -> RunFolder:
    """A folder as it is typed, or a run's id in the data folder. Raises ConfigError."""
    if Path(given).is_dir():
        return RunFolder(Path(given))
    own = DataHome.from_environment().run(given) if is_run_id(given) else None
    if own is not None and own.path.is_dir():
        return own
    shipped = next((folder for folder in _shipped() if folder.run_id == given), None)
    if shipped is not None:
        return shipped
    raise ConfigError(
        [FieldError("run", f"there is no run {given}.", "Give its folder, or its id in the data folder.")]
    )


def _all() -> list[RunFolder]:
    runs = DataHome.from_environment().runs
    found = [RunFolder(path) for path in sorted(runs.iterdir())] if runs.is_dir() else []
    return [folder for folder in found if folder.report.is_file()]


def _shipped() -> list[RunFolder]:
    """The examples, but for those whose name a run of the data folder has."""
    found = [RunFolder(path) for path in sorted(EXAMPLES.iterdir())] if EXAMPLES.is_dir() else []
    taken = DataHome.from_environment().runs
    return [folder for folder in found if folder.report.is_file() and not (taken / folder.run_id).is_dir()]


def _runtime(found: Mapping[str, Any], text: str) -> str:
    matching = [name for name in found["runtimes"] if text.casefold() in name.casefold()]
    if matching:
        return str(matching[0])
    measured = "; ".join(found["runtimes"]) or "none"
    raise ConfigError([FieldError("--runtime", f"no run was measured on {text}.", f"Measured: {measured}.")])


def _measured(found: Mapping[str, Any], batch: int | None) -> None:
    if batch is not None and found["batch"] != batch:
        measured = ", ".join(map(str, found["batches"])) or "none"
        raise ConfigError([FieldError("--batch", f"no run was measured at batch {batch}.", f"Measured: {measured}.")])


def _data(found: Mapping[str, Any], text: str | None) -> str | None:
    """The name of data sets, or the key of the one whose fingerprint begins so. Raises ConfigError."""
    if not text:
        return None
    if any(text == one["name"] for one in found["data"]):
        return text
    for one in found["data"]:
        if one["key"].startswith(text):
            return str(one["key"])
    names = ", ".join(sorted({one["name"] for one in found["data"]})) or "none"
    raise ConfigError([FieldError("--data", f"no finished run has the data {text}.", f"There are: {names}.")])
