"""Factorised embeddings: a narrow table and a linear map to the model's width, after ALBERT (1909.11942 §3.1)."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from distill_core.arithmetic import factor_misfit
from distill_core.errors import CheckpointError
from distill_core.models.initialise import truncated_svd

#: standard deviation of a random embedding, BERT's own (1810.04805, `initializer_range`)
STD = 0.02


class FactorisedEmbedding(nn.Module):
    """Stands where an nn.Embedding [V, H] stood, with V·E + E·H parameters: ids → table [V, E] → map [H, E], no bias.

    Random factors are drawn so that the entries of their product have a standard deviation of 0.02; the padding row is
    0 and gets no gradient, as in nn.Embedding.

    Attributes:
        num_embeddings, embedding_dim: V and H, as nn.Embedding has them.
        rank: E.
        weight: the table [V, E].
        map: the linear map E → H.
    """

    def __init__(self, num_embeddings: int, embedding_dim: int, rank: int, *, padding_idx: int | None = None) -> None:
        super().__init__()
        self.num_embeddings, self.embedding_dim, self.rank = num_embeddings, embedding_dim, rank
        self.padding_idx = padding_idx
        self.weight = nn.Parameter(torch.empty(num_embeddings, rank))
        self.map = nn.Linear(rank, embedding_dim, bias=False)
        nn.init.normal_(self.weight, std=STD)
        nn.init.normal_(self.map.weight, std=1 / math.sqrt(rank))
        if padding_idx is not None:
            with torch.no_grad():
                self.weight[padding_idx].zero_()

    @classmethod
    def from_svd(cls, matrix: Tensor, rank: int, *, padding_idx: int | None = None) -> FactorisedEmbedding:
        """The best rank-E approximation of `matrix` [V, H]: table U_E·S_E, map V_E. 1 ≤ rank ≤ H."""
        made = cls(matrix.shape[0], matrix.shape[1], rank, padding_idx=padding_idx)
        made.set_factors(*truncated_svd(matrix, rank))
        return made

    @torch.no_grad()
    def set_factors(self, table: Tensor, directions: Tensor) -> None:
        """Takes over a table [V, E] and a map [H, E], in any precision."""
        self.weight.copy_(table)
        self.map.weight.copy_(directions)

    def forward(self, ids: Tensor) -> Tensor:
        """Ids of any shape → embeddings [..., H]."""
        return self.map(nn.functional.embedding(ids, self.weight, self.padding_idx))

    @torch.no_grad()
    def product(self) -> Tensor:
        """The matrix [V, H] that the factors stand for."""
        return self.weight @ self.map.weight.T

    def extra_repr(self) -> str:
        return f"{self.num_embeddings}, {self.embedding_dim}, rank={self.rank}, padding_idx={self.padding_idx}"


def install_factorised(encoder: PreTrainedModel, rank: int) -> FactorisedEmbedding:
    """Puts a random factorised embedding of this rank in the place of the encoder's word embedding, and gives it back.

    Raises:
        CheckpointError: with field ``student.embedding``, when the rank is not below the embedding's width.
    """
    before: Any = encoder.get_input_embeddings()
    if rank >= before.embedding_dim:
        message, hint = factor_misfit(rank, before.embedding_dim)
        raise CheckpointError(message, hint=hint, field="student.embedding")
    made = FactorisedEmbedding(before.num_embeddings, before.embedding_dim, rank, padding_idx=before.padding_idx)
    made.train(before.training)
    encoder.set_input_embeddings(made)  # type: ignore[arg-type]  # acts like the nn.Embedding it is annotated with
    return made


def random_directions(width: int, rank: int) -> Tensor:
    """A map [H, E] with orthonormal columns from torch's generator: it keeps all lengths and angles of a table's rows.

    1 ≤ rank ≤ width.
    """
    return nn.init.orthogonal_(torch.empty(width, rank))
