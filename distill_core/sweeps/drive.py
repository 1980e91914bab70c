"""The process of a sweep: trial after trial until the budget is spent, somebody stops it, or a run wants the device."""

from __future__ import annotations

import json
import os
import shutil
import sys
import time
import traceback
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from distill_core.errors import ConfigError, JobError, StillroomError, Stopped
from distill_core.events import EventLog, EventSink, metric_rows, read_events
from distill_core.jobs.child import (
    EXIT_CONFIG,
    EXIT_DONE,
    EXIT_FAILED,
    EXIT_STOPPED,
    ChildSink,
    explain,
    prefer_others_when_memory_is_short,
    stop_signals,
)
from distill_core.jobs.process import LANE, LOCK_FD, ProcessInfo, RunLock
from distill_core.layout import DataHome, RunFolder, SweepFolder
from distill_core.sweeps import spec as specs
from distill_core.sweeps.fields import trial_config
from distill_core.sweeps.ledger import MOST_DEATHS, Ledger, Tried
from distill_core.sweeps.spec import SweepSpec
from distill_core.train.stop import StopToken

#: settings before the first dot of which teachers, or what they are measured on, may change from trial to trial
_TEACHERS = ("teachers", "teacher_training", "data")
#: errors that the next trial would meet as well
_COMMON = ("data", "checkpoint", "network", "disk")

Work = Callable[..., dict[str, Any]]


class Pruned(Exception):
    """Raised inside a trial that is ended early. Not an error."""


def run_sweep(
    folder: SweepFolder, *, home: DataHome | None = None, observer: EventSink | None = None, work: Work | None = None
) -> int:
    """Go on with the sweep in a folder until it is done, stopped or failed; the exit code as `jobs.child.run_child`'s.

    observer: sees every event of the sweep too. work: what a trial does; by default `sweeps.trial.run_trial`.
    """
    stop = StopToken()
    with stop_signals(stop):
        try:
            spec = specs.load(folder.config)
            lock = RunLock.inherited_or_taken(folder, os.environ)
        except (StillroomError, OSError) as error:
            print(f"Error: {explain(error)}", file=sys.stderr)
            return EXIT_CONFIG if isinstance(error, ConfigError) else EXIT_FAILED
        try:
            return _work(Sweep(spec, folder.create(), home or DataHome.from_environment(), stop, work), observer)
        finally:
            lock.release()


def _work(sweep: Sweep, observer: EventSink | None) -> int:
    prefer_others_when_memory_is_short()
    sink = sweep.sink = ChildSink(sweep.folder, observer)
    began = time.monotonic()
    try:
        by = "app" if LOCK_FD in os.environ else "cli"
        ProcessInfo.of(os.getpid(), attempt=sink.attempt, by=by, lane=os.environ.get(LANE)).write(sweep.folder)
        sweep.folder.give_way.unlink(missing_ok=True)
        sink.emit("started", pid=os.getpid())
        sweep.since = Ledger.read(sweep.folder).last
        why = sweep.go_on()
        if why == "gave_way":
            sink.emit("gave_way")
        else:
            sink.emit("done", why=why, seconds=round(time.monotonic() - began, 3))
        return EXIT_DONE
    except Stopped:
        sink.emit("stopped")
        return EXIT_STOPPED
    except Exception as error:
        known = explain(error)
        if known is not error:
            traceback.print_exc()
        print(f"Error: {known}", file=sys.stderr)
        words = known.as_dict()
        words["error_kind"] = words.pop("kind")
        with suppress(OSError):
            sink.emit("failed", **words)
        return EXIT_FAILED
    finally:
        sink.close()


