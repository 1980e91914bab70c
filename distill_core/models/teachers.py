"""Teachers: encoders that already classify, are finetuned each for itself, or together under one head (MT-BERT)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, cast

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from distill_core.checkpoints import CheckpointInfo, inspect
from distill_core.config import TeacherSection
from distill_core.errors import CheckpointError
from distill_core.models.base import count_parameters, seeded
from distill_core.models.encoders import (
    check_layers,
    layer_states,
    load_classifier,
    load_config,
    load_encoder,
    load_tokenizer,
    model_inputs,
    run_encoder,
    set_dropout,
    usable_positions,
)
from distill_core.models.heads import HEAD_DROPOUT, SharedHead
from distill_core.models.labels import label_columns
from distill_core.models.saving import load_teacher_states, save_teachers
from distill_core.models.types import Batch, Outputs

__all__ = [
    "EncoderTeacher",
    "ReadyTeacher",
    "SharedHead",
    "Teacher",
    "load_teacher_states",
    "load_teachers",
    "save_teachers",
    "teacher_parameters",
]


class Teacher(nn.Module):
    """A model that answers in the data's labels.

    Attributes:
        name: shown in charts, unique within a run.
        info: what its checkpoint is.
        tokenizer: its own tokenizer; batches must be made with it.
        layers, width: layers L and width H of its hidden states.
        pooled_width: width P of `Outputs.pooled`.
        max_tokens: longest input its positions allow, special pieces included; None where they set no limit.
        encoder: the pre-trained part (the rest is new and may learn at another rate).
    """

    encoder: PreTrainedModel

    def __init__(self, name: str, info: CheckpointInfo, tokenizer: Any, encoder: PreTrainedModel) -> None:
        super().__init__()
        self.name, self.info, self.tokenizer = name, info, tokenizer
        self.layers, self.width = encoder.config.num_hidden_layers, encoder.config.hidden_size
        self.pooled_width = self.width
        self.max_tokens = usable_positions(encoder)

    def forward(self, batch: Batch, layers: Sequence[int] = ()) -> Outputs:
        """Logits [B, C], pooled [B, P], states {layer: [B, T, H]} of the layers asked for (0 = embeddings … L)."""
        raise TypeError(f"{type(self).__name__} has to say how it computes its outputs")


class EncoderTeacher(Teacher):
    """Encoder → (width map) → head. Co-finetuned teachers hold the same head object, and where their widths differ
    each has its own linear map, H → the head's width, in front of it."""

    def __init__(
        self, name: str, info: CheckpointInfo, loaded: tuple[Any, PreTrainedModel], head: SharedHead, *, mapped: bool
    ) -> None:
        tokenizer, encoder = loaded
        super().__init__(name, info, tokenizer, encoder)
        self.encoder = encoder
        self.width_map = nn.Linear(self.width, head.width) if mapped else None
        self.head = head
        self.pooled_width = head.width

    def forward(self, batch: Batch, layers: Sequence[int] = ()) -> Outputs:
        states, hidden = run_encoder(self.encoder, batch, layers)
        if self.width_map is not None:
            states = self.width_map(states)
        logits, pooled = self.head(states, batch.mask)
        return Outputs(logits, pooled, hidden)


class ReadyTeacher(Teacher):
    """A finished sequence classifier, its columns put into the order of the data's labels.

    `pooled` is the first token's last state: what its own head reads differs from architecture to architecture.
    """

    columns: Tensor

    def __init__(
        self, name: str, info: CheckpointInfo, tokenizer: Any, model: PreTrainedModel, columns: Sequence[int]
    ) -> None:
        super().__init__(name, info, tokenizer, _encoder_of(model))
        self.model = model
        self.register_buffer("columns", torch.tensor(list(columns)), persistent=False)

    @property
    def encoder(self) -> PreTrainedModel:  # type: ignore[override]
        return _encoder_of(self.model)

    def forward(self, batch: Batch, layers: Sequence[int] = ()) -> Outputs:
        check_layers(layers, self.layers)
        with _last_states(self.encoder) as last:
            outputs = self.model(
                **model_inputs(self.encoder, batch), output_hidden_states=bool(layers), return_dict=True
            )
        hidden = layer_states(outputs.hidden_states, layers, self.model.config)
        return Outputs(outputs.logits[:, self.columns], last[0][:, 0], hidden)


def _encoder_of(model: PreTrainedModel) -> PreTrainedModel:
    return cast(PreTrainedModel, model.base_model)


@contextmanager
def _last_states(encoder: nn.Module) -> Iterator[list[Tensor]]:
    """Collects the encoder's last states, which a sequence classifier does not hand out."""
    found: list[Tensor] = []
    handle = encoder.register_forward_hook(lambda module, inputs, outputs: found.append(outputs[0]))
    try:
        yield found
    finally:
        handle.remove()


