"""Saved students that teach in turn: teaching assistants between a large teacher and a small student (1902.03393)."""

from __future__ import annotations

from collections.abc import Sequence
from types import SimpleNamespace
from typing import cast

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from distill_core.checkpoints import CheckpointInfo
from distill_core.models.base import Student
from distill_core.models.saving import load_student
from distill_core.models.teacher import Teacher
from distill_core.models.types import Batch, Outputs


class _Reader(nn.Module):
    """A student of its own kind seen as an encoder: its sizes and its table of pieces, which is all that is asked."""

    def __init__(self, student: Student) -> None:
        super().__init__()
        self.student = student
        self.config = SimpleNamespace(
            model_type=student.architecture["kind"],
            num_hidden_layers=student.layers,
            hidden_size=student.width,
            num_attention_heads=0,
        )

    def get_input_embeddings(self) -> nn.Embedding:
        return cast(nn.Embedding, self.student.embedding)


class StudentTeacher(Teacher):
    """A finished student, its columns put into the order of the data's labels (all of them, in masked LM).

    `pooled` is what its last layer reads; `hidden` of a BiLSTM are the states of both directions side by side.
    """

    head_is_new = False
    columns: Tensor | None

    def __init__(self, name: str, info: CheckpointInfo, model: Student, columns: Sequence[int] | None) -> None:
        super().__init__(name, info, model.tokenizer, encoder_of(model))
        self.model, self.pooled_width = model, model.pooled_width
        order = None if columns is None else torch.tensor(list(columns))
        self.register_buffer("columns", order, persistent=False)

    @property
    def encoder(self) -> PreTrainedModel:  # type: ignore[override]
        return encoder_of(self.model)

    def forward(self, batch: Batch, layers: Sequence[int] = (), qkv: Sequence[int] = ()) -> Outputs:
        said = self.model(batch, layers=layers, qkv=qkv)
        if self.columns is not None:
            said.logits = said.logits[..., self.columns]
        return cast(Outputs, said)


def encoder_of(student: Student) -> PreTrainedModel:
    """The part of a student that reads."""
    own = getattr(student, "encoder", None)
    return own if isinstance(own, PreTrainedModel) else cast(PreTrainedModel, _Reader(student))


def load_saved(info: CheckpointInfo) -> Student:
    """The student that `info` describes, in evaluation mode. Raises CheckpointError."""
    return load_student(info.folder)[0]
