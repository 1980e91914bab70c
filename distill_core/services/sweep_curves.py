"""Learning curves of a sweep's trials, out of the trials' own events: validation quality at each evaluation."""

from __future__ import annotations

import json
from collections import OrderedDict
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock

from distill_core.layout import RunFolder

#: trials whose curves are kept in memory; a curve is as long as its trial has evaluations
MOST_KEPT = 2_000
#: a line of another kind is not even parsed: most tell losses
_OURS = (b"validation_quality", b'"resumed"')

Point = tuple[int, float]


@dataclass
class _Read:
    """How far a trial's events were read, and what they held."""

    offset: int = 0
    points: dict[int, float] = field(default_factory=dict)


class TrialCurves:
    """Reads on where it stopped. May be called from any thread."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._kept: OrderedDict[Path, _Read] = OrderedDict()

    def of(self, folder: RunFolder) -> list[Point]:
        """(optimizer step, validation quality in [0, 1]) of each evaluation so far, by step; [] before the first."""
        with self._lock:
            read = self._kept.setdefault(folder.events, _Read())
            self._kept.move_to_end(folder.events)
            while len(self._kept) > MOST_KEPT:
                self._kept.popitem(last=False)
            try:
                _go_on(folder.events, read)
            except OSError:
                return []
            return sorted(read.points.items())


def _go_on(path: Path, read: _Read) -> None:
    size = path.stat().st_size
    if size < read.offset:
        read.offset, read.points = 0, {}  # another file in its place
    if size == read.offset:
        return
    with open(path, "rb") as file:
        file.seek(read.offset)
        data = file.read()
    end = data.rfind(b"\n") + 1
    for line in data[:end].splitlines():
        if any(word in line for word in _OURS):
            with suppress(ValueError, KeyError, TypeError):  # a damaged line loses its point, not the curve
                _take(json.loads(line), read)
    read.offset += end


def _take(event: dict[str, object], read: _Read) -> None:
    payload = event["payload"]
    assert isinstance(payload, dict)
    if event["kind"] == "resumed" and payload["arm"] == "main":
        read.points = {step: value for step, value in read.points.items() if step <= payload["from_step"]}
    elif event["kind"] == "metric":
        for row in payload["rows"]:
            if row["arm"] == "main" and row["name"] == "validation_quality" and row["value"] is not None:
                read.points[int(row["step"])] = float(row["value"])
