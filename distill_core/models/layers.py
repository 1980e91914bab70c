"""Which teacher layer a student layer is compared with, and which one it is made of: rules alone, no torch.

Training and the page's drawing of it ask the same functions.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from distill_core.arithmetic import layers_misfit
from distill_core.errors import CheckpointError

if TYPE_CHECKING:
    from distill_core.config import Objective

#: (student layer, teacher layer), each from 1
Pairs = list[tuple[int, int]]


def layer_map(student_layers: int, teacher_layers: int) -> list[int]:
    """Teacher layer for each student layer j = 1 … K: round(j·L/K), as in MT-BERT (2106.01023 §3.2).

    Halves are rounded up (Python's own `round` would go to the even neighbour and space the layers unevenly).
    With more student than teacher layers, the lowest student layers go to layer 1, never to the embeddings.

    Returns:
        K numbers in 1 … L, not decreasing, the last one L.

    Raises:
        ValueError: one of the counts is below 1.
    """
    if student_layers < 1 or teacher_layers < 1:
        raise ValueError(f"layer counts must be at least 1, not {student_layers} and {teacher_layers}")
    spread = [(2 * j * teacher_layers + student_layers) // (2 * student_layers) for j in range(1, student_layers + 1)]
    return [max(1, layer) for layer in spread]


# ---------------------------------------------------------------- what is compared


def layer_pairs(objective: Objective, student_layers: int, teacher_layers: int, *, deep: bool) -> Pairs:
    """Whose hidden states are compared.

    deep: the student is a transformer; a BiLSTM's last layer is compared alone, as its layers are no steps of depth.
    """
    if objective.hidden_teacher_layer is not None:
        return [(student_layers, min(objective.hidden_teacher_layer, teacher_layers))]
    if objective.hidden_layers == "last" or not deep:
        return _last(student_layers, teacher_layers)
    if objective.hidden_layers == "top":
        count = min(student_layers, teacher_layers)
        return [(student_layers - count + j, teacher_layers - count + j) for j in range(1, count + 1)]
    return _spread(student_layers, teacher_layers)


def _spread(student_layers: int, teacher_layers: int) -> Pairs:
    return list(enumerate(layer_map(student_layers, teacher_layers), start=1))


def _last(student_layers: int, teacher_layers: int) -> Pairs:
    return [(student_layers, teacher_layers)]


def _skipping_the_last(student_layers: int, teacher_layers: int) -> Pairs:
    """PKD-skip (1908.09355 §3): the last layer is left to the soft labels, unless it is the only one."""
    pairs = _spread(student_layers, teacher_layers)
    return pairs[:-1] if student_layers > 1 else pairs


def _every_with_every(student_layers: int, teacher_layers: int) -> Pairs:
    return [(own, layer) for own in range(1, student_layers + 1) for layer in range(1, teacher_layers + 1)]


#: term → its rule, of those that compare layers whatever the objective's other settings are
_RULES: dict[str, Callable[[int, int], Pairs]] = {
    "pkd": _skipping_the_last,
    "attention": _spread,
    "relations": _last,
    "emd": _every_with_every,
}


def compared(term: str, objective: Objective, student_layers: int, teacher_layers: int, *, deep: bool) -> Pairs:
    """The layers a term compares, student layers ascending; none for a term on predictions or pooled vectors.

    deep: see `layer_pairs`. With hidden states at the level "pooled" it is no layers but vectors that are compared.
    """
    if term == "hidden":
        return layer_pairs(objective, student_layers, teacher_layers, deep=deep)
    rule = _RULES.get(term)
    return rule(student_layers, teacher_layers) if rule else []


def hidden_level(wanted: str, *, same_tokeniser: bool, attends: bool) -> str:
    """ "token", "word" or "pooled": where hidden states are compared (2106.01023: token by token needs equal
    tokenisation). wanted: `objective.hidden_level`; attends: the student has attention."""
    if wanted != "auto":
        return wanted
    return "token" if same_tokeniser and attends else "word"


# ---------------------------------------------------------------- what is taken over


def chosen_layers(choice: str, student_layers: int, teacher_layers: int) -> list[int]:
    """Indices (from 0) of the teacher's layers that become the student's, in order.

    ``first``: 0 … K−1. ``last``: L−K … L−1. ``every_other``: spread evenly from the first on, ⌊j·L/K⌋ — every other
    one for K = L/2, as in DistilBERT (1910.01108 §3). ``remap``, for K ≥ L: 0 … L−1, then L−1 into all that remain, as
    in DWT's parameter remapping (2305.18239 §3).

    Raises:
        CheckpointError: with field ``student.layers``, when the teacher has fewer layers than the student wants, or
            with ``remap`` more.
    """
    misfit = layers_misfit(choice, student_layers, teacher_layers)
    if misfit:
        raise CheckpointError(misfit[0], hint=misfit[1], field="student.layers")
    if choice == "remap":
        return [min(layer, teacher_layers - 1) for layer in range(student_layers)]
    if choice == "first":
        return list(range(student_layers))
    if choice == "last":
        return list(range(teacher_layers - student_layers, teacher_layers))
    if choice == "every_other":
        return [j * teacher_layers // student_layers for j in range(student_layers)]
    raise ValueError(f"unknown layer choice {choice!r}")
