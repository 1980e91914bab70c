"""The supervisor: a thread per device, one child process per run at a time.

A lane watches at most one run: it takes the next waiting one, starts its child, reads its events into the store, hands
on a wish to stop, and tells the run's status when the child is gone. Children outlive the app; the next adopts them.
Where no run waits, a lane goes on with a sweep (`jobs.sweeps`).
"""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence

import psutil

from distill_core.events import read_events
from distill_core.jobs.ingest import ingest
from distill_core.jobs.process import LANE, ProcessInfo, RunLock, child_environment, spawn
from distill_core.jobs.queue import QueueFile, RunQueue
from distill_core.jobs.reconcile import ACTIVE, interruption, is_alive, reconcile_all, settle
from distill_core.jobs.store import RunRow, Store
from distill_core.jobs.sweeps import Sweeps, SweepWatch, sweep_command
from distill_core.layout import DataHome, RunFolder, SweepFolder

log = logging.getLogger(__name__)

Command = Callable[[RunFolder, bool], list[str]]


def default_command(folder: RunFolder, resume: bool) -> list[str]:
    """Exactly what a person would type."""
    if resume:
        return [sys.executable, "-m", "distill_core", "resume", str(folder.path)]
    return [sys.executable, "-m", "distill_core", "run", str(folder.config), "--out", str(folder.path)]


def accepts(lane: str, wanted: str, lanes: Sequence[str]) -> bool:
    """Does a lane ("cpu", "cuda:0", "mps") take a run that wants "auto", "cpu", "cuda" or "mps"?

    auto goes to the accelerators where there are any; a device that is not there goes to the first lane, whose child
    then says so in words.
    """
    kinds = [name.partition(":")[0] for name in lanes]
    kind = lane.partition(":")[0]
    if wanted == "auto":
        return kind != "cpu" or set(kinds) == {"cpu"}
    if wanted in kinds:
        return kind == wanted
    return lane == lanes[0]


class Supervisor:
    """lanes(): the devices found, None while they are being looked for. ready: set once the child's environment is
    known (whether there is a network); the first start waits for it a few seconds at most. grace_s: time between the
    wish to stop and SIGKILL. poll_s: how often a running child's events are read."""

    def __init__(
        self,
        store: Store,
        home: DataHome,
        queue: RunQueue,
        *,
        lanes: Callable[[], Sequence[str] | None],
        ready: threading.Event | None = None,
        sweeps: Sweeps | None = None,
        command: Command = default_command,
        grace_s: float = 60.0,
        poll_s: float = 0.25,
    ) -> None:
        self.store, self.home, self.queue = store, home, queue
        self.command, self.grace_s, self.poll_s = command, grace_s, poll_s
        self.ready, self.sweeps = ready, sweeps
        self.closed = threading.Event()
        self._find_lanes = lanes
        self._wake = threading.Condition()
        self._turn = 0
        self._lanes: list[Lane] = []
        self._starter = threading.Thread(target=self._start_lanes, name="supervisor", daemon=True)
        self._orphans: list[RunRow] = []

    def start(self) -> None:
        """Reconcile all runs now; lanes begin as soon as the devices are known."""
        self._orphans = reconcile_all(self.store, self.queue, self.home)
        if self.sweeps is not None:
            _guarded(self.sweeps.reconcile)
        self._starter.start()

    def close(self) -> None:
        """Stop watching. Children go on."""
        self.closed.set()
        self.wake()
        for thread in [self._starter, *self._lanes]:
            if thread.is_alive():
                thread.join(timeout=10)

    def wake(self) -> None:
        """Something changed that a lane should look at now."""
        with self._wake:
            self._turn += 1
            self._wake.notify_all()

    def wait(self, seen: int, seconds: float) -> int:
        """Sleep until something changed since `seen`, or the time is over."""
        with self._wake:
            if self._turn == seen and not self.closed.is_set():
                self._wake.wait(seconds)
            return self._turn

    def _start_lanes(self) -> None:
        seen = -1
        while not self.closed.is_set():
            names = self._find_lanes()
            if names is not None:
                break
            # Adopted runs are followed meanwhile, so that nobody looks at a curve that stands still.
            for row in self._orphans:
                _guarded(ingest, self.store, self.home.run(row.id))
            seen = self.wait(seen, 0.5)
        else:
            return
        adopted: dict[str, list[RunRow]] = {name: [] for name in names}
        for row in self._orphans:
            adopted[row.lane if row.lane in adopted else names[0]].append(row)
        self._lanes = [Lane(self, name, names, adopted[name]) for name in names]
        for lane in self._lanes:
            lane.start()


