"""Runs and sweeps copied to a mounted folder (a Space's storage bucket), and taken back from it. No torch, no SQLite
there: the database is rebuilt from the folders.

    BUCKET/runs/<id>/       as in the data folder, without what belongs to this machine
    BUCKET/sweeps/<id>/     the same
    BUCKET/uploads/<name>   files that people brought: configs name them

A folder is copied beside its place and put there by a rename: who reads the bucket sees a whole run, old or new.
"""

from __future__ import annotations

import errno
import hashlib
import shutil
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from distill_core.errors import DiskError
from distill_core.jobs.imports import LEFT_BEHIND, import_run
from distill_core.jobs.reconcile import is_alive, is_run
from distill_core.jobs.sweep_imports import import_sweep
from distill_core.layout import DataHome, RunFolder, SweepFolder, is_run_id
from distill_core.run_state import last_end
from distill_core.storage import read_json, write_json

#: what was copied in which state, so that it is not copied anew after a restart; may be deleted at any time
REMEMBERED = "backup.json"
_NEW, _OLD = ".new-", ".old-"
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class Backup:
    """Between a data folder and its bucket. Not for several threads; each method may take minutes, or for ever where
    a mount hangs. All raise DiskError."""

    def __init__(self, home: DataHome, bucket: Path) -> None:
        self.home, self.bucket = home, bucket
        self._memory = home.cache / REMEMBERED
        kept = read_json(self._memory)
        self._saved: dict[str, str] = dict(kept) if isinstance(kept, dict) else {}

    # ---------------------------------------------------------------- out

    def due(self, *, working: bool) -> list[RunFolder]:
        """Runs and sweeps whose copy is missing or older than they are. working: also those that a process works on
        now."""
        self._check()
        found: list[RunFolder] = []
        runs = sorted(self.home.runs.iterdir()) if self.home.runs.is_dir() else ()
        # One that has not begun has nothing to lose but its place in the queue.
        found += [one for one in map(RunFolder, runs) if is_run(one.path) and one.events.is_file()]
        sweeps = sorted(self.home.sweeps.iterdir()) if self.home.sweeps.is_dir() else ()
        found += [one for one in map(SweepFolder, sweeps) if is_run_id(one.run_id) and one.config.is_file()]
        return [folder for folder in found if (working or not is_alive(folder)) and self._is_due(folder)]

    def _is_due(self, folder: RunFolder) -> bool:
        return self._saved.get(key_of(folder)) != state_of(folder) or not self._place(folder).is_dir()

    def save(self, folder: RunFolder) -> bool:
        """Copy a run or a sweep; False when it changed so meanwhile that the copy is none: then again later."""
        self._check()
        name, state, place = folder.run_id, state_of(folder), self._place(folder)
        fresh, old = place.with_name(f"{_NEW}{name}"), place.with_name(f"{_OLD}{name}")
        try:
            _remove(fresh)
            for path in files_of(folder):
                target = fresh / path.relative_to(folder.path)
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(path, target)
            if place.exists():
                _remove(old)
                place.rename(old)
            fresh.rename(place)
            _remove(old)
        except FileNotFoundError:
            with suppress(OSError):
                _remove(fresh)
            return False  # a checkpoint that made room for the next one
        except OSError as error:
            with suppress(OSError):
                _remove(fresh)
            raise told(error, self.bucket) from None
        self._remember(key_of(folder), state)
        return True

    def save_uploads(self) -> int:
        """Copy files that are not there yet (their names hold their contents' hash); how many."""
        self._check()
        try:
            return sum(
                _copy_file(path, self.bucket / "uploads" / path.name)
                for path in sorted(self.home.uploads.iterdir())
                if path.is_file() and not path.name.startswith(".")
            )
        except FileNotFoundError:
            return 0
        except OSError as error:
            raise told(error, self.bucket) from None

    def drop_deleted(self) -> list[str]:
        """Take runs and sweeps that lie in the trash out of the bucket, too; their ids."""
        self._check()
        home = self.home
        try:
            return [
                *self._drop([RunFolder(home.runs / name) for name in _names(home.trash)]),
                *self._drop([SweepFolder(home.sweeps / name) for name in _names(home.sweeps_trash)]),
            ]
        except OSError as error:
            raise told(error, self.bucket) from None

    def _drop(self, deleted: Sequence[RunFolder]) -> list[str]:
        gone = []
        for folder in deleted:
            place = self._place(folder)
            if place.is_dir() and not folder.path.exists():
                old = place.with_name(f"{_OLD}{place.name}")
                _remove(old)
                place.rename(old)
                self._forget(key_of(folder))
                _remove(old)
                gone.append(folder.run_id)
        return gone

    # ---------------------------------------------------------------- in

    def missing(self) -> list[str]:
        """Ids of runs that lie in the bucket and not here; deleted ones do not count."""
        return self._missing(self._runs, (self.home.runs, self.home.trash))

    def missing_sweeps(self) -> list[str]:
        """The same of sweeps."""
        return self._missing(self._sweeps, (self.home.sweeps, self.home.sweeps_trash))

    def _missing(self, there: Path, here: Sequence[Path]) -> list[str]:
        self._check()
        try:
            names = {path.name.removeprefix(_OLD) for path in there.iterdir()} if there.is_dir() else set()
        except OSError as error:
            raise told(error, self.bucket) from None
        return sorted(
            name for name in names if is_run_id(name) and not any((folder / name).exists() for folder in here)
        )

    def restore(self, name: str) -> RunFolder:
        """Take a run back. Raises JobError or DataError where what lies there is no sound run."""
        self._check()
        folder = import_run(self.home, _whole(self._runs, name), name=name)
        self._remember(key_of(folder), state_of(folder))
        return folder

    def restore_sweep(self, name: str) -> SweepFolder:
        """Take a sweep back; it rests. Raises JobError or DataError where what lies there is no sound sweep."""
        self._check()
        return import_sweep(self.home, _whole(self._sweeps, name), name)

    def restore_uploads(self) -> int:
        """Take brought files back that are not here; how many."""
        self._check()
        place = self.bucket / "uploads"
        try:
            return sum(
                _copy_file(path, self.home.uploads / path.name)
                for path in (sorted(place.iterdir()) if place.is_dir() else ())
                if path.is_file() and not path.is_symlink() and not path.name.startswith(".")
            )
        except OSError as error:
            raise told(error, self.bucket) from None

    # ---------------------------------------------------------------- inside

    @property
    def _runs(self) -> Path:
        return self.bucket / "runs"

    @property
    def _sweeps(self) -> Path:
        return self.bucket / "sweeps"

    def _place(self, folder: RunFolder) -> Path:
        return (self._sweeps if isinstance(folder, SweepFolder) else self._runs) / folder.run_id

    def _check(self) -> None:
        """Never makes the bucket itself: where its mount is gone, that would fill this machine's own disk."""
        if not self.bucket.is_dir():
            raise DiskError(
                f"The backup folder {self.bucket} is not there.", hint="Mount the bucket, or change STILLROOM_BACKUP."
            )
        try:
            self._runs.mkdir(exist_ok=True)
            self._sweeps.mkdir(exist_ok=True)
        except OSError as error:
            raise told(error, self.bucket) from None

    def _remember(self, key: str, state: str) -> None:
        self._saved[key] = state
        with suppress(OSError):
            write_json(self._memory, self._saved)

    def _forget(self, key: str) -> None:
        self._saved.pop(key, None)
        with suppress(OSError):
            write_json(self._memory, self._saved)