class Sweep:
    """One sweep under way in this process."""

    def __init__(
        self, spec: SweepSpec, folder: SweepFolder, home: DataHome, stop: StopToken, work: Work | None = None
    ) -> None:
        self.spec, self.folder, self.home, self.stop = spec, folder, home, stop
        self.sink: EventSink
        self.since = 0  # seq of this process's first event
        self._run = work
        self._common = any(path.split(".", 1)[0] in _TEACHERS for path in spec.search)

    def go_on(self) -> str:
        """Trials until there is a reason to end: "trials", "minutes", "all", "refused", "gave_way".

        Raises Stopped, StillroomError where no trial could be trained.
        """
        from distill_core.sweeps import study

        while True:
            if self.stop.is_set():
                raise Stopped
            ledger = Ledger.read(self.folder)
            if (last := ledger.hopeless()) is not None:
                self._give_up(last, ledger)
            again = ledger.open
            if again is not None:
                if again.state == "begun" and again.deaths + 1 >= MOST_DEATHS:
                    self._end(
                        again.number, "failed", error=_died().as_dict(), seconds=_spent(self.folder, again.number)
                    )
                    continue
                self._begin(again.number, again.params, again.marks)
            else:
                if self.folder.give_way.exists():
                    self.folder.give_way.unlink(missing_ok=True)
                    return "gave_way"
                if why := ledger.over(self.spec):
                    return why
                found = study.propose(self.spec, ledger.trials)
                if found is None:
                    return "all"
                again = Tried(len(ledger.tried) + 1, found.params, marks=found.marks)
                self._begin(again.number, again.params, again.marks)
            self._try(again, ledger)
            shares = study.importance(self.spec, Ledger.read(self.folder).trials)
            if shares and shares != ledger.importance:
                self.sink.emit("importance", shares=shares)

    def _give_up(self, last: Tried, ledger: Ledger) -> None:
        """All trials so far failed. After a person said go on there is one more try each time."""
        if last.changed > self.since:
            error = last.error or {}
            raise StillroomError(
                f"All {ledger.counted} trials failed. The last one: {error.get('message', '')}",
                hint=str(error.get("hint") or "Change the base settings, or what is varied."),
            )

    def _begin(self, number: int, params: dict[str, Any], marks: dict[str, Any]) -> None:
        self.sink.emit("trial", number=number, state="begun", params=params, marks=marks)

    def _end(self, number: int, state: str, **told: Any) -> None:
        self.sink.emit("trial", number=number, state=state, **told)
        for left in (self.folder.trial(number).checkpoints, self.folder.trial(number).artifacts):
            shutil.rmtree(left, ignore_errors=True)

    # ---- one trial

    def _try(self, one: Tried, ledger: Ledger) -> None:
        folder = self.folder.trial(one.number)
        try:
            config = trial_config(self.spec.base, one.params, f"{self.spec.name} {one.number}")
        except ConfigError as error:
            return self._end(one.number, "refused", error=error.as_dict())
        folder.create()
        config.save(folder.config)
        sink = TrialSink(folder, lambda curve: self._hopeless(ledger, curve))
        ask = ledger.teachers is None and not self._common
        try:
            found = self._worker()(
                config, folder, self.home, sink, self.stop, ask=ask, timed="latency" in self.spec.objectives
            )
            if ask and sink.teachers:
                self.sink.emit("teachers", rows=sink.teachers)
            self._end(one.number, "done", curve=sink.curve, seconds=_spent(self.folder, one.number), **found)
        except Pruned:
            self._end(one.number, "pruned", curve=sink.curve, seconds=_spent(self.folder, one.number))
        except Stopped:
            self.sink.emit("trial", number=one.number, state="paused", seconds=_spent(self.folder, one.number))
            raise
        except Exception as error:
            self._failed(one, error)
        finally:
            sink.close()

    def _worker(self) -> Work:
        if self._run is None:
            from distill_core.sweeps.trial import run_trial

            self._run = run_trial
        return self._run

    def _hopeless(self, ledger: Ledger, curve: list[float]) -> bool:
        from distill_core.sweeps.study import is_hopeless

        return is_hopeless(self.spec, ledger.trials, curve)

    def _failed(self, one: Tried, error: Exception) -> None:
        """A trial ended by an error: its own (recorded, the sweep goes on), or one that every trial would meet."""
        known = explain(error)
        if known is not error:
            traceback.print_exc()
        own = any(_touches(known.field, path) for path in self.spec.search) if known.field else False
        if isinstance(known, ConfigError) or own:
            return self._end(one.number, "refused", error=known.as_dict(), seconds=_spent(self.folder, one.number))
        if known.kind in _COMMON:
            with suppress(OSError):
                self.sink.emit("trial", number=one.number, state="paused")
            raise known
        self._end(one.number, "failed", error=known.as_dict(), seconds=_spent(self.folder, one.number))


def _touches(field: str, path: str) -> bool:
    return field == path or field.startswith(path + ".") or path.startswith(field + ".")


def _died() -> StillroomError:
    return JobError(
        f"Its process ended {MOST_DEATHS} times without saying why; often that means the machine ran out of memory.",
        hint="Vary smaller values.",
    )


def _spent(folder: SweepFolder, number: int) -> float:
    """Seconds of work in a trial, all attempts together, as far as they could be written down."""
    try:
        found = json.loads((folder.trial(number).checkpoints / "seconds.json").read_text(encoding="utf-8"))
        return round(float(sum(found.values())), 3)
    except (OSError, ValueError, AttributeError):
        return 0.0


class TrialSink:
    """A trial's own events, its validation curve, and the end of a hopeless one."""

    def __init__(self, folder: RunFolder, hopeless: Callable[[list[float]], bool]) -> None:
        self._hopeless = hopeless
        self._points = {
            row["step"]: float(row["value"])
            for row in metric_rows(read_events(folder.events))
            if _counts(row) and row["value"] is not None
        }
        self._log = EventLog(folder.events)
        self.teachers: list[dict[str, Any]] = []

    @property
    def curve(self) -> list[float]:
        """Validation quality at each evaluation so far."""
        return [self._points[step] for step in sorted(self._points)]

    def emit(self, kind: str, **payload: Any) -> None:
        """Raises Pruned after an evaluation that leaves no hope."""
        self._log.emit(kind, **payload)
        if kind == "teacher":
            self.teachers.append({"name": payload["name"], "validation": payload["validation"]})
        elif kind == "resumed" and payload["arm"] == "main":
            self._points = {step: value for step, value in self._points.items() if step <= payload["from_step"]}
        elif kind == "metric":
            new = {row["step"]: float(row["value"]) for row in payload["rows"] if _counts(row)}
            self._points |= new
            if new and self._hopeless(self.curve):
                raise Pruned

    def close(self) -> None:
        self._log.close()


def _counts(row: dict[str, Any]) -> bool:
    return row["arm"] == "main" and row["name"] == "validation_quality"
