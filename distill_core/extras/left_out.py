"""What each teacher was worth: the student against itself trained without that teacher. No torch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from distill_core.export.verdict import outcome
from distill_core.measure.scores import Scores
from distill_core.measure.uncertainty import compare, holm


def differences(student: Sequence[Scores], arms: Mapping[str, Sequence[Scores]]) -> list[dict[str, Any]]:
    """Each arm without a teacher against the student, paired by seed and test row, adjusted by Holm over the teachers.

    Args:
        student: test scores, one a seed. arms: teacher's name → scores of the student without it, in the same order.

    Returns:
        [{teacher, test: mean quality without it, difference: without it − with it (a fraction), interval, p,
        p_adjusted, seeds, method, outcome: "better" | "worse" | "no_difference" of the student without it}].
    """
    found = {name: compare(list(scores), list(student)) for name, scores in arms.items()}
    adjusted = holm([one.p for one in found.values()])
    return [
        {
            "teacher": name,
            "test": sum(one.quality for one in arms[name]) / len(arms[name]),
            "difference": one.difference,
            "interval": [one.low, one.high],
            "p": one.p,
            "p_adjusted": p,
            "seeds": one.seeds,
            "method": one.method,
            "outcome": outcome(one.difference, p),
        }
        for (name, one), p in zip(found.items(), adjusted, strict=True)
    ]
