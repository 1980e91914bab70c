"""Teachers: encoders with a head of their own, finetuned each for itself, or together under one head (MT-BERT)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor, nn
from transformers import PreTrainedConfig, PreTrainedModel

from distill_core.checkpoints import CheckpointInfo, inspect, inspect_light
from distill_core.config import TeacherSection
from distill_core.errors import CheckpointError
from distill_core.models.base import count_parameters, seeded
from distill_core.models.encoders import (
    check_layers,
    first_token_alone,
    layer_states,
    load_classifier,
    load_config,
    load_encoder,
    load_tokenizer,
    model_inputs,
    new_classifier,
    new_encoder,
    recorded_qkv,
    run_encoder,
    set_dropout,
)
from distill_core.models.heads import HEAD_DROPOUT, SharedHead, TokenHead
from distill_core.models.labels import label_columns
from distill_core.models.masked_teacher import MaskedTeacher
from distill_core.models.saving import load_teacher_states, save_teachers
from distill_core.models.student_teacher import StudentTeacher, encoder_of, load_saved
from distill_core.models.teacher import Teacher
from distill_core.models.types import Batch, Outputs
from distill_core.models.words import first_piece_states
from distill_core.saved_students import retraining_misfit
from distill_core.tasks.base import Task, build_task
from distill_core.tasks.units import UNITS

__all__ = [
    "EncoderTeacher",
    "MaskedTeacher",
    "PretrainedTeacher",
    "ReadyTeacher",
    "SharedHead",
    "StudentTeacher",
    "Teacher",
    "TokenHead",
    "load_teacher_states",
    "load_teachers",
    "save_teachers",
    "teacher_parameters",
]


class EncoderTeacher(Teacher):
    """Encoder → (width map) → head. Co-finetuned teachers hold the same head object, and where their widths differ
    each has its own linear map, H → the head's width, in front of it. A `TokenHead` makes it a tagger."""

    def __init__(
        self,
        name: str,
        info: CheckpointInfo,
        loaded: tuple[Any, PreTrainedModel],
        head: SharedHead | TokenHead,
        *,
        mapped: bool,
    ) -> None:
        tokenizer, encoder = loaded
        super().__init__(name, info, tokenizer, encoder)
        self.encoder = encoder
        self.width_map = nn.Linear(self.width, head.width) if mapped else None
        self.head = head
        self.pooled_width = head.width

    def forward(self, batch: Batch, layers: Sequence[int] = (), qkv: Sequence[int] = ()) -> Outputs:
        states, hidden, attention = run_encoder(self.encoder, batch, layers, qkv)
        if self.width_map is not None:
            states = self.width_map(states)
        if isinstance(self.head, TokenHead):
            logits, pooled, word_mask = self.head(states, batch.words)
            return Outputs(logits, pooled, hidden, attention, word_mask)
        logits, pooled = self.head(states, batch.mask)
        return Outputs(logits, pooled, hidden, attention)


class ReadyTeacher(Teacher):
    """A finished sequence or token classifier, its columns put into the order of the data's labels.

    `pooled` is the first token's last state, or in tagging those of the words' first pieces: what its own head reads
    differs from architecture to architecture.
    """

    columns: Tensor

    def __init__(
        self,
        name: str,
        info: CheckpointInfo,
        loaded: tuple[Any, PreTrainedModel],
        columns: Sequence[int],
        *,
        unit: str = "example",
    ) -> None:
        tokenizer, model = loaded
        super().__init__(name, info, tokenizer, _encoder_of(model))
        self.model, self.unit = model, unit
        self.register_buffer("columns", torch.tensor(list(columns)), persistent=False)

    @property
    def encoder(self) -> PreTrainedModel:  # type: ignore[override]
        return _encoder_of(self.model)

    def forward(self, batch: Batch, layers: Sequence[int] = (), qkv: Sequence[int] = ()) -> Outputs:
        check_layers(layers, self.layers)
        first_only = first_token_alone(self.encoder, layers, qkv, wanted=self.unit == "example")
        with recorded_qkv(self.encoder, qkv) as attention, first_only, _last_states(self.encoder) as last:
            outputs = self.model(
                **model_inputs(self.encoder, batch), output_hidden_states=bool(layers), return_dict=True
            )
        hidden = layer_states(outputs.hidden_states, layers, self.model.config)
        logits = outputs.logits[..., self.columns]
        if self.unit == "word":
            logits, word_mask = first_piece_states(logits, batch.words)
            return Outputs(logits, first_piece_states(last[0], batch.words)[0], hidden, attention, word_mask)
        return Outputs(logits, last[0][:, 0], hidden, attention)


