"""`backup`: what the app does by itself with STILLROOM_BACKUP, once and by hand."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

from distill_core.errors import StillroomError
from distill_core.jobs.backup import Backup
from distill_core.layout import DataHome, SweepFolder


def add_backup(sub: argparse.ArgumentParser) -> None:
    sub.add_argument("bucket", type=Path, metavar="DIR", help="a mounted folder, for instance a storage bucket")
    sub.add_argument("--restore", action="store_true", help="take back the runs and sweeps that the data folder lacks")


def backup(arguments: argparse.Namespace) -> int:
    """0: all is copied, or taken back; 1: some of it is not. Raises DiskError."""
    home = DataHome.from_environment().create()
    beside = Backup(home, arguments.bucket.resolve())
    return _restore(beside) if arguments.restore else _save(beside)


def _save(beside: Backup) -> int:
    files = beside.save_uploads()
    gone = beside.drop_deleted()
    changed = beside.due(working=True)
    left = [folder for folder in changed if not beside.save(folder)]
    sweeps = [folder for folder in changed if isinstance(folder, SweepFolder) and folder not in left]
    runs = len(changed) - len(left) - len(sweeps)
    print(f"copied: {runs} runs, {len(sweeps)} sweeps, {files} brought files; taken out: {len(gone)} deleted ones")
    for folder in left:
        print(f"{folder.run_id}: it changed while it was copied; copy again", file=sys.stderr)
    return 1 if left else 0


def _restore(beside: Backup) -> int:
    files, runs, sweeps = beside.restore_uploads(), beside.missing(), beside.missing_sweeps()
    back = [name for name in runs if _taken_back(beside.restore, name)]
    swept = [name for name in sweeps if _taken_back(beside.restore_sweep, name)]
    print(f"taken back: {len(back)} runs, {len(swept)} sweeps, {files} brought files")
    return 0 if (back, swept) == (runs, sweeps) else 1


def _taken_back(restore: Callable[[str], object], name: str) -> bool:
    try:
        restore(name)
    except StillroomError as error:
        print(f"{name}: {error}", file=sys.stderr)
        return False
    return True
