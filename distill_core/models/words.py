"""From states of word pieces to states of words: the level at which different tokenisers can be compared."""

from __future__ import annotations

import torch
from torch import Tensor


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
