"""How far a run is and how long it still takes, from rates measured in this very run."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from distill_core.events import EventSink


@dataclass
class _Item:
    kind: str
    cost: float
    done: float = 0.0


class ItemProgress:
    """One item of a plan, for the code that works on it."""

    def __init__(self, plan: WorkPlan, key: str) -> None:
        self._plan, self._key = plan, key

    def restore(self, done: int, total: int) -> None:
        """An earlier attempt did this much."""
        self._plan.skip(self._key, done / max(1, total))

    def advance(self, done: int, total: int) -> None:
        """This much is done now."""
        self._plan.advance(self._key, done / max(1, total))


class WorkPlan:
    """A list of work items with costs in arbitrary but common units (here: floating-point operations).

    Time left = Σ remaining cost × seconds per unit. The rate of a kind of work is measured while it runs; a kind that
    has not run yet borrows the mean rate of those that have; before anything was measured it is unknown (None).
    """

    def __init__(self, sink: EventSink, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._sink, self._clock = sink, clock
        self._items: dict[str, _Item] = {}
        self._seconds: dict[str, float] = {}
        self._measured: dict[str, float] = {}
        self._last = clock()
        self._emitted = float("-inf")
        self._started = clock()
        self._share = 0.0
        self.note = ""

    def add(self, key: str, kind: str, cost: float) -> None:
        self._items[key] = _Item(kind, max(cost, 1.0))

    def begin(self, note: str) -> None:
        """The next work starts now: time before this moment is not counted as its own."""
        self.note = note
        self._last = self._clock()
        self.emit(force=True)

    def advance(self, key: str, share: float) -> None:
        """Item `key` is done to `share` (0..1); the time since the last call was spent on it."""
        item = self._items[key]
        now = self._clock()
        gained = max(0.0, min(1.0, share) - item.done)
        if gained:
            self._seconds[item.kind] = self._seconds.get(item.kind, 0.0) + now - self._last
            self._measured[item.kind] = self._measured.get(item.kind, 0.0) + gained * item.cost
            item.done += gained
        self._last = now
        self.emit()

    def item(self, key: str) -> ItemProgress:
        return ItemProgress(self, key)

    def skip(self, key: str, share: float = 1.0) -> None:
        """Item `key` was done to `share` before: that counts as done and says nothing about rates."""
        self._items[key].done = share
        self._last = self._clock()
        self.emit()

    def _rate(self, kind: str) -> float | None:
        if self._measured.get(kind):
            return self._seconds[kind] / self._measured[kind]
        measured = sum(self._measured.values())
        return sum(self._seconds.values()) / measured if measured else None

    def eta_seconds(self) -> float | None:
        if not self._measured:
            return None
        return sum((1 - item.done) * item.cost * (self._rate(item.kind) or 0.0) for item in self._items.values())

    def share(self) -> float:
        """Share of the expected time that is over, in [0, 1]; never falls."""
        weights = {key: item.cost * (self._rate(item.kind) or 1.0) for key, item in self._items.items()}
        total = sum(weights.values())
        if total:
            done = sum(weights[key] * item.done for key, item in self._items.items()) / total
            self._share = max(self._share, min(1.0, done))
        return self._share

    def emit(self, *, force: bool = False) -> None:
        """Report, but not too often: long runs report more seldom."""
        now = self._clock()
        pause = min(5.0, max(0.5, (now - self._started) / 300))
        if force or now - self._emitted >= pause:
            self._emitted = now
            self._sink.emit("progress", share=self.share(), eta_s=self.eta_seconds(), note=self.note)