def key_of(folder: RunFolder) -> str:
    """Under which a folder's state is remembered; a sweep may be called as a run is."""
    return f"sweeps/{folder.run_id}" if isinstance(folder, SweepFolder) else folder.run_id


def _whole(place: Path, name: str) -> Path:
    """Where a copy lies; the one before, where the bucket's last write was cut off between two renames."""
    there = (place / name, place / f"{_OLD}{name}")
    return next((one for one in there if one.is_dir()), there[0])


def _names(trash: Path) -> list[str]:
    return sorted(path.name for path in trash.iterdir() if is_run_id(path.name)) if trash.is_dir() else []


def files_of(folder: RunFolder) -> Iterator[Path]:
    """What of a run or sweep is kept, in the order in which it is copied: events last, so that they reach at least as
    far as the checkpoints beside them. A run that is done needs no checkpoints."""
    done = last_end(folder) == "done"
    last = []
    for path in sorted(folder.path.rglob("*")):
        parts = path.relative_to(folder.path).parts
        if any(part.startswith(".") for part in parts) or parts[0] in LEFT_BEHIND or path.is_symlink():
            continue
        if not path.is_file() or (done and parts[0] == folder.checkpoints.name):
            continue
        if len(parts) == 1:
            last.append(path)
        else:
            yield path
    yield from sorted(last, key=lambda path: path == folder.events)


def state_of(folder: RunFolder) -> str:
    """Changes when a file of the run that is kept does."""
    digest = hashlib.sha256()
    for path in files_of(folder):
        with suppress(OSError):
            stat = path.stat()
            digest.update(f"{path.relative_to(folder.path)}\0{stat.st_size}\0{stat.st_mtime_ns}\0".encode())
    return digest.hexdigest()


def told(error: OSError, bucket: Path) -> DiskError:
    """What went wrong with the bucket, in words."""
    if error.errno in FULL:
        return DiskError(f"The backup folder {bucket} is full.", hint="Delete runs, or take a larger bucket.")
    return DiskError(
        f"The backup folder {bucket} cannot be used: {error.strerror or error}.", hint="Is the bucket mounted?"
    )


def _copy_file(source: Path, target: Path) -> bool:
    """False where it is there already."""
    if target.exists():
        return False
    target.parent.mkdir(parents=True, exist_ok=True)
    fresh = target.with_name(f"{_NEW}{target.name}")
    try:
        shutil.copyfile(source, fresh)
        fresh.replace(target)
    except BaseException:
        with suppress(OSError):
            fresh.unlink(missing_ok=True)
        raise
    return True


def _remove(path: Path) -> None:
    with suppress(FileNotFoundError):
        shutil.rmtree(path)
