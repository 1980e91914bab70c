"""Which teacher layer a student layer is compared with."""

from __future__ import annotations


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
