"""Mixup: the student also learns from mixtures of two examples (MixKD, 2011.00593)."""

from __future__ import annotations

import torch
from torch import Tensor

from distill_core.losses.hard_labels import hard_label_ce


def mix(a: Tensor, b: Tensor, lam: float | Tensor) -> Tensor:
    """λ·a + (1−λ)·b: of embeddings, of probabilities, of one-hot labels (2011.00593).

    Args:
        a, b: [B, ...] of one shape, floating point.
        lam: λ in [0, 1]: one number, or [B] with one for each example.

    Returns:
        [B, ...] in a's dtype; a itself for λ = 1, b itself for λ = 0.

    Raises:
        ValueError: the shapes do not fit together, or λ leaves [0, 1].
    """
    if a.shape != b.shape:
        raise ValueError(f"shapes differ: {tuple(a.shape)} and {tuple(b.shape)}")
    share = _share(lam, a).to(a.dtype)
    share = share.reshape(-1, *[1] * (a.ndim - 1)) if share.ndim else share
    return share * a + (1 - share) * b


def mixed_ce(logits: Tensor, gold_a: Tensor, gold_b: Tensor, lam: float | Tensor) -> Tensor:
    """λ·CE(y_a, z) + (1−λ)·CE(y_b, z): cross-entropy on mixed gold labels (2011.00593).

    Args:
        logits: [B, C] of the mixtures, pre-softmax, finite.
        gold_a, gold_b: [B] int64 in [0, C), or −1 for no gold label: that side contributes nothing.
        lam: λ in [0, 1], the share of a: one number, or [B].

    Returns:
        [B] in nats, ≥ 0; fp32, or fp64 for fp64 inputs.

    Raises:
        ValueError: the shapes do not fit together, or λ leaves [0, 1].
    """
    if gold_a.shape != logits.shape[:1] or gold_b.shape != logits.shape[:1]:
        raise ValueError(
            f"shapes differ: logits {tuple(logits.shape)}, gold {tuple(gold_a.shape)} and {tuple(gold_b.shape)}"
        )
    first, second = hard_label_ce(logits, gold_a), hard_label_ce(logits, gold_b)
    share = _share(lam, logits).to(first.dtype)
    return share * first + (1 - share) * second


def _share(lam: float | Tensor, like: Tensor) -> Tensor:
    share = torch.as_tensor(lam, device=like.device)
    if share.ndim > 1 or (share.ndim == 1 and len(share) != len(like)):
        raise ValueError(f"λ must be one number or one per example, not of shape {tuple(share.shape)}")
    if not bool(((share >= 0) & (share <= 1)).all()):
        raise ValueError(f"λ must lie in [0, 1], not {lam!r}")
    return share
