"""Students: build one from its section of the config and the teachers it starts from."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import Any

import numpy as np
from torch import nn
from transformers import PreTrainedConfig, PreTrainedModel

from distill_core.config import BiLSTMStudent, TransformerStudent
from distill_core.errors import CheckpointError
from distill_core.models.base import Student, count_parameters, seeded
from distill_core.models.encoders import (
    choose_layers,
    new_encoder,
    set_config_dropout,
    set_dropout,
    usable_positions,
    word_embedding,
)
from distill_core.models.factorised import install_factorised, random_directions
from distill_core.models.heads import MaskedHead
from distill_core.models.initialise import chosen_layers, copy_layers, svd_embedding, teacher_factors
from distill_core.models.masked_teacher import take_over_head
from distill_core.models.prune import prune_tokenizer
from distill_core.models.saving import load_student, save_student
from distill_core.models.teachers import Teacher
from distill_core.students.bilstm.model import BiLSTMClassifier, BiLSTMShape
from distill_core.students.transformer.model import TransformerClassifier, bert_config

__all__ = ["Student", "build_student", "count_parameters", "load_student", "save_student"]


@dataclass(frozen=True)
class _Origin:
    """What a student starts from. kept: old id of each of its pieces [K]; None where it has all of the teacher's."""

    teacher: Teacher
    tokenizer: Any
    kept: np.ndarray | None
    classes: int
    max_tokens: int
    task: str

    @property
    def pieces(self) -> int:
        return word_embedding(self.teacher.encoder).shape[0] if self.kept is None else len(self.kept)


def build_student(
    section: TransformerStudent | BiLSTMStudent,
    *,
    teachers: list[Teacher],
    classes: int,
    max_tokens: int,
    seed: int,
    task: str = "classification",
    seen: np.ndarray | None = None,
) -> Student:
    """A student on the CPU, in evaluation mode; equal arguments give equal tensors, whatever was drawn before.

    Args:
        section: what to build. `section.init_teacher` (from 1) names the teacher that gives the tokenizer and, as
            `section.initialise` says, weights: those it has now, so finetune teachers first.
        teachers: all teachers of the run.
        classes: number of labels; in masked LM the pieces of the vocabulary.
        max_tokens: longest input, special pieces included.
        seed: draws everything that is not copied.
        task: ``classification``, ``tagging`` or ``masked_lm``.
        seen: ids, in that teacher's tokenizer, that occur in the run's texts, in any shape; needed where
            `section.vocabulary` is ``seen``. The student then has its own `tokenizer`, and `kept_ids` says which old
            id each of its pieces had (`prune.renumber` takes texts over that are cut already).

    Raises:
        CheckpointError: with the setting at fault, when the teacher cannot give what is asked for.
        ValueError: the vocabulary should be pruned and `seen` is missing.
    """
    if section.init_teacher > len(teachers):
        raise CheckpointError(
            f"the student should start from teacher {section.init_teacher}, but there are {len(teachers)}.",
            field="student.init_teacher",
        )
    teacher = teachers[section.init_teacher - 1]
    tokenizer, kept = _vocabulary(section, teacher, seen)
    origin = _Origin(teacher, tokenizer, kept, classes, max_tokens, task)
    with seeded(seed, "student"):
        if isinstance(section, BiLSTMStudent):
            student: Student = _bilstm(section, origin)
        else:
            student = _transformer(section, origin)
    student.kept_ids = kept
    return student.eval()


def _vocabulary(
    section: TransformerStudent | BiLSTMStudent, teacher: Teacher, seen: np.ndarray | None
) -> tuple[Any, np.ndarray | None]:
    if section.vocabulary == "full":
        return teacher.tokenizer, None
    if seen is None:
        raise ValueError("a vocabulary of the seen pieces needs the ids that were seen")
    if section.kind == "transformer" and section.initialise == "teacher_layers" and _offset_positions(teacher.encoder):
        # These positions are counted from the padding id, which therefore has to stay what it is.
        seen = np.union1d(seen, np.arange(teacher.tokenizer.pad_token_id))
    tokenizer, kept = prune_tokenizer(teacher.tokenizer, seen)
    rows = word_embedding(teacher.encoder).shape[0]
    if kept[-1] >= rows:
        raise CheckpointError(
            f"{teacher.name}'s tokenizer has the piece {tokenizer.convert_ids_to_tokens(len(kept) - 1)!r}, "
            "for which its model has no embedding.",
            hint="Keep the full vocabulary.",
            field="student.vocabulary",
        )
    return tokenizer, kept


