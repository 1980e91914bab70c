"""A tiny random BERT that answers like a Teacher, and encoded examples for it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import nn
from transformers import BertConfig, BertModel

from distill_core.data.types import Rows
from distill_core.models.encoders import model_inputs
from distill_core.models.types import Batch, Outputs
from distill_core.tasks.base import Encoded
from distill_core.tasks.classification import encode
from tests.unit.tasks.builders import wordpiece

TEXTS = [
    "the cat sat on the mat.",
    "unbelievably",
    "please cancel my subscription; i don't want it any more?",
    "dog",
    "the parcel was damaged (again) and support never answered.",
    "order #4512 arrived in twenty-two days!",
    "cat dog mat",
    "ran away quickly, and the dog ran away again",
]


class TinyTeacher(nn.Module):
    def __init__(self, classes: int = 3, scale: float = 1.0) -> None:
        super().__init__()
        torch.manual_seed(0)
        config = BertConfig(
            vocab_size=128, hidden_size=16, num_hidden_layers=2, num_attention_heads=2, intermediate_size=32
        )
        self.encoder = BertModel(config, add_pooling_layer=False)
        self.head = nn.Linear(16, classes)
        self.scale = scale
        self.asked: list[int] = []

    def forward(self, batch: Batch, layers: Sequence[int] = ()) -> Outputs:
        self.asked.append(len(batch.input_ids))
        found = self.encoder(**model_inputs(self.encoder, batch), output_hidden_states=True)
        pooled = found.last_hidden_state[:, 0] * self.scale
        hidden = {layer: found.hidden_states[layer] * self.scale for layer in layers}
        return Outputs(logits=self.head(pooled), pooled=pooled, hidden=hidden)


def examples(texts: Sequence[str] = TEXTS, max_tokens: int = 24) -> tuple[Encoded, list[str]]:
    rows = Rows(list(texts), None, np.zeros(len(texts), dtype=np.int64), list(range(1, len(texts) + 1)))
    return encode(wordpiece(), rows, max_tokens), rows.ids
