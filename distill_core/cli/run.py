"""`run` and `resume`: the folder is checked, then the same child entry that the page's supervisor starts."""

from __future__ import annotations

import sys
from pathlib import Path

from distill_core.cli.output import silence_stdout
from distill_core.cli.progress import Watcher, display
from distill_core.config import RunConfig, load
from distill_core.config_paths import absolutise
from distill_core.errors import ConfigError, FieldError, StillroomError
from distill_core.events import read_events
from distill_core.export.report import read_report
from distill_core.layout import RunFolder
from distill_core.run_state import last_end


def run(config_path: Path, out: Path) -> int:
    """Start a run in a new or empty folder, or go on in one that holds the same config. Returns the exit status.

    Raises ConfigError for a bad config and for a folder that is taken.
    """
    folder = RunFolder(out.absolute())
    if not (folder.config.is_file() and config_path.is_file() and folder.config.samefile(config_path)):
        check_folder(absolutise(load(config_path)), folder, out)
    if last_end(folder) == "done":
        print("This run is done already.")
        return _finish(folder, 0)
    # The same command once more goes on with what is there.
    resume = any(True for _ in read_events(folder.events))
    return _start(folder, None if resume else config_path.absolute())


def resume(path: Path) -> int:
    """Go on with the run in a folder. Returns the exit status. Raises ConfigError when the folder holds none."""
    folder = RunFolder(path.absolute())
    if not folder.path.is_dir():
        raise _refused("folder", f"there is no folder {path}.", "Check the path.")
    if not folder.config.is_file():
        raise _refused(
            "folder", f"{path} holds no run (no config.yaml).", "Start one with `run CONFIG.yaml --out DIR`."
        )
    if last_end(folder) == "done":
        print("This run is done; there is nothing to resume.")
        return _finish(folder, 0)
    return _start(folder, None)


def check_folder(config: RunConfig, folder: RunFolder, out: Path) -> None:
    """Makes the run's folder. Raises ConfigError (field `--out`) when it is no folder or holds something else."""
    try:
        folder.path.mkdir(parents=True, exist_ok=True)
    except FileExistsError:
        raise _refused("--out", f"{out} is a file, not a folder.", "Give a new folder.") from None
    except OSError as error:
        raise _refused("--out", f"{out} cannot be made: {error.strerror or error}.", "Choose another one.") from None
    if not folder.config.is_file():
        if any(folder.path.iterdir()):
            raise _refused("--out", f"{out} is not empty and holds no run.", "Give a new or empty folder.")
        return
    try:
        same = absolutise(load(folder.config)) == config
    except ConfigError:
        same = False
    if not same:
        hint = f"Use `resume {out}` to go on with that one, or give a new folder."
        raise _refused("--out", f"{out} already holds another run.", hint)


def _refused(field: str, message: str, hint: str) -> ConfigError:
    return ConfigError([FieldError(field, message, hint)])


def _start(folder: RunFolder, config_path: Path | None) -> int:
    """The run itself, in this process, with its events shown on the way. Without a config: a resume."""
    from distill_core.hub import decide_offline

    decide_offline()
    from distill_core.jobs.child import run_child

    status = run_child(folder, config_path, resume=config_path is None, observer=Watcher(display()))
    return _finish(folder, status)


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
        silence_stdout()  # nobody reads any more; the run's status stands
    return status
