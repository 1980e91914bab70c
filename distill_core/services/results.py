"""What a finished run is decided by: the verdict against kept thresholds, and where the student falls behind.

For page and command line alike; everything is computed from the run's folder, and what takes long is remembered until
its file changes.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from distill_core.analysis.kept import Split, open_split, split_path
from distill_core.analysis.slices import find_losses
from distill_core.errors import ConfigError, JobError
from distill_core.export.decision import Thresholds, decide
from distill_core.export.report import read_report
from distill_core.jobs.meta import keep_beside, read_meta
from distill_core.layout import RunFolder

#: why a part has nothing to show
NOTHING_KEPT = "nothing_kept"
#: files whose contents and figures are held at once
HELD = 4
KEPT_AS = "thresholds"

Found = TypeVar("Found")


class Remembered:
    """Values by (file, its state, name); of more than `most` files the least used go first."""

    def __init__(self, most: int = HELD) -> None:
        self._most = most
        self._lock = threading.Lock()
        self._files: OrderedDict[tuple[str, int, int], dict[str, Any]] = OrderedDict()

    def get(self, path: Path, name: str, make: Callable[[], Found]) -> Found:
        stat = path.stat()
        key = (str(path), stat.st_mtime_ns, stat.st_size)
        with self._lock:
            held = self._files.setdefault(key, {})
            self._files.move_to_end(key)
            while len(self._files) > self._most:
                self._files.popitem(last=False)
        if name not in held:
            held[name] = make()
        found: Found = held[name]
        return found


_remembered = Remembered()


def report_of(folder: RunFolder) -> dict[str, Any]:
    """Raises JobError while there is none, DataError for a damaged one."""
    found = read_report(folder.report)
    if found is None:
        raise JobError("This run has no report yet.", hint="Wait until it is done, or resume it.")
    return found


def split_of(folder: RunFolder, name: str = "test") -> Split | None:
    """The kept answers of one split, or None. Raises DataError for a damaged file."""
    path = split_path(folder.artifacts, name)
    if not path.is_file():
        return None
    return _remembered.get(path, "split", lambda: open_split(folder.artifacts, name))


def remembered(folder: RunFolder, name: str, make: Callable[[Split], Found], split: str = "test") -> Found | None:
    """A figure of the kept answers, computed once; None where none were kept."""
    answers = split_of(folder, split)
    if answers is None:
        return None
    return _remembered.get(split_path(folder.artifacts, split), name, lambda: make(answers))


def lost(folder: RunFolder) -> dict[str, Any] | None:
    """`analysis.slices.find_losses`, or None where the run kept no predictions."""
    return remembered(folder, "losses", find_losses)


def kept_thresholds(folder: RunFolder) -> Thresholds | None:
    """What a person set for this run; None where nobody did, or it can no longer be read."""
    given = read_meta(folder).get(KEPT_AS)
    if not isinstance(given, dict):
        return None
    try:
        return Thresholds.of(given)
    except ConfigError:
        return None


def verdict(
    folder: RunFolder, given: Mapping[str, Any] | None = None, *, forget: bool = False, keep: bool = True
) -> dict[str, Any]:
    """The verdict of a finished run.

    given: thresholds to change; they are kept with the run. forget: back to those by default. keep: False for a run
    that stays as it is; the answer's `kept` says so.

    {verdict, words, checks, thresholds (`export.decision.decide`), own: bool (did a person set them?), defaults,
    headline, sentences, batches: [those measured], lost: `lost` without its tested rows | None, missing: "" or why}.

    Raises JobError (no report), ConfigError (thresholds at fault), DataError, DiskError.
    """
    report = report_of(folder)
    own = None if forget else kept_thresholds(folder)
    if given:
        own = Thresholds.of({**(own or Thresholds()).as_dict(), **given})
    batches = sorted({row["batch"] for row in report.get("latency_models") or []})
    if own is not None and batches and own.batch == batches[0]:
        own = replace(own, batch=None)  # it is what is meant anyway
    if own == Thresholds():
        own = None
    if keep and (given or forget):
        keep_beside(folder, KEPT_AS, None if own is None else own.as_dict())
    found = lost(folder)
    said = report.get("conclusion") or {}
    return {
        **decide(report, own or Thresholds(), found),
        "own": own is not None,
        "kept": keep,
        "defaults": Thresholds().as_dict(),
        "headline": said.get("headline", ""),
        "sentences": said.get("sentences", []),
        "batches": batches,
        "lost": None if found is None else {key: value for key, value in found.items() if key != "rows"},
        "missing": "" if found is not None else NOTHING_KEPT,
    }
