"""A look at the data of a draft, in bounded time: of long files the first part."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pyarrow as pa

from distill_core import checkpoints
from distill_core.checkpoints import CheckpointInfo
from distill_core.config import Data, FileData, HubData, from_dict
from distill_core.data import prepare
from distill_core.data.heads import heads_of, is_long
from distill_core.data.types import CheckResult
from distill_core.errors import ConfigError, StillroomError
from distill_core.layout import BUNDLED_TEACHERS
from distill_core.services.drafts import (
    Parts,
    checked_data,
    data_key,
    foreign_paths,
    inspect,
    known_data,
    remembered,
)

#: rows of each split of a data set on the Hub that are fetched for a look
HUB_ROWS = 500
#: findings that the first rows cannot tell: more rows may hold the missing class, or the label that seems unknown
_OF_THE_WHOLE = {
    "one_label", "no_labels", "no_entities", "unknown_label", "unknown_tag", "rare_class", "imbalance", "few_rows",
    "class_without_rows", "language_without_rows", "no_rows", "small_budget",
}  # fmt: skip


def look(raw: dict[str, Any], *, uploads_only: Path | None = None) -> dict[str, Any]:
    """See `Services.look`; never raises for bad data.

    uploads_only: when given, data files must lie below this folder.
    """
    parts = Parts.of(raw)
    if parts.data is None:
        return _data_error(raw)
    barred = foreign_paths(parts.data, dict(enumerate(parts.teachers)), uploads_only)
    refused = next((error for error in barred if error.field.startswith("data")), None)
    if refused is not None:
        return {"error": f"{refused.message} {refused.hint}".strip(), "field": refused.field}
    teacher = None if any(error.field.startswith("teachers.0") for error in barred) else _teacher_at_hand(parts)
    if isinstance(parts.data, HubData) and known_data(parts) is None:
        return remembered(
            ("look", *data_key(parts), teacher.tokenizer_fingerprint if teacher else None),
            lambda: _look_at_hub(parts, teacher),
            lambda found: not any(finding["code"] == "network" for finding in found["findings"]),
        )
    if not isinstance(parts.data, FileData) or not is_long(parts.data):
        return _answer(parts, checked_data(parts, teacher), 1.0, whole=True)
    key = ("look", *data_key(parts), teacher.tokenizer_fingerprint if teacher else None)
    return remembered(key, lambda: _look_at_heads(parts, teacher))


def _data_error(raw: Any) -> dict[str, Any]:
    try:
        from_dict(raw)
    except ConfigError as error:
        own = next((e for e in error.errors if e.field.split(".", 1)[0] == "data"), None)
        if own is not None:
            return {"error": f"{own.message} {own.hint}".strip(), "field": own.field}
    return {"error": "the settings of the data are not complete.", "field": "data"}


def _teacher_at_hand(parts: Parts) -> CheckpointInfo | None:
    """The first teacher, where its tokeniser lies on this machine: a look waits for no network."""
    teacher = parts.teachers[0] if parts.teachers else None
    if teacher is None:
        return None
    bundled = teacher.source.removeprefix("bundled:") in BUNDLED_TEACHERS
    try:
        return inspect(teacher) if bundled or Path(teacher.source).expanduser().is_dir() else None
    except (StillroomError, OSError, RuntimeError, ValueError):
        return None  # what is wrong with it is told at its own step


def _counter(teacher: CheckpointInfo | None) -> Callable[[list[str]], list[int]] | None:
    try:
        return checkpoints.count_pieces(teacher) if teacher is not None else None
    except StillroomError:
        return None


def _unlimited(data: Data) -> Data:
    """A budget counts all rows: the first ones alone need not fill it."""
    return data.model_copy(update={"labelled_per_class": None})


def _look_at_hub(parts: Parts, teacher: CheckpointInfo | None) -> dict[str, Any]:
    from distill_core.data.hub import first_rows  # loads pandas, which files of other kinds need not wait for

    with first_rows(HUB_ROWS) as head:
        result = prepare.check(_unlimited(parts.data), seed=parts.seed, piece_counter=_counter(teacher))
    whole = all(head.read[split] == head.there[split] for split in head.read)
    there = head.there.get("train")
    share = None if not there else head.read["train"] / there
    return _answer(parts, result, share, whole=whole)


def _look_at_heads(parts: Parts, teacher: CheckpointInfo | None) -> dict[str, Any]:
    counter = _counter(teacher)
    with tempfile.TemporaryDirectory(prefix="stillroom-look-") as folder:
        try:
            heads = heads_of(parts.data, Path(folder))
        except (OSError, ValueError, pa.ArrowException):
            return _answer(parts, checked_data(parts, teacher), 1.0, whole=True)  # it says what cannot be read
        result = prepare.check(
            heads.data if heads.whole else _unlimited(heads.data), seed=parts.seed, piece_counter=counter
        )
    return _answer(parts, result, heads.share, whole=heads.whole)


def _answer(parts: Parts, result: CheckResult, share: float | None, *, whole: bool) -> dict[str, Any]:
    """share: of the training rows that were read, in (0, 1]; None where it is not known how many there are."""
    look = result.look
    lengths = look.lengths if look is not None else None
    balance = look.balance if look is not None else {}
    read = look.read if look is not None else 0
    return {
        "task": parts.task,
        "columns": [{"name": name, "role": role} for name, role in (look.columns if look else ())],
        "rows": [dict(row) for row in (look.rows if look else ())],
        "sizes": dict(result.sizes),
        "counted": look.counted if look else "rows",
        "balance": [{"label": label, "counts": dict(counts)} for label, counts in balance.items()],
        "lengths": None
        if lengths is None
        else {**asdict(lengths), "bins": [{"first": a, "last": b, "count": n} for a, b, n in lengths.bins]},
        "whole": whole,
        "read": read,
        "about": read if whole else round(read / share) if share else None,
        "findings": [f.as_dict() for f in result.findings if whole or f.code not in _OF_THE_WHOLE],
        "remedies": [name for name, on in parts.data.remedies.model_dump().items() if on],
    }
