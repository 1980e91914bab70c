"""How much the teachers disagree on an example; needs no gold labels (UniKD, 2204.00548)."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor


def disagreement(teacher_logits: Sequence[Tensor]) -> Tensor:
    """Mean over teachers of KL(p_i ‖ p̄), with p̄ the mean of their distributions.

    Args:
        teacher_logits: N tensors [B, C], pre-softmax, finite.

    Returns:
        [B] fp32 in nats, in [0, log N]; zero where all teachers say the same.
    """
    logs = torch.stack([z.float().log_softmax(dim=-1) for z in teacher_logits])
    mean = logs.logsumexp(dim=0) - math.log(len(teacher_logits))
    return (logs.exp() * (logs - mean)).sum(dim=-1).mean(dim=0).clamp(min=0.0)
