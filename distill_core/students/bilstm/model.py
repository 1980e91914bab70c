"""The BiLSTM student: embedding → BiLSTM → pooling → (projection) → classes, after 1910.01769 §3."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence, pack_padded_sequence, pad_packed_sequence

from distill_core.models.base import Origin, Student, check_task
from distill_core.models.encoders import check_layers
from distill_core.models.initialise import svd_embedding
from distill_core.models.mixing import embed
from distill_core.models.onnx_ops import onnx_lstm
from distill_core.models.types import Batch, Outputs
from distill_core.models.words import first_piece_states, zero_outside
from distill_core.students.bilstm.padded import PaddedTexts
from distill_core.students.bilstm.section import BiLSTMStudent

#: standard deviation of a random embedding: about the scale of trained word vectors, far below torch's default of 1
EMBEDDING_STD = 0.1


@dataclass(frozen=True)
class BiLSTMShape:
    """Everything the module is built from; widths in units, `padding_id` an index into the vocabulary.

    embedding_dropout: after the embedding; None: `dropout`, which acts everywhere else. task: ``classification``, or
    ``tagging``, where each word has its own state and `pooling` is not used.
    """

    vocab_size: int
    embedding: int
    lstm_hidden: int
    lstm_layers: int
    pooling: str
    projection: int | None
    classes: int
    padding_id: int
    dropout: float
    embedding_dropout: float | None = None
    task: str = "classification"


class BiLSTMClassifier(Student):
    """Dropout after the embedding, between LSTM layers, after pooling and after the projection.

    Padding reaches neither direction. `hidden[k]` are the states [B, T, 2·lstm_hidden] of LSTM
    layer k (zero on padding), `hidden[0]` the embeddings [B, T, embedding]. `pooled` is what the last layer reads:
    the projection's output, or the pooled states without one. In tagging the state at each word's first piece takes
    the place of the pooled one (as in XtremeDistil, 2004.05686), so that `pooled` is [B, W, P].

    Args:
        shape: what to build.
        tokenizer: kept beside the model.
        task: replaces `shape.task` where given.
    """

    def __init__(self, shape: BiLSTMShape, tokenizer: Any, *, task: str | None = None) -> None:
        super().__init__()
        shape = shape if task is None else replace(shape, task=task)
        check_task(shape.task)
        self.shape, self.tokenizer, self.task = shape, tokenizer, shape.task
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
        after_embedding = shape.dropout if shape.embedding_dropout is None else shape.embedding_dropout
        self.embedding_dropout = nn.Dropout(after_embedding)
        self.projection = nn.Linear(self.width, shape.projection) if shape.projection else None
        self.prediction = self.new_prediction()
        nn.init.normal_(self.embedding.weight, std=EMBEDDING_STD)
        with torch.no_grad():
            self.embedding.weight[shape.padding_id].zero_()

    @classmethod
    def build(cls, section: BiLSTMStudent, origin: Origin) -> BiLSTMClassifier:
        shape = BiLSTMShape(
            vocab_size=origin.pieces,
            embedding=section.embedding,
            lstm_hidden=section.lstm_hidden,
            lstm_layers=section.lstm_layers,
            pooling=section.pooling,
            projection=section.projection,
            classes=origin.classes,
            padding_id=origin.tokenizer.pad_token_id,
            dropout=section.dropout,
            embedding_dropout=section.embedding_dropout,
            task=origin.task,
        )
        student = cls(shape, origin.tokenizer)
        if section.initialise == "svd":
            svd_embedding(student.embedding, origin.teacher.encoder, field="student.embedding", kept=origin.kept)
        return student

    @classmethod
    def rebuild(cls, values: dict[str, Any], tokenizer: Any) -> BiLSTMClassifier:
        return cls(BiLSTMShape(**values), tokenizer)

    def forward(self, batch: Batch, layers: Sequence[int] = (), qkv: Sequence[int] = ()) -> Outputs:
        check_layers(layers, self.layers)
        if qkv:
            raise ValueError("a BiLSTM has no attention, so it has no queries, keys and values")
        embedded = embed(batch, self.embedding)
        hidden = {0: embedded} if 0 in layers else {}
        if torch.onnx.is_in_onnx_export():
            states, final = self._unpacked(embedded, batch.mask)
            return self._answers(batch, states, final, hidden)
        dropped = self.embedding_dropout(embedded)
        through = self._packed if embedded.is_cuda else self._padded
        # Always in fp32: rounding adds up over the steps, and not every device has a bf16 LSTM.
        with torch.autocast(embedded.device.type, enabled=False):
            states, final = through(dropped, batch.mask, layers, hidden)
        return self._answers(batch, states, final, hidden)

    def _padded(
        self, states: Tensor, mask: Tensor, layers: Sequence[int], hidden: dict[int, Tensor]
    ) -> tuple[Tensor, Tensor]:
        """[B, T, D] → the last layer's states [B, T, 2H], zero on padding, and each direction's last state [2, B, H];
        `hidden` gets the layers that are asked for."""
        texts, final = PaddedTexts(mask), states
        for number, lstm in enumerate(self.lstm, start=1):
            states, final = texts.through(cast(nn.LSTM, lstm), states)
            if number in layers:
                hidden[number] = states
            if number < self.layers:
                states = self.dropout(states)
        return states, final

    def _packed(
        self, states: Tensor, mask: Tensor, layers: Sequence[int], hidden: dict[int, Tensor]
    ) -> tuple[Tensor, Tensor]:
        """As `_padded`, by cuDNN, which takes packed texts."""
        # Packing wants lengths on the CPU; real pieces stand at the front of each row.
        lengths = mask.sum(dim=1).clamp(min=1).cpu()
        packed = pack_padded_sequence(states, lengths, batch_first=True, enforce_sorted=False)
        final = states
        for number, lstm in enumerate(self.lstm, start=1):
            packed, (final, _) = lstm(packed)
            if number in layers or number == self.layers:
                states = pad_packed_sequence(packed, batch_first=True, total_length=mask.shape[1])[0]
                if number in layers:
                    hidden[number] = states
            if number < self.layers:
                packed = _dropped(packed, self.dropout)
        return states, final

    def _unpacked(self, states: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """As packed, without dropout, for graphs that leave torch: last layer's states [B, T, 2H], zero on padding, and
        each direction's last state [2, B, H]. ONNX's own LSTM is told each row's length, so padding reaches neither
        direction."""
        lengths = mask.sum(dim=1).clamp(min=1).to(torch.int32)
        final = states
        for lstm in self.lstm:
            states, final = onnx_lstm(cast(nn.LSTM, lstm), states, lengths)
        return states, final

    def _answers(self, batch: Batch, states: Tensor, final: Tensor, hidden: dict[int, Tensor]) -> Outputs:
        """From the last layer's states to logits."""
        if self.unit == "word":
            pooled, word_mask = first_piece_states(states, batch.words)
            pooled = zero_outside(self._project(pooled), word_mask)
            logits = zero_outside(self.prediction(self.dropout(pooled)), word_mask)
            return Outputs(logits, pooled, hidden, word_mask=word_mask)
        pooled = self._project(self._pool(states, final, batch.mask))
        return Outputs(self.prediction(self.dropout(pooled)), pooled, hidden)

    def upper_parts(self) -> list[tuple[str, nn.Module]]:
        projection = [] if self.projection is None else [("projection", self.projection)]
        lstm = [(f"LSTM layer {number}", self.lstm[number - 1]) for number in range(self.layers, 0, -1)]
        return [("head", self.prediction), *projection, *lstm]

    def new_prediction(self) -> nn.Linear:
        return nn.Linear(self.pooled_width, self.classes)

    def _project(self, pooled: Tensor) -> Tensor:
        """[…, 2H] → […, P]: the GELU projection, where there is one."""
        return pooled if self.projection is None else nn.functional.gelu(self.projection(self.dropout(pooled)))

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
