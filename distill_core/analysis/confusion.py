"""Who is taken for whom: counts of gold against predicted classes. No torch."""

from __future__ import annotations

from typing import Any

import numpy as np

from distill_core.analysis.kept import Split

#: classes of a table at most: of more, those with the most mistakes
MOST = 30
#: the class of words beyond the length limit
NOT_SEEN = "not seen"


def confusion(split: Split, key: str) -> dict[str, Any] | None:
    """{"labels": [C], "counts": [C][C] (row: gold, column: predicted), "left_out": classes not shown}, of all units;
    None in masked LM, of which `pieces.mistakes` tells. In tagging of entities classes are types, whatever stands at an
    entity's border."""
    if split.about.unit == "piece":
        return None
    names, of_class = _classes(split)
    gold, said = of_class[split.gold.astype(np.int64)], of_class[split.predicted(key)]
    size = len(names)
    counts = np.bincount(gold * size + said, minlength=size * size).reshape(size, size)
    used = np.flatnonzero(counts.sum(axis=0) + counts.sum(axis=1) > 0)
    wrong = counts.sum(axis=0) + counts.sum(axis=1) - 2 * np.diag(counts)
    shown = used
    if len(used) > MOST:
        shown = np.sort(used[np.argsort(-wrong[used], kind="stable")[:MOST]])
    return {
        "labels": [names[number] for number in shown],
        "counts": counts[np.ix_(shown, shown)].tolist(),
        "left_out": int(len(used) - len(shown)),
    }


def _classes(split: Split) -> tuple[list[str], np.ndarray]:
    """Names of the table's classes, and the class of each label; the last label is that of words never seen (−1)."""
    labels = split.about.labels
    if split.about.unit == "word" and split.about.metric == "f1":
        names = list(dict.fromkeys("O" if label == "O" else label[2:] for label in labels))
        numbers = [names.index("O" if label == "O" else label[2:]) for label in labels]
    else:
        names, numbers = list(labels), list(range(len(labels)))
    return [*names, NOT_SEEN], np.asarray([*numbers, len(names)], dtype=np.int64)
