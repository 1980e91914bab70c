"""Hidden states: the student's follow the teacher's, projected to its width (2106.01023; TinyBERT, 1909.10351)."""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
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
    _fitting(student_states, teacher_states, mask)
    difference = at_least_fp32(student_states) - at_least_fp32(teacher_states)
    # Filled before squaring, so that not even a NaN under the mask reaches value or gradient.
    squares = difference.masked_fill(~mask.unsqueeze(-1), 0.0).pow(2)
    positions = mask.sum(dim=1).clamp(min=1)
    return squares.sum(dim=(1, 2)) / (positions * student_states.shape[2])


def hidden_cosine(student_states: Tensor, teacher_states: Tensor, mask: Tensor) -> Tensor:
    """1 − cos(student, teacher), mean over an example's real positions (cosine loss of DistilBERT, 1910.01108).

    A state of zeros has no direction: it costs ½ against any other, nothing against another of zeros.

    Args, Raises:
        As `hidden_mse`.

    Returns:
        [B] in [0, 2], zero for states of equal direction and for an example without real positions; fp32, or fp64 for
        fp64 inputs.
    """
    _fitting(student_states, teacher_states, mask)
    return _masked_mean(pooled_cosine(_filled(student_states, mask), _filled(teacher_states, mask)), mask)


def hidden_kl(student_states: Tensor, teacher_states: Tensor, mask: Tensor) -> Tensor:
    """KL(softmax(teacher) ‖ softmax(student)) over the width, mean over an example's real positions (2004.05686).

    Args, Raises:
        As `hidden_mse`.

    Returns:
        [B] in nats, ≥ 0, zero for equal states and for an example without real positions; fp32, or fp64 for fp64
        inputs.
    """
    _fitting(student_states, teacher_states, mask)
    return _masked_mean(pooled_kl(_filled(student_states, mask), _filled(teacher_states, mask)), mask)


def pooled_mse(student_vectors: Tensor, teacher_vectors: Tensor) -> Tensor:
    """Mean squared difference of two vectors, per example (representation loss of 1910.01769).

    Args:
        student_vectors: [B, P]. teacher_vectors: [B, P], already projected to the student's width.

    Returns:
        [B], ≥ 0, zero for equal vectors; fp32, or fp64 for fp64 inputs.

    Raises:
        ValueError: the shapes differ.
    """
    _equal(student_vectors, teacher_vectors)
    return (at_least_fp32(student_vectors) - at_least_fp32(teacher_vectors)).pow(2).mean(dim=-1)


def pooled_cosine(student_vectors: Tensor, teacher_vectors: Tensor) -> Tensor:
    """1 − cos of two vectors, per example (1910.01769, cosine distance). A vector of zeros: as in `hidden_cosine`.

    Args, Raises:
        As `pooled_mse`, with any leading axes.

    Returns:
        [B] in [0, 2], zero for equal directions; fp32, or fp64 for fp64 inputs.
    """
    _equal(student_vectors, teacher_vectors)
    # Half the squared distance of unit vectors is 1 − cos, without the cancellation where the cosine is nearly one.
    return 0.5 * (_direction(student_vectors) - _direction(teacher_vectors)).pow(2).sum(dim=-1)


def pooled_kl(student_vectors: Tensor, teacher_vectors: Tensor) -> Tensor:
    """KL(softmax(teacher) ‖ softmax(student)) over the width, per example (1910.01769).

    Args, Raises:
        As `pooled_mse`, with any leading axes.

    Returns:
        [B] in nats, ≥ 0, zero for equal vectors; fp32, or fp64 for fp64 inputs.
    """
    _equal(student_vectors, teacher_vectors)
    student = F.log_softmax(at_least_fp32(student_vectors), dim=-1)
    teacher = F.log_softmax(at_least_fp32(teacher_vectors), dim=-1)
    return F.kl_div(student, teacher, reduction="none", log_target=True).sum(dim=-1)


def pkd(student_vectors: Tensor, teacher_vectors: Tensor) -> Tensor:
    """Mean squared difference of the L2-normalised first-token states of one pair of layers (PKD, 1908.09355 §3).

    The mean over the width; the paper's formula sums, which is H times as much.

    Args:
        student_vectors: [B, H]. teacher_vectors: [B, H], already projected to the student's width.

    Returns:
        [B] in [0, 4/H], zero for vectors of equal direction; fp32, or fp64 for fp64 inputs.

    Raises:
        ValueError: the shapes differ.
    """
    _equal(student_vectors, teacher_vectors)
    return (_direction(student_vectors) - _direction(teacher_vectors)).pow(2).mean(dim=-1)


#: losses on states under a mask, by the name of `objective.hidden_loss`
HIDDEN: dict[str, Callable[[Tensor, Tensor, Tensor], Tensor]] = {
    "mse": hidden_mse,
    "cosine": hidden_cosine,
    "kl": hidden_kl,
}

#: the same on one vector an example
POOLED: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "mse": pooled_mse,
    "cosine": pooled_cosine,
    "kl": pooled_kl,
}


def _direction(vectors: Tensor) -> Tensor:
    """Vectors of length one; zeros stay zeros, with a finite gradient."""
    values = at_least_fp32(vectors)
    largest = values.detach().abs().amax(dim=-1, keepdim=True)
    # Scaled first, so that squares neither overflow nor vanish; a direction does not depend on the scale, so the scale
    # needs no gradient. After it every vector but zero has a length of at least one.
    scaled = values / torch.where(largest > 0, largest, torch.ones_like(largest))
    return scaled * scaled.pow(2).sum(dim=-1, keepdim=True).clamp(min=1.0).rsqrt()


def _filled(states: Tensor, mask: Tensor) -> Tensor:
    """Zeros off the mask, before anything is computed: no NaN there reaches value or gradient."""
    return states.masked_fill(~mask.unsqueeze(-1), 0.0)


def _masked_mean(values: Tensor, mask: Tensor) -> Tensor:
    return values.masked_fill(~mask, 0.0).sum(dim=1) / mask.sum(dim=1).clamp(min=1)


def _fitting(student_states: Tensor, teacher_states: Tensor, mask: Tensor) -> None:
    if student_states.shape != teacher_states.shape or student_states.shape[:2] != mask.shape:
        raise ValueError(
            f"shapes differ: student {tuple(student_states.shape)}, teacher {tuple(teacher_states.shape)}, "
            f"mask {tuple(mask.shape)}"
        )


def _equal(student_vectors: Tensor, teacher_vectors: Tensor) -> None:
    if student_vectors.shape != teacher_vectors.shape:
        raise ValueError(f"shapes differ: {tuple(student_vectors.shape)} and {tuple(teacher_vectors.shape)}")
