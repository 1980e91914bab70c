"""Dropout from cheaper random numbers on the CPU.

torch draws one number of 53 bits for each entry it may drop, 4 to 5 ns each, and dropout is then a tenth of a small
student's training. 16 bits are enough to say with probability p, to a hundred-thousandth, whether an entry is dropped:
one draw of 64 bits decides about four. They come from torch's own generator, so equal seeds drop equally.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

_STEPS = 1 << 16
_LEAST = -(1 << 63)


def share_kept(dropout: float) -> float:
    """What `draw` really keeps: 1 - dropout, rounded to 1/65,536."""
    return 1 - round(dropout * _STEPS) / _STEPS


def draw(out: Tensor, dropout: float) -> Tensor:
    """Fills `out` (fp32 or fp64, dense, on the CPU) with 1 where it is kept and 0 where it is dropped; returns it."""
    if share_kept(dropout) == 0:
        return out.zero_()
    words = torch.empty(-(-out.numel() // 4), dtype=torch.int64).random_(_LEAST, None)
    parts = words.view(torch.int16)[: out.numel()].view(out.shape)
    return torch.ge(parts, round(dropout * _STEPS) - _STEPS // 2, out=out)


class _Dropout(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, dropout: float) -> Tensor:
        kept = draw(torch.empty(x.shape, dtype=x.dtype), dropout).mul_(1 / share_kept(dropout))
        ctx.save_for_backward(kept)
        return x * kept

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:  # type: ignore[override]
        (kept,) = ctx.saved_tensors
        return gradient * kept, None


def dropout(x: Tensor, p: float) -> Tensor:
    """Each entry zero with probability p, the rest divided by the share that is kept. x: fp32 or fp64, on the CPU."""
    found: Tensor = _Dropout.apply(x, p)  # type: ignore[no-untyped-call]
    return found


class FastDropout(nn.Dropout):
    """`nn.Dropout` computed by `dropout`."""

    def forward(self, input: Tensor) -> Tensor:
        fits = input.device.type == "cpu" and input.dtype in (torch.float32, torch.float64)
        if not (self.training and fits and 0 < share_kept(self.p) < 1):
            return super().forward(input)
        return dropout(input, self.p)


@contextmanager
def fast_dropouts(*modules: object) -> Iterator[None]:
    """Inside, the dropouts of these modules compute by `dropout`; afterwards they are what they were."""
    parts = [part for one in modules if isinstance(one, nn.Module) for part in one.modules()]
    plain = [part for part in parts if type(part) is nn.Dropout and not part.inplace]
    for part in plain:
        part.__class__ = FastDropout
    try:
        yield
    finally:
        for part in plain:
            part.__class__ = nn.Dropout