class Lane(threading.Thread):
    """One device's thread. `adopted`: runs that lived on while there was no app."""

    def __init__(self, supervisor: Supervisor, name: str, names: Sequence[str], adopted: list[RunRow]) -> None:
        super().__init__(name=f"lane-{name}", daemon=True)
        self.boss, self.device, self.devices = supervisor, name, list(names)
        self.watched: list[Watch | SweepWatch] = [Watch(supervisor, row.id) for row in adopted]
        if supervisor.sweeps is not None:
            found = supervisor.sweeps.adopted(name, first=name == names[0])
            self.watched += [self._watch_sweep(supervisor.sweeps, folder) for folder in found]

    def run(self) -> None:
        seen = -1
        while not self.boss.closed.is_set():
            well = _guarded(self._tick)
            seen = self.boss.wait(seen, (self.boss.poll_s if self.watched else 1.0) if well else 2.0)

    def _tick(self) -> None:
        self.watched = [watch for watch in self.watched if not watch.look()]
        if self.watched or self.boss.closed.is_set():
            return
        row = self.boss.queue.claim(lambda r: self._accepts(r.config.get("device", "auto")), self.device)
        if row is None:
            self._sweep()
            return
        try:
            self.watched = [self._start(row)]
        except OSError as error:
            log.exception("%s could not be started", row.id)
            error_dict = interruption(f"The run's process could not be started: {error}.")
            self.boss.store.update(row.id, status="interrupted", error=error_dict)
            QueueFile.remove(self.boss.home.run(row.id))

    def _accepts(self, device: str) -> bool:
        return accepts(self.device, device, self.devices)

    def _run_waits(self) -> bool:
        return any(self._accepts(row.config.get("device", "auto")) for row in self.boss.store.queued())

    def _watch_sweep(
        self, sweeps: Sweeps, folder: SweepFolder, child: subprocess.Popen[bytes] | None = None
    ) -> SweepWatch:
        return SweepWatch(sweeps, folder, child, run_waits=self._run_waits, grace_s=self.boss.grace_s)

    def _sweep(self) -> None:
        """Go on with the sweep that has waited longest, if there is one."""
        sweeps = self.boss.sweeps
        folder = sweeps.next(self._accepts) if sweeps is not None else None
        if sweeps is None or folder is None:
            return
        lock = RunLock.take_soon(folder)
        if lock is None:
            sweeps.leave(folder)  # the command line works on it
            return
        try:
            if self.boss.ready is not None:
                self.boss.ready.wait(5)
            child = spawn(sweep_command(folder), folder, child_environment(self._environment()), lock)
        except OSError as error:
            log.warning("%s could not be started: %s", folder.run_id, error)
            sweeps.settle(folder, None, killed=False)
            return
        finally:
            lock.release()
        self.watched = [self._watch_sweep(sweeps, folder, child)]
        try:
            ProcessInfo.of(child.pid, attempt=1, by="app", lane=self.device).write(folder)
        except (psutil.NoSuchProcess, OSError) as error:
            log.warning("%s: its process.json was not written: %s", folder.run_id, error)

    def _start(self, row: RunRow) -> Watch:
        folder = self.boss.home.run(row.id)
        lock = RunLock.take_soon(folder)
        if lock is None:
            QueueFile.remove(folder)
            return Watch(self.boss, row.id)  # somebody works on it already (the command line): watch that process
        try:
            if self.boss.ready is not None:
                self.boss.ready.wait(5)
            child = spawn(
                self.boss.command(folder, has_events(folder)), folder, child_environment(self._environment()), lock
            )
        finally:
            lock.release()
        try:
            # The child writes the same a little later; until then nobody else could name it.
            ProcessInfo.of(child.pid, attempt=row.attempt, by="app", lane=self.device).write(folder)
            QueueFile.remove(folder)
        except (psutil.NoSuchProcess, OSError) as error:
            log.warning("%s: its process.json was not written: %s", row.id, error)
        return Watch(self.boss, row.id, child)

    def _environment(self) -> dict[str, str]:
        extra = {"STILLROOM_HOME": str(self.boss.home.root), LANE: self.device}
        kind, _, index = self.device.partition(":")
        if kind == "cuda" and index and len(self.devices) > 1:
            extra["CUDA_VISIBLE_DEVICES"] = visible_device(int(index))
        elif kind == "cpu":
            extra["CUDA_VISIBLE_DEVICES"] = ""
        return extra


