"""Test rows on which the student and a teacher say different things, filtered and paged. No torch."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from distill_core.analysis import pieces
from distill_core.analysis.csv_cells import safe
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
    page: from 0. In masked LM who, gold (a group of pieces, or a piece) and sure are asked of each hidden piece, and a
    text counts with one of them."""

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
    """[M] rows, in the order wanted. Raises DataError for a teacher or class that is not there, and where no single
    answers were kept."""
    if split.about.unit == "piece":
        return _choose_texts(split, wanted)
    about, against = split.about, _against(split, wanted)
    own, other = split.predicted(about.student), split.predicted(against)
    rows = _any(split, own != other)
    if wanted.who != "any":
        mine, theirs = _all(split, own == split.gold), _all(split, other == split.gold)
        rows &= _right(wanted.who, mine, theirs)
    if wanted.gold:
        rows &= _of_class(split, wanted.gold)
    sure = row_confidence(split, about.student)
    if wanted.sure > 0 and sure is not None:
        rows &= sure >= wanted.sure
    found = np.flatnonzero(rows)
    by = {"student": sure, "teacher": row_confidence(split, against)}.get(wanted.order)
    return found if by is None else found[np.argsort(-by[found], kind="stable")]


def choose_pieces(split: Split, wanted: Wanted) -> np.ndarray:
    """[U] bool: the hidden pieces wanted, in masked LM. Raises DataError as `choose`."""
    if not split.single:
        raise DataError("This run kept no single answers.", hint="Run it again to have them.")
    against = _against(split, wanted)
    own, other = split.predicted(split.about.student), split.predicted(against)
    units = np.asarray(own != other)
    if wanted.who != "any":
        units &= _right(wanted.who, own == split.gold, other == split.gold)
    if wanted.gold:
        group = pieces.in_group(split, wanted.gold)
        if group is None:
            raise DataError("There are no such hidden pieces.", hint="Choose a kind that the page offers, or a piece.")
        units &= group
    sure = split.confidence(split.about.student)
    if wanted.sure > 0 and sure is not None:
        units &= sure >= wanted.sure
    return units


def _choose_texts(split: Split, wanted: Wanted) -> np.ndarray:
    units = choose_pieces(split, wanted)
    rows = np.flatnonzero(_any(split, units))
    key = {"student": split.about.student, "teacher": _against(split, wanted)}.get(wanted.order)
    sure = None if key is None else split.confidence(key)
    if sure is None:
        return rows
    most = np.zeros(len(split))
    np.maximum.at(most, split.owner[units], sure[units])
    return rows[np.argsort(-most[rows], kind="stable")]


def _against(split: Split, wanted: Wanted) -> str:
    against = wanted.against or split.about.reference
    if against not in {model.key for model in split.about.teachers}:
        raise DataError("There is no such teacher in this run.", hint="Choose one of its teachers.")
    return against


def _right(who: str, mine: np.ndarray, theirs: np.ndarray) -> np.ndarray:
    return {"student": mine & ~theirs, "teacher": theirs & ~mine, "neither": ~mine & ~theirs}[who]


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


def describe(
    split: Split, rows: np.ndarray, texts: Mapping[int, str], wanted: Wanted | None = None
) -> list[dict[str, Any]]:
    """[{row (1-based), id, text | None, gold, said: [{key, label, confidence, right}]}] of the student, every teacher
    and the control of its seed. Of sentences gold and label are lists of tags; of texts with hidden pieces it is
    `pieces.describe`, where wanted says which of them are chosen."""
    if split.about.unit == "piece":
        return pieces.describe(split, rows, texts, choose_pieces(split, wanted or Wanted()))
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
    """One line a row: row, id, text, gold, then label, confidence and right of everybody; in masked LM
    `pieces.as_csv`."""
    named = titles(split)
    if split.about.unit == "piece":
        return pieces.as_csv(described, named)
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
        writer.writerow([safe(cell) for cell in cells])
    return out.getvalue()


def _joined(label: str | Sequence[str]) -> str:
    return label if isinstance(label, str) else " ".join(label)
