"""The warm child: a helper process with torch loaded that answers short questions, so that the page never loads torch.

One request at a time, as JSON lines over its standard input and output (`jobs/warm.py` is the other end). Nobody waits:
`ask` says at once how far an answer is, and is asked again. The child is started by the first question, started again
after it died, and ended after a while without questions; whatever happens to it is an answer in words.
"""

from __future__ import annotations

import json
import logging
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Literal

from distill_core.errors import StillroomError
from distill_core.jobs.process import child_environment, give_way
from distill_core.layout import PROJECT

log = logging.getLogger(__name__)

COMMAND = (sys.executable, "-m", "distill_core.jobs.warm")
#: waiting threads sleep (docs/adr/0010); the child is not started through `__main__`, which says so for runs
ENVIRONMENT = {"OMP_WAIT_POLICY": "PASSIVE", "KMP_BLOCKTIME": "0"}
KEPT, WAITING, LONGEST_LINE = 128, 8, 16 * 2**20

State = Literal["starting", "measuring", "ready", "failed"]


@dataclass(frozen=True)
class Request:
    """One question. kind: name of its handler in `jobs/warm.py`. payload: JSON-able. timeout_s: after so long the child
    is ended and the question has failed. patient: every other new question comes first; what its handler keeps on the
    way is not lost."""

    kind: str
    payload: Mapping[str, Any]
    timeout_s: float = 120.0
    patient: bool = False


@dataclass(frozen=True)
class Answer:
    """How far a question is. result: set when ready. error: as `StillroomError.as_dict`, set when failed."""

    state: State
    result: dict[str, Any] | None = None
    error: dict[str, Any] | None = None

    @property
    def settled(self) -> bool:
        return self.state in ("ready", "failed")


@dataclass(frozen=True)
class Limits:
    """Seconds. idle: the child is ended after so long without a question. start: it must be ready by then. forget: so
    long a failure is the answer, before the question is put again. unasked: a question that waits for its turn and that
    nobody has repeated for so long is dropped: who asked has typed on, or left."""

    idle: float = 600.0
    start: float = 180.0
    forget: float = 30.0
    unasked: float = 15.0


