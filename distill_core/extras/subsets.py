"""The labelled sets of a learning curve: nested, stratified, and decided by seed and text alone. No torch."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from distill_core.data.draft import DataConfig
from distill_core.data.prepare import prepare
from distill_core.data.splits import ranked
from distill_core.data.types import PreparedData, Rows

#: shares of the run's labels, below all of them
SHARES = (1 / 8, 1 / 4, 1 / 2)
#: how full a larger set has to be to stand for so many times the labels: rare classes run out first
FULL = 0.9


def further_labelled(config: DataConfig, data: PreparedData, *, seed: int, known_only: bool = False) -> Rows:
    """Labelled rows of the same data that the run learnt from without their labels, or not at all.

    Rows of its test and validation are none of them. known_only: only rows of the run's own transfer set, for students
    whose vocabulary is what occurs in the run's texts.
    """
    if config.labelled_per_class is None and config.max_validation is None:
        return data.train.take([])
    whole = config.model_copy(update={"labelled_per_class": None, "max_validation": None, "max_transfer": None})
    found = prepare(whole, seed=seed)
    # Validation rows that were cut out of the training rows are labelled rows like others; those of a file are not.
    own_file = any(getattr(config, name, None) for name in ("validation", "validation_split"))
    there = found.train if own_file else Rows.concat([found.train, found.validation])
    used = {*data.train.ids, *data.validation.ids, *data.test.ids}
    transfer = set(data.transfer.ids)
    chosen = [place for place, key in enumerate(there.ids) if key not in used and (not known_only or key in transfer)]
    return there.take(chosen)


def strata_of(rows: Rows, by: str) -> np.ndarray:
    """[N] int64 stratum of each row: its class, or (by "language") its language."""
    if by == "label":
        return rows.labels
    names = rows.languages or [""] * len(rows)
    numbers = {name: number for number, name in enumerate(sorted(set(names)))}
    return np.array([numbers[name] for name in names], dtype=np.int64)


def learning_sets(
    strata: np.ndarray, ids: Sequence[str], own: int, *, most: float, seed: int
) -> list[tuple[float, np.ndarray]]:
    """(times the run's labels, [M] positions ascending) of each set, from small to large; each holds the one before.

    Up to the run's own labels every stratum gives its share, at least one row; beyond them every stratum gives as many
    times its own rows as there are, and a set is left out unless it is nearly (`FULL`) as large as it should be.

    Args:
        strata: [N] of the labelled rows: first the run's own, then further ones.
        ids: [N] their keys. own: how many are the run's, N ≥ own ≥ 1.
        most: times the run's labels up to which sets are made.
    """
    order = ranked(ids, seed=seed, purpose="learning curve")
    mine, more = order[order < own], order[order >= own]
    counts = {int(c): int((strata[:own] == c).sum()) for c in np.unique(strata[:own])}
    sets: list[tuple[float, np.ndarray]] = []
    for share in SHARES:
        parts = [mine[strata[mine] == c][: max(1, math.floor(count * share + 0.5))] for c, count in counts.items()]
        sets.append((share, np.sort(np.concatenate(parts))))
    whole = np.arange(own, dtype=np.int64)
    sets.append((1.0, whole))
    factor = 2
    while factor <= most:
        parts = [more[strata[more] == c][: (factor - 1) * count] for c, count in counts.items()]
        rows = np.sort(np.concatenate([whole, *parts]))
        if len(rows) < FULL * factor * own:
            break
        sets.append((float(factor), rows))
        factor *= 2
    # Tiny data: two shares may be the same rows, and the larger one names them.
    return [one for one, following in zip(sets, [*sets[1:], None], strict=True)
            if following is None or len(following[1]) > len(one[1])]  # fmt: skip
