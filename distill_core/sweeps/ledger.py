"""What a sweep has tried so far, read from its folder's trials.jsonl. No torch, no Optuna.

The file is an event log (`distill_core.events`): `started`, `done` (why), `stopped`, `gave_way`, `failed` are about the
sweep's process; `trial` {number (from 1), state, …} tells what happens to a trial, `teachers` {rows: [{name,
validation}]} how good the teachers are, `importance` {shares: {objective: {path: share}}} which settings matter.

state      goes with
begun      params {path: value}, marks (what the sampler wants to know again)
done       values {objective: number}, curve [validation quality at each evaluation], seconds, best_step, steps
pruned     curve, seconds
refused    error (the values do not go together)
failed     error, seconds
paused     (stopped by a person; goes on later)
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from distill_core.events import Event, read_events
from distill_core.layout import SweepFolder
from distill_core.sweeps.spec import SweepSpec

#: a trial whose process died so often without a word is given up
MOST_DEATHS = 2
#: after so many refused proposals in a row there is nothing left worth asking for
MOST_REFUSED = 20
#: so many failed trials before any was finished: the next would fail too
MOST_FAILED = 3
OPEN = ("begun", "paused")
#: states that used up a part of the budget
COUNTED = ("done", "pruned", "failed")


@dataclass
class Tried:
    """One trial. deaths: how often it was begun again after its process ended without saying why. changed: seq of its
    last event."""

    number: int
    params: dict[str, Any] = field(default_factory=dict)
    state: str = "begun"
    values: dict[str, float] = field(default_factory=dict)
    curve: list[float] = field(default_factory=list)
    seconds: float = 0.0
    steps: int | None = None
    best_step: int | None = None
    error: dict[str, Any] | None = None
    marks: dict[str, Any] = field(default_factory=dict)
    deaths: int = 0
    began: float = 0.0
    changed: int = 0


@dataclass
class Ledger:
    """process: what the sweep's last process said last ("none", "started", "done", "stopped", "gave_way", "failed").
    why: a finished sweep ended ("trials", "minutes", "all", "refused")."""

    tried: dict[int, Tried] = field(default_factory=dict)
    process: str = "none"
    why: str = ""
    error: dict[str, Any] | None = None
    teachers: list[dict[str, Any]] | None = None
    importance: dict[str, dict[str, float]] = field(default_factory=dict)
    last: int = 0
    attempt: int = 0

    @classmethod
    def read(cls, folder: SweepFolder) -> Ledger:
        return cls.of(read_events(folder.events))

    @classmethod
    def of(cls, events: Iterable[Event]) -> Ledger:
        ledger = cls()
        for event in events:
            ledger._take(event)
        return ledger

    def _take(self, event: Event) -> None:
        kind, payload = event["kind"], event["payload"]
        self.last, self.attempt = event["seq"], event["attempt"]
        if kind == "trial":
            self._trial(event)
        elif kind in ("started", "done", "stopped", "gave_way", "failed"):
            self.process, self.why = kind, str(payload.get("why", ""))
            self.error = None
            if kind == "failed":
                self.error = {
                    "kind": payload.get("error_kind", "problem"),
                    **{name: payload.get(name) for name in ("message", "hint", "field")},
                }
        elif kind == "teachers":
            self.teachers = list(payload.get("rows") or [])
        elif kind == "importance":
            self.importance = dict(payload.get("shares") or {})

    def _trial(self, event: Event) -> None:
        payload = event["payload"]
        number, state = int(payload["number"]), str(payload["state"])
        one = self.tried.setdefault(number, Tried(number, began=event["time"]))
        if state == "begun" and one.state == "begun" and one.params:
            one.deaths += 1  # it had begun before, and nobody said that it ended
        one.state, one.changed = state, event["seq"]
        for name in ("params", "values", "curve", "seconds", "steps", "best_step", "error", "marks"):
            if name in payload:
                setattr(one, name, payload[name])

    # ---- what it adds up to

    @property
    def trials(self) -> list[Tried]:
        """In the order in which they were tried."""
        return [self.tried[number] for number in sorted(self.tried)]

    @property
    def open(self) -> Tried | None:
        """The one that has begun and not ended."""
        return next((one for one in self.trials if one.state in OPEN), None)

    @property
    def counted(self) -> int:
        return sum(one.state in COUNTED for one in self.trials)

    @property
    def seconds(self) -> float:
        """Work that went into trials so far."""
        return sum(one.seconds for one in self.trials)

    def finished(self) -> list[Tried]:
        return [one for one in self.trials if one.state == "done"]

    def over(self, spec: SweepSpec) -> str:
        """Why no new trial is to begin, or "" while one is."""
        trials = self.trials
        if spec.budget.trials is not None and self.counted >= spec.budget.trials:
            return "trials"
        if spec.budget.minutes is not None and self.seconds >= 60 * spec.budget.minutes:
            return "minutes"
        last = trials[-MOST_REFUSED:]
        if len(last) == MOST_REFUSED and all(one.state == "refused" for one in last):
            return "refused"
        return ""

    def hopeless(self) -> Tried | None:
        """The last of the first few trials, where all of them failed."""
        counted = [one for one in self.trials if one.state in COUNTED]
        failed = len(counted) >= MOST_FAILED and all(one.state == "failed" for one in counted)
        return counted[-1] if failed else None

    def best(self) -> Tried | None:
        """The finished trial with the highest validation quality; the earliest of equal ones."""
        return max(self.finished(), key=lambda one: (one.values["quality"], -one.number), default=None)
