"""What was lost: classes, languages, lengths and rare slices in which the student falls behind. No torch.

Each slice is a paired comparison, on its rows alone, of the student that is taken away with the reference teacher and
with the no-teacher control of the same seed: exact McNemar for accuracy, a paired t test over rows for F1, and for
words and hidden pieces, of which a row has several (`measure.uncertainty.compare`). All of them are one family,
adjusted by Holm: slices are looked for, not given.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from distill_core.analysis.kept import Split, take
from distill_core.analysis.pieces import groups
from distill_core.measure.scores import Scores
from distill_core.measure.uncertainty import SIGNIFICANCE, Comparison, compare, holm
from distill_core.tasks.tagging_quality import entity_counts

#: rows (or rows with something to score) below which a slice is not tested: even if all of them were lost, nothing
#: would be shown after the adjustment
LEAST = 10
#: a class is rare with less than this share of what an even spread would give it
RARE = 0.5
#: languages and classes are crossed up to so many slices
MOST_CROSSED = 200


@dataclass(frozen=True)
class Slice:
    """kind: "class", "language", "length", "rare", "class_language", or in masked LM "piece" or "frequency". name: what
    of it. rows: [N] bool; units: [U] bool where single units are chosen; only: a type of entity, whose entities alone
    count."""

    kind: str
    name: str
    rows: np.ndarray
    units: np.ndarray | None = None
    only: str = ""

    @property
    def title(self) -> str:
        prefix = f"{self.kind} " if self.kind in ("language", "length") else ""
        return prefix + self.name


def slices_of(split: Split) -> list[Slice]:
    """All slices of the test, large and small."""
    return [
        *_classes(split),
        *_pieces(split),
        *_languages(split),
        *_lengths(split),
        *_rare(split),
        *_crossed(split),
    ]


def find_losses(split: Split) -> dict[str, Any]:
    """{"losses": rows in which a loss is shown, the largest first; "rows": all tested ones; "small": [{kind, name,
    rows}] too small to be tested; "slices", "tests": how many; "against": {key: title}}.

    A row: {kind, name, title, rows, against (key), against_title, student, other (quality, fractions), difference,
    interval, p, p_adjusted, wins, losses}.
    """
    about = split.about
    against = {about.reference: about.model(about.reference).name}
    if about.control:
        against[about.control] = "the same student without teachers"
    tested, small = [], []
    whole: dict[tuple[str, str], Scores] = {}
    for part in slices_of(split):
        own = _scores(split, about.student, part, whole)
        if own is None or own.scored < LEAST:
            small.append({"kind": part.kind, "name": part.name, "rows": 0 if own is None else own.scored})
            continue
        for key, title in against.items():
            other = _scores(split, key, part, whole)
            assert other is not None
            tested.append(_row(part, own, key, title, other, compare([own], [other])))
    for row, adjusted in zip(tested, holm([row["p"] for row in tested]), strict=True):
        row["p_adjusted"] = adjusted
    lost = [row for row in tested if row["p_adjusted"] < SIGNIFICANCE and row["difference"] < 0]
    return {
        "losses": sorted(lost, key=lambda row: row["difference"]),
        "rows": tested,
        "small": small,
        "slices": len({(row["kind"], row["name"]) for row in tested}),
        "tests": len(tested),
        "against": against,
    }


def _row(part: Slice, own: Scores, key: str, title: str, other: Scores, found: Comparison) -> dict[str, Any]:
    return {
        "kind": part.kind,
        "name": part.name,
        "title": part.title,
        "rows": own.scored,
        "against": key,
        "against_title": title,
        "student": own.quality,
        "other": other.quality,
        "difference": found.difference,
        "interval": [found.low, found.high],
        "p": found.p,
        "wins": found.wins,
        "losses": found.losses,
    }


def _scores(split: Split, key: str, part: Slice, whole: dict[tuple[str, str], Scores]) -> Scores | None:
    """What each of the slice's rows adds to the metric; None without rows. whole: what was counted before."""
    if part.units is not None:
        found = split.scores(key, part.units)
    else:
        if (key, part.only) not in whole:
            whole[key, part.only] = _counted(split, key, part.only)
        found = whole[key, part.only]
    rows = part.rows & (found.denominator > 0) if part.units is not None else part.rows
    return take(found, rows) if rows.any() else None


def _counted(split: Split, key: str, only: str) -> Scores:
    if not only:
        return split.scores(key)
    return Scores.of_entities(*entity_counts(split.tags(only=only), split.tags(key, only=only)))


def _everything(split: Split) -> np.ndarray:
    return np.ones(len(split), dtype=bool)


def _by_entity(split: Split) -> bool:
    return split.about.unit == "word" and split.about.metric == "f1"


def _classes(split: Split) -> Iterator[Slice]:
    if split.about.unit == "piece":
        return
    if _by_entity(split):
        for label in split.about.labels:
            if label.startswith("B-"):
                yield Slice("class", label[2:], _everything(split), only=label[2:])
        return
    for number, label in enumerate(split.about.labels):
        units = split.gold == number
        yield _of_units(split, "class", label, units)


def _pieces(split: Split) -> Iterator[Slice]:
    """What part of a word, how frequent; how a piece was hidden is a matter of training, and nothing that is lost."""
    found = groups(split) if split.by_piece else {}
    for kind in ("piece", "frequency"):
        for name, units in found.get(kind, {}).items():
            yield Slice(kind, name, _everything(split), units)


def _of_units(split: Split, kind: str, name: str, units: np.ndarray) -> Slice:
    """Of single examples these are rows; of words, all rows that have one."""
    if split.about.unit == "example":
        return Slice(kind, name, units)
    return Slice(kind, name, _everything(split), units)


def _languages(split: Split) -> Iterator[Slice]:
    languages = split.languages
    if languages is None:
        return
    for name in sorted(set(languages.tolist()) - {""}):
        yield Slice("language", name, np.asarray(languages == name))


def _lengths(split: Split) -> Iterator[Slice]:
    """Quarters of the rows by length in the student's pieces; equal lengths are never parted."""
    lengths = split.lengths.astype(np.int64)
    if not len(lengths) or lengths.min() == lengths.max():
        return
    edges = np.unique(np.quantile(lengths, [0.25, 0.5, 0.75], method="inverted_cdf").astype(np.int64))
    first = int(lengths.min())
    for last in [*edges.tolist(), int(lengths.max())]:
        if last >= first:
            yield Slice("length", f"{first}–{last} pieces", (lengths >= first) & (lengths <= last))
            first = last + 1


def _rare(split: Split) -> Iterator[Slice]:
    unseen = split.unseen
    if unseen is not None and (unseen > 0).any() and not (unseen > 0).all():
        yield Slice("rare", "texts with words never seen in training", unseen > 0)
    if split.about.unit != "example":
        return
    counts = np.bincount(split.gold.astype(np.int64), minlength=len(split.about.labels))
    rare = np.flatnonzero(counts < RARE * len(split.gold) / len(split.about.labels))
    if len(rare) > 1:
        yield Slice("rare", "rare classes together", np.isin(split.gold, rare))


def _crossed(split: Split) -> Iterator[Slice]:
    """Classes within languages."""
    languages = split.languages
    if languages is None or split.about.unit != "example":
        return
    spoken = sorted(set(languages.tolist()) - {""})
    if len(spoken) < 2 or len(spoken) * len(split.about.labels) > MOST_CROSSED:
        return
    for language in spoken:
        for number, label in enumerate(split.about.labels):
            rows = np.asarray((languages == language) & (split.gold == number))
            if rows.any():
                yield Slice("class_language", f"{label}, {language}", rows)
