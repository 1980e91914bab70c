"""Sweeps as the app keeps them: made, stopped, gone on with, and watched by a device's lane between runs. No torch.

A sweep has one process at a time, the very command that people type (`python -m distill_core sweep DIR`). A lane starts
it when no run waits for its device; when one does, the sweep is asked to give way after its present trial, and goes on
afterwards. What a sweep is doing is told from its folder: its process, its ledger, and what the app noted in
state.json.
"""

from __future__ import annotations

import json
import logging
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from distill_core.errors import DiskError, JobError
from distill_core.jobs.meta import read_meta, write_meta
from distill_core.jobs.process import ProcessInfo
from distill_core.jobs.queue import new_run_id
from distill_core.jobs.reconcile import death_reason, is_alive, lives_on
from distill_core.layout import DataHome, SweepFolder, is_run_id
from distill_core.storage import read_json, write_text
from distill_core.sweeps import spec as specs
from distill_core.sweeps.ledger import Ledger
from distill_core.sweeps.spec import SweepSpec

log = logging.getLogger(__name__)

RESTING = ("stopped", "interrupted", "failed")
#: a sweep in one of these statuses has a process, or will have one
BUSY = ("queued", "running", "stopping")
#: sweeps that may be unfinished at once
MOST_UNFINISHED = 20
#: a process that ended so often without finishing a trial is not started again by itself
_MOST_DEATHS = 3
GO_ON_HINT = "Go on continues with the next trial; what was finished stays."


def sweep_command(folder: SweepFolder) -> list[str]:
    """Exactly what a person would type."""
    return [sys.executable, "-m", "distill_core", "sweep", str(folder.path)]


