"""Teachers examined: do they err on the same rows, and what would one reach who always knew whom to ask? No torch."""

from __future__ import annotations

from typing import Any

import numpy as np

from distill_core.analysis.kept import Split


def examine(split: Split) -> dict[str, Any] | None:
    """Of all units of the test (in tagging words, in masked LM hidden pieces); None where no single answers were kept.

    {"names": [N], "units": U, "errors": [N] counts, "both": [N][N] units both have wrong, "overlap": [N][N] both/either
    (Jaccard; None where neither errs), "same": [N][N] of both wrong, those with the same wrong answer,
    "accuracy": [N], "oracle": share of units that some teacher has right, "all_wrong": units none has right,
    "student": share the student has right, "student_beyond": units it alone has right, "gain": oracle − the best}.
    """
    about = split.about
    if not split.single or not about.teachers:
        return None
    keys = [model.key for model in about.teachers]
    wrong = np.stack([~split.right(key) for key in keys])
    said = np.stack([split.predicted(key) for key in keys])
    count = len(keys)
    both = (wrong.astype(np.int64) @ wrong.T.astype(np.int64)).tolist()
    same = [[int(np.sum(wrong[i] & wrong[j] & (said[i] == said[j]))) for j in range(count)] for i in range(count)]
    errors = wrong.sum(axis=1)
    overlap = [
        [both[i][j] / union if (union := int(errors[i] + errors[j] - both[i][j])) else None for j in range(count)]
        for i in range(count)
    ]
    lost, own = wrong.all(axis=0), split.right(about.student)
    accuracy = (1 - wrong.mean(axis=1)).tolist()
    return {
        "names": [model.name for model in about.teachers],
        "units": len(own),
        "errors": errors.tolist(),
        "both": both,
        "overlap": overlap,
        "same": same,
        "accuracy": accuracy,
        "oracle": float(1 - lost.mean()),
        "all_wrong": int(lost.sum()),
        "student": float(own.mean()),
        "student_beyond": int(np.sum(own & lost)),
        "gain": float(1 - lost.mean()) - max(accuracy),
    }
