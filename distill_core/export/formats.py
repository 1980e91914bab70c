"""The forms a finished student can be taken away in, and what is known of each made one. No torch.

artifacts/exports/onnx/        the folder to take away: model, tokenizer.json, labels.json, config.json, README.md
artifacts/exports/onnx.json    how far it is, and what was measured (`ExportState`)
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from distill_core.errors import ConfigError, FieldError
from distill_core.layout import RunFolder
from distill_core.storage import read_json, write_text

#: points of validation quality an export may lose before it is refused
ALLOWED_LOSS = 0.5

#: what was measured, in the export's own folder
FIGURES = "measured.json"

State = Literal["none", "building", "ready", "refused", "failed"]


@dataclass(frozen=True)
class Format:
    """runtime: what runs it, as latency rows name it; model: its file."""

    name: str
    title: str
    runtime: str
    model: str


FORMATS: dict[str, Format] = {
    entry.name: entry
    for entry in (
        Format("safetensors", "safetensors", "torch eager fp32", "model.safetensors"),
        Format("onnx", "ONNX, fp32", "onnxruntime", "model.onnx"),
        Format("onnx-int8", "ONNX, int8", "onnxruntime int8", "model.onnx"),
    )
}


def known_formats(names: list[str]) -> list[str]:
    """The same without repeats, in the order they are made. Raises ConfigError (field `--to`) for an unknown one."""
    unknown = [name for name in names if name not in FORMATS]
    if unknown:
        message = f"there is no export format {unknown[0]!r}."
        raise ConfigError([FieldError("--to", message, f"Choose of {', '.join(FORMATS)}.")])
    return [name for name in FORMATS if name in names]


@dataclass
class ExportState:
    """One format of one run.

    state: "none": never made; "refused": made, measured, and thrown away because it lost more than `allowed`.
    allowed: points of validation quality it may lose. teacher: is the reference teacher measured on the same runtime?
    note: what is done now. pid, started: the process that builds it (creation time, s since 1970). at: when the state
    was reached. figures: what was measured (`export.remeasure`), also of a refused one. error: as
    `StillroomError.as_dict`.
    """

    format: str
    state: State = "none"
    allowed: float = ALLOWED_LOSS
    teacher: bool = False
    note: str = ""
    pid: int = 0
    started: float = 0.0
    at: float = 0.0
    figures: dict[str, Any] = field(default_factory=dict)
    error: dict[str, Any] | None = None


def exports_folder(folder: RunFolder) -> Path:
    return folder.artifacts / "exports"


def export_folder(folder: RunFolder, name: str) -> Path:
    """Where the finished export of this format lies."""
    return exports_folder(folder) / FORMATS[name].name


def read_state(folder: RunFolder, name: str) -> ExportState:
    """As it is written; a builder that died is not noticed here (`jobs.exports`)."""
    raw = read_json(_state_path(folder, name))
    known = {key: raw[key] for key in ExportState.__dataclass_fields__ if key in raw} if isinstance(raw, dict) else {}
    known["format"] = name
    return ExportState(**known)


def write_state(folder: RunFolder, state: ExportState) -> None:
    path = _state_path(folder, state.format)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_text(path, json.dumps(asdict(state), ensure_ascii=False, allow_nan=False))


def _state_path(folder: RunFolder, name: str) -> Path:
    return exports_folder(folder) / f"{FORMATS[name].name}.json"


def latency_rows(folder: RunFolder) -> list[dict[str, Any]]:
    """Latency of all exports that are ready, as `report.json` has it in `latency`: {batch, tokens, threads, runtime,
    student_ms {p50, p95, p50_interval where known}, teacher_ms (likewise) | None, speedup | None (teacher and student
    on this very runtime)}; and {format, teacher: its name | None, device, device_name, lost_points} of the export."""
    if not exports_folder(folder).is_dir():
        return []
    rows = []
    for state in (read_state(folder, name) for name in FORMATS):
        if state.state != "ready":
            continue
        machine = state.figures.get("device") or {}
        about = {
            "format": state.format,
            "teacher": state.figures.get("teacher"),
            "device": machine.get("device", "cpu"),
            "device_name": machine.get("device_name", ""),
            "lost_points": state.figures.get("lost_points"),
        }
        rows += [{**row, **about} for row in state.figures.get("latency", [])]
    return rows


def measured(folder: RunFolder) -> list[dict[str, Any]]:
    """What is known of every export that was made: its figures (`export.remeasure`) with {format, state ("ready" or
    "refused"), allowed}; a refused one was measured for quality alone, and thrown away."""
    states = [read_state(folder, name) for name in FORMATS] if exports_folder(folder).is_dir() else []
    return [
        {**state.figures, "format": state.format, "state": state.state, "allowed": state.allowed}
        for state in states
        if state.state in ("ready", "refused") and state.figures.get("quality")
    ]


def refusal(figures: Mapping[str, Any], allowed: float) -> str | None:
    """Why an export with these figures is refused, in words; None where it is not."""
    lost = float(figures["lost_points"])
    if lost <= allowed:
        return None
    quality = figures["quality"]
    return (
        f"It loses {lost:.2f} points of validation {figures['metric_words']} "
        f"({100 * quality['student']:.2f}% → {100 * quality['export']:.2f}%); at most {allowed:g} are allowed."
    )
