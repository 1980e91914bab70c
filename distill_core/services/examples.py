"""Finished runs that ship with the project: opened like a person's own, and never changed.

Their folders lie beside the code; what the page needs of them is indexed in a database of its own among the files that
may be deleted at any time, built anew at every start.
"""

from __future__ import annotations

import logging
from contextlib import suppress
from pathlib import Path
from typing import Any

from distill_core.errors import JobError
from distill_core.jobs.reconcile import import_folder, is_run
from distill_core.jobs.store import Store
from distill_core.layout import EXAMPLES, DataHome, RunFolder, is_run_id
from distill_core.services.live import run_row
from distill_core.services.series import CurveCache

log = logging.getLogger(__name__)


class ExampleHome(DataHome):
    """The data folder's cache for the index; the examples' own folder for the runs."""

    @property
    def runs(self) -> Path:
        return EXAMPLES

    @property
    def database(self) -> Path:
        return self.cache / "examples.db"


class Examples:
    """One per app; all methods may be called from any thread. Raises DiskError as `Store` does."""

    def __init__(self, home: DataHome) -> None:
        self.home = ExampleHome(home.root)
        for ending in ("", "-wal", "-shm"):
            with suppress(FileNotFoundError):
                self.home.database.with_name(self.home.database.name + ending).unlink()
        self.store = Store(self.home)
        self.curves = CurveCache(self.store)
        for path in sorted(EXAMPLES.iterdir()) if EXAMPLES.is_dir() else ():
            if is_run(path):
                self._add(RunFolder(path))

    def _add(self, folder: RunFolder) -> None:
        try:
            import_folder(self.store, folder)
        except Exception:
            # An example that a newer version broke must not keep the app from starting.
            log.exception("%s: this example could not be read", folder.run_id)
            self.store.forget(folder.run_id)

    def has(self, run_id: str) -> bool:
        return self.store.run(run_id) is not None

    def rows(self) -> list[dict[str, Any]]:
        """As `Services.runs`, in the order of their names."""
        return sorted((run_row(row) for row in self.store.runs()), key=lambda row: str(row["id"]))

    def close(self) -> None:
        self.store.close()


class WithExamples:
    """The part of `Services` that knows where a run is kept: among the person's own, or among the examples."""

    home: DataHome
    store: Store
    _curves: CurveCache
    _examples: Examples

    def examples(self) -> list[dict[str, Any]]:
        """Finished runs that ship with the project, as `runs` lists them; they open as any run and never change."""
        return [row for row in self._examples.rows() if self._read_only(row["id"])]

    def _known(self, run_id: str) -> str:
        """One of the person's own runs. Raises JobError for an example, too."""
        if self._read_only(run_id):
            raise JobError("This run is an example: it stays as it is.", hint="Duplicate it to start one of your own.")
        if not is_run_id(run_id) or self.store.run(run_id) is None:
            raise JobError("There is no such run.", hint="Open it from the list of runs.")
        return run_id

    def _read_only(self, run_id: str) -> bool:
        """Is it an example? A run of the same name that is the person's own comes first."""
        return is_run_id(run_id) and self.store.run(run_id) is None and self._examples.has(run_id)

    def _place(self, run_id: str) -> tuple[Store, DataHome, CurveCache]:
        """Where a run, own or example, is kept. Raises JobError for one that is not known."""
        if self._read_only(run_id):
            return self._examples.store, self._examples.home, self._examples.curves
        self._known(run_id)
        return self.store, self.home, self._curves

    def _folder(self, run_id: str) -> RunFolder:
        return self._place(run_id)[1].run(run_id)
