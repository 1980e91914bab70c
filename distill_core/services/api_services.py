"""The part of `Services` for programs: a run's state and figures in one small answer, and predictions that are waited
for. Pages ask otherwise (`live`, `try_list`): they must never wait."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

from distill_core.errors import DataError, JobError
from distill_core.jobs.store import Store
from distill_core.layout import DataHome, RunFolder
from distill_core.services.live import error_of, run_row, run_state
from distill_core.services.playground import MOST_TEXTS, Playground, checked
from distill_core.services.results import verdict
from distill_core.services.series import CurveCache

#: s that a program waits for predictions: loading several teachers on a busy machine takes its time
PATIENCE_S = 180.0
#: programs that may wait at once: each holds a thread of the page's
MOST_WAITING = 4
STUDENT = "student"
_waiting = threading.BoundedSemaphore(MOST_WAITING)


class ApiServices(ABC):
    """All methods take a run's id; JobError for one that is not known."""

    _playground: Playground

    @abstractmethod
    def _folder(self, run_id: str) -> RunFolder: ...

    @abstractmethod
    def _place(self, run_id: str) -> tuple[Store, DataHome, CurveCache]: ...

    def state(self, run_id: str) -> dict[str, Any]:
        """{id, name, status, queue_position (1 = next; None), stage, share (0..1), eta_s (None until known), note,
        elapsed_s, error ({kind, message, hint} | None)}: as `live` has it, without curves."""
        store, home, _ = self._place(run_id)
        row = store.run(run_id)
        assert row is not None
        found, error = run_state(store, row), error_of(store, home, row)
        told = ("id", "name", "status", "queue_position", "stage", "share", "eta_s", "note", "elapsed_s")
        said = None if error is None else {name: error.get(name) for name in ("kind", "message", "hint")}
        return {**{name: found[name] for name in told}, "error": said}

    def figures(self, run_id: str) -> dict[str, Any]:
        """What a finished run comes to, in a few figures.

        {id, name, headline, sentences, verdict ("ship" | "no" | "unsure", against the run's thresholds), words,
         checks (`export.decision.decide`), quality_kept (share), compression (×), speedup (×)}. Raises JobError while
        there is no report.
        """
        store, _, _ = self._place(run_id)
        row = store.run(run_id)
        assert row is not None
        decided, listed = verdict(self._folder(run_id), keep=False), run_row(row)
        return {
            **{name: listed[name] for name in ("id", "name")},
            **{name: decided[name] for name in ("headline", "sentences", "verdict", "words", "checks")},
            **{name: listed[name] for name in ("quality_kept", "compression", "speedup")},
        }

    def predict(
        self, run_id: str, texts: Sequence[str], pairs: Sequence[str] | None = None, *, beside: bool = False
    ) -> dict[str, Any]:
        """A finished run's student on at most `MOST_TEXTS` texts; waits for the answer.

        pairs: as many second texts. beside: also every teacher, and the control where it was kept.
        {unit, device, threads, models: [{role, name, seconds, answers (`playground.told`) | why}]}.
        Raises JobError (no student, no answer in time, too many wait), DataError (texts).
        """
        if len(texts) > MOST_TEXTS:
            raise DataError(f"At most {MOST_TEXTS} texts are answered at once.", hint="Ask several times.")
        if pairs is not None and len(pairs) != len(texts):
            raise DataError(f"There are {len(texts)} texts and {len(pairs)} second texts.", hint="Give one for each.")
        empty = next((number for number, text in enumerate(texts, 1) if not text.strip()), None)
        if empty is not None:
            raise DataError(f"Text {empty} is empty.", hint="Leave it out.")
        if not _waiting.acquire(blocking=False):
            raise JobError(f"{MOST_WAITING} others are waiting for answers.", hint="Ask again in a moment.")
        try:
            found = self._playground.ask(self._folder(run_id), checked(texts, pairs), wait_s=PATIENCE_S)
        finally:
            _waiting.release()
        if found["state"] == "failed":
            raise JobError(found["error"], hint=found["hint"])
        if found["state"] != "ready":
            raise JobError(f"There was no answer within {PATIENCE_S:.0f} s.", hint="Ask again: the models are loading.")
        models = [
            {name: model[name] for name in ("role", "name", "seconds", "answers", "why") if name in model}
            for model in found["models"]
            if beside or model["role"] == STUDENT
        ]
        return {**{name: found[name] for name in ("unit", "device", "threads")}, "models": models}
