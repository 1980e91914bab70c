"""Viewer mode: on a Space, everybody but its owner may look. Refused here, in one place, before anything is done.

Page, API and MCP all ask `Services`; on a Space they are given `Guarded` instead. What is not listed below is refused
to viewers, so a new method is the owner's alone until somebody decides otherwise.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from distill_core.errors import FieldError, JobError
from distill_core.layout import BUNDLED_TEACHERS
from distill_core.services.check import CheckOutcome

#: what a viewer may ask as it is: nothing of it writes, starts work beyond a moment, fetches, or hands out files
LOOKING = frozenset(
    {
        "bundled", "command", "compare", "compare_curves", "config_yaml", "details", "differences", "disagreements",
        "disagreements_csv", "examples", "export_card", "exports", "figures", "finer", "leaderboard", "live", "log",
        "machine", "offline_report", "own_students", "points_csv", "recipes", "report", "reproduction", "runs", "state",
        "sweep", "sweep_fields", "sweep_yaml", "sweeps",
    }
)  # fmt: skip
#: the playground: the helper that holds models answers, and nothing is kept
TRYING = frozenset({"predict", "try_csv", "try_list", "try_warm_up"})
VIEWERS_MAY = LOOKING | TRYING
ONLY_BUNDLED = FieldError(
    "data.source", "viewers of this Space can look at bundled data and teachers alone.", "Duplicate the Space."
)


class ViewerError(JobError):
    """A viewer asked for what is the owner's."""

    def __init__(self) -> None:
        super().__init__(
            "This Space can be looked at: examples, results and the playground. Everything else is its owner's.",
            hint="Duplicate it to have one of your own, or sign in if it is yours.",
        )


class ForViewers:
    """What viewers are answered differently from the owner; each has its method's name and arguments.

    Drafts are looked at as far as that fetches nothing, so that New run can be read through.
    """

    def __init__(self, services: Any) -> None:
        self._services = services

    def verdict(self, run_id: str, given: dict[str, Any] | None = None, *, forget: bool = False) -> dict[str, Any]:
        """Thresholds can be moved; the run keeps its own."""
        found: dict[str, Any] = self._services.verdict(run_id, given, forget=forget, keep=False)
        return found

    def cost(self, run_id: str, price: float | None = None) -> dict[str, Any]:
        if price is not None:
            raise ViewerError
        found: dict[str, Any] = self._services.cost(run_id)
        return found

    def extras(self, run_id: str) -> dict[str, Any]:
        """What was measured; nothing more can be."""
        found: dict[str, Any] = self._services.extras(run_id, looking=True)
        return found

    def deleted(self) -> list[dict[str, Any]]:
        return []

    def deleted_sweeps(self) -> list[dict[str, Any]]:
        return []

    def warm_up(self) -> None:
        """No helper is started."""

    def latency_preview(self, draft: dict[str, Any], *, anew: bool = False) -> dict[str, Any]:
        del draft, anew
        return _failed()

    def estimate(self, draft: dict[str, Any]) -> dict[str, Any]:
        del draft
        return _failed()

    def check(self, draft: dict[str, Any]) -> CheckOutcome:
        if only_bundled(draft):
            found: CheckOutcome = self._services.check(draft)
            return found
        return CheckOutcome(errors=[ONLY_BUNDLED], summary={"teachers": [], "student": None})

    def look(self, draft: dict[str, Any]) -> dict[str, Any]:
        if not only_bundled(draft):
            return {"error": f"{ONLY_BUNDLED.message} {ONLY_BUNDLED.hint}", "field": ONLY_BUNDLED.field}
        found: dict[str, Any] = self._services.look(draft)
        return found

    def sizes(self, draft: dict[str, Any]) -> dict[str, Any]:
        if not only_bundled(draft):
            return {"error": ONLY_BUNDLED.message, "field": ONLY_BUNDLED.field}
        found: dict[str, Any] = self._services.sizes(draft)
        return found

    def drawing(self, draft: dict[str, Any]) -> dict[str, Any]:
        if not only_bundled(draft):
            told = {"field": ONLY_BUNDLED.field, "message": ONLY_BUNDLED.message, "hint": ONLY_BUNDLED.hint}
            return {"missing": [told]}
        found: dict[str, Any] = self._services.drawing(draft)
        return found

    def recipe_fits(self, draft: dict[str, Any]) -> list[dict[str, Any]]:
        """No time is measured."""
        return self._services.recipe_fits(draft, measure=False) if only_bundled(draft) else []

    def teacher_cards(self, draft: dict[str, Any]) -> list[dict[str, Any]]:
        return self._services.teacher_cards(draft) if only_bundled(draft) else []


ANSWERED_OTHERWISE = frozenset(name for name in vars(ForViewers) if not name.startswith("_"))


class Guarded:
    """`Services` for whoever asks. is_owner: is it the owner, in the request that is being answered now?"""

    def __init__(self, services: Any, is_owner: Callable[[], bool]) -> None:
        self._services, self._is_owner = services, is_owner
        self._for_viewers = ForViewers(services)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        found = getattr(self._services, name)

        def asked(*given: Any, **named: Any) -> Any:
            # Who asks is looked at when it is asked: pages are built once, for everybody. Where that makes no
            # difference it is not: it may take a question to the Hub.
            if name in VIEWERS_MAY or self._is_owner():
                return found(*given, **named)
            if name in ANSWERED_OTHERWISE:
                return getattr(self._for_viewers, name)(*given, **named)
            raise ViewerError

        if not callable(found):
            # The store, the queue, the folders: nothing of that goes through a page.
            raise AttributeError(f"{name} is not for pages")
        return asked


def only_bundled(draft: Any) -> bool:
    """Does a draft name nothing but what ships with the project? What is not chosen yet counts as bundled."""
    draft = draft if isinstance(draft, dict) else {}
    data, teachers = draft.get("data"), draft.get("teachers")
    source = data.get("source") if isinstance(data, dict) else None
    if source not in (None, "", "bundled"):
        return False
    named = [one.get("source") for one in teachers if isinstance(one, dict)] if isinstance(teachers, list) else []
    return all(not one or str(one).removeprefix("bundled:") in BUNDLED_TEACHERS for one in named)


def _failed() -> dict[str, Any]:
    refusal = ViewerError()
    return {"state": "failed", "error": refusal.message, "hint": refusal.hint, "field": None}
