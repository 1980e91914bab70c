"""The child process of a run: from the command line's `run` and `resume` to a terminal event and an exit code."""

from __future__ import annotations

import errno
import os
import platform
import signal
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from importlib import metadata
from pathlib import Path
from types import FrameType
from typing import Any

from distill_core import __version__
from distill_core import config as configs
from distill_core.config import RunConfig
from distill_core.config_paths import absolutise
from distill_core.errors import ConfigError, DiskError, JobError, MemoryError_, StillroomError, Stopped
from distill_core.events import TERMINAL_EVENTS, EventLog, EventSink, read_events
from distill_core.jobs.meta import write_meta
from distill_core.jobs.process import LANE, LOCK_FD, ProcessInfo, RunLock
from distill_core.jobs.usage import sampled
from distill_core.layout import DataHome, RunFolder
from distill_core.storage import write_text
from distill_core.train.stop import StopToken

EXIT_DONE, EXIT_FAILED, EXIT_CONFIG, EXIT_STOPPED = 0, 1, 2, 130
RESERVE_BYTES = 64 * 1024

Pipeline = Callable[[RunConfig, RunFolder, DataHome, EventSink, StopToken], dict[str, Any]]


def run_child(
    folder: RunFolder,
    config_path: Path | None = None,
    *,
    resume: bool = False,
    home: DataHome | None = None,
    observer: EventSink | None = None,
    pipeline: Pipeline | None = None,
) -> int:
    """Work on one run folder until it is done, failed or stopped; the exit code: 0, 1 (failed), 2 (bad config), 130.

    Args:
        folder: made when it is not there.
        config_path: config to run; by default the folder's own. Not used by a resume.
        resume: go on with what the folder holds.
        home: data folder with shared signals and teachers; by default `STILLROOM_HOME`.
        observer: sees every event too (the command line's progress display).
        pipeline: what does the work; by default `distill_core.pipeline.run`.

    SIGTERM and Ctrl-C ask the run to stop after a checkpoint; a second Ctrl-C ends it at once.
    """
    stop = StopToken()
    with stop_signals(stop):
        try:
            config = _read_config(folder, None if resume else config_path)
            _refuse_wrong_start(folder, resume)
            folder.create()
            lock = RunLock.inherited_or_taken(folder, os.environ)
        except ConfigError as error:
            return _refuse(folder, error)
        except (StillroomError, OSError) as error:
            print(f"Error: {explain(error)}", file=sys.stderr)
            return EXIT_FAILED
        try:
            return _work(config, folder, home or DataHome.from_environment(), stop, observer, pipeline)
        finally:
            lock.release()


def _work(
    config: RunConfig,
    folder: RunFolder,
    home: DataHome,
    stop: StopToken,
    observer: EventSink | None,
    pipeline: Pipeline | None,
) -> int:
    prefer_others_when_memory_is_short()
    sink: ChildSink | None = None
    began = time.monotonic()
    try:
        config = _settle_folder(config, folder)
        sink = ChildSink(folder, observer)
        by = "app" if LOCK_FD in os.environ else "cli"
        ProcessInfo.of(os.getpid(), attempt=sink.attempt, by=by, lane=os.environ.get(LANE)).write(folder)
        sink.emit("log", level="info", message="starting")
        execute = pipeline or _load_pipeline()
        sink.emit("started", **describe(config, loaded=pipeline is None))
        with sampled(sink, sink.worked_s):
            execute(config, folder, home, sink, stop)
        sink.emit("done", seconds=round(time.monotonic() - began, 3))
        return EXIT_DONE
    except Stopped:
        _last_words(sink, "stopped")
        return EXIT_STOPPED
    except Exception as error:
        known = explain(error)
        if known is not error:
            traceback.print_exc()  # the page shows the cause; the log keeps where it happened
        print(f"Error: {known}", file=sys.stderr)
        words = known.as_dict()
        words["error_kind"] = words.pop("kind")
        _last_words(sink, "failed", **words)
        return EXIT_CONFIG if isinstance(error, ConfigError) else EXIT_FAILED
    finally:
        if sink is not None:
            sink.close()


# ---------------------------------------------------------------- before the work


def _read_config(folder: RunFolder, config_path: Path | None) -> RunConfig:
    if config_path is None and not folder.config.exists():
        raise JobError(f"{folder.path} holds no run.", hint="Give the folder of a run, with its config.yaml.")
    return configs.load(config_path or folder.config)


def _refuse_wrong_start(folder: RunFolder, resume: bool) -> None:
    last = None
    for event in read_events(folder.events):
        last = event
    if last is None:
        return
    if not resume:
        raise JobError(
            f"{folder.path} holds a run already.", hint="Go on with it by `resume`, or choose another folder."
        )
    if last["kind"] == "done":
        raise JobError(f"The run in {folder.path} is finished.", hint="There is nothing to resume.")


