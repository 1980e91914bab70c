"""Many classes as a few: the k most probable, and all others as one. So a teacher's whole vocabulary fits on disk."""

from __future__ import annotations

import torch
from torch import Tensor

from distill_core.losses.precision import at_least_fp32


def bucket(logits: Tensor, classes: Tensor) -> Tensor:
    """Logits of the given classes, and last the logsumexp of all others.

    At τ = 1 the softmax of the result holds exactly the classes' probabilities, and the sum of the others'; by the
    data-processing inequality a divergence between two distributions bucketed alike never exceeds the one between the
    distributions themselves. At another temperature the bucket counts as one class of that logit: its softened share is
    not the sum of its members' softened shares, which k numbers cannot tell.

    Args:
        logits: [..., V], pre-softmax, finite.
        classes: [..., k] int64 in [0, V), all different, 1 ≤ k < V.

    Returns:
        [..., k + 1], fp32, or fp64 for fp64 inputs. Gradients flow to all logits.
    """
    scores = at_least_fp32(logits)
    chosen = torch.zeros_like(scores, dtype=torch.bool).scatter(-1, classes, True)
    rest = scores.masked_fill(chosen, float("-inf")).logsumexp(dim=-1, keepdim=True)
    return torch.cat([scores.gather(-1, classes), rest], dim=-1)


def top_classes(logits: Tensor, k: int) -> tuple[Tensor, Tensor]:
    """The most probable classes: bucketed logits [..., k'+1] and classes [..., k'] int64, most probable first; k' =
    min(k, V − 1)."""
    classes = logits.topk(min(k, logits.shape[-1] - 1), dim=-1).indices
    return bucket(logits, classes), classes
