"""A run made elsewhere, taken into the data folder: looked at first, then copied whole. No torch.

Folders and archives come from outside. Nothing in them is run or unpickled; paths, links, sizes and kinds of files are
checked before anything is written, and what is broken is refused in words.
"""

from __future__ import annotations

import re
import shutil
import stat
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path, PurePosixPath

from distill_core import config as configs
from distill_core.errors import ConfigError, DataError, DiskError, JobError, StillroomError
from distill_core.events import read_events
from distill_core.export.report import read_report
from distill_core.jobs.process import ProcessInfo, RunLock
from distill_core.jobs.queue import slug
from distill_core.layout import DataHome, RunFolder, is_run_id
from distill_core.run_state import last_end
from distill_core.weights import read_header

#: of an archive, unpacked: files, and bytes in 10^6
MOST_FILES, MOST_MB = 20_000, 20_000
#: kinds of files that can run code when they are read, or that Python would load
_RUNNABLE = (".pkl", ".pickle", ".pt", ".pth", ".bin", ".ckpt", ".joblib", ".npy", ".npz", ".py", ".pyc", ".so")
#: what belongs to the machine a run was made on
LEFT_BEHIND = ("process.json", "lock", "queue.json", "give-way")
_BLOCK = 2**20


def import_run(home: DataHome, source: Path, *, name: str | None = None) -> RunFolder:
    """Copies a run's folder, or the one in a zip, into the data folder.

    Its id is the folder's name where that is free and can be one. Raises JobError (no run, a run that is at work, the
    same run is here already), DataError (a broken one, or one that holds what is not taken), DiskError.

    Args:
        name: what the source is called by people, where its path does not say (an upload).
    """
    if source.is_dir():
        return _take_in(home, source, name or source.resolve().name)
    if not source.is_file():
        raise JobError(f"There is no folder or file {source}.", hint="Give a run's folder, or a zip of one.")
    home.create()
    with _unpacked(source, home.cache) as (folder, own_name):
        return _take_in(home, folder, own_name or Path(name or source.name).stem)


def _take_in(home: DataHome, source: Path, name: str) -> RunFolder:
    folder = RunFolder(source)
    check_run(folder)
    home.create()
    target = _place(home, folder, name)
    copy_whole(source, target.path, "run")
    return target


def copy_whole(source: Path, target: Path, what: str, ready: Callable[[Path], None] = lambda copy: None) -> None:
    """A folder without what is hidden or belongs to another machine; it stands at `target` whole, or not at all.

    what: named when it cannot be copied ("run"). ready: given the copy before it is put in its place. Raises DiskError.
    """
    temporary = Path(tempfile.mkdtemp(prefix=".import.", dir=target.parent))
    try:
        temporary.chmod(0o755)
        copy = temporary / "whole"
        shutil.copytree(source, copy, ignore=lambda at, names: _skipped(Path(at) == source, names))
        ready(copy)
        copy.replace(target)
    except OSError as error:
        raise DiskError(
            f"The {what} could not be copied: {error.strerror or error}.", hint="Make room on the data folder's disk."
        ) from None
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _skipped(top: bool, names: list[str]) -> set[str]:
    """Hidden files (half-made ones are), and at the top what belongs to the other machine."""
    return {name for name in names if name.startswith(".") or (top and name in LEFT_BEHIND)}


def _place(home: DataHome, folder: RunFolder, name: str) -> RunFolder:
    """A free place among the runs; JobError when this very run is there."""
    wanted = name if is_run_id(name) else slug(name, 60)
    events = _bytes(folder.events)
    number = 1
    while True:
        place = home.run(wanted if number == 1 else f"{wanted[:74]}-{number}")
        if not place.path.exists():
            return place
        if events and _bytes(place.events).startswith(events):
            raise JobError(f"This run is here already, as {place.run_id}.", hint="Open it from the list of runs.")
        number += 1


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""


# ---------------------------------------------------------------- looked at first


def check_run(folder: RunFolder) -> None:
    """Raises JobError or DataError, in words, for a folder that is no sound run at rest."""
    if not folder.config.is_file():
        raise JobError("There is no run in it: config.yaml is missing.", hint="Give the whole folder of a run.")
    check_files(folder.path)
    try:
        configs.load(folder.config)
    except ConfigError as error:
        raise DataError(
            f"Its config.yaml cannot be read here: {error.errors[0]}", hint="It may be of a newer version, or damaged."
        ) from None
    if not folder.events.is_file() or not any(True for _ in read_events(folder.events)):
        raise DataError("Its events.jsonl is missing or damaged.", hint="Copy the whole folder once more.")
    if _at_work(folder):
        raise JobError("A process is working on this run.", hint="Wait until it has ended, then import it.")
    if last_end(folder) == "done":
        _check_finished(folder)


