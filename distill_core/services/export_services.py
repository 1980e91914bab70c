"""The part of `Services` that takes a finished run's student away, and runs in; each answer is made in `exports`."""

from __future__ import annotations

from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any

from distill_core.config import load
from distill_core.layout import RunFolder
from distill_core.services.drafts import refuse_foreign_paths
from distill_core.services.exports import Exports


class ExportServices(ABC):
    """Mixed into `Services`, which has these."""

    _exports: Exports

    @abstractmethod
    def _folder(self, run_id: str) -> RunFolder:
        """Raises JobError for a run that is not known."""

    @abstractmethod
    def _known(self, run_id: str) -> str:
        """Raises JobError for a run that is not known, and for an example: exports are written into the run."""

    @abstractmethod
    def _uploads_only(self) -> Path | None:
        """The folder that files may come from; None: any."""

    def exports(self, run_id: str) -> list[dict[str, Any]]:
        """How far each export of a run is, and what was measured of it; see `services.exports.Exports.rows`."""
        return self._exports.rows(self._folder(run_id))

    def build_export(
        self, run_id: str, formats: list[str], allow_loss: float, *, teacher: bool = False, licence: str = ""
    ) -> None:
        """Start building exports, in a process of their own. allow_loss: points of validation quality; teacher: measure
        it on the same runtime. Raises ConfigError, JobError."""
        folder = self._folder(self._known(run_id))
        refuse_foreign_paths(load(folder.config), self._uploads_only())
        self._exports.build(folder, formats, allow_loss, teacher=teacher, licence=licence)

    def cancel_export(self, run_id: str, format: str) -> None:
        """End the building of an export; an earlier one stays. Raises ConfigError, JobError."""
        self._exports.cancel(self._folder(self._known(run_id)), format)

    def export_archive(self, run_id: str, format: str) -> Path:
        """A zip of an export that is ready. Raises JobError, DiskError."""
        return self._exports.archive(self._folder(run_id), format)

    def export_card(self, run_id: str, format: str) -> str:
        """Its model card as Markdown, the Hub's metadata in front. Raises JobError."""
        return self._exports.card(self._folder(run_id), format)

    def push_export(
        self, run_id: str, format: str, repository: str, *, token: str | None = None, private: bool = True
    ) -> None:
        """Start putting an export on the Hub; `exports` tells how far it is. token None: this machine's own."""
        self._exports.push(self._folder(run_id), format, repository, token=token, private=private)

    def import_run(self, path: str, name: str) -> str:
        """Take in a run from an uploaded zip of its folder; its id here. Raises JobError, DataError, DiskError."""
        return self._exports.take_in(Path(path), name)
