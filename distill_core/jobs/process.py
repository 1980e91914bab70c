"""One child process of a run: starting it, telling whether it lives, and that it is the only one on its folder."""

from __future__ import annotations

import fcntl
import json
import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import psutil

from distill_core.errors import JobError
from distill_core.layout import PROJECT, RunFolder
from distill_core.storage import read_json, write_text

#: tells the child which of its file descriptors is its folder's lock, taken before it was born
LOCK_FD = "STILLROOM_LOCK_FD"
#: the device's lane a child was started for
LANE = "STILLROOM_LANE"
NICE = 10
_SAME_START_S = 2.0  # creation times are derived from the boot time, which may shift a little


@dataclass(frozen=True)
class ProcessInfo:
    """process.json. started: the process's creation time (s since 1970); with the pid it names one process for good.

    by: "app" or "cli". lane: the device it was started for. ended: {returncode, reason} once the app saw it end
    without a terminal event.
    """

    pid: int
    started: float
    attempt: int
    by: str = "cli"
    lane: str | None = None
    ended: dict[str, Any] | None = None

    @classmethod
    def read(cls, folder: RunFolder) -> ProcessInfo | None:
        raw = read_json(folder.process)
        try:
            info = cls(**{key: raw[key] for key in cls.__dataclass_fields__ if key in raw})
        except TypeError:
            return None
        sound = all(isinstance(value, int | float) for value in (info.pid, info.started, info.attempt))
        return info if sound else None

    def write(self, folder: RunFolder) -> None:
        write_text(folder.process, json.dumps(asdict(self)))

    @classmethod
    def of(cls, pid: int, **more: Any) -> ProcessInfo:
        """Of a process that exists now. Raises psutil.NoSuchProcess."""
        return cls(pid=pid, started=psutil.Process(pid).create_time(), **more)

    def _process(self) -> psutil.Process | None:
        try:
            process = psutil.Process(self.pid)
            if abs(process.create_time() - self.started) > _SAME_START_S:
                return None  # the pid was given to another process
            return None if process.status() == psutil.STATUS_ZOMBIE else process
        except psutil.Error:
            return None

    def alive(self) -> bool:
        return self._process() is not None

    def works_on(self, folder: RunFolder) -> bool:
        """Is it alive, and was it told of this folder? What a folder from elsewhere names may be anybody's process."""
        process, wanted = self._process(), folder.path.resolve()
        try:
            return process is not None and any(
                Path(process.cwd(), argument).resolve() == wanted for argument in process.cmdline()[1:]
            )
        except (psutil.Error, OSError, ValueError):
            return False

    def send(self, number: int) -> bool:
        """Signal this very process (SIGKILL: its whole group, where it leads one). False when it is gone."""
        process = self._process()
        if process is None:
            return False
        try:
            if number == signal.SIGKILL and os.getpgid(self.pid) == self.pid:
                os.killpg(self.pid, number)
            else:
                process.send_signal(number)
        except (ProcessLookupError, psutil.Error):
            return False
        return True


class RunLock:
    """A lock on a run folder (flock): two processes never work on one run.

    The lock belongs to the open file, not to a process: the app takes it, hands the open file to the child it starts,
    and closes its own copy. So there is no moment at which a started run's folder is free.
    """

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor

    @staticmethod
    def _path(folder: RunFolder) -> Path:
        return folder.path / "lock"

    @classmethod
    def take_soon(cls, folder: RunFolder, seconds: float = 2.0) -> RunLock | None:
        """Like `take`, but gives a process that is just ending (or another one's look at the lock) some time."""
        end = time.monotonic() + seconds
        while (lock := cls.take(folder)) is None and time.monotonic() < end:
            time.sleep(0.05)
        return lock

    @classmethod
    def take(cls, folder: RunFolder) -> RunLock | None:
        """The lock, or None when another process works on this folder."""
        descriptor = os.open(cls._path(folder), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return None
        return cls(descriptor)

    @classmethod
    def inherited_or_taken(cls, folder: RunFolder, environment: Mapping[str, str]) -> RunLock:
        """For the child. Raises JobError when another process works on this folder."""
        text = environment.get(LOCK_FD, "")
        if text.isdigit():
            with suppress(OSError):
                descriptor = int(text)
                if os.path.samestat(os.fstat(descriptor), cls._path(folder).stat()):
                    os.set_inheritable(descriptor, False)
                    return cls(descriptor)
        lock = cls.take(folder)
        if lock is None:
            info = ProcessInfo.read(folder)
            who = f" (process {info.pid})" if info and info.alive() else ""
            raise JobError(
                f"Another process{who} is working on {folder.path} already.",
                hint="Wait until it has ended, or stop it first.",
            )
        return lock

    @classmethod
    def held(cls, folder: RunFolder) -> bool:
        """True while some process works on this folder."""
        try:
            descriptor = os.open(cls._path(folder), os.O_RDWR | os.O_CLOEXEC)
        except FileNotFoundError:
            return False
        try:
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        finally:
            os.close(descriptor)
        return False

    def release(self) -> None:
        os.close(self.descriptor)


def child_environment(extra: Mapping[str, str]) -> dict[str, str]:
    """The child's environment: the app's own, without what is the page's business, plus `extra`."""
    dropped = ("STILLROOM_AUTH", "PYTHONSTARTUP", "PYTHONINSPECT", LOCK_FD, LANE)
    kept = {k: v for k, v in os.environ.items() if k not in dropped and not k.startswith("GRADIO_")}
    return {**kept, "PYTHONUNBUFFERED": "1", **extra}


def spawn(
    command: Sequence[str], folder: RunFolder, environment: Mapping[str, str], lock: RunLock
) -> subprocess.Popen[bytes]:
    """Start a run's child in a session of its own, niced, its output appended to log.txt. Raises OSError."""
    with open(folder.log, "ab") as output:
        process = subprocess.Popen(
            list(command),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=PROJECT,
            env={**environment, LOCK_FD: str(lock.descriptor)},
            start_new_session=True,
            pass_fds=(lock.descriptor,),
        )
    give_way(process.pid)
    return process


def give_way(pid: int) -> None:
    """Nice a child that was just started in a session of its own; harmless where it is gone.

    From here rather than in a preexec_fn, which is not safe beside threads; the child has one thread yet.
    """
    with suppress(psutil.Error):
        nice = max(NICE, psutil.Process().nice())
        psutil.Process(pid).nice(nice)
        # Desktop kernels share the CPU out by session, and niceness counts inside one alone: the session gives way too.
        with suppress(OSError):
            Path(f"/proc/{pid}/autogroup").write_text(str(nice), encoding="ascii")
