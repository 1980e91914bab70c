"""The Pareto front: what no other point beats on one side without losing on the other."""

from __future__ import annotations

from collections.abc import Sequence


def front(points: Sequence[tuple[float, float]]) -> list[int]:
    """Positions of the points (cost, quality) that no other one dominates, by rising cost, equal ones in their order.

    A point dominates another when it costs no more and is no worse, and is better in one of the two. Equal points do
    not dominate each other: all of them are on the front, or none. Values must be finite.
    """
    found: list[int] = []
    best, at = float("-inf"), float("nan")
    for number in sorted(range(len(points)), key=lambda n: (points[n][0], -points[n][1], n)):
        cost, quality = points[number]
        if quality > best or (quality == best and cost == at):
            found.append(number)
            best, at = quality, cost
    return found
