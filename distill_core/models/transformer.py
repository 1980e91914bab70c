"""The transformer student: an encoder and one linear layer on its first token."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from torch import nn
from transformers import BertConfig, PreTrainedModel

from distill_core.config import TransformerStudent
from distill_core.models.base import Student
from distill_core.models.encoders import describe, run_encoder
from distill_core.models.types import Batch, Outputs

#: a student never has fewer positions than this, so that it can later read somewhat longer inputs
LEAST_POSITIONS = 64


class TransformerClassifier(Student):
    """Encoder → dropout → Linear(width, classes) on the first token's last state, which is also `pooled`."""

    def __init__(self, encoder: PreTrainedModel, tokenizer: Any, *, classes: int, dropout: float) -> None:
        super().__init__()
        self.encoder, self.tokenizer, self.classes = encoder, tokenizer, classes
        self.layers, self.width = encoder.config.num_hidden_layers, encoder.config.hidden_size
        self.pooled_width = self.width
        self.dropout = nn.Dropout(dropout)
        self.prediction = nn.Linear(self.width, classes)
        nn.init.normal_(self.prediction.weight, std=0.02)
        nn.init.zeros_(self.prediction.bias)
        self.architecture = {
            "kind": "transformer",
            "encoder": describe(encoder.config),
            "classes": classes,
            "dropout": dropout,
        }

    def forward(self, batch: Batch, layers: Sequence[int] = ()) -> Outputs:
        states, hidden = run_encoder(self.encoder, batch, layers)
        pooled = states[:, 0]
        return Outputs(self.prediction(self.dropout(pooled)), pooled, hidden)


def bert_config(section: TransformerStudent, *, vocab_size: int, padding_id: int, max_tokens: int) -> BertConfig:
    """The BERT of the student's own sizes, with positions for max(64, max_tokens) pieces."""
    return BertConfig(
        vocab_size=vocab_size,
        hidden_size=section.hidden,
        num_hidden_layers=section.layers,
        num_attention_heads=section.heads,
        intermediate_size=section.intermediate or 4 * section.hidden,
        max_position_embeddings=max(LEAST_POSITIONS, max_tokens),
        type_vocab_size=2,
        pad_token_id=padding_id,
        hidden_dropout_prob=section.dropout,
        attention_probs_dropout_prob=section.dropout,
    )
