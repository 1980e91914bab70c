"""The part of `Services` that searches over a run's settings; each answer is made in `sweeps`."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from distill_core.config import RunConfig
from distill_core.errors import JobError, StillroomError
from distill_core.jobs.meta import LONGEST_TAG, Words, keep_beside
from distill_core.jobs.shelf import Shelf
from distill_core.jobs.store import Store
from distill_core.jobs.supervisor import Supervisor
from distill_core.jobs.sweep_shelf import SweepShelf
from distill_core.jobs.sweeps import Sweeps, name_of
from distill_core.layout import DataHome, is_run_id
from distill_core.services import sweeps as views
from distill_core.services.drafts import refuse_foreign_paths
from distill_core.sweeps import spec as specs
from distill_core.sweeps import typed
from distill_core.sweeps.spec import SweepSpec


class SweepServices(ABC):
    """Mixed into `Services`, which has these."""

    home: DataHome
    store: Store
    shelf: Shelf
    supervisor: Supervisor
    _sweeps: Sweeps

    @abstractmethod
    def start(self, config: RunConfig, *, token: str | None = None, estimate: dict[str, Any] | None = None) -> str:
        """Queue a run."""

    @abstractmethod
    def _uploads_only(self) -> Path | None:
        """The folder that files may come from; None: any."""

    def sweeps(self) -> list[dict[str, Any]]:
        """[{id, name, created, status (as a run's), tried, of (trials at most; None: no telling), best (validation),
        metric_words, fields [path], archived}], newest first."""
        return [views.row(self._sweeps, folder) for folder in self._sweeps.folders()]

    def sweep_fields(self, config: RunConfig) -> list[dict[str, Any]]:
        """[{path, label, unit, kind, now, choices, values (a first line to type), first (its place among
        what is offered by itself, 0: not offered)}]: what of a
        config a sweep can vary."""
        return views.fields(config)

    def sweep_of(self, config: RunConfig, search: Sequence[tuple[str, str]], *, name: str, **more: Any) -> SweepSpec:
        """A sweep from what people type: (path, values in one line) of each field. more: as in a sweep's YAML.

        Raises ConfigError naming each field at fault.
        """
        found = {path: typed.read(path, values) for path, values in search}
        return specs.from_dict({"name": name, "base": config, "search": found, **more})

    def start_sweep(self, spec: SweepSpec, *, token: str | None = None) -> str:
        """Let a sweep wait for its device, after the runs that wait; its id. The same token twice gives the same id.
        Raises ConfigError, JobError, DiskError."""
        refuse_foreign_paths(spec.base, self._uploads_only())
        sweep_id = self._sweeps.add(spec, token)
        self.supervisor.wake()
        return sweep_id

    def sweep(self, sweep_id: str, cursor: int = 0) -> dict[str, Any]:
        """What is new of a sweep since `cursor` (0: everything). Raises JobError for an unknown one.

        {sweep: {id, name, status, created, tried, of, best, metric_words, fields, sampler, objectives, prune, minutes,
             batch (of the latency), seed, seeds (of a promoted run), seconds (of work), left (s, at the pace so far),
             why (it is over), error, device, now: {number, share, note} | None},
         fields: [{path, label, unit, kind, log, choices, low, high}],
         trials: [{number, state (begun, paused, done, pruned, refused, failed), params, values {quality, parameters,
             time, latency}, curve, seconds, error, run (promoted to)}] (those that changed), reset: bool,
         curves: {number: [(optimizer step, validation quality)]} (of those, and of the one under way),
         cursor, best: number | None, fronts: {cost: [number]}, importance: {objective: {path: share}}, finished: int,
         teachers: [{name, validation}]}
        """
        folder = self._sweeps.folder(sweep_id)
        return views.view(self._sweeps, folder, self._promoted(sweep_id), cursor)

    def sweep_yaml(self, sweep_id: str) -> str:
        """The sweep's settings, exactly as it runs."""
        return self._sweeps.folder(sweep_id).config.read_text(encoding="utf-8")

    def stop_sweep(self, sweep_id: str) -> str:
        """Ask a sweep to stop; its new status. What is finished stays."""
        status = self._sweeps.stop(sweep_id)
        self.supervisor.wake()
        return status

    def resume_sweep(self, sweep_id: str) -> str:
        """Go on with a sweep that rests; its new status. Raises JobError when it is done."""
        refuse_foreign_paths(views.spec_of(self._sweeps.folder(sweep_id)).base, self._uploads_only())
        status = self._sweeps.go_on(sweep_id)
        self.supervisor.wake()
        return status

    def promote(self, sweep_id: str, number: int) -> str:
        """Start a finished trial's settings as an ordinary run, with all seeds, controls and the test; the run's id.
        Twice gives the same run. Raises JobError."""
        folder = self._sweeps.folder(sweep_id)
        config = views.promoted(folder, number)
        run_id = self.start(config, token=_token(sweep_id, number))
        try:
            tag = f"sweep {name_of(folder)}"[:LONGEST_TAG].strip()
            row = self.store.run(run_id)
            if row is not None and not row.tags:
                self.shelf.annotate(run_id, Words(tags=[tag]))
                keep_beside(self.home.run(run_id), "sweep", {"id": sweep_id, "trial": number})
        except StillroomError:
            pass  # the run is there; its tag can be written by hand
        return run_id

    def annotate_sweep(self, sweep_id: str, *, name: str | None = None, archived: bool | None = None) -> None:
        """Write beside a sweep what is given (its settings keep the old name); raises JobError for what is refused."""
        SweepShelf(self._sweeps).annotate(sweep_id, Words(name=name, archived=archived))

    def delete_sweep(self, sweep_id: str) -> None:
        """Move a sweep that rests to the trash; runs promoted from it stay. Raises JobError while it works or waits."""
        SweepShelf(self._sweeps).delete(sweep_id)

    def restore_sweep(self, sweep_id: str) -> None:
        """Take a deleted sweep back. Raises JobError when it is no longer in the trash."""
        if not is_run_id(sweep_id):
            raise JobError("There is no such sweep.", hint="Choose one from the list of deleted sweeps.")
        SweepShelf(self._sweeps).restore(sweep_id)

    def deleted_sweeps(self) -> list[dict[str, Any]]:
        """[{id, name, deleted (s since 1970), bytes}] of the sweeps that can be taken back, newest first."""
        return SweepShelf(self._sweeps).deleted()

    def _throw_away(self) -> None:
        """What was deleted long ago, runs and sweeps, is removed from the disk."""
        self.shelf.throw_away()
        SweepShelf(self._sweeps).throw_away()

    def _promoted(self, sweep_id: str) -> dict[int, str]:
        """{trial: run} of those that were promoted and are still there."""
        folder = self._sweeps.folder(sweep_id)
        found = {}
        for number in views.finished(folder):
            run_id = self.store.token(_token(sweep_id, number))
            if run_id and self.store.run(run_id) is not None:
                found[number] = run_id
        return found


def _token(sweep_id: str, number: int) -> str:
    return f"sweep-{sweep_id}-{number}"
