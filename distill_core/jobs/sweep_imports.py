"""A sweep's folder from a backup, taken into the data folder: looked at first, then copied whole. No torch."""

from __future__ import annotations

from pathlib import Path

from distill_core.errors import ConfigError, DataError, JobError
from distill_core.events import read_events
from distill_core.jobs.imports import check_files, copy_whole
from distill_core.jobs.sweeps import GO_ON_HINT, read_state, write_state
from distill_core.layout import DataHome, SweepFolder
from distill_core.sweeps import spec as specs
from distill_core.sweeps.ledger import Ledger


def import_sweep(home: DataHome, source: Path, name: str) -> SweepFolder:
    """Copies it to the place of this id. It rests there, also if it was at work or waited when it was copied.

    Raises JobError (no sweep, or the id is taken), DataError (a broken one, or one with what is not taken), DiskError.
    """
    check_sweep(SweepFolder(source))
    home.create()
    target = home.sweep(name)
    if target.path.exists():
        raise JobError(f"There is a sweep {name} already.", hint="Open it from the list of sweeps.")
    copy_whole(source, target.path, "sweep", lambda copy: _at_rest(SweepFolder(copy)))
    return target


def check_sweep(folder: SweepFolder) -> None:
    """Raises JobError or DataError, in words, for a folder that is no sound sweep."""
    if not folder.config.is_file():
        raise JobError("There is no sweep in it: sweep.yaml is missing.", hint="Give the whole folder of a sweep.")
    check_files(folder.path)
    try:
        specs.load(folder.config)
        Ledger.of(read_events(folder.events))
    except ConfigError as error:
        raise DataError(
            f"Its sweep.yaml cannot be read here: {error.errors[0]}", hint="It may be of a newer version, or damaged."
        ) from None
    except (ValueError, KeyError, TypeError, AttributeError):
        raise DataError("Its trials.jsonl is damaged.", hint="Copy the whole folder once more.") from None


def _at_rest(folder: SweepFolder) -> None:
    """A person says whether it goes on here: nobody may want it any more."""
    folder.create()
    stopped = bool(read_state(folder).get("stop"))
    if Ledger.read(folder).process == "started" and not stopped:
        reason = "It was taken back from the backup, into which it was copied while it was at work."
        write_state(folder, error={"kind": "interrupted", "message": reason, "hint": GO_ON_HINT, "field": None})
    else:
        write_state(folder, **({"stop": True} if stopped else {}))
