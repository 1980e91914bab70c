"""Attention: the student's layers attend as the teacher's do (TinyBERT, 1909.10351; MiniLMv2, 2012.15828)."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor

from distill_core.losses.precision import at_least_fp32

#: stands for −∞ at keys that do not exist: its softmax is exactly zero, and differences with it stay finite
_NOWHERE = -1e30


def attention_scores_mse(
    student_q: Tensor,
    student_k: Tensor,
    teacher_q: Tensor,
    teacher_k: Tensor,
    mask: Tensor,
    *,
    student_heads: int,
    teacher_heads: int,
) -> Tensor:
    """MSE of attention scores QKᵀ/√d before the softmax, head by head (TinyBERT's L_attn, 1909.10351 §3).

    d is a head's width, each side's own: the widths may differ, the numbers of heads may not.

    Args:
        student_q, student_k: [B, T, H_s], queries and keys of one layer, heads side by side.
        teacher_q, teacher_k: [B, T, H_t], of the teacher's matched layer, on the same tokens.
        mask: [B, T] bool, True on real pieces. Whatever stands elsewhere, NaN included, has no effect.
        student_heads, teacher_heads: numbers of heads.

    Returns:
        [B], mean over heads and pairs of real positions, ≥ 0, zero for equal scores and for an example without real
        positions; fp32, or fp64 for fp64 inputs.

    Raises:
        ValueError: the shapes do not fit together, the heads differ in number, or do not divide the width.
    """
    if student_heads != teacher_heads:
        raise ValueError(f"attention scores need equal heads, not {student_heads} and {teacher_heads}")
    if student_q.shape != student_k.shape or teacher_q.shape != teacher_k.shape:
        raise ValueError("queries and keys of one model must have one shape")
    _fitting(student_q, teacher_q, mask)
    student = _scores(student_q, student_k, mask, student_heads)
    teacher = _scores(teacher_q, teacher_k, mask, teacher_heads)
    # Positions off the mask are zeros on both sides, so their pairs add nothing.
    pairs = mask.sum(dim=1).clamp(min=1).pow(2) * student_heads
    return (student - teacher).pow(2).sum(dim=(1, 2, 3)) / pairs


def attention_relations_kl(
    student_states: Tensor, teacher_states: Tensor, mask: Tensor, *, relation_heads: int
) -> Tensor:
    """KL(teacher ‖ student) of self-relations softmax(XXᵀ/√d_r) of queries, keys or values (2012.15828 §3).

    X is split anew into relation heads of width d_r = H/relation_heads, each side's own: widths and attention heads
    may differ between the two.

    Args:
        student_states: [B, T, H_s], one of queries, keys or values of one layer, heads side by side.
        teacher_states: [B, T, H_t], the same one of the teacher's layer, on the same tokens.
        mask: [B, T] bool, True on real pieces. Whatever stands elsewhere, NaN included, has no effect.
        relation_heads: must divide both widths.

    Returns:
        [B] in nats, mean over relation heads and real query rows, ≥ 0, zero for equal relations and for an example
        without real positions; fp32, or fp64 for fp64 inputs.

    Raises:
        ValueError: the shapes do not fit together, or relation_heads does not divide a width.
    """
    _fitting(student_states, teacher_states, mask)
    student = _relations(student_states, mask, relation_heads)
    teacher = _relations(teacher_states, mask, relation_heads)
    rows = F.kl_div(student, teacher, reduction="none", log_target=True).sum(dim=-1)
    rows = rows.masked_fill(~mask[:, None, :], 0.0)
    return rows.sum(dim=(1, 2)) / (mask.sum(dim=1).clamp(min=1) * relation_heads)


def _relations(states: Tensor, mask: Tensor, heads: int) -> Tensor:
    """[B, heads, T, T]: log-softmax over real keys of each row."""
    scores = _scores(states, states, mask, heads)
    return scores.masked_fill(~mask[:, None, None, :], _NOWHERE).log_softmax(dim=-1)


def _scores(queries: Tensor, keys: Tensor, mask: Tensor, heads: int) -> Tensor:
    """[B, heads, T, T]: QKᵀ/√d, zero wherever one side of the pair is off the mask."""
    asked, offered = _split(queries, mask, heads), _split(keys, mask, heads)
    return asked @ offered.transpose(-1, -2) / asked.shape[-1] ** 0.5


def _split(states: Tensor, mask: Tensor, heads: int) -> Tensor:
    """[B, heads, T, H/heads], zeros off the mask."""
    if heads < 1 or states.shape[-1] % heads:
        raise ValueError(f"{heads} heads do not divide a width of {states.shape[-1]}")
    filled = at_least_fp32(states).masked_fill(~mask.unsqueeze(-1), 0.0)
    return filled.unflatten(-1, (heads, -1)).transpose(1, 2)


def _fitting(student: Tensor, teacher: Tensor, mask: Tensor) -> None:
    if student.ndim != 3 or student.shape[:2] != teacher.shape[:2] or student.shape[:2] != mask.shape:
        raise ValueError(
            f"shapes differ: student {tuple(student.shape)}, teacher {tuple(teacher.shape)}, mask {tuple(mask.shape)}"
        )
