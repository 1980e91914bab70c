"""What a student takes over from a teacher: layers, tensor for tensor, or its embedding in fewer dimensions."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from distill_core.errors import CheckpointError
from distill_core.models.encoders import layer_prefix, word_embedding


@torch.no_grad()
def copy_layers(
    student: PreTrainedModel, teacher: PreTrainedModel, chosen: list[int], *, kept: np.ndarray | None = None
) -> None:
    """Copies embeddings, everything outside the layers, and the chosen layers (student's j-th = teacher's chosen[j]).

    ALBERT's layers are one shared set (or whole groups, taken from the front), so its weights are copied as they are.
    ModernBERT's first layer has no norm before its attention: a layer copied there leaves its own behind.

    Args:
        kept: old id of each of the student's pieces [K], ascending, where its vocabulary is smaller than the teacher's.

    Raises:
        CheckpointError: with field ``student.layers``, when a layer lacks what its place in the student needs.
    """
    prefix = layer_prefix(student) + "."
    shared = prefix.endswith("albert_layer_groups.")
    words = word_embedding(student)
    in_words = {name for name, parameter in student.named_parameters() if parameter is words}
    source = teacher.state_dict()
    for name, tensor in student.state_dict().items():
        origin = name
        if name.startswith(prefix) and not shared:
            number, rest = name[len(prefix) :].split(".", 1)
            origin = f"{prefix}{chosen[int(number)]}.{rest}"
        if origin not in source:
            raise CheckpointError(
                f"the teacher's first layer cannot be copied further up: it has no {origin.removeprefix(prefix)}.",
                hint="Choose another initialisation, or a teacher of more layers.",
                field="student.layers",
            )
        tensor.copy_(source[origin] if name not in in_words else rows_of(source[origin], kept))


def rows_of(matrix: Tensor, kept: np.ndarray | None) -> Tensor:
    """The rows [K, H] of a matrix [V, H] that `kept` [K] numbers; all of them for None."""
    return matrix if kept is None else matrix[torch.from_numpy(kept).to(matrix.device)]


def truncated_svd(matrix: Tensor, rank: int) -> tuple[Tensor, Tensor]:
    """U_E·S_E [V, E] and V_E [H, E] of a matrix [V, H]: their product U_E S_E V_Eᵀ is its best rank-E approximation.

    Worked out in float64 from the H×H Gram matrix (V is far larger than H); each direction's sign is fixed by its
    largest entry being positive. 1 ≤ rank ≤ H.
    """
    exact = matrix.detach().to("cpu", torch.float64)
    _, directions = torch.linalg.eigh(exact.T @ exact)
    directions = directions.flip(dims=(1,))[:, :rank]  # eigh sorts upwards
    largest = directions.abs().argmax(dim=0, keepdim=True)
    directions = directions * torch.where(directions.gather(0, largest) < 0, -1.0, 1.0)
    return exact @ directions, directions


@torch.no_grad()
def svd_embedding(
    target: nn.Embedding, teacher: PreTrainedModel, *, field: str, kept: np.ndarray | None = None
) -> None:
    """Fills a student's embedding [V, E] with U_E·S_E of the teacher's [V, H] (2004.05686 §3.2), padding row included.

    It is not rescaled, so that student · V_Eᵀ is the best rank-E approximation of what the teacher has. With a smaller
    vocabulary it is still the whole matrix that is decomposed, of which the rows `kept` are taken over: which pieces
    occur does not change what each of them means.

    Raises:
        CheckpointError: with `field`, when E is larger than H.
    """
    target.weight.copy_(teacher_factors(teacher, target.embedding_dim, field=field, kept=kept)[0])


def teacher_factors(
    teacher: PreTrainedModel, rank: int, *, field: str, kept: np.ndarray | None = None
) -> tuple[Tensor, Tensor]:
    """`truncated_svd` of a teacher's embedding [V, H]: the rows `kept` of U_E·S_E, [K, E], and V_E [H, E].

    Raises:
        CheckpointError: with `field`, when E is larger than H.
    """
    matrix = word_embedding(teacher)
    if rank > matrix.shape[1]:
        raise CheckpointError(
            f"the teacher's embedding is {matrix.shape[1]} wide; an SVD cannot make {rank} dimensions of it.",
            hint=f"Choose at most {matrix.shape[1]}, or random initialisation.",
            field=field,
        )
    table, directions = truncated_svd(matrix, rank)
    return rows_of(table, kept), directions
