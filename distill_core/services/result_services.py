"""The part of `Services` that answers about a finished run: verdict, what was lost, details, trying it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

from distill_core.layout import RunFolder
from distill_core.services import results


class ResultServices(ABC):
    """All methods take a run's id; JobError for one that is not known, or has no report yet."""

    @abstractmethod
    def _folder(self, run_id: str) -> RunFolder:
        """Raises JobError for a run that is not known."""

    def verdict(self, run_id: str, given: dict[str, Any] | None = None, *, forget: bool = False) -> dict[str, Any]:
        """Ship, don't, or not enough evidence; see `services.results.verdict`. given: thresholds, kept with the run."""
        return results.verdict(self._folder(run_id), given, forget=forget)
