"""Pooling and prediction on top of an encoder."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from distill_core.models.words import first_piece_states, zero_outside

#: width of the attention query, as in MT-BERT
QUERY_WIDTH = 200
#: dropout before the prediction where the config sets none
HEAD_DROPOUT = 0.1


class SharedHead(nn.Module):
    """Additive attention over tokens, then one linear layer; co-finetuned teachers use one object of it together.

    a_t = softmax_t(q·tanh(V h_t + b)), v = Σ_t a_t h_t, z = W v + c (2106.01023 §3.1; the paper names the pooling
    without its formula, so this is the usual additive attention with a query of width 200).

    Parameters: width·200 + 200 + 200 + width·classes + classes.
    """

    def __init__(self, width: int, classes: int, *, dropout: float = HEAD_DROPOUT) -> None:
        super().__init__()
        self.width = width
        self.attention = nn.Linear(width, QUERY_WIDTH)
        self.query = nn.Parameter(torch.empty(QUERY_WIDTH))
        self.dropout = nn.Dropout(dropout)
        self.prediction = nn.Linear(width, classes)
        nn.init.xavier_uniform_(self.attention.weight)
        nn.init.zeros_(self.attention.bias)
        # A small query starts near the mean of all tokens; a small prediction layer starts near equal classes.
        nn.init.normal_(self.query, std=QUERY_WIDTH**-0.5)
        nn.init.normal_(self.prediction.weight, std=0.02)
        nn.init.zeros_(self.prediction.bias)

    def forward(self, states: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """States [B, T, width], mask [B, T] bool (True = real, at least one a row) → logits [B, C], v [B, width]."""
        scores = torch.tanh(self.attention(states)) @ self.query
        attention = scores.masked_fill(~mask, float("-inf")).softmax(dim=-1)
        pooled = (attention.unsqueeze(1) @ states).squeeze(1)
        return self.prediction(self.dropout(pooled)), pooled


class TokenHead(nn.Module):
    """Dropout and one linear layer on the state of each word's first piece; the head of teachers that tag words.

    Co-finetuned teachers use one object of it together, as of `SharedHead`. Parameters: width·classes + classes.
    """

    def __init__(self, width: int, classes: int, *, dropout: float = HEAD_DROPOUT) -> None:
        super().__init__()
        self.width = width
        self.dropout = nn.Dropout(dropout)
        self.prediction = nn.Linear(width, classes)
        nn.init.normal_(self.prediction.weight, std=0.02)
        nn.init.zeros_(self.prediction.bias)

    def forward(self, states: Tensor, words: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """States [B, T, width], words [B, T] (as `Batch.words`) → logits [B, W, C], states at the words' first pieces
        [B, W, width], mask [B, W] bool; logits and states are zero where the mask is False."""
        pooled, mask = first_piece_states(states, words)
        return zero_outside(self.prediction(self.dropout(pooled)), mask), pooled, mask


class MaskedHead(nn.Module):
    """Guesses pieces: Linear → GELU → LayerNorm, then the scores of all pieces by the input embedding's own table, and
    a bias each (1810.04805; BERT's masked-LM head). The table is given at every call: it stays the embedding's.

    Parameters: width·embedding + embedding + 2·embedding + pieces.
    """

    def __init__(self, width: int, embedding: int, pieces: int) -> None:
        super().__init__()
        self.dense = nn.Linear(width, embedding)
        self.norm = nn.LayerNorm(embedding, eps=1e-12)
        self.bias = nn.Parameter(torch.zeros(pieces))
        nn.init.normal_(self.dense.weight, std=0.02)
        nn.init.zeros_(self.dense.bias)

    def forward(self, states: Tensor, words: Any) -> Tensor:
        """States [..., width], the encoder's word embedding (an nn.Embedding, or a factorised one) → [..., pieces]."""
        found = self.norm(F.gelu(self.dense(states)))
        if hasattr(words, "map"):  # table [V, E] and map E → H: the product is never built
            found = found @ words.map.weight
        return F.linear(found, words.weight, self.bias)