class Watch:
    """One run that is under way: its child, or a process another app (or a person) started."""

    def __init__(self, boss: Supervisor, run_id: str, child: subprocess.Popen[bytes] | None = None) -> None:
        self.boss, self.run_id, self.child = boss, run_id, child
        self.folder = boss.home.run(run_id)
        self.killed_after_s: float | None = None

    def look(self) -> bool:
        """Read what is new and hand on a wish to stop. True once the run has ended and its status is set."""
        # Liveness first: whatever a process wrote before it ended is then in the file that is read next.
        returncode = self.child.poll() if self.child else None
        alive = returncode is None if self.child else is_alive(self.folder)
        if not alive:
            status = settle(self.boss.store, self.boss.home, self.run_id, returncode, self.killed_after_s)
            log.info("%s: %s (exit code %s)", self.run_id, status, returncode)
            return True
        row = ingest(self.boss.store, self.folder)
        if row is not None and row.status == "stopping":
            self._stop(row)
        elif row is not None and row.status not in ACTIVE:
            self.boss.store.update(self.run_id, status="running", position=None)
        return row is None

    def _stop(self, row: RunRow) -> None:
        now = time.time()
        info = ProcessInfo.read(self.folder)
        if self.child is not None and (info is None or info.pid != self.child.pid):
            info = ProcessInfo.of(self.child.pid, attempt=row.attempt)
        if info is None:
            return
        if row.term_sent is None:
            # Noted first: were it lost in a crash of the app, the grace would end it all the same.
            self.boss.store.update(self.run_id, term_sent=now)
            info.send(signal.SIGTERM)
        elif now - row.term_sent > self.boss.grace_s and self.killed_after_s is None:
            log.warning("%s: did not stop within %.0f s; killed", self.run_id, self.boss.grace_s)
            self.killed_after_s = self.boss.grace_s
            info.send(signal.SIGKILL)


def has_events(folder: RunFolder) -> bool:
    """True when the run began before, so that it has to be resumed."""
    return next(iter(read_events(folder.events)), None) is not None


def visible_device(index: int) -> str:
    """CUDA_VISIBLE_DEVICES that shows a child only the app's device number `index`."""
    visible = [part for part in os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",") if part.strip()]
    return visible[index] if index < len(visible) else str(index)


def _guarded(action: Callable[..., object], *arguments: object) -> bool:
    """A lane must outlive whatever goes wrong in one look; it is logged and tried again. True when all went well."""
    try:
        action(*arguments)
        return True
    except Exception:
        log.exception("supervisor: a look at the runs went wrong; it is tried again")
        return False