def teacher_parameters(teacher: Teacher) -> int:
    """Parameters on the inference path: encoder, width map and head; a shared head counts for each teacher."""
    return count_parameters(teacher)


# ---------------------------------------------------------------- load


def load_teachers(
    sections: list[TeacherSection], mode: str, labels: list[str], *, dropout: float | None, seed: int
) -> list[Teacher]:
    """The teachers of a run, on the CPU and in evaluation mode.

    Args:
        sections: the checkpoints.
        mode: ``as_is``, ``separate`` or ``cofinetune`` (config.TeacherTraining.mode).
        labels: the data's labels; logits come in this order.
        dropout: replaces every dropout; None keeps the checkpoint's own (new heads: 0.1).
        seed: draws new layers; a teacher's do not depend on how many others there are.

    Raises:
        CheckpointError: with the path of the setting at fault. NetworkError: the Hub is needed and out of reach.
    """
    with_infos = [(section, _inspect(section, index)) for index, section in enumerate(sections)]
    names = _unique_names(with_infos)
    if mode == "as_is":
        teachers: list[Teacher] = [
            _ready_teacher(names[i], section, info, labels, dropout, index=i)
            for i, (section, info) in enumerate(with_infos)
        ]
    elif mode in ("separate", "cofinetune"):
        shared = mode == "cofinetune"
        teachers = _encoder_teachers(names, with_infos, len(labels), dropout, seed=seed, shared=shared)
    else:
        raise ValueError(f"unknown teacher mode {mode!r}")
    for teacher in teachers:
        if dropout is not None:
            set_dropout(teacher, dropout)
        teacher.eval()
    return teachers


def _encoder_teachers(
    names: list[str],
    with_infos: list[tuple[TeacherSection, CheckpointInfo]],
    classes: int,
    dropout: float | None,
    *,
    seed: int,
    shared: bool,
) -> list[Teacher]:
    loaded = []
    for index, (section, info) in enumerate(with_infos):
        with _field(f"teachers.{index}.source"):
            config = load_config(info.folder, keep_layers=section.keep_layers, dropout=dropout)
            loaded.append((load_tokenizer(info.folder), load_encoder(info.folder, config)))
    head_dropout = HEAD_DROPOUT if dropout is None else dropout
    widths = [encoder.config.hidden_size for _, encoder in loaded]
    mapped = shared and len(set(widths)) > 1
    if shared:
        with seeded(seed, "shared head"):
            heads = [SharedHead(max(widths), classes, dropout=head_dropout)] * len(loaded)
    else:
        heads = []
        for index, width in enumerate(widths):
            with seeded(seed, "head", index):
                heads.append(SharedHead(width, classes, dropout=head_dropout))
    teachers: list[Teacher] = []
    for index, ((_, info), head) in enumerate(zip(with_infos, heads, strict=True)):
        with seeded(seed, "width map", index):
            teachers.append(EncoderTeacher(names[index], info, loaded[index], head, mapped=mapped))
    return teachers


def _ready_teacher(
    name: str, section: TeacherSection, info: CheckpointInfo, labels: list[str], dropout: float | None, *, index: int
) -> Teacher:
    if not info.is_classifier or not info.labels:
        raise CheckpointError(
            f"{info.name} has no classification layer, so it cannot be used as it is.",
            hint="Let it be finetuned on the labelled rows (teachers are: separate).",
            field=f"teachers.{index}.source",
        )
    columns = label_columns(info.labels, labels, section.label_mapping, field=f"teachers.{index}.label_mapping")
    with _field(f"teachers.{index}.source"):
        config = load_config(info.folder, keep_layers=section.keep_layers, dropout=dropout)
        return ReadyTeacher(name, info, load_tokenizer(info.folder), load_classifier(info.folder, config), columns)


def _inspect(section: TeacherSection, index: int) -> CheckpointInfo:
    with _field(f"teachers.{index}.source"):
        try:
            return inspect(section.source, section.revision, section.keep_layers)
        except CheckpointError as error:
            if section.keep_layers is not None and error.field is None:
                inspect(section.source, section.revision)  # raises, when the checkpoint itself is at fault
                error.field = f"teachers.{index}.keep_layers"
            raise


def _unique_names(with_infos: list[tuple[TeacherSection, CheckpointInfo]]) -> list[str]:
    names: list[str] = []
    for section, info in with_infos:
        cut = section.keep_layers is not None and section.name is None
        wanted = section.name or info.name + (f" ({section.keep_layers} layers)" if cut else "")
        name, number = wanted, 1
        while name in names:
            number += 1
            name = f"{wanted} {number}"
        names.append(name)
    return names


@contextmanager
def _field(path: str) -> Iterator[None]:
    """Errors about a checkpoint raised inside belong to this setting."""
    try:
        yield
    except CheckpointError as error:
        error.field = error.field or path
        raise
