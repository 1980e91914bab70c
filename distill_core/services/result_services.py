"""The part of `Services` that answers about a finished run: verdict, what was lost, details, cost."""

from __future__ import annotations

from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any

from distill_core.errors import JobError
from distill_core.export.reproduction import sentences
from distill_core.layout import RunFolder
from distill_core.services import offline_report, result_details, results
from distill_core.services.playground import Playground, as_csv, read_list


class ResultServices(ABC):
    """All methods take a run's id; JobError for one that is not known, or has no report yet."""

    _playground: Playground

    @abstractmethod
    def _folder(self, run_id: str) -> RunFolder:
        """Raises JobError for a run that is not known."""

    @abstractmethod
    def _read_only(self, run_id: str) -> bool:
        """May nothing be kept with it?"""

    @abstractmethod
    def _uploads_only(self) -> Path | None:
        """The folder that files may come from; None: any."""

    def verdict(
        self, run_id: str, given: dict[str, Any] | None = None, *, forget: bool = False, keep: bool = True
    ) -> dict[str, Any]:
        """Ship, don't, or not enough evidence; see `services.results.verdict`. given: thresholds, kept with the run
        unless it is an example, or not to be."""
        return results.verdict(self._folder(run_id), given, forget=forget, keep=keep and not self._read_only(run_id))

    def offline_report(self, run_id: str) -> tuple[str, str]:
        """(file name, HTML) of the one-file report for others; see `services.offline_report`."""
        return offline_report.offline_report(self._folder(run_id))

    def reproduction(self, run_id: str) -> list[str]:
        """Whether the run was reproduced and matched, in sentences."""
        return sentences(offline_report.reproduction_of(self._folder(run_id)))

    def details(self, run_id: str) -> dict[str, Any]:
        """Confusion, calibration and the teachers' errors; see `services.result_details.details`."""
        return result_details.details(self._folder(run_id))

    def disagreements(self, run_id: str, wanted: dict[str, Any]) -> dict[str, Any]:
        """A page of test rows on which student and teacher differ; see `services.result_details.disagreements`."""
        return result_details.disagreements(self._folder(run_id), wanted, self._uploads_only())

    def disagreements_csv(self, run_id: str, wanted: dict[str, Any]) -> str:
        """All of those as CSV."""
        return result_details.disagreements_csv(self._folder(run_id), wanted, self._uploads_only())

    def set_temperature(self, run_id: str, on: bool) -> dict[str, Any]:
        """Use the temperature fitted on validation, or none; see `services.result_details.set_temperature`."""
        self._refuse_example(run_id)
        return result_details.set_temperature(self._folder(run_id), on)

    def try_warm_up(self, run_id: str) -> None:
        """Somebody is about to try a run's models: start the helper that holds them. Returns at once."""
        self._folder(run_id)
        self._playground.child.warm_up()

    def try_list(self, run_id: str, raw: str, name: str = "") -> dict[str, Any]:
        """Every teacher, the student and the control on a list of texts, side by side; see `services.playground`.

        raw: the list, name: of the file it came from ("": a text a line). Returns at once, ask again."""
        return self._playground.ask(self._folder(run_id), read_list(name, raw))

    def try_csv(self, run_id: str, raw: str, name: str = "") -> str:
        """The same as CSV. Raises JobError while it is not answered."""
        found = self.try_list(run_id, raw, name)
        if found["state"] != "ready":
            raise JobError("These texts are not answered yet.", hint="Wait a moment.")
        return as_csv(found)

    def cost(self, run_id: str, price: float | None = None) -> dict[str, Any]:
        """Cost of a million predictions; see `services.result_details.cost`. price: per hour, kept with the run."""
        if price is not None:
            self._refuse_example(run_id)
        return result_details.cost(self._folder(run_id), price)

    def _refuse_example(self, run_id: str) -> None:
        if self._read_only(run_id):
            raise JobError(
                "This run is an example: nothing is kept with it.", hint="Duplicate it to start one of your own."
            )