def _at_work(folder: RunFolder) -> bool:
    info = ProcessInfo.read(folder)
    try:
        return RunLock.held(folder) or (info is not None and info.alive())
    except OSError:  # a folder that may only be read: nobody can work on it from here
        return False


def _check_finished(folder: RunFolder) -> None:
    """Of a run that is done: its report can be read, and its student's weights are whole."""
    hint = "Copy the whole folder once more."
    try:
        report = read_report(folder.report)
    except DataError as error:
        error.hint = hint if "damaged" in error.message else error.hint
        raise
    if report is None:
        raise DataError("It is done, but its report.json is missing.", hint=hint)
    weights = folder.student / "model.safetensors"
    if weights.exists():
        try:
            read_header(weights)
        except StillroomError as error:
            raise DataError(f"The student in it is damaged: {error.message}", hint=hint) from None


def check_files(folder: Path) -> None:
    """Raises DataError for links, special files, and kinds that can run code, anywhere below a folder."""
    for path in folder.rglob("*"):
        _check_file(path, path.relative_to(folder).as_posix())


def _check_file(path: Path, name: str) -> None:
    mode = path.lstat().st_mode
    if stat.S_ISLNK(mode) or not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
        raise DataError(
            f"{name} is a link or no plain file.", hint="A run's folder has neither; copy it without links."
        )
    if path.is_file():
        _check_kind(name)


def _check_kind(name: str) -> None:
    if PurePosixPath(name).suffix.lower() in _RUNNABLE:
        raise DataError(
            f"{name} is of a kind that can run code when it is read; such files are not taken.",
            hint="Runs keep weights as safetensors. Remove the file, if it does not belong to the run.",
        )


# ---------------------------------------------------------------- archives


@contextmanager
def _unpacked(path: Path, cache: Path) -> Iterator[tuple[Path, str | None]]:
    """The run's folder of a zip, unpacked for as long as this lasts, and its name inside."""
    cache.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(prefix="import.", dir=cache))
    try:
        try:
            with zipfile.ZipFile(path) as archive:
                top = _unpack(archive, temporary)
        except (zipfile.BadZipFile, EOFError, NotImplementedError, RuntimeError, UnicodeDecodeError):
            raise DataError(f"{path.name} is no sound zip archive.", hint="Zip the run's folder again.") from None
        except OSError as error:
            raise DiskError(
                f"The archive could not be unpacked: {error.strerror or error}.", hint="Make room on the disk."
            ) from None
        yield (temporary / top if top else temporary), top
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _unpack(archive: zipfile.ZipFile, folder: Path) -> str | None:
    """Everything, checked; the single folder at its top, or None where the run lies at the top itself."""
    entries = [entry for entry in archive.infolist() if not entry.is_dir()]
    if len(entries) > MOST_FILES:
        raise DataError(f"The archive has {len(entries):,} files; at most {MOST_FILES:,} are taken.")
    names = [_safe_name(entry) for entry in entries]
    if len(set(names)) < len(names):
        raise DataError("The archive has two files of one name.", hint="Zip the run's folder again.")
    left = MOST_MB * 1_000_000
    for entry, name in zip(entries, names, strict=True):
        target = folder.joinpath(*name.parts)
        target.parent.mkdir(parents=True, exist_ok=True)
        with archive.open(entry) as source, target.open("xb") as out:
            # Counted as they come: what an archive says of its sizes may be untrue.
            while block := source.read(_BLOCK):
                left -= len(block)
                if left < 0:
                    raise DataError(f"The archive holds more than {MOST_MB:,} MB.", hint="Import its folder instead.")
                out.write(block)
    tops = {name.parts[0] for name in names}
    if PurePosixPath("config.yaml") in names or len(tops) != 1:
        return None
    return tops.pop()


def _safe_name(entry: zipfile.ZipInfo) -> PurePosixPath:
    """Raises DataError for what would lie outside, is a link, is locked, or is of a kind that is not taken."""
    name = entry.filename
    path = PurePosixPath(name)
    outside = path.is_absolute() or ".." in path.parts or "\\" in name or "\0" in name or re.match(r"[A-Za-z]:", name)
    if outside or not path.parts:
        raise DataError(f"The archive has a path that leads outside: {name!r}.", hint="It is not taken.")
    kind = stat.S_IFMT(entry.external_attr >> 16)
    if kind not in (0, stat.S_IFREG):
        raise DataError(f"{name} in the archive is a link or no plain file.", hint="Zip the folder without links.")
    if entry.flag_bits & 1:
        raise DataError(f"{name} in the archive is locked by a password.", hint="Zip the folder without one.")
    _check_kind(name)
    return path


def forget(folder: RunFolder) -> None:
    """Take an imported run away again, when it could not be listed."""
    with suppress(OSError):
        shutil.rmtree(folder.path)
