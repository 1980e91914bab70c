"""Hidden states: the student's follow the teacher's, projected to its width (2106.01023; TinyBERT, 1909.10351)."""

from __future__ import annotations

from torch import Tensor

from distill_core.losses.precision import at_least_fp32


def hidden_mse(student_states: Tensor, teacher_states: Tensor, mask: Tensor) -> Tensor:
    """Mean squared difference over an example's real positions and the width: L_hid of 2106.01023, one pair of layers.

    Args:
        student_states: [B, U, H]; U counts tokens or words.
        teacher_states: [B, U, H], already projected to the student's width.
        mask: [B, U] bool, True on the positions that count. Whatever stands elsewhere, NaN included, has no effect.

    Returns:
        [B], ≥ 0, zero for equal states and for an example without real positions; fp32, or fp64 for fp64 inputs.

    Raises:
        ValueError: the shapes do not fit together.
    """
    if student_states.shape != teacher_states.shape or student_states.shape[:2] != mask.shape:
        raise ValueError(
            f"shapes differ: student {tuple(student_states.shape)}, teacher {tuple(teacher_states.shape)}, "
            f"mask {tuple(mask.shape)}"
        )
    difference = at_least_fp32(student_states) - at_least_fp32(teacher_states)
    # Filled before squaring, so that not even a NaN under the mask reaches value or gradient.
    squares = difference.masked_fill(~mask.unsqueeze(-1), 0.0).pow(2)
    positions = mask.sum(dim=1).clamp(min=1)
    return squares.sum(dim=(1, 2)) / (positions * student_states.shape[2])


def pooled_mse(student_vectors: Tensor, teacher_vectors: Tensor) -> Tensor:
    """Mean squared difference of two vectors, per example (representation loss of 1910.01769).

    Args:
        student_vectors: [B, P]. teacher_vectors: [B, P], already projected to the student's width.

    Returns:
        [B], ≥ 0, zero for equal vectors; fp32, or fp64 for fp64 inputs.

    Raises:
        ValueError: the shapes differ.
    """
    if student_vectors.shape != teacher_vectors.shape:
        raise ValueError(f"shapes differ: {tuple(student_vectors.shape)} and {tuple(teacher_vectors.shape)}")
    return (at_least_fp32(student_vectors) - at_least_fp32(teacher_vectors)).pow(2).mean(dim=-1)
