"""Measurements on request as jobs of a finished run: a process of their own trains and writes down how far it is. No
torch.

As with exports, the app starts the very command that people type (`python -m distill_core curve RUN`), which goes on
when the app ends. One process at a time works on a run's measurements; what it has finished is kept when it is stopped
or killed, and the next one goes on from there.
"""

from __future__ import annotations

import fcntl
import os
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from distill_core.errors import JobError, StillroomError, Stopped
from distill_core.extras.state import KINDS, USUAL_MOST, ExtraState, extra_folder, read_state, write_state
from distill_core.jobs import beside
from distill_core.jobs.child import explain, stop_signals
from distill_core.jobs.process import ProcessInfo
from distill_core.layout import DataHome, RunFolder
from distill_core.train.stop import StopToken

INTERRUPTED = StillroomError("The measurement broke off.", hint="Go on: what was finished is kept.")


@dataclass(frozen=True)
class Order:
    """kind: of `extras.state.KINDS`; most: times the run's labels, for the curve."""

    kind: str
    most: int = USUAL_MOST


# ---------------------------------------------------------------- the process that works


def work(
    folder: RunFolder, order: Order, home: DataHome, say: Callable[[ExtraState], None] = lambda state: None
) -> ExtraState:
    """Measure in this process (torch is loaded here), or go on with what an earlier one has left; the last state.

    SIGTERM and Ctrl-C stop it after a checkpoint. say: told of every new state.
    """
    own = ProcessInfo.of(os.getpid(), attempt=1)
    before = read_state(folder, order.kind)
    teller = _Teller(
        folder,
        ExtraState(
            order.kind,
            "running",
            most=order.most,
            note="waiting for its turn",
            pid=own.pid,
            started=own.started,
            figures=before.figures if before.most == order.most else {},
            seconds=before.seconds if before.state in ("stopped", "failed", "running") else 0.0,
        ),
        say,
    )
    teller.tell()
    stop = StopToken()
    with stop_signals(stop):
        try:
            with _alone(folder, stop):
                figures = _measure(folder, order, home, teller, stop)
            teller.tell(state="done", note="", share=1.0, eta_s=0.0, figures=figures)
        except Stopped:
            teller.tell(state="stopped", note="", eta_s=None)
        except Exception as error:
            teller.tell(state="failed", note="", eta_s=None, error=explain(error).as_dict())
            if not isinstance(error, StillroomError):
                raise
    return teller.state


def _measure(folder: RunFolder, order: Order, home: DataHome, teller: _Teller, stop: StopToken) -> dict[str, Any]:
    teller.tell(note="starting")
    from distill_core.extras.train import FinishedRun, learning_curve, without_teachers

    run = FinishedRun.open(folder, home)
    if order.kind == "curve":
        return learning_curve(run, order.most, teller, stop, teller.keep)
    return without_teachers(run, teller, stop, teller.keep)


class _Teller:
    """Writes the state down; as a run's event sink it takes its progress and leaves the rest."""

    def __init__(self, folder: RunFolder, state: ExtraState, say: Callable[[ExtraState], None]) -> None:
        self._folder, self.state, self._say = folder, state, say
        self._before, self._began = state.seconds, time.monotonic()

    def tell(self, **changes: Any) -> None:
        seconds = self._before + time.monotonic() - self._began
        self.state = replace(self.state, at=time.time(), seconds=seconds, **changes)
        write_state(self._folder, self.state)
        self._say(self.state)

    def keep(self, figures: dict[str, Any]) -> None:
        self.tell(figures=figures)

    def emit(self, kind: str, **payload: Any) -> None:
        if kind == "progress":
            self.tell(**{name: payload[name] for name in ("note", "share", "eta_s")})


@contextmanager
def _alone(folder: RunFolder, stop: StopToken) -> Iterator[None]:
    """Waits until no other process measures this run. Raises Stopped when asked to meanwhile."""
    extra_folder(folder).mkdir(parents=True, exist_ok=True)
    descriptor = os.open(extra_folder(folder) / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if stop.is_set():
                    raise Stopped from None
                time.sleep(0.2)
        yield
    finally:
        os.close(descriptor)


# ---------------------------------------------------------------- the app's side


def states(folder: RunFolder) -> dict[str, ExtraState]:
    """Of every kind. One whose process died is "failed"; what it had finished stands in its figures."""
    return {kind: _settled(read_state(folder, kind)) for kind in KINDS}


def _settled(state: ExtraState) -> ExtraState:
    if state.state == "running" and not beside.lives(state.pid, state.started, state.at):
        return replace(state, state="failed", note="", eta_s=None, error=INTERRUPTED.as_dict())
    return state


def start(folder: RunFolder, order: Order, *, command: Sequence[str] | None = None) -> None:
    """Start the process that measures, or that goes on with it; returns at once. Harmless while one works on it.

    Raises JobError: the run is not done, or the process cannot be started.
    """
    if not folder.report.is_file():
        raise JobError("This run has no report yet.", hint="Wait until it is done.")
    before = states(folder)[order.kind]
    if before.state == "running":
        return
    # Written before the process is there, so that a page that asks at once sees it.
    same = before.most == order.most
    written = ExtraState(
        order.kind,
        "running",
        most=order.most,
        note="starting",
        at=time.time(),
        figures=before.figures if same else {},
        seconds=before.seconds if same and before.state != "done" else 0.0,
    )
    write_state(folder, written)
    try:
        own = beside.begin("The measurement", _arguments(folder, order), extra_folder(folder) / "log.txt", command)
    except JobError as error:
        write_state(folder, replace(written, state="failed", note="", at=time.time(), error=error.as_dict()))
        raise
    if own is not None and not read_state(folder, order.kind).pid:  # so that it can be stopped before its first word
        write_state(folder, replace(written, pid=own.pid, started=own.started))


def _arguments(folder: RunFolder, order: Order) -> list[str]:
    if order.kind == "curve":
        return ["curve", str(folder.path), "--most", str(order.most)]
    return ["without-teachers", str(folder.path)]


def stop(folder: RunFolder, kind: str) -> None:
    """Ask the process to stop after a checkpoint. Harmless where none works on it."""
    state = read_state(folder, kind)
    worker = ProcessInfo(state.pid, state.started, 1)
    if state.state == "running" and worker.works_on(folder):
        worker.send(signal.SIGTERM)
