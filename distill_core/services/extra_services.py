"""The part of `Services` that measures more of a finished run on request; each answer is made in `extras`."""

from __future__ import annotations

from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any

from distill_core.errors import ConfigError, FieldError
from distill_core.extras.state import KINDS, USUAL_MOST
from distill_core.jobs import extras as jobs
from distill_core.layout import RunFolder
from distill_core.services import extras


class ExtraServices(ABC):
    """Mixed into `Services`, which has these."""

    @abstractmethod
    def _folder(self, run_id: str) -> RunFolder:
        """Raises JobError for a run that is not known."""

    @abstractmethod
    def _known(self, run_id: str) -> str:
        """Raises JobError for a run that is not known, and for an example."""

    @abstractmethod
    def _read_only(self, run_id: str) -> bool:
        """May nothing be kept with it?"""

    @abstractmethod
    def _uploads_only(self) -> Path | None:
        """The folder that files may come from; None: any."""

    def extras(self, run_id: str) -> dict[str, Any]:
        """{measured: `services.extras.rows`, kept: False for an example, of which nothing more is measured}."""
        return {"measured": extras.rows(self._folder(run_id)), "kept": not self._read_only(run_id)}

    def start_extra(self, run_id: str, kind: str, most: int = USUAL_MOST) -> None:
        """Start measuring ("curve" or "without"), or go on, in a process of its own. Raises ConfigError, JobError."""
        extras.start(self._folder(self._known(run_id)), kind, most, self._uploads_only())

    def stop_extra(self, run_id: str, kind: str) -> None:
        """Ask it to stop; what is finished is kept. Harmless where nothing is measured."""
        if kind not in KINDS:
            raise ConfigError([FieldError("kind", "there is no such measurement.", f"Take {' or '.join(KINDS)}.")])
        jobs.stop(self._folder(self._known(run_id)), kind)
