"""`backup`: what the app does by itself with STILLROOM_BACKUP, once and by hand."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from distill_core.errors import StillroomError
from distill_core.jobs.backup import Backup
from distill_core.layout import DataHome


def add_backup(sub: argparse.ArgumentParser) -> None:
    sub.add_argument("bucket", type=Path, metavar="DIR", help="a mounted folder, for instance a storage bucket")
    sub.add_argument("--restore", action="store_true", help="take back the runs that the data folder lacks")


def backup(arguments: argparse.Namespace) -> int:
    """0: all is copied, or taken back; 1: some of it is not. Raises DiskError."""
    home = DataHome.from_environment().create()
    beside = Backup(home, arguments.bucket.resolve())
    return _restore(beside) if arguments.restore else _save(beside)


def _save(beside: Backup) -> int:
    files = beside.save_uploads()
    gone = beside.drop_deleted()
    changed = beside.due(working=True)
    left = [folder.run_id for folder in changed if not beside.save(folder)]
    print(f"copied: {len(changed) - len(left)} runs, {files} brought files; taken out: {len(gone)} deleted runs")
    for run in left:
        print(f"{run}: it changed while it was copied; copy again", file=sys.stderr)
    return 1 if left else 0


def _restore(beside: Backup) -> int:
    files, names = beside.restore_uploads(), beside.missing()
    refused = 0
    for name in names:
        try:
            beside.restore(name)
        except StillroomError as error:
            refused += 1
            print(f"{name}: {error}", file=sys.stderr)
    print(f"taken back: {len(names) - refused} runs, {files} brought files")
    return 1 if refused else 0
