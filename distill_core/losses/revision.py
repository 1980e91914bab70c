"""Label revision: soft labels mixed with gold just so much that gold is the most probable class (2404.03693)."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from distill_core.losses.hard_labels import NO_LABEL
from distill_core.losses.precision import at_least_fp32


@torch.no_grad()
def revise(teacher_logits: Tensor, gold: Tensor, eta: float, *, temperature: float = 1.0) -> Tensor:
    """p = β·p_t + (1−β)·y with β = η/(max p_t − p_t[gold] + 1), y one-hot (label revision of 2404.03693).

    The revised gold class leads every other by at least 1 − η, whatever the teacher said, and classes the teacher
    ranked among the wrong ones keep their order.

    Args:
        teacher_logits: [U, C], pre-softmax, finite.
        gold: [U] int64 in [0, C), or −1 for no gold label: such rows are the teacher's own distribution.
        eta: η in (0, 1): how much of the teacher is kept where it is right.
        temperature: τ > 0 of the teacher's distribution.

    Returns:
        [U, C] probabilities without gradient, rows sum to one; fp32, or fp64 for fp64 inputs.

    Raises:
        ValueError: eta or temperature is out of range, or the shapes do not fit together.
    """
    if not 0 < eta < 1:
        raise ValueError(f"eta must lie between 0 and 1, not {eta}")
    if not temperature > 0:
        raise ValueError(f"temperature must be positive, not {temperature}")
    if gold.shape != teacher_logits.shape[:-1]:
        raise ValueError(f"shapes differ: logits {tuple(teacher_logits.shape)}, gold {tuple(gold.shape)}")
    teacher = (at_least_fp32(teacher_logits) / temperature).softmax(dim=-1)
    known = (gold != NO_LABEL).unsqueeze(-1)
    place = gold.clamp(min=0).unsqueeze(-1)
    kept = eta / (teacher.amax(dim=-1, keepdim=True) - teacher.gather(-1, place) + 1.0)
    revised = (kept * teacher).scatter_add(-1, place, 1.0 - kept)
    return torch.where(known, revised, teacher)


def kl_to_probabilities(student_logits: Tensor, probabilities: Tensor, *, temperature: float = 1.0) -> Tensor:
    """τ²·KL(p ‖ softmax(z_s/τ)): soft labels given as probabilities, such as revised ones.

    Args:
        student_logits: [..., C], pre-softmax, finite.
        probabilities: [..., C], each ≥ 0 (zero too), rows summing to one; no gradient flows into them.
        temperature: τ > 0; `probabilities` stand at this temperature already.

    Returns:
        [...] in nats, ≥ 0, zero where softmax(z_s/τ) = p; fp32, or fp64 for fp64 inputs.

    Raises:
        ValueError: temperature is not positive, or the shapes differ.
    """
    if not temperature > 0:
        raise ValueError(f"temperature must be positive, not {temperature}")
    if student_logits.shape != probabilities.shape:
        raise ValueError(f"shapes differ: {tuple(student_logits.shape)} and {tuple(probabilities.shape)}")
    student = F.log_softmax(at_least_fp32(student_logits) / temperature, dim=-1)
    target = probabilities.detach().to(student.dtype)
    return F.kl_div(student, target, reduction="none").sum(dim=-1) * temperature**2
