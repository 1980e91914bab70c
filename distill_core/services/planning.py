"""What a draft would take: latency of its shapes, time, memory and disk of its run. Measured by the warm child."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from distill_core.config import MeasureSection, RunConfig, from_dict
from distill_core.config_paths import absolutise
from distill_core.errors import ConfigError, FieldError, StillroomError
from distill_core.layout import DataHome
from distill_core.planner.store import ProbeStore, digest, machine_key
from distill_core.services.drafts import Parts, data_key, foreign_paths, inspect, refuse_foreign_paths
from distill_core.services.sizes import classes_of
from distill_core.services.warm import Answer, Request, WarmChild

LATENCY_TIMEOUT_S, ESTIMATE_TIMEOUT_S = 240.0, 600.0


class Planning:
    """Questions of a draft to the warm child; every answer is a dict that says at once how far it is (`state`).

    Args:
        child: asked.
        home: data folder; probes are remembered in its cache.
        uploads_only: as in `services.check`.
    """

    def __init__(self, child: WarmChild, home: DataHome, uploads_only: Path | None = None) -> None:
        self.child, self.home, self.uploads_only = child, home, uploads_only
        self._store = ProbeStore(home.cache)
        self._given_up: set[str] = set()

    def latency(self, draft: dict[str, Any], *, wait_s: float | None = None, anew: bool = False) -> dict[str, Any]:
        """See `Services.latency_preview`. wait_s: wait so long for the answer (not for pages)."""
        try:
            payload, key = self._shapes(draft)
        except StillroomError as error:
            return _refused(error)
        known = self._store.get(key)
        if known is not None:
            return {"state": "ready", **known}
        if anew:
            self.child.forget(key)
        answer = self._asked(key, Request("latency", payload, LATENCY_TIMEOUT_S), wait_s)
        if answer.state == "ready" and answer.result is not None:
            self._store.put(key, answer.result)
        return _told(answer)

    def estimate(self, draft: dict[str, Any], *, wait_s: float | None = None) -> dict[str, Any]:
        """See `Services.estimate`. wait_s: wait so long for the answer (not for pages)."""
        try:
            payload, key = self._run(draft)
        except StillroomError as error:
            return _refused(error)
        answer = self._asked(key, Request("estimate", payload, ESTIMATE_TIMEOUT_S, patient=True), wait_s)
        found = _told(answer)
        return found if answer.settled else {**found, "measuring": True}

    def spare_estimate(self, draft: dict[str, Any], *, measure: bool) -> dict[str, Any] | None:
        """The estimate of a draft that nobody waits for: as `estimate`, or None where there is none and none will be.

        measure: ask for it where that keeps no other question waiting. Until it is there: {state: "measuring"}.
        Nothing is downloaded for it.
        """
        try:
            payload, key = self._run(draft)
        except StillroomError:
            return None
        answer = self.child.known(key)
        if answer is not None:
            return _told(answer)
        if not measure or key in self._given_up or draft.get("data", {}).get("source") == "hub":
            return None
        if self.child.free_for(key):
            asked = self.child.ask(key, Request("estimate", payload, ESTIMATE_TIMEOUT_S, patient=True))
            if asked.state == "failed":
                self._given_up.add(key)
                return None
        return {"state": "measuring"}

    # ---- inside

    def _run(self, draft: dict[str, Any]) -> tuple[dict[str, Any], str]:
        """What decides the time of a run, and the question's name. Raises StillroomError with the field at fault."""
        config = from_dict(draft)
        refuse_foreign_paths(config, self.uploads_only)
        payload = {
            "config": absolutise(config).model_dump(mode="json", exclude_none=True),
            "home": str(self.home.root),
        }
        return payload, self._run_key(config, draft, payload)

    def _asked(self, key: str, request: Request, wait_s: float | None) -> Answer:
        return self.child.ask(key, request) if wait_s is None else self.child.wait(key, request, wait_s)

    def _shapes(self, draft: dict[str, Any]) -> tuple[dict[str, Any], str]:
        """What decides latency, and its name in the store. Raises StillroomError with the field at fault."""
        parts = Parts.of(draft)
        if parts.student is None:
            from_dict(draft)  # raises with the fields at fault, where they are in the student
            raise ConfigError([FieldError("student", "the student's settings are not complete.")])
        errors = foreign_paths(None, dict(enumerate(parts.teachers)), self.uploads_only)
        if errors:
            raise ConfigError(errors)
        teachers = [teacher for teacher in parts.teachers if teacher is not None]
        if not teachers or parts.student.init_teacher > len(teachers) or len(teachers) < len(parts.teachers):
            raise ConfigError([FieldError("teachers", "choose the teachers first: speed is told against theirs.")])
        infos = [inspect(teacher) for teacher in teachers]
        try:
            measure = MeasureSection.model_validate(draft.get("measure", {}))
        except ValidationError:
            raise ConfigError([FieldError("measure", "the settings of the measurement are not valid.")]) from None
        device = draft.get("device", "auto")
        payload = {
            "student": parts.student.model_dump(mode="json"),
            "teachers": [_named(teacher.model_dump(mode="json")) for teacher in teachers],
            "mode": parts.mode,
            "task": parts.task,
            "classes": classes_of(parts),
            "max_tokens": parts.data.max_tokens if parts.data is not None else 64,
            "measure": measure.model_dump(mode="json"),
            "device": device if device in ("auto", "cpu", "cuda", "mps") else "auto",
            "cache": str(self.home.cache),
        }
        shapes = [[info.fingerprint, info.tokenizer_fingerprint] for info in infos]
        return payload, digest([*machine_key(), "preview", payload, shapes])

    def _run_key(self, config: RunConfig, draft: dict[str, Any], payload: dict[str, Any]) -> str:
        """Changes with anything the estimate depends on: settings, data, checkpoints, and what earlier runs left."""
        prints = [inspect(teacher).fingerprint for teacher in config.teachers]
        kept = [sorted(p.name for p in folder.glob("*")) for folder in (self.home.teachers, self.home.signals)]
        data = data_key(Parts.of(draft))
        # What only names the run, or says how it learns, changes no cost.
        costly = {name: value for name, value in payload["config"].items() if name not in ("name", "about")}
        return digest(["estimate", costly, prints, kept, json.dumps(data, default=str)])


def _named(teacher: dict[str, Any]) -> dict[str, Any]:
    source = Path(str(teacher["source"])).expanduser()
    return {**teacher, "source": str(source.resolve())} if source.is_dir() else teacher


def _told(answer: Answer) -> dict[str, Any]:
    if answer.state == "failed":
        error = answer.error or {}
        said = {"error": error.get("message") or "It could not be measured.", "hint": error.get("hint") or ""}
        return {"state": "failed", **said, "field": error.get("field")}
    return {"state": answer.state, **(answer.result or {})}


def _refused(error: StillroomError) -> dict[str, Any]:
    if isinstance(error, ConfigError):
        first = error.errors[0]
        return {"state": "failed", "error": first.message, "hint": first.hint, "field": first.field}
    return _told(Answer("failed", error=error.as_dict()))