class Sweeps:
    """The sweeps of a data folder. All methods may be called from any thread; refusals are JobError or DiskError."""

    def __init__(self, home: DataHome) -> None:
        self.home = home
        self._lock = threading.RLock()
        self._taken: dict[str, float] = {}  # by a lane of this app, when (s since 1970)

    # ---- what there is

    def folders(self) -> list[SweepFolder]:
        """Newest first."""
        if not self.home.sweeps.is_dir():
            return []
        found = [SweepFolder(path) for path in self.home.sweeps.iterdir() if is_run_id(path.name)]
        made = [(float(read_meta(one).get("created") or 0.0), one) for one in found if one.config.is_file()]
        return [one for _, one in sorted(made, key=lambda row: row[0], reverse=True)]

    def folder(self, sweep_id: str) -> SweepFolder:
        folder = self.home.sweep(sweep_id) if is_run_id(sweep_id) else None
        if folder is None or not folder.config.is_file():
            raise JobError("There is no such sweep.", hint="Open it from the list of sweeps on Runs.")
        return folder

    def status(self, folder: SweepFolder, ledger: Ledger | None = None) -> str:
        """One of a run's statuses."""
        state = read_state(folder)
        ledger = ledger or Ledger.read(folder)
        if is_alive(folder):
            return "stopping" if state.get("stop") else "running"
        if ledger.process in ("started", "gave_way", "none") and state.get("wanted"):
            return "queued"
        if ledger.process == "started":
            return "stopped" if state.get("stop") else "interrupted"
        if ledger.process == "done":
            return "done"
        if state.get("wanted"):
            return "queued"
        return "failed" if ledger.process == "failed" else "stopped"

    def error(self, folder: SweepFolder, ledger: Ledger) -> dict[str, Any] | None:
        """Why it rests, where that is an error: {kind, message, hint, field}."""
        found = read_state(folder).get("error")
        return found if isinstance(found, dict) else ledger.error

    # ---- what a person does

    def add(self, spec: SweepSpec, token: str | None = None) -> str:
        """Make a sweep that waits for its device; its id. The same token again gives the same id."""
        with self._lock:
            everyone = self.folders()
            for one in everyone if token else []:
                if read_meta(one).get("token") == token:
                    return one.run_id
            if sum(self.status(one) == "queued" for one in everyone) >= MOST_UNFINISHED:
                raise JobError(f"{MOST_UNFINISHED} sweeps are waiting already.", hint="Stop one of them first.")
            folder, now = self.home.sweep(new_run_id(spec.name)), time.time()
            try:
                folder.path.mkdir(parents=True)
                folder.create()
                write_meta(folder, spec.name, now, token)
                write_state(folder, wanted=True, since=now)
                # Last: a folder without it was never a sweep.
                write_text(folder.config, spec.settled().to_yaml())
            except OSError as error:
                raise DiskError(
                    f"The sweep could not be written to {self.home.root}: {error}.", hint="Make room on the disk."
                ) from error
            return folder.run_id

    def stop(self, sweep_id: str) -> str:
        """queued → stopped; running → stopping; anything else stays as it is. Finished trials are kept."""
        with self._lock:
            folder = self.folder(sweep_id)
            now = self.status(folder)
            if now == "queued":
                write_state(folder, wanted=False, stop=True)
            elif now == "running":
                write_state(folder, wanted=False, stop=True, asked=time.time())
                info = ProcessInfo.read(folder)
                if info is not None and info.by == "cli":
                    info.send(signal.SIGTERM)  # no lane watches it
            return self.status(folder)

    def go_on(self, sweep_id: str) -> str:
        """stopped, interrupted, failed → queued; running and waiting ones stay. Raises JobError when it is done."""
        with self._lock:
            folder = self.folder(sweep_id)
            now = self.status(folder)
            if now == "done":
                raise JobError("This sweep is done.", hint="Start another one for more trials.")
            if now in RESTING:
                write_state(folder, wanted=True, since=time.time(), after=Ledger.read(folder).attempt)
            return self.status(folder)

    @contextmanager
    def at_rest(self, sweep_id: str) -> Iterator[SweepFolder]:
        """The folder of a sweep that no process works on; none begins before the block is left. Raises JobError."""
        with self._lock:
            folder = self.folder(sweep_id)
            status = self.status(folder)
            if status in BUSY or sweep_id in self._taken:
                raise JobError(f"{name_of(folder)} is {status}; it is not deleted.", hint="Stop it first.")
            yield folder

    # ---- the lanes

    def reconcile(self) -> None:
        """At the start of the app: what died with it rests, and says so; what waited, waits."""
        for folder in self.folders():
            state, ledger = read_state(folder), Ledger.read(folder)
            began = ledger.process == "started" and ledger.attempt > state.get("after", 0)
            if state.get("wanted") and began and not lives_on(folder):
                log.info("%s: the sweep was interrupted", folder.run_id)
                write_state(folder, error=_interrupted(death_reason(None)))

    def adopted(self, lane: str, first: bool) -> list[SweepFolder]:
        """Sweeps that an earlier app started on this lane and that live on. first: also those of no lane."""
        found = []
        for folder in self.folders():
            info = ProcessInfo.read(folder)
            if info and info.by == "app" and (info.lane == lane or (first and info.lane is None)) and is_alive(folder):
                self._taken[folder.run_id] = time.time()
                found.append(folder)
        return found

    def next(self, accepts: Callable[[str], bool]) -> SweepFolder | None:
        """The sweep that has waited longest among those whose device is accepted."""
        with self._lock:
            waiting = []
            for folder in self.folders():
                state = read_state(folder)
                free = state.get("wanted") and folder.run_id not in self._taken
                if free and self.status(folder) == "queued" and accepts(device_of(folder)):
                    waiting.append((float(state.get("since") or 0.0), folder.run_id, folder))
            if not waiting:
                return None
            chosen = min(waiting)[2]
            self._taken[chosen.run_id] = time.time()
            return chosen

    def leave(self, folder: SweepFolder) -> None:
        """It could not be taken after all: somebody else works on it."""
        with self._lock:
            self._taken.pop(folder.run_id, None)

    def settle(self, folder: SweepFolder, returncode: int | None, killed: bool) -> str:
        """Its process is gone: what is next, noted in its state. Returns the status."""
        with self._lock:
            taken = self._taken.pop(folder.run_id, 0.0)
            ledger, state = Ledger.read(folder), read_state(folder)
            if state.get("wanted") and taken and float(state.get("since") or 0.0) > taken:
                return self.status(folder, ledger)  # a person said go on before the lane saw that it had ended
            ended = len(ledger.trials) - (ledger.open is not None)
            if ledger.process in ("done", "failed", "stopped"):
                write_state(folder)
            elif ledger.process == "started" and (state.get("stop") or killed):
                write_state(folder, stop=True)
            elif ledger.process in ("started", "none"):
                deaths = 1 if ended > state.get("ended", -1) else int(state.get("deaths", 0)) + 1
                if deaths < _MOST_DEATHS:
                    write_state(
                        folder, wanted=True, since=state.get("since"), deaths=deaths, ended=ended, after=ledger.attempt
                    )
                else:
                    write_state(folder, error=_interrupted(death_reason(returncode)))
            return self.status(folder, ledger)