class PretrainedTeacher(Teacher):
    """An encoder as it was pre-trained, without a head: it teaches by its states and answers nothing.

    Logits have no classes: [B, 0], of words [B, W, 0]. `pooled` is the first token's last state, or of words those of
    their first pieces: a new pooling would have learnt nothing.
    """

    answers = False

    def __init__(
        self, name: str, info: CheckpointInfo, loaded: tuple[Any, PreTrainedModel], *, unit: str = "example"
    ) -> None:
        tokenizer, encoder = loaded
        super().__init__(name, info, tokenizer, encoder)
        self.encoder, self.unit = encoder, unit

    def forward(self, batch: Batch, layers: Sequence[int] = (), qkv: Sequence[int] = ()) -> Outputs:
        first_only = self.unit == "example"
        states, hidden, attention = run_encoder(self.encoder, batch, layers, qkv, first_only=first_only)
        if self.unit == "word":
            pooled, word_mask = first_piece_states(states, batch.words)
            return Outputs(pooled.new_zeros(*pooled.shape[:2], 0), pooled, hidden, attention, word_mask)
        return Outputs(states.new_zeros(len(states), 0), states[:, 0], hidden, attention)


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


@dataclass(frozen=True)
class _Wanted:
    """What all teachers of a run are to be (see `load_teachers`)."""

    mode: str
    labels: list[str]
    dropout: float | None
    seed: int
    task: Task
    stand_ins: bool = False

    def encoder(self, folder: Path, config: PreTrainedConfig) -> PreTrainedModel:
        return new_encoder(config).eval() if self.stand_ins else load_encoder(folder, config)

    def model(self, folder: Path, config: PreTrainedConfig) -> PreTrainedModel:
        """With a head of its own."""
        if self.stand_ins:
            return new_classifier(config, unit=self.task.unit)
        return load_classifier(folder, config, unit=self.task.unit)

    def head(self, width: int) -> SharedHead | TokenHead:
        kind = TokenHead if self.task.unit == "word" else SharedHead
        return kind(width, len(self.labels), dropout=HEAD_DROPOUT if self.dropout is None else self.dropout)


def load_teachers(
    sections: list[TeacherSection],
    mode: str,
    labels: list[str],
    *,
    dropout: float | None,
    seed: int,
    task: str = "classification",
    stand_ins: bool = False,
) -> list[Teacher]:
    """The teachers of a run, on the CPU and in evaluation mode.

    Args:
        sections: the checkpoints; one that is `pretrained_only` gets no head, whatever the mode.
        mode: ``as_is``, ``separate`` or ``cofinetune`` (config.TeacherTraining.mode).
        labels: the data's labels; logits come in this order.
        dropout: replaces every dropout; None keeps the checkpoint's own (new heads: 0.1).
        seed: draws new layers; a teacher's do not depend on how many others there are.
        task: its name in `catalogue.TASKS`; logits are [B, C] where examples get predictions, [B, W, C] where words
            do, and [B, W, V] for hidden pieces, by the checkpoint's own head in every mode.
        stand_ins: random weights of the right shapes; none are read or downloaded, but those of saved students.

    Raises:
        CheckpointError: with the path of the setting at fault. NetworkError: the Hub is needed and out of reach.
    """
    wanted = _Wanted(mode, labels, dropout, seed, build_task(task), stand_ins)
    look = inspect_light if stand_ins else inspect
    with_infos = [(section, _inspect(section, index, look)) for index, section in enumerate(sections)]
    names = _unique_names(with_infos)
    if wanted.task.unit == "piece":
        teachers: list[Teacher] = [
            _masked_teacher(names[i], section, info, wanted, index=i) for i, (section, info) in enumerate(with_infos)
        ]
    else:
        found = {
            i: _pretrained_teacher(names[i], section, info, wanted, index=i)
            for i, (section, info) in enumerate(with_infos)
            if section.pretrained_only
        }
        others = {i: pair for i, pair in enumerate(with_infos) if i not in found}
        if mode == "as_is":
            found |= {i: _ready_teacher(names[i], *pair, wanted, index=i) for i, pair in others.items()}
        elif mode in ("separate", "cofinetune"):
            found |= _encoder_teachers(names, others, wanted)
        else:
            raise ValueError(f"unknown teacher mode {mode!r}")
        teachers = [found[i] for i in range(len(with_infos))]
    for teacher in teachers:
        if dropout is not None:
            set_dropout(teacher, dropout)
        teacher.eval()
    return teachers


