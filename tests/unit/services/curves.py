"""A page's side of the curves, in Python: what ui/js/points.js does with what `Services.live` sends."""

from __future__ import annotations

from typing import Any

import numpy as np

from distill_core.services.thinning import kept, level_of

Points = dict[int, tuple[int, float | None]]


def unpacked(packed: list[Any]) -> Points:
    """number → (step, value)."""
    numbers, steps = np.cumsum(packed[2]).tolist(), np.cumsum(packed[3]).tolist()
    return {n: (step, value) for n, step, value in zip(numbers, steps, packed[4], strict=True)}


class Follower:
    """Asks again and again, and keeps of each curve what its present number of points keeps."""

    def __init__(self) -> None:
        self.cursor = 0
        self.names: dict[int, str] = {}
        self.points: dict[int, Points] = {}

    def take(self, view: dict[str, Any]) -> None:
        if view["reset"]:
            self.names, self.points = {}, {}
        for curve in view["curves"]:
            self.names[curve["id"]] = curve["name"]
        for packed in view["points"]:
            found = {**self.points.get(packed[0], {}), **unpacked(packed)}
            whole = np.array([found[n][1] if n in found else np.nan for n in range(packed[1])], dtype=float)
            stays = kept(whole, level_of(packed[1])).tolist()
            self.points[packed[0]] = {n: found[n] for n in stays if n in found}
        self.cursor = view["cursor"]

    def steps(self, name: str) -> list[int]:
        number = next((n for n, known in self.names.items() if known == name), -1)
        return [step for step, _ in self.points.get(number, {}).values()]
