"""The transformer student: an encoder and one linear layer on its first token, or on each word's first piece."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any, cast

import numpy as np
from torch import nn
from transformers import BertConfig, PreTrainedConfig, PreTrainedModel
from transformers.models.auto.configuration_auto import CONFIG_MAPPING

from distill_core.catalogue import DEFAULT_TASK
from distill_core.errors import CheckpointError
from distill_core.models.base import Origin, Student, check_task
from distill_core.models.encoders import (
    choose_layers,
    describe,
    layer_prefix,
    new_encoder,
    run_encoder,
    set_config_dropout,
    set_dropout,
    usable_positions,
)
from distill_core.models.factorised import install_factorised, random_directions
from distill_core.models.heads import MaskedHead
from distill_core.models.initialise import copy_layers, svd_embedding, teacher_factors
from distill_core.models.layers import chosen_layers
from distill_core.models.masked_teacher import take_over_head
from distill_core.models.teacher import Teacher
from distill_core.models.types import Batch, Outputs
from distill_core.models.words import first_piece_states, zero_outside
from distill_core.students.transformer.plain import as_transformers
from distill_core.students.transformer.section import LEAST_POSITIONS, TransformerStudent


class TransformerClassifier(Student):
    """Encoder → dropout → Linear(width, classes) on the first token's last state, which is also `pooled`; in tagging on
    the last state of each word's first piece. In masked LM the head guesses hidden pieces from their last states.

    Args:
        encoder: any encoder of `transformers` whose sizes are in its config; its embedding may be factorised.
        tokenizer: kept beside the model.
        classes: number of labels, in masked LM of pieces.
        dropout: before the prediction.
        task: ``classification``, ``tagging`` or ``masked_lm``.
    """

    def __init__(
        self, encoder: PreTrainedModel, tokenizer: Any, *, classes: int, dropout: float, task: str = "classification"
    ) -> None:
        super().__init__()
        check_task(task)
        self.encoder, self.tokenizer, self.classes, self.task = encoder, tokenizer, classes, task
        self.layers, self.width = encoder.config.num_hidden_layers, encoder.config.hidden_size
        self.pooled_width = self.width
        self.dropout = nn.Dropout(dropout)
        self.prediction = self.new_prediction()
        self.architecture = {
            "kind": "transformer",
            "encoder": describe(encoder.config),
            "classes": classes,
            "dropout": dropout,
            "task": task,
        }
        # The encoder's config does not say so, and without it the module could not be made again.
        rank = getattr(encoder.get_input_embeddings(), "rank", None)
        if rank is not None:
            self.architecture["factorised"] = int(rank)

    @classmethod
    def build(cls, section: TransformerStudent, origin: Origin) -> TransformerClassifier:
        copied = section.initialise == "teacher_layers"
        encoder = _copied_encoder(section, origin) if copied else _own_encoder(section, origin)
        if section.embedding is not None:
            _factorise(encoder, section, origin)
        student = cls(encoder, origin.tokenizer, classes=origin.classes, dropout=section.dropout, task=origin.task)
        if copied and isinstance(student.prediction, MaskedHead):
            take_over_head(student.prediction, origin.teacher)
        if copied:
            set_dropout(student, section.dropout)
        return student

    @classmethod
    def rebuild(cls, values: dict[str, Any], tokenizer: Any) -> TransformerClassifier:
        encoder = dict(values["encoder"])
        model = new_encoder(CONFIG_MAPPING[encoder.pop("model_type")].from_dict(encoder))
        if values.get("factorised") is not None:
            install_factorised(model, values["factorised"])
        task = values.get("task", DEFAULT_TASK)
        return cls(model, tokenizer, classes=values["classes"], dropout=values["dropout"], task=task)

    @classmethod
    def needed_pieces(cls, section: TransformerStudent, teacher: Teacher) -> np.ndarray:
        if section.initialise == "teacher_layers" and _offset_positions(teacher.encoder):
            # These positions are counted from the padding id, which therefore has to stay what it is.
            return np.arange(teacher.tokenizer.pad_token_id)
        return np.empty(0, dtype=np.int64)

    def forward(self, batch: Batch, layers: Sequence[int] = (), qkv: Sequence[int] = ()) -> Outputs:
        first_only = self.unit == "example"
        states, hidden, attention = run_encoder(self.encoder, batch, layers, qkv, first_only=first_only)
        if self.unit == "word":
            pooled, word_mask = first_piece_states(states, batch.words)
            logits = zero_outside(self.prediction(self.dropout(pooled)), word_mask)
            return Outputs(logits, pooled, hidden, attention, word_mask)
        if self.unit == "piece":
            pooled, word_mask = first_piece_states(states, batch.asked())
            logits = zero_outside(self.prediction(pooled, self.encoder.get_input_embeddings()), word_mask)
            return Outputs(logits, pooled, hidden, attention, word_mask)
        pooled = states[:, 0]
        return Outputs(self.prediction(self.dropout(pooled)), pooled, hidden, attention)

    def as_transformers(self, labels: Sequence[str]) -> PreTrainedModel | None:
        config = copy.deepcopy(self.encoder.config)
        if labels:
            config.id2label = dict(enumerate(labels))
            config.label2id = {label: number for number, label in enumerate(labels)}
        return as_transformers(self, config)

    def upper_parts(self) -> list[tuple[str, nn.Module]]:
        blocks = cast(nn.ModuleList, self.encoder.get_submodule(layer_prefix(self.encoder)))
        # ALBERT keeps groups of layers that share their weights: one part each.
        name = "layer" if len(blocks) == self.layers else "layer group"
        layers = [(f"{name} {number}", blocks[number - 1]) for number in range(len(blocks), 0, -1)]
        return [("head", self.prediction), *layers]

    def new_prediction(self) -> nn.Module:
        if self.unit == "piece":
            words: Any = self.encoder.get_input_embeddings()
            return MaskedHead(self.width, words.embedding_dim, self.classes)
        prediction = nn.Linear(self.width, self.classes)
        nn.init.normal_(prediction.weight, std=0.02)
        nn.init.zeros_(prediction.bias)
        return prediction


def bert_config(section: TransformerStudent, *, vocab_size: int, padding_id: int, max_tokens: int) -> BertConfig:
    """The BERT of the student's own sizes, with positions for max(64, max_tokens) pieces."""
    return BertConfig(
        vocab_size=vocab_size,
        hidden_size=section.hidden,
        num_hidden_layers=section.layers,
        num_attention_heads=section.heads,
        intermediate_size=section.intermediate or 4 * section.hidden,
        max_position_embeddings=max(LEAST_POSITIONS, max_tokens),
        type_vocab_size=2,
        pad_token_id=padding_id,
        hidden_dropout_prob=section.dropout,
        attention_probs_dropout_prob=section.dropout,
    )


def _offset_positions(encoder: nn.Module) -> bool:
    return any(
        name.endswith("position_embeddings") and getattr(part, "padding_idx", None) is not None
        for name, part in encoder.named_modules()
    )


def _own_encoder(section: TransformerStudent, origin: Origin) -> PreTrainedModel:
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


def _copied_encoder(section: TransformerStudent, origin: Origin) -> PreTrainedModel:
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


def _factorise(encoder: PreTrainedModel, section: TransformerStudent, origin: Origin) -> None:
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
