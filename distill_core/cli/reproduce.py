"""`reproduce`: the config of a finished run once more, from nothing, and its figures beside the first ones."""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from pathlib import Path
from typing import Any

from distill_core.cli import run as running
from distill_core.config import load
from distill_core.config_paths import absolutise
from distill_core.errors import DiskError, JobError
from distill_core.export.report import read_report
from distill_core.export.reproduction import Side, compare, sentences
from distill_core.layout import RunFolder
from distill_core.run_state import last_end
from distill_core.services.offline_report import REPRODUCTION
from distill_core.storage import write_json


def add_arguments(sub: argparse.ArgumentParser) -> None:
    sub.add_argument("folder", type=Path, metavar="DIR")
    sub.add_argument(
        "--out", type=Path, metavar="DIR", help="folder for the second run (by default beside the first: DIR-again)"
    )


def reproduce(arguments: argparse.Namespace) -> int:
    """Run again, compare, write reproduction.json into the first run's folder; exit status 0 where all agree.

    Teachers that were finetuned and signals that were kept for earlier runs are not used: they are made again.
    Raises JobError (no finished run there), ConfigError (its config can no longer run, or a folder that is taken).
    """
    original = RunFolder(arguments.folder.absolute())
    side = side_of(original)
    out = arguments.out.absolute() if arguments.out else _beside(original)
    print(f"Running the config of {original.run_id} again in {out}", flush=True)
    again = RunFolder(out)
    if out == original.path:
        raise JobError("A run cannot be reproduced in its own folder.", hint="Give another one with --out.")
    status = _anew(original, out)
    if status != 0:
        return status
    found = compare(side, side_of(again), time.time())
    found["folder"] = again.run_id
    try:
        write_json(original.path / REPRODUCTION, found)
    except OSError as error:
        raise DiskError(
            f"{REPRODUCTION} could not be written beside the run: {error.strerror or error}.",
            hint="Give back the right to write there, then repeat the command with the same --out: it only compares.",
        ) from None
    print()
    for sentence in sentences(found):
        print(sentence)
    for line in _latency(found):
        print(line)
    return 0 if found["matched"] else 1


def side_of(folder: RunFolder) -> Side:
    """Raises JobError where there is no finished run, ConfigError where its config can no longer be read."""
    report = read_report(folder.report)
    if report is None or not folder.config.is_file():
        raise JobError(f"{folder.path} holds no finished run.", hint="Give the folder of a run that is done.")
    config: dict[str, Any] = absolutise(load(folder.config)).model_dump(mode="json", exclude_none=True)
    return Side(report, config)


def _beside(original: RunFolder) -> Path:
    """The first of RUN-again, RUN-again-2, … that holds no finished run."""
    number = 1
    while True:
        tail = "-again" if number == 1 else f"-again-{number}"
        path = original.path.with_name(original.run_id + tail)
        if last_end(RunFolder(path)) != "done":
            return path
        number += 1


def _anew(original: RunFolder, out: Path) -> int:
    """The run itself, with a data folder of its own: what earlier runs left must not answer for this one."""
    kept = os.environ.get("STILLROOM_HOME")
    with tempfile.TemporaryDirectory(prefix="stillroom-again-") as home:
        os.environ["STILLROOM_HOME"] = home
        try:
            return running.run(original.config, out)
        finally:
            if kept is None:
                del os.environ["STILLROOM_HOME"]
            else:
                os.environ["STILLROOM_HOME"] = kept


def _latency(found: dict[str, Any]) -> list[str]:
    rows = found["latency"]
    if not rows:
        return []
    said = ["Latency (p50), shown and not judged:"]
    for row in rows:
        now = "not measured" if row["now"] is None else f"{row['now']:.2f} ms"
        said.append(f"  {row['name']}, batch {row['batch']}: {row['then']:.2f} ms then, {now} now")
    return said
