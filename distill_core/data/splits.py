"""Holding rows out and choosing the labelled ones: stratified, and decided by seed and text alone.

Rows are ranked by a hash of seed, purpose and text, not by a generator's stream: which row goes where depends on
nothing else, so a file that is sorted differently, or has rows added, keeps nearly the same split.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np


def ranked(ids: Sequence[str], *, seed: int, purpose: str) -> np.ndarray:
    """Positions of `ids` in a seeded shuffled order, int64 [N]. Equal ids follow each other in file order."""
    prefix = f"{seed}\x1f{purpose}\x1f".encode()
    keys = np.array(
        [int.from_bytes(hashlib.sha256(prefix + key.encode()).digest()[:8], "big") for key in ids], dtype=np.uint64
    )
    return np.argsort(keys, kind="stable").astype(np.int64)


def shares_per_class(counts: Sequence[int], share: float) -> list[int]:
    """How many rows of each class to hold out, [C].

    Largest remainders: the total is round(share · N) and each class is within 1 of its exact share; but a class with
    two or more rows gives at least one, and none gives its last.
    """
    exact = [count * share for count in counts]
    taken = [int(value) for value in exact]
    missing = round(sum(exact)) - sum(taken)
    by_remainder = sorted(range(len(counts)), key=lambda c: (taken[c] - exact[c], c))
    for c in by_remainder[:missing]:
        taken[c] += 1
    return [min(max(take, 1), count - 1) if count >= 2 else 0 for take, count in zip(taken, counts, strict=True)]


def hold_out(
    labels: np.ndarray, ids: Sequence[str], share: float, *, seed: int, purpose: str
) -> tuple[np.ndarray, np.ndarray]:
    """(kept, held out): positions of `labels` [N], each in file order, disjoint, together all.

    Args:
        labels: [N] class of each row, all ≥ 0.
        ids: [N] keys of the rows.
        share: how much of each class to hold out, in (0, 1).
        purpose: tells splits of the same rows apart ("test", "validation").
    """
    labels = np.asarray(labels)
    classes = np.unique(labels)
    numbers = shares_per_class([int((labels == c).sum()) for c in classes], share)
    out = _first_of_each(labels, ids, dict(zip(classes.tolist(), numbers, strict=True)), seed=seed, purpose=purpose)
    kept = np.setdiff1d(np.arange(len(labels), dtype=np.int64), out)
    return kept, out


def choose_labelled(
    labels: np.ndarray, ids: Sequence[str], per_class: int, *, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """(labelled, rest): `per_class` rows of every class (all of them where it has fewer), and the others."""
    labels = np.asarray(labels)
    numbers = {int(c): per_class for c in np.unique(labels)}
    chosen = _first_of_each(labels, ids, numbers, seed=seed, purpose="labelled")
    return chosen, np.setdiff1d(np.arange(len(labels), dtype=np.int64), chosen)


def choose_some(ids: Sequence[str], number: int, *, seed: int, purpose: str) -> np.ndarray:
    """The first `number` positions after a seeded shuffle (all where there are fewer), in file order."""
    return np.sort(ranked(ids, seed=seed, purpose=purpose)[:number])


def _first_of_each(
    labels: np.ndarray, ids: Sequence[str], numbers: dict[int, int], *, seed: int, purpose: str
) -> np.ndarray:
    order = ranked(ids, seed=seed, purpose=purpose)
    by_class = labels[order]
    parts = [order[by_class == c][:number] for c, number in numbers.items()]
    return np.sort(np.concatenate(parts)) if parts else np.empty(0, dtype=np.int64)
