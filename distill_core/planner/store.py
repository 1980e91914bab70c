"""Measured costs, and the files that remember them. No torch in here: the page reads them too."""

from __future__ import annotations

import hashlib
import json
import platform
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import psutil

from distill_core.storage import read_json, write_json

#: Raise this when probes measure something else than before.
FORMAT = 2


@dataclass(frozen=True)
class Cost:
    """cpu: CPU seconds, all threads together. wall: seconds by the clock."""

    cpu: float = 0.0
    wall: float = 0.0

    def __add__(self, other: Cost) -> Cost:
        return Cost(self.cpu + other.cpu, self.wall + other.wall)

    def __mul__(self, factor: float) -> Cost:
        return Cost(self.cpu * factor, self.wall * factor)


@dataclass(frozen=True)
class Curve:
    """What one call costs, by the tokens (padding included) of its batch: measured points, ascending.

    Between points a straight line; beyond the last one on as from the first to the last, never falling; below the first
    what the first cost. saved: bytes a training step keeps for its backward pass, for each token. cut: larger batches
    would have taken too long to measure.
    """

    tokens: tuple[float, ...]
    cpu: tuple[float, ...]
    wall: tuple[float, ...]
    saved: float = 0.0
    cut: bool = False

    def __post_init__(self) -> None:
        if not self.tokens or not len(self.tokens) == len(self.cpu) == len(self.wall):
            raise ValueError("a curve needs points, each with both times")

    def of(self, tokens: np.ndarray) -> Cost:
        """All calls with so many tokens each, together."""
        return Cost(self._sum(self.cpu, tokens), self._sum(self.wall, tokens))

    def _sum(self, values: tuple[float, ...], tokens: np.ndarray) -> float:
        known, seconds = np.asarray(self.tokens), np.maximum.accumulate(np.asarray(values))
        wanted = np.asarray(tokens, dtype=float)
        found = np.interp(wanted, known, seconds)
        several = len(known) > 1
        slope = (seconds[-1] - seconds[0]) / (known[-1] - known[0]) if several else seconds[-1] / known[-1]
        return float((found + slope * np.maximum(0.0, wanted - known[-1])).sum())

    def reaches(self, tokens: float, *, share: float = 0.6) -> bool:
        """Do the measured points lie near enough to a batch of so many tokens?"""
        return self.cut or self.tokens[-1] >= share * tokens


def padded_tokens(batches: Sequence[np.ndarray], lengths: np.ndarray) -> np.ndarray:
    """[B] tokens of each batch of rows when padded to its longest."""
    return np.asarray([len(batch) * int(lengths[batch].max(initial=1)) for batch in batches], dtype=float)


def digest(parts: Any) -> str:
    """A name for what a measurement depends on."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True, ensure_ascii=False, default=str).encode()).hexdigest()[:32]


def machine_key() -> list[Any]:
    """What makes measurements of one machine and installation comparable."""
    return [FORMAT, platform.machine(), platform.node(), psutil.cpu_count(), version("torch"), version("transformers")]


class ProbeStore:
    """JSON files by key, below the data home's cache; every file may be deleted at any time."""

    def __init__(self, cache: Path) -> None:
        self.folder = cache / "planner"

    def get(self, key: str) -> dict[str, Any] | None:
        found = read_json(self.folder / f"{key}.json")
        return found if isinstance(found, dict) else None

    def put(self, key: str, value: dict[str, Any]) -> None:
        """A disk that cannot be written costs another measurement, nothing else."""
        with suppress(OSError):
            write_json(self.folder / f"{key}.json", value)

    def curve(self, key: str) -> Curve | None:
        raw: Any = self.get(key)
        try:
            tokens, cpu, wall = (tuple(map(float, raw[name])) for name in ("tokens", "cpu", "wall"))
            return Curve(tokens, cpu, wall, float(raw["saved"]), bool(raw["cut"]))
        except (TypeError, ValueError, KeyError):
            return None

    def put_curve(self, key: str, curve: Curve) -> None:
        self.put(key, asdict(curve))
