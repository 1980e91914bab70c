"""Hard labels: cross-entropy on gold classes."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor

from distill_core.losses.precision import at_least_fp32

#: Label of a row without gold.
NO_LABEL = -1


def hard_label_ce(logits: Tensor, labels: Tensor) -> Tensor:
    """−log softmax(z)_y, per example; the CE(y, z) of 1503.02531 §2 and 2106.01023.

    Args:
        logits: [B, C], pre-softmax, finite.
        labels: [B] int64 in [0, C), or −1 for no gold label.

    Returns:
        [B] in nats, ≥ 0; exactly zero, with zero gradient, where the label is −1; fp32, or fp64 for fp64 inputs.
    """
    return F.cross_entropy(at_least_fp32(logits), labels, reduction="none", ignore_index=NO_LABEL)
