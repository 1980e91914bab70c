"""Random numbers that depend on (seed, step) alone: a resumed run draws what an uninterrupted one would."""

from __future__ import annotations

import hashlib

import torch
from torch import Tensor


def uniform_draws(seed: int, step: int, purpose: str, *shape: int) -> Tensor:
    """Numbers in [0, 1), [*shape] fp64 on the CPU, from a generator of their own; global generators are untouched.

    purpose: keeps one use's draws apart from another's.
    """
    digest = hashlib.sha256(repr((seed, step, purpose)).encode()).digest()
    generator = torch.Generator().manual_seed(int.from_bytes(digest[:8], "big") >> 1)
    return torch.rand(*shape, generator=generator, dtype=torch.float64)
