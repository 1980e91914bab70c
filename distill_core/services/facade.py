"""`Services`: everything the page may ask for. Thin on purpose: each answer is put together in a module of its own."""

from __future__ import annotations

import logging
import shlex
import threading
from pathlib import Path
from typing import Any

from distill_core import hub, recipes
from distill_core.config import RunConfig
from distill_core.errors import JobError
from distill_core.jobs.meta import Words
from distill_core.jobs.queue import RunQueue
from distill_core.jobs.shelf import Shelf
from distill_core.jobs.store import Store
from distill_core.jobs.supervisor import Supervisor
from distill_core.jobs.sweeps import Sweeps
from distill_core.layout import BUNDLED_DATA, BUNDLED_TEACHERS, DataHome, is_run_id
from distill_core.services import check as checking
from distill_core.services import files, log_lines, next_steps
from distill_core.services.api_services import ApiServices
from distill_core.services.backups import backups_of
from distill_core.services.compare_services import CompareServices
from distill_core.services.differences import differences
from distill_core.services.draft_services import DraftServices
from distill_core.services.examples import Examples, WithExamples
from distill_core.services.export_services import ExportServices
from distill_core.services.exports import Exports
from distill_core.services.extra_services import ExtraServices
from distill_core.services.extras import refuse_busy
from distill_core.services.live import live_view, run_row, steps_of
from distill_core.services.machine import Machine
from distill_core.services.planning import Planning
from distill_core.services.playground import Playground
from distill_core.services.result_services import ResultServices
from distill_core.services.series import CurveCache, points_csv
from distill_core.services.sweep_services import SweepServices
from distill_core.services.warm import WarmChild
from distill_core.settings import HomeLock, Settings

log = logging.getLogger(__name__)


