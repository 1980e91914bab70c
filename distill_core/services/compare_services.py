"""The part of `Services` that answers about several runs: comparison, their curves, the leaderboard."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

from distill_core.errors import JobError
from distill_core.jobs.store import Store
from distill_core.layout import DataHome
from distill_core.services import compare, leaderboard
from distill_core.services.series import CurveCache

#: the curve that runs are overlaid by
OVERLAID = "validation_quality"


class CompareServices(ABC):
    store: Store
    home: DataHome

    @abstractmethod
    def _place(self, run_id: str) -> tuple[Store, DataHome, CurveCache]:
        """Where a run, own or example, is kept. Raises JobError for one that is not known."""

    @abstractmethod
    def examples(self) -> list[dict[str, Any]]:
        """Finished runs that ship with the project."""

    def compare(self, run_ids: Sequence[str], batch: int | None = None, runtime: str | None = None) -> dict[str, Any]:
        """Finished runs side by side, in the given order; see `services.compare.compare`. Runs that are not known are
        left out, and told. Raises JobError (none, too many)."""
        known, unknown = [], []
        for run_id in dict.fromkeys(run_ids):
            try:
                known.append(self._place(run_id)[1].run(run_id))
            except JobError as error:
                unknown.append({"id": str(run_id)[:80], "name": str(run_id)[:80], "why": error.message})
        if unknown and not known:
            raise JobError(unknown[0]["why"], hint="Choose runs from the list.", field="runs")
        found = compare.compare(known, batch, runtime)
        for left_out in found["left_out"]:
            row = self._place(left_out["id"])[0].run(left_out["id"])
            left_out["name"] = row.name if row is not None else left_out["name"]
        return {**found, "left_out": [*found["left_out"], *unknown]}

    def compare_curves(self, run_ids: Sequence[str]) -> list[dict[str, Any]]:
        """[{run, name, curves, points (as `Services.live` has them)}]: validation quality of each run's
        student, all seeds; runs that are not known are left out, as `compare` tells. Raises JobError (too many)."""
        if len(run_ids) > compare.MOST:
            raise JobError(f"Choose at most {compare.MOST} runs.", field="runs")
        found = []
        for run_id in dict.fromkeys(run_ids):
            try:
                store, _, curves = self._place(run_id)
            except JobError:
                continue
            row = store.run(run_id)
            assert row is not None
            about, points = curves.since(row, 0)
            own = [one for one in about if one["arm"] == "main" and one["name"] == OVERLAID]
            wanted = {one["id"] for one in own}
            packed = [one for one in points if one[0] in wanted]
            found.append({"run": row.id, "name": row.name, "curves": own, "points": packed})
        return found

    def leaderboard(
        self,
        filters: leaderboard.Filters | None = None,
        order: str = "kept",
        batch: int | None = None,
        runtime: str | None = None,
    ) -> dict[str, Any]:
        """All finished runs by their data; see `services.leaderboard.leaderboard`. shipped: ids of the examples that
        can be among them."""
        folders = [self.home.run(row.id) for row in self.store.runs() if row.status == "done"]
        shipped = [str(row["id"]) for row in self.examples()]
        folders += [self._place(run_id)[1].run(run_id) for run_id in shipped]
        return {**leaderboard.leaderboard(folders, filters, order, batch, runtime), "shipped": shipped}