def _encoder_teachers(
    names: list[str], listed: dict[int, tuple[TeacherSection, CheckpointInfo]], wanted: _Wanted
) -> dict[int, Teacher]:
    """Teachers to be finetuned, by their number in the run, which seeds what is new in them."""
    loaded = {index: _encoder(section, info, wanted, index=index) for index, (section, info) in listed.items()}
    widths = {index: encoder.config.hidden_size for index, (_, encoder) in loaded.items()}
    shared = wanted.mode == "cofinetune"
    mapped = shared and len(set(widths.values())) > 1
    heads: dict[int, SharedHead | TokenHead] = {}
    if shared and widths:
        with seeded(wanted.seed, "shared head"):
            heads = dict.fromkeys(widths, wanted.head(max(widths.values())))
    else:
        for index, width in widths.items():
            with seeded(wanted.seed, "head", index):
                heads[index] = wanted.head(width)
    teachers: dict[int, Teacher] = {}
    for index, (_, info) in listed.items():
        with seeded(wanted.seed, "width map", index):
            teachers[index] = EncoderTeacher(names[index], info, loaded[index], heads[index], mapped=mapped)
    return teachers


def _encoder(
    section: TeacherSection, info: CheckpointInfo, wanted: _Wanted, *, index: int
) -> tuple[Any, PreTrainedModel]:
    """(tokenizer, encoder without a head) of a checkpoint or a saved student."""
    with _field(f"teachers.{index}.source"):
        if info.student is None:
            config = load_config(info.folder, keep_layers=section.keep_layers, dropout=wanted.dropout)
            return load_tokenizer(info.folder), wanted.encoder(info.folder, config)
        misfit = retraining_misfit(info.name, info.student)
        if misfit:
            raise CheckpointError(misfit[0], hint=misfit[1])
        saved = load_saved(info)
        return saved.tokenizer, encoder_of(saved)


def _pretrained_teacher(
    name: str, section: TeacherSection, info: CheckpointInfo, wanted: _Wanted, *, index: int
) -> Teacher:
    return PretrainedTeacher(name, info, _encoder(section, info, wanted, index=index), unit=wanted.task.unit)


def _ready_teacher(name: str, section: TeacherSection, info: CheckpointInfo, wanted: _Wanted, *, index: int) -> Teacher:
    if not wanted.task.ready(info) or not info.labels:
        raise CheckpointError(
            f"{info.name} has no {UNITS[wanted.task.unit].layer}, so it cannot be used as it is.",
            hint="Let it be finetuned on the labelled rows (teachers are: separate), or choose one made for this task.",
            field=f"teachers.{index}.source",
        )
    columns = label_columns(info.labels, wanted.labels, section.label_mapping, field=f"teachers.{index}.label_mapping")
    with _field(f"teachers.{index}.source"):
        if info.student is not None:
            return StudentTeacher(name, info, load_saved(info), columns)
        config = load_config(info.folder, keep_layers=section.keep_layers, dropout=wanted.dropout)
        model = wanted.model(info.folder, config)
        return ReadyTeacher(name, info, (load_tokenizer(info.folder), model), columns, unit=wanted.task.unit)


def _masked_teacher(
    name: str, section: TeacherSection, info: CheckpointInfo, wanted: _Wanted, *, index: int
) -> Teacher:
    if wanted.mode == "cofinetune":
        raise ValueError("masked language models share no head")
    if not wanted.task.ready(info):
        raise CheckpointError(
            f"{info.name} has no {UNITS[wanted.task.unit].layer}, so it cannot teach a masked language model.",
            hint="Choose a checkpoint saved with its masked-LM head.",
            field=f"teachers.{index}.source",
        )
    with _field(f"teachers.{index}.source"):
        if info.student is not None:
            return StudentTeacher(name, info, load_saved(info), None)
        config = load_config(info.folder, keep_layers=section.keep_layers, dropout=wanted.dropout)
        model = wanted.model(info.folder, config)
        return MaskedTeacher(name, info, (load_tokenizer(info.folder), model))


def _inspect(section: TeacherSection, index: int, look: Callable[..., CheckpointInfo]) -> CheckpointInfo:
    with _field(f"teachers.{index}.source"):
        try:
            return look(section.source, section.revision, section.keep_layers)
        except CheckpointError as error:
            if section.keep_layers is not None and error.field is None:
                look(section.source, section.revision)  # raises, when the checkpoint itself is at fault
                error.field = f"teachers.{index}.keep_layers"
            raise


def _unique_names(with_infos: list[tuple[TeacherSection, CheckpointInfo]]) -> list[str]:
    names: list[str] = []
    for section, info in with_infos:
        cut = section.keep_layers is not None and section.name is None
        wanted = section.name or info.name + (f" ({section.keep_layers} layers)" if cut else "")
        if section.pretrained_only and section.name is None:
            wanted += " (pre-trained)"
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
