"""Seeds of one purpose, from the run's: the same everywhere, with torch or without."""

from __future__ import annotations

import hashlib


def derived_seed(seed: int, *salt: object) -> int:
    """A seed in [0, 2⁶³) from `seed` and what it is for: one purpose's draws never depend on another's."""
    digest = hashlib.sha256(repr((seed, *salt)).encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1
