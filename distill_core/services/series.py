"""Curves of the runs somebody looks at, in memory: each look brings only what is new, thinned (`services.thinning`)."""

from __future__ import annotations

import csv
import io
import math
import threading
from array import array
from bisect import bisect_left, bisect_right
from collections import OrderedDict
from collections.abc import Iterable
from typing import Any

import numpy as np

from distill_core.analysis.csv_cells import safe
from distill_core.jobs.store import RunRow, Store
from distill_core.services.thinning import complete, kept, level_of, means

#: runs whose curves are kept; a run of 20 curves with 10,000 points each takes about 5 MB
MAX_RUNS = 8

Key = tuple[str, int, str]
#: what a page gets of one curve: [id, count, numbers, steps, values, bucket, means]; numbers and steps as differences
Packed = list[Any]


class Series:
    """The points of one curve, in the order in which they came."""

    def __init__(self, number: int, key: Key, unit: str) -> None:
        self.number, self.key, self.unit = number, key, unit
        self.seq, self.step, self.value = array("q"), array("q"), array("d")

    def about(self) -> dict[str, Any]:
        arm, seed, name = self.key
        return {"id": self.number, "arm": arm, "seed": seed, "name": name, "unit": self.unit}

    def add(self, seq: int, step: int, value: float | None) -> None:
        self.seq.append(seq)
        self.step.append(step)
        self.value.append(math.nan if value is None else value)

    def since(self, cursor: int) -> Packed | None:
        """What somebody lacks who knows all events up to `cursor`; None when that is nothing."""
        count, known = len(self.seq), bisect_right(self.seq, cursor)
        if known == count:
            return None
        level = level_of(count)
        bucket = complete(known, level)
        values = np.array(self.value)
        fresh = means(values, level, bucket) if level else np.empty(0)
        return [self.number, count, *self._points(kept(values, level, known)), bucket, rounded(fresh)]

    def between(self, first: int, last: int) -> Packed:
        """The points of these steps (and one more on each side), as fine as their number allows."""
        low = max(0, bisect_left(self.step, first) - 1)
        high = min(len(self.step), bisect_right(self.step, last) + 1)
        level = level_of(high - low)
        numbers = kept(np.array(self.value[:high]), level, low >> level << level)
        return [self.number, len(self.seq), *self._points(numbers), 0, []]

    def _points(self, numbers: np.ndarray) -> tuple[list[int], list[int], list[float | None]]:
        steps = np.array(self.step)[numbers]
        values = np.array(self.value)[numbers]
        return differences(numbers), differences(steps), rounded(values)


def differences(values: np.ndarray) -> list[int]:
    """[5, 6, 9] → [5, 1, 3]: short in JSON."""
    found: list[int] = np.diff(values, prepend=0).tolist()
    return found


def rounded(values: np.ndarray) -> list[float | None]:
    """Five significant digits, more than a screen shows; what is no number becomes None."""
    return [float(f"{value:.5g}") if math.isfinite(value) else None for value in values.tolist()]


class RunCurves:
    """All curves of one run, as far as its events were read."""

    def __init__(self) -> None:
        self.read_to = 0
        self.curves: dict[Key, Series] = {}

    def update(self, store: Store, row: RunRow) -> None:
        last = row.state.get("last_seq", 0)
        if self.read_to < row.reset_seq or self.read_to > last:
            # Rows that were read became void: numbers would no longer fit.
            self.read_to, self.curves = 0, {}
        if last == self.read_to:
            return
        for seq, arm, seed, name, step, value, unit in store.metric_points(row.id, self.read_to, last):
            curve = self.curves.get((arm, seed, name))
            if curve is None:
                curve = self.curves[(arm, seed, name)] = Series(len(self.curves), (arm, seed, name), unit)
            curve.add(seq, step, value)
        self.read_to = last

    def since(self, cursor: int) -> tuple[list[dict[str, Any]], list[Packed]]:
        """(curves that began after `cursor`, what is new of all)."""
        about = [curve.about() for curve in self.curves.values() if curve.seq[0] > cursor]
        points = [curve.since(cursor) for curve in self.curves.values()]
        return about, [packed for packed in points if packed is not None]


class CurveCache:
    """Curves of the runs last asked for. Every method may be called from any thread."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._lock = threading.Lock()
        self._runs: OrderedDict[str, RunCurves] = OrderedDict()

    def since(self, row: RunRow, cursor: int) -> tuple[list[dict[str, Any]], list[Packed]]:
        """See `RunCurves.since`; of events up to the row's `last_seq`, or newer ones that others have asked for."""
        with self._lock:
            return self._fresh(row).since(cursor)

    def between(self, row: RunRow, ids: Iterable[int], first: int, last: int) -> list[Packed]:
        """Some curves between two steps; ids that are unknown are passed over."""
        wanted = set(ids)
        with self._lock:
            curves = self._fresh(row).curves.values()
            return [curve.between(first, last) for curve in curves if curve.number in wanted]

    def _fresh(self, row: RunRow) -> RunCurves:
        found = self._runs.setdefault(row.id, RunCurves())
        self._runs.move_to_end(row.id)
        while len(self._runs) > MAX_RUNS:
            self._runs.popitem(last=False)
        if found.read_to > row.state.get("last_seq", 0):
            # Somebody else has read on since this row was read; only a history that was replaced is shorter now.
            row = self._store.run(row.id) or row
        found.update(self._store, row)
        return found


def points_csv(store: Store, run_id: str, keys: Iterable[Key]) -> str:
    """Every recorded point of these curves, one a line, in full: arm, seed, name, step, value, unit."""
    wanted = set(keys)
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["arm", "seed", "name", "step", "value", "unit"])
    for _, arm, seed, name, step, value, unit in store.metric_points(run_id):
        if (arm, seed, name) in wanted:
            writer.writerow([safe(arm), seed, safe(name), step, "" if value is None else repr(value), unit])
    return out.getvalue()
