"""What a person can do about a run that failed, by the kind of its error: the buttons below the words.

A step is {do: "resume" | "retry" | "change", changes {dotted path: value} (of a retry), part (of a change: "data",
"teachers", "student", "method": where New run opens)}.
"""

from __future__ import annotations

from typing import Any

from distill_core.config import RunConfig, from_dict

Step = dict[str, Any]
#: kind of error → the part of New run in which its cause lies
PARTS = {"data": "data", "checkpoint": "teachers", "config": "method"}
#: a cause outside the run, that goes away or is mended by a person: going on is all there is to do
OUTSIDE = ("disk", "network", "interrupted", "job")


def next_steps(
    config: RunConfig, error: dict[str, Any], stage: str | None, peak_rate: float | None = None
) -> list[Step]:
    """Best first. error: {kind, message, hint, field} of the run; stage: the one it failed in; peak_rate: the highest
    learning rate that the student was trained with, where the config leaves it open."""
    kind = error.get("kind")
    resume: Step = {"do": "resume", "changes": {}}
    if kind == "memory" or error.get("likely") == "memory":
        smaller = smaller_batch(config, stage)
        retry = [{"do": "retry", "changes": smaller}] if smaller else []
        first = [resume] if kind != "memory" else []
        return [*first, *retry, _change(error, "method")]
    if kind == "training":
        rate = config.training.learning_rate or peak_rate
        slower = [{"do": "retry", "changes": {"training.learning_rate": float(f"{rate / 2:.2g}")}}] if rate else []
        return [*slower, _change(error, "method")]
    if kind in OUTSIDE:
        return [resume]
    return [_change(error, PARTS.get(str(kind), "method")), resume]


def smaller_batch(config: RunConfig, stage: str | None) -> dict[str, int]:
    """Half of the batch size that was at work in a stage; {} when it is one row already."""
    field = "teacher_training.batch_size" if stage == "teachers" else "training.batch_size"
    size = config.teacher_training.batch_size if stage == "teachers" else config.training.batch_size
    return {field: size // 2} if size > 1 else {}


def _change(error: dict[str, Any], part: str) -> Step:
    field = str(error.get("field") or "").partition(".")[0]
    known = {"data": "data", "teachers": "teachers", "student": "student"}
    return {"do": "change", "changes": {}, "part": known.get(field, part)}


def changed(config: RunConfig, changes: dict[str, Any]) -> RunConfig:
    """The config with some settings changed, and named so. Raises ConfigError, KeyError for an unknown path."""
    raw = config.model_dump(mode="json")
    for path, value in changes.items():
        place = raw
        *folders, name = path.split(".")
        for folder in folders:
            place = place[folder]
        if name not in place:
            raise KeyError(path)
        place[name] = value
    said = ", ".join(f"{path.rpartition('.')[2].replace('_', ' ')} {value:g}" for path, value in changes.items())
    raw["name"] = f"{config.name}, {said}"[:120] if said else config.name
    return from_dict(raw)
