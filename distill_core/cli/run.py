"""`run` and `resume`: a folder is prepared, then the same child entry that the page's supervisor starts."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

from distill_core.cli.progress import TeeSink, display
from distill_core.config import RunConfig, load
from distill_core.config_paths import absolutise
from distill_core.errors import ConfigError, FieldError, StillroomError
from distill_core.events import EventSink
from distill_core.export.report import read_report
from distill_core.layout import RunFolder
from distill_core.run_state import last_end


def run(config_path: Path, out: Path) -> int:
    """Start a run in a new or empty folder, or in one that holds the same config. Returns the exit status."""
    config = absolutise(load(config_path))
    folder = prepare_folder(config, out)
    if last_end(folder) == "done":
        print("This run is done already.")
        return _finish(folder, 0)
    return _start(folder)


def resume(path: Path) -> int:
    """Go on with the run in a folder. Returns the exit status."""
    folder = RunFolder(Path(path).absolute())
    if not folder.path.is_dir():
        raise _refused("folder", f"there is no folder {path}.", "Check the path.")
    if not folder.config.is_file():
        raise _refused(
            "folder", f"{path} holds no run (no config.yaml).", "Start one with `run CONFIG.yaml --out DIR`."
        )
    load(folder.config)
    if last_end(folder) == "done":
        print("This run is done; there is nothing to resume.")
        return _finish(folder, 0)
    return _start(folder)


def prepare_folder(config: RunConfig, out: Path) -> RunFolder:
    """The run's folder with config.yaml and meta.json in it.

    Raises ConfigError (field `--out`) when it is no folder, holds other files, or holds another run.
    """
    folder = RunFolder(out.absolute())
    if folder.path.exists() and not folder.path.is_dir():
        raise _refused("--out", f"{out} is a file, not a folder.", "Give a new folder.")
    if folder.config.is_file():
        _same_run(config, folder, out)
    elif folder.path.is_dir() and any(folder.path.iterdir()):
        raise _refused("--out", f"{out} is not empty and holds no run.", "Give a new or empty folder.")
    try:
        folder.create()
        if not folder.config.exists():
            config.save(folder.config)
        if not folder.meta.exists():
            meta = {"name": config.name, "created": time.time(), "tags": [], "notes": "", "archived": False}
            folder.meta.write_text(json.dumps(meta, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    except OSError as error:
        raise _refused("--out", f"{out} cannot be written: {error.strerror or error}.", "Choose another one.") from None
    return folder


def _same_run(config: RunConfig, folder: RunFolder, out: Path) -> None:
    try:
        same = absolutise(load(folder.config)) == config
    except ConfigError:
        same = False
    if not same:
        raise _refused(
            "--out",
            f"{out} already holds another run.",
            f"Use `resume {out}` to go on with that one, or give a new folder.",
        )


def _refused(field: str, message: str, hint: str) -> ConfigError:
    return ConfigError([FieldError(field, message, hint)])


def _start(folder: RunFolder) -> int:
    """The run itself, in this process, with its events shown on the way."""
    from distill_core.hub import decide_offline

    decide_offline()
    from distill_core.jobs.child import run_child

    def shown(log: EventSink) -> EventSink:
        return TeeSink(log, display())

    return _finish(folder, run_child(folder, wrap_sink=shown))


def _finish(folder: RunFolder, status: int) -> int:
    """The last words: the conclusion, or what to do next."""
    try:
        if status == 0:
            report = read_report(folder.report)
            if report:
                print(report["conclusion"]["headline"])
                for sentence in report["conclusion"]["sentences"]:
                    print(f"  {sentence}")
            print(f"Report: python -m distill_core report {folder.path}", flush=True)
        elif status == 130:
            print(f"Stopped. Go on with: python -m distill_core resume {folder.path}", flush=True)
    except StillroomError as error:
        print(error, file=sys.stderr)
    except (OSError, ValueError):
        pass  # nobody reads any more; the run's status stands
    return status
