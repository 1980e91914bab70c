"""Soft labels: the student follows the teacher's distribution over classes (Hinton et al., 1503.02531 §2)."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor

from distill_core.losses.precision import at_least_fp32


def soft_label_kl(student_logits: Tensor, teacher_logits: Tensor, *, temperature: float) -> Tensor:
    """τ²·KL(softmax(z_t/τ) ‖ softmax(z_s/τ)), per example (1503.02531 §2).

    τ² keeps the gradient's scale when τ changes: d/dz_s = τ·(p_s − p_t), which tends to (centred z_s − z_t)/C, and the
    loss to ‖centred z_s − z_t‖²/(2C), as τ → ∞. Differs from the cross-entropy of 2106.01023 only by the teacher's
    entropy, a constant for the student.

    Args:
        student_logits: [..., C], pre-softmax, finite.
        teacher_logits: [..., C], pre-softmax, finite; gradients flow into it if it asks for them.
        temperature: τ > 0.

    Returns:
        [...] in nats, ≥ 0, zero for equal logits (up to a constant per example); fp32, or fp64 for fp64 inputs.

    Raises:
        ValueError: temperature is not positive, or the shapes differ.
    """
    if not temperature > 0:
        raise ValueError(f"temperature must be positive, not {temperature}")
    if student_logits.shape != teacher_logits.shape:
        raise ValueError(f"shapes differ: {tuple(student_logits.shape)} and {tuple(teacher_logits.shape)}")
    student = F.log_softmax(at_least_fp32(student_logits) / temperature, dim=-1)
    teacher = F.log_softmax(at_least_fp32(teacher_logits) / temperature, dim=-1)
    return F.kl_div(student, teacher, reduction="none", log_target=True).sum(dim=-1) * temperature**2
