"""Soft labels compared otherwise than by KL: reverse KL, Jensen–Shannon, total variation (f-DISTILL, ACL 2023)."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor

from distill_core.losses.precision import at_least_fp32


def soft_label_reverse_kl(student_logits: Tensor, teacher_logits: Tensor, *, temperature: float) -> Tensor:
    """τ²·KL(softmax(z_s/τ) ‖ softmax(z_t/τ)): punishes mass where the teacher has none (f-DISTILL, ACL 2023).

    Tends to ‖centred z_s − z_t‖²/(2C) as τ → ∞, as KL does.

    Args:
        student_logits: [..., C], pre-softmax, finite.
        teacher_logits: [..., C], pre-softmax, finite; gradients flow into it if it asks for them.
        temperature: τ > 0.

    Returns:
        [...] in nats, ≥ 0, zero for equal logits (up to a constant per example); fp32, or fp64 for fp64 inputs.

    Raises:
        ValueError: temperature is not positive, or the shapes differ.
    """
    student, teacher = _log_softmax(student_logits, teacher_logits, temperature)
    return F.kl_div(teacher, student, reduction="none", log_target=True).sum(dim=-1) * temperature**2


def soft_label_js(student_logits: Tensor, teacher_logits: Tensor, *, temperature: float) -> Tensor:
    """τ²·JS = τ²·½(KL(p_t ‖ m) + KL(p_s ‖ m)) with m = ½(p_t + p_s), at temperature τ (f-DISTILL, ACL 2023).

    Symmetric and at most τ²·log 2. Tends to ‖centred z_s − z_t‖²/(8C) as τ → ∞, a quarter of KL's limit.

    Args, Returns, Raises:
        As `soft_label_reverse_kl`.
    """
    student, teacher = _log_softmax(student_logits, teacher_logits, temperature)
    ahead = teacher - student
    from_student = student.exp() * _log_mean_ratio(ahead)
    from_teacher = teacher.exp() * _log_mean_ratio(-ahead)
    return -0.5 * (from_student + from_teacher).sum(dim=-1) * temperature**2


def soft_label_tvd(student_logits: Tensor, teacher_logits: Tensor, *, temperature: float) -> Tensor:
    """τ²·½Σ|p_t − p_s| at temperature τ (total variation distance; f-DISTILL, ACL 2023).

    A distance and not its square: it falls with 1/τ only, so that with τ² its gradient grows in proportion to τ
    (that of KL stays). A class on which both agree exactly adds no gradient.

    Args, Returns, Raises:
        As `soft_label_reverse_kl`, except that values lie in [0, τ²].
    """
    student, teacher = _log_softmax(student_logits, teacher_logits, temperature)
    return 0.5 * (student.exp() - teacher.exp()).abs().sum(dim=-1) * temperature**2


def _log_softmax(student_logits: Tensor, teacher_logits: Tensor, temperature: float) -> tuple[Tensor, Tensor]:
    if not temperature > 0:
        raise ValueError(f"temperature must be positive, not {temperature}")
    if student_logits.shape != teacher_logits.shape:
        raise ValueError(f"shapes differ: {tuple(student_logits.shape)} and {tuple(teacher_logits.shape)}")
    return (
        F.log_softmax(at_least_fp32(student_logits) / temperature, dim=-1),
        F.log_softmax(at_least_fp32(teacher_logits) / temperature, dim=-1),
    )


def _log_mean_ratio(ahead: Tensor) -> Tensor:
    """log(m/p) = log(½(1 + eᵈ)) where log q − log p = d.

    Written as max(d, 0) + log(½(1 + e^−|d|)): never overflows, and unlike logaddexp(log p, log q) − log 2 it is exact
    around d = 0, where large τ puts every class.
    """
    return ahead.clamp(min=0.0) + (ahead.abs().neg().expm1() * 0.5).log1p()
