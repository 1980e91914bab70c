"""Teachers that guess hidden words: whole masked language models, with the head they were pre-trained with."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, cast

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from distill_core.checkpoints import CheckpointInfo
from distill_core.models.encoders import check_layers, layer_states, model_inputs, recorded_qkv
from distill_core.models.heads import MaskedHead
from distill_core.models.teacher import Teacher
from distill_core.models.types import Batch, Outputs
from distill_core.models.words import first_piece_states, zero_outside

#: where masked-LM heads keep their inner map, their norm and the pieces' biases (BERT, RoBERTa, DistilBERT, ELECTRA,
#: ALBERT, a saved student)
_HEAD_PARTS = (
    ("cls.predictions.transform.dense", "cls.predictions.transform.LayerNorm", "cls.predictions.bias"),
    ("lm_head.dense", "lm_head.layer_norm", "lm_head.bias"),
    ("vocab_transform", "vocab_layer_norm", "vocab_projector.bias"),
    ("generator_predictions.dense", "generator_predictions.LayerNorm", "generator_lm_head.bias"),
    ("predictions.dense", "predictions.LayerNorm", "predictions.bias"),
    ("prediction.dense", "prediction.norm", "prediction.bias"),
)


class MaskedTeacher(Teacher):
    """A masked language model. `pooled` are the last states at the hidden pieces, [B, W, H]."""

    head_is_new = False

    def __init__(self, name: str, info: CheckpointInfo, loaded: tuple[Any, PreTrainedModel]) -> None:
        tokenizer, model = loaded
        super().__init__(name, info, tokenizer, cast(PreTrainedModel, model.base_model))
        self.model = model

    @property
    def encoder(self) -> PreTrainedModel:  # type: ignore[override]
        return cast(PreTrainedModel, self.model.base_model)

    def forward(self, batch: Batch, layers: Sequence[int] = (), qkv: Sequence[int] = ()) -> Outputs:
        check_layers(layers, self.layers)
        with recorded_qkv(self.encoder, qkv) as attention, _only_at(self.encoder, batch.asked()) as found:
            outputs = self.model(
                **model_inputs(self.encoder, batch), output_hidden_states=bool(layers), return_dict=True
            )
        pooled, word_mask = found[0]
        hidden = layer_states(outputs.hidden_states, layers, self.model.config)
        return Outputs(zero_outside(outputs.logits, word_mask), pooled, hidden, attention, word_mask)


@contextmanager
def _only_at(encoder: nn.Module, targets: Tensor) -> Iterator[list[tuple[Tensor, Tensor]]]:
    """The head then gets the states of hidden pieces alone: scores of all pieces everywhere would fill the memory."""
    found: list[tuple[Tensor, Tensor]] = []

    def hook(module: nn.Module, inputs: Any, output: Any) -> Any:
        found.append(first_piece_states(output[0], targets))
        if isinstance(output, tuple):
            return (found[0][0], *output[1:])
        output.last_hidden_state = found[0][0]
        return output

    handle = encoder.register_forward_hook(hook)
    try:
        yield found
    finally:
        handle.remove()


@torch.no_grad()
def take_over_head(student: MaskedHead, teacher: nn.Module) -> bool:
    """Copies the head of a masked language model into a student's; False, and nothing is copied, where it is of
    another kind or size."""
    model = getattr(teacher, "model", None)
    parts = head_parts(student, model) if isinstance(model, nn.Module) else None
    for own, theirs in parts or []:
        own.copy_(theirs)
    return parts is not None


def head_parts(student: MaskedHead, model: nn.Module) -> list[tuple[Tensor, Tensor]] | None:
    """The student's and the model's own tensors of the head, side by side; None where it is of another kind or size."""
    names = dict(model.named_parameters())
    for dense, norm, bias in _HEAD_PARTS:
        pairs = [
            (student.dense.weight, names.get(f"{dense}.weight")),
            (student.dense.bias, names.get(f"{dense}.bias")),
            (student.norm.weight, names.get(f"{norm}.weight")),
            (student.norm.bias, names.get(f"{norm}.bias")),
            (student.bias, names.get(bias)),
        ]
        if all(theirs is not None and theirs.shape == own.shape for own, theirs in pairs):
            return [(own, cast(Tensor, theirs)) for own, theirs in pairs]
    return None