def _offset_positions(encoder: nn.Module) -> bool:
    return any(
        name.endswith("position_embeddings") and getattr(part, "padding_idx", None) is not None
        for name, part in encoder.named_modules()
    )


def _bilstm(section: BiLSTMStudent, origin: _Origin) -> Student:
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
    student = BiLSTMClassifier(shape, origin.tokenizer)
    if section.initialise == "svd":
        svd_embedding(student.embedding, origin.teacher.encoder, field="student.embedding", kept=origin.kept)
    return student


def _transformer(section: TransformerStudent, origin: _Origin) -> Student:
    copied = section.initialise == "teacher_layers"
    encoder = _copied_encoder(section, origin) if copied else _own_encoder(section, origin)
    if section.embedding is not None:
        _factorise(encoder, section, origin)
    student = TransformerClassifier(
        encoder, origin.tokenizer, classes=origin.classes, dropout=section.dropout, task=origin.task
    )
    if copied and isinstance(student.prediction, MaskedHead):
        take_over_head(student.prediction, origin.teacher)
    if copied:
        set_dropout(student, section.dropout)
    return student


def _own_encoder(section: TransformerStudent, origin: _Origin) -> PreTrainedModel:
    """A BERT of the student's own sizes."""
    encoder = new_encoder(
        bert_config(
            section,
            vocab_size=origin.pieces,
            padding_id=origin.tokenizer.pad_token_id,
            max_tokens=origin.max_tokens,
        )
    )
    if section.initialise == "svd" and section.embedding is None:
        words: Any = encoder.get_input_embeddings()
        svd_embedding(words, origin.teacher.encoder, field="student.hidden", kept=origin.kept)
    return encoder


def _copied_encoder(section: TransformerStudent, origin: _Origin) -> PreTrainedModel:
    """Layers, and everything outside them, of the teacher's."""
    teacher = origin.teacher
    positions = usable_positions(teacher.encoder)
    if positions is not None and origin.max_tokens > positions:
        raise CheckpointError(
            f"a student made of {teacher.name}'s layers reads at most {positions} tokens, not {origin.max_tokens}.",
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
    if origin.kept is not None:
        _renumber_config(config, origin.kept)
    encoder = new_encoder(config)
    copy_layers(encoder, teacher.encoder, chosen, kept=origin.kept)
    return encoder


def _renumber_config(config: PreTrainedConfig, kept: np.ndarray) -> None:
    """The config's vocabulary size and special ids (None for those that are gone) in the pruned vocabulary."""
    new = {int(old): number for number, old in enumerate(kept)}
    config.vocab_size = len(kept)
    for name, value in list(vars(config).items()):
        if name.endswith("_token_id") and isinstance(value, int):
            setattr(config, name, new.get(value))


def _factorise(encoder: PreTrainedModel, section: TransformerStudent, origin: _Origin) -> None:
    """Random factors, or from the SVD of the teacher's whole embedding, of which the kept rows are taken over.

    Where the embedding is as wide as the teacher's, their product is its best rank-E approximation. Where it is not,
    the map has random orthonormal columns, so that the product differs from that approximation by a rotation alone.
    """
    assert section.embedding is not None
    embedding = install_factorised(encoder, section.embedding)
    if section.initialise == "random":
        return
    table, directions = teacher_factors(
        origin.teacher.encoder, section.embedding, field="student.embedding", kept=origin.kept
    )
    if directions.shape[0] != embedding.embedding_dim:
        directions = random_directions(embedding.embedding_dim, section.embedding)
    embedding.set_factors(table, directions)