class WarmChild:
    """One per app; all methods may be called from any thread.

    Args:
        command: starts the child.
        environment: added to the app's own.
        log_path: where its standard error goes, written anew with each child; None: nowhere.
    """

    def __init__(
        self,
        command: Sequence[str] = COMMAND,
        *,
        environment: Mapping[str, str] | None = None,
        log_path: Path | None = None,
        limits: Limits | None = None,
    ) -> None:
        self._command, self._log_path, self._limits = list(command), log_path, limits or Limits()
        self._environment = {**ENVIRONMENT, **(environment or {})}
        self._changed = threading.Condition()
        self._waiting: OrderedDict[str, Request] = OrderedDict()
        self._known: OrderedDict[str, tuple[Answer, float]] = OrderedDict()
        self._asked_at: dict[str, float] = {}
        self._current: str | None = None
        self._asked: Request | None = None
        self._is_put_off = False
        self._wanted = self._closed = False
        self._child: _Child | None = None
        self._thread: threading.Thread | None = None

    # ---------------------------------------------------------------- asking

    def warm_up(self) -> None:
        """Somebody will ask soon: start the child, if it is not there."""
        with self._changed:
            self._wanted = True
            self._run()

    def ask(self, key: str, request: Request) -> Answer:
        """The answer to this question, or how far it is; returns at once. Equal keys are equal questions.

        Newer questions come first; of those that wait only the last few are kept, so that people who type on do not
        queue up behind themselves.
        """
        with self._changed:
            found = self._known.get(key)
            if found is not None:
                answer, at = found
                if answer.state == "ready" or time.monotonic() - at < self._limits.forget:
                    self._known.move_to_end(key)
                    return answer
                del self._known[key]
            if self._closed:
                return _failed("The app is closing.")
            self._asked_at[key] = time.monotonic()
            if key != self._current:
                if key not in self._waiting:
                    self._put_off()
                self._waiting[key] = request
                self._waiting.move_to_end(key)
                while len(self._waiting) > WAITING:
                    self._waiting.popitem(last=False)
            self._run()
            return Answer("measuring" if self._child is not None and self._child.ready else "starting")

    def known(self, key: str) -> Answer | None:
        """The answer that was given to this question, if it was; nothing is asked."""
        with self._changed:
            found = self._known.get(key)
        return found[0] if found is not None and found[0].state == "ready" else None

    def free_for(self, key: str) -> bool:
        """Would this question keep no other one waiting? It may be under way itself."""
        with self._changed:
            return not self._closed and not set(self._waiting) - {key} and self._current in (None, key)

    def forget(self, key: str) -> None:
        """A failure is not the answer any more: the question may be put again at once."""
        with self._changed:
            if key in self._known and self._known[key][0].state == "failed":
                del self._known[key]

    def wait(self, key: str, request: Request, timeout_s: float) -> Answer:
        """Like `ask`, but waits until it is settled or the time is over; for the command line, not for pages."""
        end = time.monotonic() + timeout_s
        while not (answer := self.ask(key, request)).settled and time.monotonic() < end:
            with self._changed:
                self._changed.wait(0.5)
        return answer

    def close(self) -> None:
        """End the child; unanswered questions stay so."""
        with self._changed:
            self._closed = True
            self._waiting.clear()
            child, thread = self._child, self._thread
            self._changed.notify_all()
        if child is not None:
            child.end()
        if thread is not None:
            thread.join(10)

    # ---------------------------------------------------------------- the thread beside the child

    def _run(self) -> None:
        """With the lock held: make sure that somebody works on what waits."""
        if self._thread is None and not self._closed:
            self._thread = threading.Thread(target=self._work, name="warm-child", daemon=True)
            self._thread.start()
        self._changed.notify_all()

    def _work(self) -> None:
        while True:
            with self._changed:
                since = time.monotonic()
                self._drop_unasked(since)
                while not (self._closed or self._waiting or (self._wanted and self._child is None)):
                    left = None if self._child is None else self._limits.idle - (time.monotonic() - since)
                    if left is not None and left <= 0:
                        break
                    self._changed.wait(left)
                if self._closed:
                    break
                key, request = self._next()
                idle = key is None and not (self._wanted and self._child is None)
                self._current, self._asked, self._wanted, self._is_put_off = key, request, False, False
            if idle:
                log.info("the warm child had nothing to do and is ended")
                self._end_child()
                continue
            try:
                answer = self._answered(request)
            except Exception as error:
                log.exception("the warm child: something went wrong")
                answer = _failed(f"Something went wrong that should not: {error}")
            with self._changed:
                if answer is None and key is not None and request is not None:
                    self._waiting[key] = request
                    self._waiting.move_to_end(key, last=False)
                elif answer is not None and key is not None:
                    self._known[key] = (answer, time.monotonic())
                    while len(self._known) > KEPT:
                        self._known.popitem(last=False)
                self._current = self._asked = None
                self._changed.notify_all()
        self._end_child()

    def _drop_unasked(self, now: float) -> None:
        """With the lock held: what waits and is not asked any more."""
        for key in [key for key in self._waiting if now - self._asked_at.get(key, now) > self._limits.unasked]:
            del self._waiting[key]
        self._asked_at = {key: at for key, at in self._asked_at.items() if key in self._waiting}

    def _put_off(self) -> None:
        """With the lock held: the question under way goes behind a new one, if it is patient."""
        if self._asked is not None and self._asked.patient and not self._is_put_off:
            self._is_put_off = True
            if self._child is not None:
                self._child.stop()

    def _next(self) -> tuple[str | None, Request | None]:
        """The newest question, patient ones last."""
        for key in reversed(self._waiting):
            if not self._waiting[key].patient:
                return key, self._waiting.pop(key)
        return self._waiting.popitem() if self._waiting else (None, None)

    def _answered(self, request: Request | None) -> Answer | None:
        """request None: only start the child. Answer None: the question was put off. A child that had answered others
        and died is replaced, and asked once more: mostly it was ended from outside, and the question is not at fault.
        """
        child = self._child
        new = child is None or not child.alive
        if child is None or new:
            self._end_child()
            try:
                child = _Child(self._command, self._environment, self._log_path)
            except OSError as error:
                return _failed(f"The helper that measures could not be started: {error}.")
            with self._changed:
                self._child = child
                closed = self._closed
            if closed or not child.wait_ready(self._limits.start):
                self._end_child()
                return _failed("The helper that measures did not start.", "The app's log may tell why.")
        if request is None:
            return Answer("ready", {})
        with self._changed:
            if self._is_put_off:
                return None
            sent = child.send(request)
        message = child.answer(request.timeout_s) if sent else None
        if message is None:
            late = child.alive
            self._end_child()
            if not (late or new or self._closed):
                return self._answered(request)
            if late:
                hint = "Choose something smaller, or try again when the machine has less to do."
                return _failed(f"This took longer than {request.timeout_s:.0f} s and was given up.", hint)
            return _failed("The helper that measures ended unexpectedly.", "It may have run out of memory.")
        if isinstance(message.get("error"), dict):
            return Answer("failed", error=message["error"])
        if message.get("stopped"):
            return None
        result = message.get("result")
        return Answer("ready", result) if isinstance(result, dict) else _failed("The helper gave no answer.")

    def _end_child(self) -> None:
        with self._changed:
            child, self._child = self._child, None
        if child is not None:
            child.end()


