"""From states of word pieces to states of words: the level of tags, where different tokenisers can be compared."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

import torch
from torch import Tensor

_each_piece: ContextVar[bool] = ContextVar("each_piece", default=False)


@contextmanager
def each_piece() -> Iterator[None]:
    """Inside, models answer for every piece, real or not, as if it were a word of its own: [B, T, …] in the place of
    [B, W, …]. For graphs that leave this project: who loads them picks the first pieces of words."""
    token = _each_piece.set(True)
    try:
        yield
    finally:
        _each_piece.reset(token)


def pool_words(states: Tensor, words: Tensor, count: int | None = None) -> tuple[Tensor, Tensor]:
    """Mean of the states of each word's pieces.

    A word without a piece (cut off by the length limit) does not exist: its row is zero and its mask False.

    Args:
        states: [B, T, H]; half precision is summed, and returned, in fp32.
        words: [B, T] int64, index of the word each piece belongs to, −1 on special pieces and padding.
        count: number of words W of the result; by default the highest index + 1, at least 1. Words beyond are left out.

    Returns:
        [B, W, H] and mask [B, W] bool. Gradients flow to `states`.
    """
    batch, _, width = states.shape
    if states.dtype in (torch.float16, torch.bfloat16):
        states = states.float()
    if count is None:
        count = max(1, int(words.max()) + 1) if words.numel() else 1
    # What belongs to no word goes to one more slot at the end, which is cut off.
    slots = torch.where((words >= 0) & (words < count), words, count)
    sums = states.new_zeros(batch, count + 1, width)
    sums = sums.scatter_add(1, slots.unsqueeze(-1).expand(-1, -1, width), states)[:, :count]
    pieces = states.new_zeros(batch, count + 1).scatter_add(1, slots, states.new_ones(slots.shape))[:, :count]
    return sums / pieces.clamp(min=1.0).unsqueeze(-1), pieces > 0


def first_pieces(words: Tensor) -> tuple[Tensor, Tensor]:
    """Where each word's first piece stands.

    Args:
        words: [B, T] int64, index of the word each piece belongs to, −1 on special pieces and padding.

    Returns:
        Positions [B, W] int64 and mask [B, W] bool; W = highest index + 1, at least 1. A word without a piece (cut off
        by the length limit, or of a longer example) has mask False and position 0.
    """
    batch, length = words.shape
    count = max(1, int(words.max()) + 1) if words.numel() else 1
    # What belongs to no word goes to one more slot at the end, which is cut off.
    slots = torch.where(words >= 0, words, count)
    positions = torch.arange(length, device=words.device).expand(batch, length)
    first = positions.new_full((batch, count + 1), length).scatter_reduce(1, slots, positions, "amin")[:, :count]
    mask = first < length
    return first.masked_fill(~mask, 0), mask


def first_piece_states(states: Tensor, words: Tensor) -> tuple[Tensor, Tensor]:
    """The state of each word's first piece: [B, T, H] → [B, W, H] (zero where there is none) and mask [B, W] bool.

    Gradients flow to `states`, at first pieces alone. Inside `each_piece` the states as they are.
    """
    if _each_piece.get():
        return states, torch.ones_like(words, dtype=torch.bool)
    index, mask = first_pieces(words)
    found = states.gather(1, index.unsqueeze(-1).expand(-1, -1, states.shape[-1]))
    return zero_outside(found, mask), mask


def zero_outside(values: Tensor, mask: Tensor) -> Tensor:
    """Values [B, W, …] with zeros where the mask [B, W] is False, so that nothing there depends on the model."""
    return values.masked_fill(~mask.unsqueeze(-1), 0.0)
