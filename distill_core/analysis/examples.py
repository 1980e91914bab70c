"""Test rows on which the student and a teacher say different things, filtered and paged. No torch."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from distill_core.analysis.kept import Split
from distill_core.errors import DataError

#: rows of one page, and of one CSV file
PAGE, MOST_ROWS = 20, 20_000
WHO = ("any", "student", "teacher", "neither")
ORDERS = ("row", "student", "teacher")


@dataclass(frozen=True)
class Wanted:
    """Which rows. against: a teacher's key ("": the reference). who: is right (of sentences: wholly). gold: a class, ""
    for all. sure: least confidence of the student, in [0, 1]. order: by row, or the surest student or teacher first.
    page: from 0."""

    against: str = ""
    who: str = "any"
    gold: str = ""
    sure: float = 0.0
    order: str = "row"
    page: int = 0

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> Wanted:
        """From outside; what is no such value is left as it is by default."""
        texts = {name: given[name] for name in ("against", "gold") if isinstance(given.get(name), str)}
        if given.get("who") in WHO:
            texts["who"] = given["who"]
        if given.get("order") in ORDERS:
            texts["order"] = given["order"]
        sure, page = given.get("sure"), given.get("page")
        number = isinstance(sure, int | float) and not isinstance(sure, bool) and 0 <= sure <= 1
        whole = isinstance(page, int) and not isinstance(page, bool) and page >= 0
        return cls(**texts, sure=float(sure or 0) if number else 0.0, page=int(page or 0) if whole else 0)


def choose(split: Split, wanted: Wanted) -> np.ndarray:
    """[M] rows, in the order wanted. Raises DataError for a teacher or class that is not there, and in masked LM."""
    about = split.about
    if about.unit == "piece":
        raise DataError("In masked LM single answers are not kept.", hint="Try texts of your own below.")
    against = wanted.against or about.reference
    if against not in {model.key for model in about.teachers}:
        raise DataError("There is no such teacher in this run.", hint="Choose one of its teachers.")
    own, other = split.predicted(about.student), split.predicted(against)
    rows = _any(split, own != other)
    if wanted.who != "any":
        mine, theirs = _all(split, own == split.gold), _all(split, other == split.gold)
        rows &= {"student": mine & ~theirs, "teacher": theirs & ~mine, "neither": ~mine & ~theirs}[wanted.who]
    if wanted.gold:
        rows &= _of_class(split, wanted.gold)
    sure = row_confidence(split, about.student)
    if wanted.sure > 0 and sure is not None:
        rows &= sure >= wanted.sure
    found = np.flatnonzero(rows)
    by = {"student": sure, "teacher": row_confidence(split, against)}.get(wanted.order)
    return found if by is None else found[np.argsort(-by[found], kind="stable")]


def row_confidence(split: Split, key: str) -> np.ndarray | None:
    """[N] confidence in each row's answer; of sentences that in the least sure word."""
    found = split.confidence(key)
    if found is None or split.about.unit == "example":
        return found
    least = np.ones(len(split))
    np.minimum.at(least, split.owner, found)
    return least


def _any(split: Split, units: np.ndarray) -> np.ndarray:
    return units if split.about.unit == "example" else np.bincount(split.owner, weights=units, minlength=len(split)) > 0


def _all(split: Split, units: np.ndarray) -> np.ndarray:
    return ~_any(split, ~units)


def _of_class(split: Split, name: str) -> np.ndarray:
    numbers = [n for n, label in enumerate(split.about.labels) if name in (label, label[2:])]
    if not numbers:
        raise DataError("There is no such class in this run.", hint="Choose one of its classes.")
    return _any(split, np.isin(split.gold, numbers))


def describe(split: Split, rows: np.ndarray, texts: Mapping[int, str]) -> list[dict[str, Any]]:
    """[{row (1-based), id, text | None, gold, said: [{key, label, confidence, right}]}] of the student, every teacher
    and the control of its seed. Of sentences gold and label are lists of tags."""
    about = split.about
    keys = [about.student, *(model.key for model in about.teachers), *([about.control] if about.control else [])]
    starts = np.concatenate([[0], np.cumsum(split.counts)])
    predicted = {key: split.predicted(key) for key in keys}
    sure = {key: row_confidence(split, key) for key in keys}
    found = []
    for row in rows.tolist():
        units = slice(int(starts[row]), int(starts[row + 1]))
        gold = split.gold[units].astype(np.int64)
        said = [
            {
                "key": key,
                "label": _named(split, predicted[key][units]),
                "confidence": _at(sure[key], row),
                "right": bool((predicted[key][units] == gold).all()),
            }
            for key in keys
        ]
        ident = int(split.ids[row])
        found.append(
            {"row": row + 1, "id": f"{ident:016x}", "text": texts.get(ident), "gold": _named(split, gold), "said": said}
        )
    return found


def _at(values: np.ndarray | None, row: int) -> float | None:
    return None if values is None else float(values[row])


def _named(split: Split, numbers: np.ndarray) -> str | list[str]:
    names = [*split.about.labels, ""]
    tags = [names[int(number)] for number in numbers]
    return tags[0] if split.about.unit == "example" else tags


def titles(split: Split) -> dict[str, str]:
    """{key: name in words} of those that `describe` tells of."""
    about = split.about
    found = {about.student: "student", **{model.key: model.name for model in about.teachers}}
    return {**found, **({about.control: "student without teachers"} if about.control else {})}


def as_csv(split: Split, described: Sequence[Mapping[str, Any]]) -> str:
    """One line a row: row, id, text, gold, then label, confidence and right of everybody."""
    named = titles(split)
    head = ["row", "id", "text", "gold"]
    for name in named.values():
        head += [name, f"{name} confidence", f"{name} right"]
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(head)
    for one in described:
        cells = [one["row"], one["id"], one["text"] or "", _joined(one["gold"])]
        for said in one["said"]:
            sure = said["confidence"]
            cells += [_joined(said["label"]), "" if sure is None else f"{sure:.6f}", int(said["right"])]
        writer.writerow([_safe(cell) for cell in cells])
    return out.getvalue()


def _joined(label: str | Sequence[str]) -> str:
    return label if isinstance(label, str) else " ".join(label)


def _safe(cell: Any) -> Any:
    """A text that a spreadsheet would take for a formula is written as text."""
    return f"'{cell}" if isinstance(cell, str) and cell[:1] in ("=", "+", "-", "@", "\t", "\r") else cell
