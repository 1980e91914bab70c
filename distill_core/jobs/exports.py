"""Exports as jobs of a finished run: a process of their own builds them and writes down how far it is. No torch.

The app starts the very command that people type (`python -m distill_core export RUN …`); it goes on when the app ends,
and the next app reads from the run's folder what became of it. One process at a time works on a run's exports, by a
lock; the next one waits its turn.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from distill_core.errors import JobError, StillroomError
from distill_core.export.formats import (
    ALLOWED_LOSS,
    FIGURES,
    FORMATS,
    ExportState,
    export_folder,
    exports_folder,
    read_state,
    write_state,
)
from distill_core.jobs import beside
from distill_core.jobs.process import ProcessInfo
from distill_core.layout import RunFolder
from distill_core.storage import read_json

#: where a builder works, in the run's artifacts
MAKING = ".making.*"
INTERRUPTED = StillroomError("The export broke off before it was done.", hint="Build it again.")


@dataclass(frozen=True)
class Order:
    """What to make of a run.

    formats: of `FORMATS`. allowed: points of validation quality an export may lose. teacher: measure the reference
    teacher on the same runtimes. out: folder for the exports; None: the run's own, with their states. licence: for the
    cards.
    """

    formats: Sequence[str]
    allowed: float = ALLOWED_LOSS
    teacher: bool = False
    out: Path | None = None
    licence: str | None = None


# ---------------------------------------------------------------- the process that builds


def build(
    folder: RunFolder, order: Order, say: Callable[[ExportState], None] = lambda state: None
) -> list[ExportState]:
    """Make all formats of an order, one after the other, in this process (torch is loaded here); their last states.

    One that fails does not keep the others from being made. say: told of every new state.
    """
    states = [_begin(name, order) for name in order.formats]
    kept = order.out is None

    def tell(number: int, **changes: object) -> None:
        states[number] = replace(states[number], at=time.time(), **changes)  # type: ignore[arg-type]
        if kept:
            write_state(folder, states[number])
        say(states[number])

    for number in range(len(states)):
        tell(number, note="waiting for its turn")
    with _alone(folder):
        try:
            _work(folder, order, states, tell)
        except Exception as error:
            known = _explained(error).as_dict()
            for number, state in enumerate(states):
                if state.state == "building":
                    tell(number, state="failed", note="", error=known)
            if not isinstance(error, StillroomError):
                raise
    return states


def _begin(name: str, order: Order) -> ExportState:
    own = ProcessInfo.of(os.getpid(), attempt=1)
    return ExportState(
        name, "building", allowed=order.allowed, teacher=order.teacher, pid=own.pid, started=own.started, at=time.time()
    )


def _work(folder: RunFolder, order: Order, states: list[ExportState], tell: Callable[..., None]) -> None:
    tell(0, note="starting")
    from distill_core.export.build import workshop

    for left in folder.artifacts.glob(MAKING):
        shutil.rmtree(left, ignore_errors=True)  # of a builder that was killed
    current = 0
    with workshop(
        folder, teacher=order.teacher, licence=order.licence, say=lambda note: tell(current, note=note)
    ) as shop:
        for current, name in enumerate(order.formats):
            target = export_folder(folder, name) if order.out is None else order.out / name
            try:
                made = shop.make(name, target, order.allowed)
            except Exception as error:
                tell(current, state="failed", note="", error=_explained(error).as_dict())
                continue
            refused = StillroomError(made.refused, hint=_way_out(name)).as_dict() if made.refused else None
            state = "refused" if refused else "ready"
            tell(current, state=state, note="", figures=made.figures, error=refused)


def _way_out(name: str) -> str:
    smaller = FORMATS[name].runtime.endswith("int8")
    other = "Take the fp32 export, which loses nothing by rounding" if smaller else "Take another format"
    return f"{other}, or allow a larger loss and build it again."


def _explained(error: BaseException) -> StillroomError:
    from distill_core.jobs.child import explain

    return explain(error)


@contextmanager
def _alone(folder: RunFolder) -> Iterator[None]:
    """Waits until no other process works on this run's exports."""
    exports_folder(folder).mkdir(parents=True, exist_ok=True)
    descriptor = os.open(exports_folder(folder) / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


# ---------------------------------------------------------------- the app's side


def states(folder: RunFolder) -> list[ExportState]:
    """Of all formats, in their order. One whose builder died is "failed", one whose files are gone "none"."""
    return [_settled(folder, read_state(folder, name)) for name in FORMATS]


def _settled(folder: RunFolder, state: ExportState) -> ExportState:
    if state.state == "building" and not beside.lives(state.pid, state.started, state.at):
        return replace(state, state="failed", note="", error=INTERRUPTED.as_dict())
    if state.state == "ready" and not (export_folder(folder, state.format) / FORMATS[state.format].model).is_file():
        return ExportState(state.format)
    return state


def start(folder: RunFolder, order: Order, *, command: Sequence[str] | None = None) -> None:
    """Start the process that builds; returns at once. Harmless for formats that are being built already.

    Raises JobError: the run is not done, or the process cannot be started.
    """
    if not (folder.report.is_file() and (folder.student / "model.safetensors").is_file()):
        raise JobError("This run has no finished student yet.", hint="Wait until it is done.")
    busy = {state.format for state in states(folder) if state.state == "building"}
    names = [name for name in order.formats if name not in busy]
    if not names:
        return
    # Written before the process is there, so that a page that asks at once sees it.
    for name in names:
        write_state(
            folder,
            ExportState(
                name, "building", allowed=order.allowed, teacher=order.teacher, note="starting", at=time.time()
            ),
        )
    arguments = _arguments(folder, replace(order, formats=names))
    try:
        own = beside.begin("The export", arguments, exports_folder(folder) / "log.txt", command)
    except JobError as error:
        for name in names:
            write_state(folder, ExportState(name, "failed", at=time.time(), error=error.as_dict()))
        raise
    for state in (read_state(folder, name) for name in names):
        if own is not None and state.state == "building" and not state.pid:  # so that it can be ended at once
            write_state(folder, replace(state, pid=own.pid, started=own.started))


def cancel(folder: RunFolder, name: str, *, patience: float = 5.0) -> None:
    """End the process that builds this format, and leave what was there before: an earlier export, or nothing. Other
    formats that the same process was to make are ended with it. Harmless where nothing is built.

    patience: seconds it has for ending by itself. Raises JobError when it cannot be ended.
    """
    state = read_state(folder, name)
    if state.state != "building":
        return
    builder = ProcessInfo(state.pid, state.started, 1)
    for number in (signal.SIGTERM, signal.SIGKILL):
        end = time.monotonic() + patience
        while builder.works_on(folder) and builder.send(number) and time.monotonic() < end:
            time.sleep(0.05)
    if builder.works_on(folder):
        raise JobError("The process that builds it could not be ended.", hint="Try again in a moment.")
    for other in (read_state(folder, each) for each in FORMATS):
        if other.state == "building" and (other.pid, other.started) == (state.pid, state.started):
            write_state(folder, _before(folder, other.format))
    _clean(folder)


def _before(folder: RunFolder, name: str) -> ExportState:
    """What a format is without its builder: the export that lies there, or none."""
    figures = read_json(export_folder(folder, name) / FIGURES)
    if not isinstance(figures, dict) or not (export_folder(folder, name) / FORMATS[name].model).is_file():
        return ExportState(name)
    return ExportState(name, "ready", teacher=figures.get("teacher") is not None, at=time.time(), figures=figures)


def _clean(folder: RunFolder) -> None:
    """Throws away what an ended builder was working on, unless another one works now: that does it itself."""
    descriptor = os.open(exports_folder(folder) / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        for left in folder.artifacts.glob(MAKING):
            shutil.rmtree(left, ignore_errors=True)
    except BlockingIOError:
        pass
    finally:
        os.close(descriptor)


def _arguments(folder: RunFolder, order: Order) -> list[str]:
    found = ["export", str(folder.path), "--to", *order.formats, "--allow-loss", f"{order.allowed:g}"]
    found += ["--teacher"] if order.teacher else []
    return [*found, "--license", order.licence] if order.licence else found