class SweepWatch:
    """One sweep whose process a lane watches. run_waits(): does a run wait for the device?"""

    def __init__(
        self,
        sweeps: Sweeps,
        folder: SweepFolder,
        child: subprocess.Popen[bytes] | None = None,
        *,
        run_waits: Callable[[], bool],
        grace_s: float,
    ) -> None:
        self.sweeps, self.folder, self.child = sweeps, folder, child
        self._run_waits, self._grace_s = run_waits, grace_s
        self._term_sent = self._killed = False

    def look(self) -> bool:
        """Hand on what is wished for. True once the process has ended."""
        returncode = self.child.poll() if self.child else None
        if not (returncode is None if self.child else is_alive(self.folder)):
            status = self.sweeps.settle(self.folder, returncode, self._killed)
            log.info("%s: sweep %s (exit code %s)", self.folder.run_id, status, returncode)
            return True
        state = read_state(self.folder)
        if state.get("stop"):
            self._stop(float(state.get("asked") or 0.0))
        elif self._run_waits():
            with suppress(OSError):
                self.folder.give_way.touch()
        return False

    def _stop(self, asked: float) -> None:
        info = ProcessInfo.read(self.folder)
        if self.child is not None and (info is None or info.pid != self.child.pid):
            with suppress(Exception):
                info = ProcessInfo.of(self.child.pid, attempt=1)
        if info is None:
            return
        if not self._term_sent:
            self._term_sent = info.send(signal.SIGTERM)
        elif time.time() - asked > self._grace_s and not self._killed:
            self._killed = info.send(signal.SIGKILL)


def name_of(folder: SweepFolder) -> str:
    """What people call it."""
    return str(read_meta(folder).get("name") or folder.run_id)


# ---------------------------------------------------------------- state.json


def read_state(folder: SweepFolder) -> dict[str, Any]:
    """wanted: is it to go on; since: when it was said (s since 1970), after: the ledger's attempt that was the last one
    then; stop, asked: a person stopped it, when; error: why it rests; deaths, ended: how often its process ended by
    itself, and how many trials had ended then."""
    found = read_json(folder.state)
    return found if isinstance(found, dict) else {}


def write_state(folder: SweepFolder, **state: Any) -> None:
    write_text(folder.state, json.dumps(state))


def _interrupted(reason: str) -> dict[str, Any]:
    return {"kind": "interrupted", "message": reason, "hint": GO_ON_HINT, "field": None}


_devices: dict[Path, str] = {}


def device_of(folder: SweepFolder) -> str:
    """The device the base config asks for; a sweep's settings never change."""
    if folder.path not in _devices:
        try:
            _devices[folder.path] = specs.load(folder.config).base.device
        except Exception:
            return "auto"  # its process will say what is wrong with it
    return _devices[folder.path]