def _failed(message: str, hint: str = "") -> Answer:
    return Answer("failed", error=StillroomError(message, hint=hint).as_dict())


class _Child:
    """One process and the thread that reads its lines."""

    def __init__(self, command: Sequence[str], environment: Mapping[str, str], log_path: Path | None) -> None:
        """Raises OSError."""
        with open(log_path or os.devnull, "wb") as errors:
            self._process = subprocess.Popen(
                list(command),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                cwd=PROJECT,
                env=child_environment(environment),
                start_new_session=True,
            )
        give_way(self._process.pid)
        self.ready = False
        self._number = 0
        self._messages: queue.Queue[dict[str, Any] | None] = queue.Queue()
        assert self._process.stdout is not None
        threading.Thread(target=self._read, args=(self._process.stdout,), name="warm-lines", daemon=True).start()

    @property
    def alive(self) -> bool:
        return self._process.poll() is None

    def wait_ready(self, seconds: float) -> bool:
        self.ready = self._next(seconds, lambda message: message.get("ready") is True) is not None
        return self.ready

    def send(self, request: Request) -> bool:
        """Ask; False when it died."""
        self._number += 1
        return self._write({"id": self._number, "kind": request.kind, "payload": dict(request.payload)})

    def answer(self, seconds: float) -> dict[str, Any] | None:
        """To what was asked last; None when it died or takes longer."""
        return self._next(seconds, lambda message: message.get("id") == self._number)

    def stop(self) -> None:
        """Ask it to put off what it was asked last."""
        self._write({"stop": self._number})

    def _write(self, message: Mapping[str, Any]) -> bool:
        stdin = self._process.stdin
        assert stdin is not None
        try:
            stdin.write(json.dumps(message).encode() + b"\n")
            stdin.flush()
        except (OSError, ValueError):  # it is gone, or its pipe was closed
            return False
        return True

    def end(self) -> None:
        """Kill it, and whatever it started; harmless when it is gone."""
        if self.alive:
            with suppress(OSError):
                os.killpg(self._process.pid, signal.SIGKILL)
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(10)
        with suppress(OSError):
            assert self._process.stdin is not None
            self._process.stdin.close()

    def _next(self, seconds: float, fits: Any) -> dict[str, Any] | None:
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            try:
                message = self._messages.get(timeout=left)
            except queue.Empty:
                return None
            if message is None:
                with suppress(subprocess.TimeoutExpired):
                    self._process.wait(1)  # its pipe is closed: it is ending
                return None
            if fits(message):
                return message
        return None

    def _read(self, pipe: IO[bytes]) -> None:
        """Lines that are no messages are dropped: libraries may print."""
        with suppress(OSError, ValueError):
            while line := pipe.readline(LONGEST_LINE):
                with suppress(ValueError):
                    message = json.loads(line)
                    if isinstance(message, dict):
                        self._messages.put(message)
        self._messages.put(None)