class Services(
    WithExamples,
    DraftServices,
    ResultServices,
    ExtraServices,
    ExportServices,
    CompareServices,
    SweepServices,
    ApiServices,
):
    """One per app. Construction takes the data folder's lock and opens the database; `start_background` starts work.

    All methods may be called from any thread. Every refusal is a `StillroomError` with a message for people.
    """

    def __init__(self, settings: Settings, *, supervisor_options: dict[str, Any] | None = None) -> None:
        """Raises JobError when another app uses the same data folder or its database is from a newer version."""
        self.settings = settings
        self.home: DataHome = settings.home.create()
        self._lock = HomeLock(self.home).acquire(settings.address)
        try:
            self.store = Store(self.home)
            self._curves = CurveCache(self.store)
            self._examples = Examples(self.home)
            self.shelf = Shelf(self.store, self.home)
            self.queue = RunQueue(self.store, self.home, limit=settings.max_queue)
            self._exports = Exports(self.home, self.store)
            self._sweeps = Sweeps(self.home)
            self._machine = Machine(settings.device)
            self._offline_known = threading.Event()
            devices = {"CUDA_VISIBLE_DEVICES": ""} if settings.device == "cpu" else {}
            self.warm = WarmChild(environment=devices, log_path=self.home.cache / "warm.log")
            trying = WarmChild(environment=devices, log_path=self.home.cache / "playground.log")
            self._playground = Playground(trying, self.home, self._uploads_only(), settings.device)
            self._planning = Planning(self.warm, self.home, self._uploads_only())
            self._backups = backups_of(self.home, self.store, settings.backup)
            self.supervisor = Supervisor(
                self.store,
                self.home,
                self.queue,
                lanes=self._machine.lanes,
                ready=self._offline_known,
                sweeps=self._sweeps,
                **(supervisor_options or {}),
            )
        except BaseException:
            self._lock.release()
            raise

    # ---------------------------------------------------------------- life

    def start_background(self) -> None:
        """Probe the machine and the network in the background, reconcile all runs, start the supervisor."""
        threading.Thread(target=self._decide_offline, name="network-probe", daemon=True).start()
        self._machine.start(on_ready=self.supervisor.wake)
        threading.Thread(target=self._throw_away, name="trash", daemon=True).start()
        self.supervisor.start()
        self._backups.start()

    def close(self) -> None:
        """Stop supervising and give the data folder back. Runs go on; the next app adopts them."""
        self.supervisor.close()
        self._machine.close()
        self.warm.close()
        self._playground.child.close()
        self._examples.close()
        self._backups.close()
        self.store.close()
        self._lock.release()

    def _decide_offline(self) -> None:
        try:
            hub.decide_offline()
        finally:
            self._offline_known.set()

    # ---------------------------------------------------------------- what is there

    def machine(self) -> dict[str, Any]:
        """{device: "cuda"|"mps"|"cpu"|"checking…", device_name, devices (list of lanes), cores, memory_gb,
        offline (None until known), ready: bool (False while the device is being looked for), zero_gpu: bool, backup:
        `services.backups.Backups.state` | None (there is none)}"""
        offline = hub_is_offline() if self._offline_known.is_set() else None
        more = {"zero_gpu": self.settings.zero_gpu, "backup": self._backups.state()}
        return {**self._machine.describe(), "offline": offline, **more}

    def bundled(self) -> dict[str, list[dict[str, str]]]:
        """{data: [{name}], teachers: [{name, source ("bundled:NAME")}]}: what ships with the project."""
        return {
            "data": [{"name": name} for name in BUNDLED_DATA],
            "teachers": [{"name": name, "source": f"bundled:{name}"} for name in BUNDLED_TEACHERS],
        }

    def recipes(self) -> list[dict[str, Any]]:
        """[{name, title, summary, paper, when, needs, config (the recipe as a dict, to start a draft from)}]"""
        return checking.recipe_rows()

    # ---------------------------------------------------------------- runs

    def runs(self, limit: int | None = None) -> list[dict[str, Any]]:
        """Newest first: {id, name, status, stage, share, data, teachers (list of names), student, quality_kept,
        compression (parameters, ×), speedup (×), created (s since 1970), conclusion, elapsed_s, tags, archived};
        what is not known yet is None; archived: bool."""
        return [run_row(row) for row in self.store.runs(limit)]

    def start(self, config: RunConfig, *, token: str | None = None, estimate: dict[str, Any] | None = None) -> str:
        """Queue a run and return its id. The same token twice gives the same id. Raises JobError (queue full).

        estimate: a ready `estimate` of this config; it is kept, and the report tells it beside what the run took."""
        checking.refuse_foreign_paths(config, self._uploads_only())
        run_id = self.queue.add(config, token=token, estimate=estimate)
        self.supervisor.wake()
        return run_id

    def start_demo(self, token: str | None = None) -> str:
        """Queue the bundled demo; see `start`."""
        return self.start(recipes.load("demo").config, token=token)

    def stop(self, run_id: str) -> str:
        """Ask a run to stop; returns its new status. Harmless when it has ended already or is stopping."""
        status = self.queue.stop(self._known(run_id))
        self.supervisor.wake()
        return status

    def resume(self, run_id: str) -> str:
        """Queue a stopped, interrupted or failed run again; returns its new status. Harmless when it is queued or
        running; JobError when it is done, ConfigError where an imported one reads files that are not to be read."""
        checking.refuse_foreign_paths(self.config(run_id), self._uploads_only())
        status = self.queue.resume(self._known(run_id))
        self.supervisor.wake()
        return status

    def live(self, run_id: str, cursor: int = 0, seen: dict[str, str] | None = None) -> dict[str, Any]:
        """What is new since `cursor` (0: everything). Raises JobError for an unknown run.

        {run: {id, name, status, queue_position (1 = next; None), stage, stages {stage: "waiting"|"started"|"finished"},
               share (0..1), eta_s (None until known), note, error ({kind, message, hint,
               steps (`services.next_steps`)} | None), device, created, elapsed_s, tags, notes, archived},
         cursor: int (give it back next time),
         reset: bool (drop all curves drawn so far: what follows then holds all that count),
         curves: [{id, arm, seed, name, unit}] (those that are new),
         points: [[id, count, numbers, steps, values, bucket, means]] (what is new of each curve, thinned by
             `services.thinning`; count: points so far; numbers and steps as differences; means: of the complete
             buckets from number `bucket` on),
         and, each only when `seen` does not hold its present version:
         shapes: payload of the last `shapes` event | None,
         latency: [{name, role, batch, tokens, threads, runtime, p50, p95, phase}] (final wins over preview),
         teachers: [{name, validation, reference: bool}], phases: [{arm, seed, name, index, of, from_step}],
         log: [last 12 lines, str], findings: [{severity, code, field, message, rows, count}],
         versions: {part: version} (of the parts in this answer; collect them as `seen`),
         report: dict | None (only when done)}
        """
        store, home, curves = self._place(run_id)
        row = store.run(run_id)
        assert row is not None
        view = live_view(store, home, row, cursor, curves, seen)
        view["run"]["example"] = store is not self.store
        return view

    def finer(self, run_id: str, curves: list[int], first: int, last: int) -> list[list[Any]]:
        """The points of some curves (by id) between two steps, less thinned than in `live`; as `live`'s points."""
        store, _, held = self._place(run_id)
        row = store.run(run_id)
        assert row is not None
        return held.between(row, curves, first, last)

    def points_csv(self, run_id: str, curves: list[tuple[str, int, str]]) -> str:
        """All recorded points of some curves (arm, seed, name) as CSV, none left out."""
        return points_csv(self._place(run_id)[0], run_id, curves)

    def report(self, run_id: str) -> dict[str, Any] | None:
        """report.json of a run, or None while there is none."""
        return files.read_json(self._folder(run_id).report)

    def config_yaml(self, run_id: str) -> str:
        """The run's config as YAML, exactly as it runs."""
        return self._folder(run_id).config.read_text(encoding="utf-8")

    def config(self, run_id: str) -> RunConfig:
        """The run's config, e.g. to start a draft from. Raises ConfigError."""
        from distill_core.config import load

        return load(self._folder(run_id).config)

    def log_text(self, run_id: str, lines: int = 200) -> str:
        """The last lines of the run's log.txt (tracebacks and warnings of libraries are there)."""
        return files.tail(self._folder(run_id).log, lines)

    def command(self, config: RunConfig) -> str:
        """The command that does the same without the page (the YAML saved as NAME.yaml)."""
        name = files.slug(config.name)
        return f"python -m distill_core run {shlex.quote(name + '.yaml')} --out {shlex.quote('runs/' + name)}"

    def student_archive(self, run_id: str) -> Path:
        """A zip of the finished student, built once. Raises JobError while there is none."""
        return files.student_archive(self.home, self._folder(run_id))

    def log(self, run_id: str, search: str = "") -> dict[str, Any]:
        """What a run said, with its libraries' output; see `services.log_lines`."""
        return log_lines.read(self._place(run_id)[0], self._folder(run_id), search)

    def annotate(
        self,
        run_id: str,
        *,
        name: str | None = None,
        tags: list[str] | None = None,
        notes: str | None = None,
        archived: bool | None = None,
    ) -> None:
        """Write beside a run what is given (the config keeps the old name); raises JobError for what is refused."""
        self.shelf.annotate(self._known(run_id), Words(name=name, tags=tags, notes=notes, archived=archived))

    def delete(self, run_id: str) -> None:
        """Move a run that rests to the trash. Raises JobError while it, or something that is made of it, runs."""
        self._exports.refuse_busy(self._folder(run_id))
        refuse_busy(self._folder(run_id))
        self.shelf.delete(self._known(run_id))

    def restore(self, run_id: str) -> None:
        """Take a deleted run back. Raises JobError when it is no longer in the trash."""
        if not is_run_id(run_id):
            raise JobError("There is no such run.", hint="Choose one from the list of deleted runs.")
        self.shelf.restore(run_id)

    def deleted(self) -> list[dict[str, Any]]:
        """[{id, name, deleted (s since 1970), bytes}] of the runs that can be taken back, newest first."""
        return self.shelf.deleted()

    def differences(self, run_id: str, other: str) -> list[dict[str, Any]]:
        """[{field, here, there}]: settings in which two runs differ. Raises ConfigError."""
        return differences(self.config(run_id), self.config(other))

    def retry(self, run_id: str, *, token: str | None = None) -> str:
        """Start a failed run again with the changes that its error asks for, as a new run; the new id.

        The same token twice gives the same id. Raises JobError when there is nothing to change, or the queue is full.
        """
        row = self.store.run(self._known(run_id))
        assert row is not None
        config = self.config(run_id)
        steps = steps_of(self.store, config, row)
        changes = next((step["changes"] for step in steps if step["do"] == "retry"), None)
        if changes is None:
            raise JobError("There is nothing this run could change by itself.", hint="Start a changed copy of it.")
        return self.start(next_steps.changed(config, changes), token=token)

    # ---------------------------------------------------------------- inside

    def _uploads_only(self) -> Path | None:
        return None if self.settings.allow_local_paths else self.home.uploads


def hub_is_offline() -> bool:
    """True when this process works without the Hub (decided once, at start)."""
    return not hub.online()
