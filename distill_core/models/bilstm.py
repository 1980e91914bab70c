"""The BiLSTM student: embedding → BiLSTM → pooling → (projection) → classes, after 1910.01769 §3."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence, pack_padded_sequence, pad_packed_sequence

from distill_core.models.base import Student
from distill_core.models.encoders import check_layers
from distill_core.models.types import Batch, Outputs

#: standard deviation of a random embedding: about the scale of trained word vectors, far below torch's default of 1
EMBEDDING_STD = 0.1


@dataclass(frozen=True)
class BiLSTMShape:
    """Everything the module is built from; widths in units, `padding_id` an index into the vocabulary."""

    vocab_size: int
    embedding: int
    lstm_hidden: int
    lstm_layers: int
    pooling: str
    projection: int | None
    classes: int
    padding_id: int
    dropout: float


class BiLSTMClassifier(Student):
    """Dropout after the embedding, between LSTM layers, after pooling and after the projection.

    Sequences are packed, so padding reaches neither direction. `hidden[k]` are the states [B, T, 2·lstm_hidden] of LSTM
    layer k (zero on padding), `hidden[0]` the embeddings [B, T, embedding]. `pooled` is what the last layer reads:
    the projection's output, or the pooled states without one.
    """

    def __init__(self, shape: BiLSTMShape, tokenizer: Any) -> None:
        super().__init__()
        self.shape, self.tokenizer = shape, tokenizer
        self.layers, self.width, self.classes = shape.lstm_layers, 2 * shape.lstm_hidden, shape.classes
        self.pooled_width = shape.projection or self.width
        self.architecture = {"kind": "bilstm", **asdict(shape)}
        self.embedding = nn.Embedding(shape.vocab_size, shape.embedding, padding_idx=shape.padding_id)
        # One module a layer, as the states of each are asked for; its parameters equal those of one deep nn.LSTM.
        self.lstm = nn.ModuleList(
            nn.LSTM(
                shape.embedding if layer == 0 else self.width, shape.lstm_hidden, batch_first=True, bidirectional=True
            )
            for layer in range(shape.lstm_layers)
        )
        self.dropout = nn.Dropout(shape.dropout)
        self.projection = nn.Linear(self.width, shape.projection) if shape.projection else None
        self.prediction = nn.Linear(self.pooled_width, shape.classes)
        nn.init.normal_(self.embedding.weight, std=EMBEDDING_STD)
        with torch.no_grad():
            self.embedding.weight[shape.padding_id].zero_()

    def forward(self, batch: Batch, layers: Sequence[int] = ()) -> Outputs:
        check_layers(layers, self.layers)
        embedded = self.embedding(batch.input_ids)
        hidden = {0: embedded} if 0 in layers else {}
        # Packing wants lengths on the CPU; real pieces stand at the front of each row.
        lengths = batch.mask.sum(dim=1).clamp(min=1).cpu()
        packed = pack_padded_sequence(self.dropout(embedded), lengths, batch_first=True, enforce_sorted=False)
        states, final = embedded, embedded
        for number, lstm in enumerate(self.lstm, start=1):
            packed, (final, _) = lstm(packed)
            if number in layers or number == self.layers:
                states = pad_packed_sequence(packed, batch_first=True, total_length=batch.mask.shape[1])[0]
                if number in layers:
                    hidden[number] = states
            if number < self.layers:
                packed = _dropped(packed, self.dropout)
        pooled = self._pool(states, final, batch.mask)
        if self.projection is not None:
            pooled = nn.functional.gelu(self.projection(self.dropout(pooled)))
        return Outputs(self.prediction(self.dropout(pooled)), pooled, hidden)

    def _pool(self, states: Tensor, final: Tensor, mask: Tensor) -> Tensor:
        """[B, T, 2H] → [B, 2H]. `final` [2, B, H]: each direction's last state, the backward one's at the start."""
        real = mask.unsqueeze(-1)
        if self.shape.pooling == "max":
            return states.masked_fill(~real, float("-inf")).amax(dim=1)
        if self.shape.pooling == "mean":
            return states.masked_fill(~real, 0.0).sum(dim=1) / real.sum(dim=1).clamp(min=1)
        return torch.cat([final[0], final[1]], dim=-1)


def _dropped(packed: PackedSequence, dropout: nn.Module) -> PackedSequence:
    return PackedSequence(dropout(packed.data), packed.batch_sizes, packed.sorted_indices, packed.unsorted_indices)
