"""A tiny random tagger that answers like a Teacher, with queries, keys and values, and encoded sentences for it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import nn

from distill_core.data.types import example_id
from distill_core.models.heads import TokenHead
from distill_core.models.types import Batch, Outputs
from distill_core.tasks.base import Encoded
from distill_core.tasks.tagging import encode_words
from tests.unit.signals.builders import TEXTS
from tests.unit.tasks.builders import byte_bpe

SENTENCES = [text.split() for text in TEXTS]
CLASSES, WIDTH = 5, 8


class TinyTagger(nn.Module):
    """One recurrent layer in double precision: what it says about a row does not depend on its neighbours."""

    def __init__(self) -> None:
        super().__init__()
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            self.embedding = nn.Embedding(400, WIDTH)
            self.mix = nn.GRU(WIDTH, WIDTH, batch_first=True)
            self.qkv = nn.Linear(WIDTH, 3 * WIDTH)
            self.head = TokenHead(WIDTH, CLASSES, dropout=0.0)
            nn.init.normal_(self.head.prediction.weight)
        self.double()
        self.asked = 0

    def forward(self, batch: Batch, layers: Sequence[int] = (), qkv: Sequence[int] = ()) -> Outputs:
        self.asked += len(batch.input_ids)
        embedded = self.embedding(batch.input_ids)
        states = self.mix(embedded)[0]
        logits, pooled, word_mask = self.head(states, batch.words)
        three = self.qkv(states).unflatten(-1, (3, WIDTH))
        hidden = {layer: (embedded, states)[layer] for layer in layers}
        return Outputs(logits, pooled, hidden, dict.fromkeys(qkv, three), word_mask)


def sentences(given: list[list[str]] | None = None, max_tokens: int = 12) -> tuple[Encoded, list[str]]:
    """Encoded sentences, the longer ones cut, and their ids."""
    given = SENTENCES if given is None else given
    return encode_words(byte_bpe(), given, max_tokens), [example_id(" ".join(words)) for words in given]


def cut_words(encoded: Encoded) -> np.ndarray:
    """[U] bool: which given words lost all their pieces."""
    seen = [np.isin(np.arange(n), w) for n, w in zip(encoded.word_counts, encoded.words, strict=True)]
    return ~np.concatenate(seen)
