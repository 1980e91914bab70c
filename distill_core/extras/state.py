"""Measurements on request: which there are, and how far each is. No torch.

artifacts/extra/learning_curve.json, without_teachers.json    the state, with all figures so far (`ExtraState`)
artifacts/extra/trials/<trial>/                               one trial: its answers on validation and test, its quality
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from distill_core.layout import RunFolder
from distill_core.storage import read_json, write_text

State = Literal["none", "running", "done", "stopped", "failed"]

#: what can be measured → its file
KINDS = {"curve": "learning_curve.json", "without": "without_teachers.json"}
#: times the run's labels up to which the curve goes, where the data hold so many
USUAL_MOST, LARGEST_MOST = 4, 64


@dataclass
class ExtraState:
    """One measurement of one run.

    most: times the run's labels, for the curve. note, share (of its work, 0 to 1), eta_s: how far it is. pid, started:
    the process that works on it (creation time, s since 1970). at: when this state was reached. figures: what was
    measured so far (`extras.train`). seconds: it took, all attempts. error: as `StillroomError.as_dict`.
    """

    kind: str
    state: State = "none"
    most: int = USUAL_MOST
    note: str = ""
    share: float = 0.0
    eta_s: float | None = None
    pid: int = 0
    started: float = 0.0
    at: float = 0.0
    figures: dict[str, Any] = field(default_factory=dict)
    seconds: float = 0.0
    error: dict[str, Any] | None = None


def extra_folder(folder: RunFolder) -> Path:
    return folder.artifacts / "extra"


def state_path(folder: RunFolder, kind: str) -> Path:
    return extra_folder(folder) / KINDS[kind]


def read_state(folder: RunFolder, kind: str) -> ExtraState:
    """As it is written; a process that died is not noticed here (`jobs.extras`)."""
    raw = read_json(state_path(folder, kind))
    known = {key: raw[key] for key in ExtraState.__dataclass_fields__ if key in raw} if isinstance(raw, dict) else {}
    known["kind"] = kind
    return ExtraState(**known)


def write_state(folder: RunFolder, state: ExtraState) -> None:
    path = state_path(folder, state.kind)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_text(path, json.dumps(asdict(state), ensure_ascii=False, allow_nan=False))


def finished(folder: RunFolder, kind: str) -> dict[str, Any] | None:
    """The figures of a measurement that is done, else None."""
    state = read_state(folder, kind)
    return state.figures if state.state == "done" and state.figures else None
