"""Students: build one from its section of the config and the teachers it starts from."""

from __future__ import annotations

import copy
from typing import Any

from torch import nn

from distill_core.config import BiLSTMStudent, TransformerStudent
from distill_core.errors import CheckpointError
from distill_core.models.base import Student, count_parameters, seeded
from distill_core.models.bilstm import BiLSTMClassifier, BiLSTMShape
from distill_core.models.encoders import (
    choose_layers,
    new_encoder,
    set_config_dropout,
    set_dropout,
    usable_positions,
    word_embedding,
)
from distill_core.models.initialise import chosen_layers, copy_layers, svd_embedding
from distill_core.models.saving import load_student, save_student
from distill_core.models.teachers import Teacher
from distill_core.models.transformer import TransformerClassifier, bert_config

__all__ = ["Student", "build_student", "count_parameters", "load_student", "save_student"]


def build_student(
    section: TransformerStudent | BiLSTMStudent, *, teachers: list[Teacher], classes: int, max_tokens: int, seed: int
) -> Student:
    """A student on the CPU, in evaluation mode; equal arguments give equal tensors, whatever was drawn before.

    Args:
        section: what to build. `section.init_teacher` (from 1) names the teacher that gives the tokenizer and, as
            `section.initialise` says, weights: those it has now, so finetune teachers first.
        teachers: all teachers of the run.
        classes: number of labels.
        max_tokens: longest input, special pieces included.
        seed: draws everything that is not copied.

    Raises:
        CheckpointError: with the setting at fault, when the teacher cannot give what is asked for.
    """
    if section.init_teacher > len(teachers):
        raise CheckpointError(
            f"the student should start from teacher {section.init_teacher}, but there are {len(teachers)}.",
            field="student.init_teacher",
        )
    teacher = teachers[section.init_teacher - 1]
    with seeded(seed, "student"):
        if isinstance(section, BiLSTMStudent):
            student: Student = _bilstm(section, teacher, classes)
        elif section.initialise == "teacher_layers":
            student = _from_teacher_layers(section, teacher, classes, max_tokens)
        else:
            student = _transformer(section, teacher, classes, max_tokens)
    return student.eval()


def _bilstm(section: BiLSTMStudent, teacher: Teacher, classes: int) -> Student:
    shape = BiLSTMShape(
        vocab_size=word_embedding(teacher.encoder).shape[0],
        embedding=section.embedding,
        lstm_hidden=section.lstm_hidden,
        lstm_layers=section.lstm_layers,
        pooling=section.pooling,
        projection=section.projection,
        classes=classes,
        padding_id=teacher.tokenizer.pad_token_id,
        dropout=section.dropout,
    )
    student = BiLSTMClassifier(shape, teacher.tokenizer)
    if section.initialise == "svd":
        svd_embedding(student.embedding, teacher.encoder, field="student.embedding")
    return student


def _transformer(section: TransformerStudent, teacher: Teacher, classes: int, max_tokens: int) -> Student:
    config = bert_config(
        section,
        vocab_size=word_embedding(teacher.encoder).shape[0],
        padding_id=teacher.tokenizer.pad_token_id,
        max_tokens=max_tokens,
    )
    student = TransformerClassifier(new_encoder(config), teacher.tokenizer, classes=classes, dropout=section.dropout)
    if section.initialise == "svd":
        embedding: Any = student.encoder.get_input_embeddings()
        assert isinstance(embedding, nn.Embedding)
        svd_embedding(embedding, teacher.encoder, field="student.hidden")
    return student


def _from_teacher_layers(section: TransformerStudent, teacher: Teacher, classes: int, max_tokens: int) -> Student:
    positions = usable_positions(teacher.encoder)
    if positions is not None and max_tokens > positions:
        raise CheckpointError(
            f"a student made of {teacher.name}'s layers reads at most {positions} tokens, not {max_tokens}.",
            hint="Shorten the longest input, or choose another initialisation.",
            field="data.max_tokens",
        )
    chosen = chosen_layers(section.layer_choice, section.layers, teacher.layers)
    config = copy.deepcopy(teacher.encoder.config)
    try:
        choose_layers(config, chosen)
    except CheckpointError as error:
        error.field = "student.layers"
        raise
    set_config_dropout(config, section.dropout)
    encoder = new_encoder(config)
    copy_layers(encoder, teacher.encoder, chosen)
    student = TransformerClassifier(encoder, teacher.tokenizer, classes=classes, dropout=section.dropout)
    set_dropout(student, section.dropout)
    return student
