"""Logits: the student's scores follow the teacher's, without a softmax at a temperature in between."""

from __future__ import annotations

from torch import Tensor

from distill_core.losses.precision import at_least_fp32


def logit_mse(student_logits: Tensor, teacher_logits: Tensor, *, temperature: float = 1.0) -> Tensor:
    """½·mean over classes of (z_s − z_t)² (logit loss of 1910.01769, with the mean over C in place of the sum).

    Unlike soft labels it also makes the student follow the teacher's offset, which no softmax sees.

    Args:
        student_logits: [..., C], pre-softmax, finite.
        teacher_logits: [..., C], pre-softmax, finite.
        temperature: has no effect; taken so that all divergences are called alike.

    Returns:
        [...], ≥ 0, zero for equal logits; fp32, or fp64 for fp64 inputs.

    Raises:
        ValueError: the shapes differ.
    """
    del temperature
    _same_shape(student_logits, teacher_logits)
    return 0.5 * (at_least_fp32(student_logits) - at_least_fp32(teacher_logits)).pow(2).mean(dim=-1)


def log_odds_mse(student_logits: Tensor, teacher_logits: Tensor, *, temperature: float = 1.0) -> Tensor:
    """½·mean over classes of (z_s − logit p_t)², logit p = log(p/(1−p)) (2004.05686 §4, logit loss, whose sum over
    classes is C times this).

    The student's raw scores are regressed on the teacher's log-odds, as in the paper. Its softmax is then sharper than
    the teacher's, with the same order of classes; a later stage on labels sets that right.

    Args:
        student_logits: [..., C], pre-softmax, finite, C ≥ 2.
        teacher_logits: [..., C], pre-softmax, finite.
        temperature: has no effect; taken so that all divergences are called alike.

    Returns:
        [...], ≥ 0, zero where the student's scores are the teacher's log-odds; fp32, or fp64 for fp64 inputs.

    Raises:
        ValueError: the shapes differ, or there is one class only.
    """
    del temperature
    _same_shape(student_logits, teacher_logits)
    return 0.5 * (at_least_fp32(student_logits) - log_odds(teacher_logits)).pow(2).mean(dim=-1)


def log_odds(logits: Tensor) -> Tensor:
    """log(p_c/(1−p_c)) = z_c − logsumexp_{k≠c} z_k of every class c; for two classes ±(z_0 − z_1).

    Args:
        logits: [..., C], pre-softmax, finite, C ≥ 2.

    Returns:
        [..., C], finite; fp32, or fp64 for fp64 inputs.

    Raises:
        ValueError: there is one class only, whose odds are infinite.
    """
    if logits.shape[-1] < 2:
        raise ValueError("log-odds need two classes or more")
    scores = at_least_fp32(logits)
    logs = scores.log_softmax(dim=-1)
    top = logs.argmax(dim=-1, keepdim=True)
    # All classes but the top one have p ≤ ½, where log(1 − p) loses nothing. The top one's 1 − p may round to zero, so
    # its rivals are summed without it: two passes over C instead of C² differences.
    is_top = logs.new_zeros(logs.shape).scatter(-1, top, 1.0).bool()
    rivals = scores.masked_fill(is_top, float("-inf")).logsumexp(dim=-1, keepdim=True)
    others = logs - logs.exp().masked_fill(is_top, 0.0).neg().log1p()
    return others.where(~is_top, scores - rivals)


def _same_shape(student_logits: Tensor, teacher_logits: Tensor) -> None:
    if student_logits.shape != teacher_logits.shape:
        raise ValueError(f"shapes differ: {tuple(student_logits.shape)} and {tuple(teacher_logits.shape)}")