def _refuse(folder: RunFolder, error: ConfigError) -> int:
    """A config that cannot be used: said on stderr and, where the app waits for an answer, in the run's events."""
    print(error, file=sys.stderr)
    if folder.meta.exists():
        with suppress(OSError):
            log = EventLog(folder.events)
            log.emit("failed", error_kind=error.kind, message=error.message, hint=error.hint, field=error.field)
            log.close()
    return EXIT_CONFIG


def _settle_folder(config: RunConfig, folder: RunFolder) -> RunConfig:
    """The folder holds everything the run needs, whatever the current folder was when it was started."""
    settled = absolutise(config)
    text = settled.to_yaml()
    if not folder.config.exists() or folder.config.read_text(encoding="utf-8") != text:
        write_text(folder.config, text)
    if not folder.meta.exists():
        write_meta(folder, settled.name, time.time())
    return settled


def prefer_others_when_memory_is_short() -> None:
    """When the machine runs out of memory, this process goes rather than the app that can resume it."""
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("500", encoding="ascii")


@contextmanager
def stop_signals(stop: StopToken) -> Iterator[None]:
    """SIGTERM and Ctrl-C set the token; a second Ctrl-C ends the process."""

    def on_signal(number: int, frame: FrameType | None) -> None:
        # A supervisor may repeat its SIGTERM after a restart; only a person's second Ctrl-C means "now".
        if number == signal.SIGINT and stop.is_set():
            os._exit(EXIT_STOPPED)
        stop.set()

    before = {number: signal.signal(number, on_signal) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _load_pipeline() -> Pipeline:
    """Late, because it imports torch: until then the run can already be stopped and says that it is starting."""
    from distill_core.pipeline import run

    return run


def describe(config: RunConfig, *, loaded: bool) -> dict[str, Any]:
    """Payload of `started`. loaded: torch is here and can be asked for the device; else it is told as configured."""
    versions = {"stillroom": __version__, "python": platform.python_version()}
    for name in ("torch", "transformers"):
        with suppress(metadata.PackageNotFoundError):
            versions[name] = metadata.version(name)
    device: str = config.device
    threads = config.threads or os.cpu_count() or 1
    if loaded:
        from distill_core.measure.machine import choose_device, cores

        device, threads = str(choose_device(config.device)), config.threads or cores()
    return {"device": device, "threads": threads, "versions": versions, "pid": os.getpid()}


# ---------------------------------------------------------------- events


class ChildSink:
    """The event log, hardened for a full disk, with an optional observer.

    Some room is reserved in the run's folder: when the disk is full it is given back, so that the event that tells the
    cause can still be written.
    """

    def __init__(self, folder: RunFolder, observer: EventSink | None = None) -> None:
        self._reserve = folder.path / "reserve.bin"
        with suppress(OSError):
            self._reserve.write_bytes(os.urandom(RESERVE_BYTES))  # not zeros: they could be stored as a hole
        self._log = EventLog(folder.events)
        self._observer = observer
        self.attempt, self.worked_s = self._log.attempt, self._log.worked_s

    def emit(self, kind: str, **payload: Any) -> None:
        """Raises OSError on a full disk; a terminal event then gets the room that was reserved."""
        try:
            self._log.emit(kind, **payload)
        except OSError:
            if kind not in TERMINAL_EVENTS:
                raise
            self._reserve.unlink(missing_ok=True)
            self._log.emit(kind, **payload)
        if self._observer is not None:
            self._observer.emit(kind, **payload)

    def close(self) -> None:
        self._log.close()
        self._reserve.unlink(missing_ok=True)


def _last_words(sink: ChildSink | None, kind: str, **payload: Any) -> None:
    if sink is None:
        return
    try:
        sink.emit(kind, **payload)
    except Exception as error:
        print(f"Error: the event {kind!r} could not be written: {error}", file=sys.stderr)


# ---------------------------------------------------------------- causes in words


def explain(error: BaseException) -> StillroomError:
    """Any error as one with a category, a message and a next step for people."""
    if isinstance(error, StillroomError):
        return error
    for cause in _chain(error):
        if isinstance(cause, StillroomError):
            return cause
        text = str(cause).lower()
        full = isinstance(cause, OSError) and cause.errno in (errno.ENOSPC, errno.EDQUOT)
        if full or "no space left on device" in text:
            return DiskError("The disk is full.", hint="Make room on the data folder's disk, then resume the run.")
        if (
            isinstance(cause, MemoryError)
            or type(cause).__name__ == "OutOfMemoryError"
            or (isinstance(cause, RuntimeError) and ("out of memory" in text or "can't allocate memory" in text))
        ):
            return MemoryError_(
                "There was not enough memory.",
                hint="Try a smaller batch size, shorter inputs, or a smaller student.",
            )
    last = (traceback.format_exception_only(error)[-1]).strip()
    return StillroomError(
        f"Something went wrong that should not: {last}", hint="The run's log tells where it happened."
    )


def _chain(error: BaseException) -> Iterator[BaseException]:
    """The error and what caused it, outermost first."""
    current: BaseException | None = error
    while current is not None:
        yield current
        current = current.__cause__ or (None if current.__suppress_context__ else current.__context__)
