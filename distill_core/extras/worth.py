"""How many labels distillation is worth: where a learning curve without teachers reaches the student. No torch.

The curve is read between its points, on the logarithm of the number of labels, and never beyond them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any, Literal, NamedTuple

from distill_core.measure.scores import Scores
from distill_core.measure.uncertainty import compare


class Crossing(NamedTuple):
    """Where a rising curve reaches a level. where: "within" its points, "beyond" the last one, or "before" the first;
    labels: how many, None unless within."""

    where: Literal["within", "beyond", "before"]
    labels: float | None = None


def rising(values: Sequence[float]) -> list[float]:
    """The closest sequence (least squares) that never falls: pool adjacent violators (Ayer et al. 1955)."""
    blocks: list[list[float]] = []
    for value in values:
        blocks.append([value, 1.0])
        while len(blocks) > 1 and blocks[-2][0] > blocks[-1][0]:
            mean, count = blocks.pop()
            before, number = blocks[-1]
            blocks[-1] = [(before * number + mean * count) / (number + count), number + count]
    return [mean for mean, count in blocks for _ in range(int(count))]


def crossing(labels: Sequence[float], values: Sequence[float], level: float, *, last: bool = False) -> Crossing:
    """Where the curve through these points, made to rise, reaches `level`.

    Args:
        labels: ascending, all > 0; values: the curve at each. last: where it lies level, the largest number rather than
            the smallest.

    Raises:
        ValueError: there are no points, or labels do not ascend.
    """
    if not labels or len(labels) != len(values) or labels[0] <= 0:
        raise ValueError("a curve needs a value at each of one or more numbers of labels above zero")
    if any(b <= a for a, b in pairwise(labels)):
        raise ValueError(f"numbers of labels have to ascend: {list(labels)}")
    fitted = rising(values)
    if level > fitted[-1]:
        return Crossing("beyond")
    if level < fitted[0]:
        return Crossing("before")
    if last:
        at = max(i for i, value in enumerate(fitted) if value <= level)
        return Crossing("within", _between(labels, fitted, at, level))
    at = min(i for i, value in enumerate(fitted) if value >= level)
    return Crossing("within", float(labels[0]) if at == 0 else _between(labels, fitted, at - 1, level))


def _between(labels: Sequence[float], fitted: Sequence[float], at: int, level: float) -> float:
    """Between points `at` and the next, on the logarithm; the point itself where it has the level already."""
    if fitted[at] == level and (at + 1 == len(fitted) or fitted[at + 1] > level):
        return float(labels[at])
    share = (level - fitted[at]) / (fitted[at + 1] - fitted[at])
    return math.exp(math.log(labels[at]) + share * (math.log(labels[at + 1]) - math.log(labels[at])))


def worth(own: int, student: Sequence[Scores], curve: Mapping[int, Sequence[Scores]]) -> dict[str, Any]:
    """How many labels the same student needs without teachers to be as good as the distilled one.

    At each point of the curve the student is compared with it, paired by seed and test row (`uncertainty.compare`): the
    estimate is where the difference is zero, its interval the numbers of labels at which the difference's 95% interval
    holds zero.

    Args:
        own: labels the run used. student: the distilled student's test scores, one a seed. curve: number of labels →
            scores of the students without teachers, in the same order of seeds.

    Returns:
        {own, smallest, largest, seeds, where: "within" | "beyond" | "before", labels | None, times | None (of `own`),
        low, high: ends of the interval in labels, None where the curve ends before; low_where, high_where: as `where`;
        points: [{labels, difference (student − curve, a fraction), interval}]}.
    """
    labels = sorted(curve)
    found = [compare(list(student), list(curve[number])) for number in labels]
    at = crossing(labels, [-one.difference for one in found], 0.0)
    low = crossing(labels, [-one.low for one in found], 0.0)
    high = crossing(labels, [-one.high for one in found], 0.0, last=True)
    return {
        "own": own,
        "smallest": labels[0],
        "largest": labels[-1],
        "seeds": len(student),
        "where": at.where,
        "labels": at.labels,
        "times": None if at.labels is None else at.labels / own,
        "low": low.labels,
        "low_where": low.where,
        "high": high.labels,
        "high_where": high.where,
        "points": [
            {"labels": number, "difference": one.difference, "interval": [one.low, one.high]}
            for number, one in zip(labels, found, strict=True)
        ],
    }
