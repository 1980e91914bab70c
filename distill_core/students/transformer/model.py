"""The transformer student: an encoder and one linear layer on its first token, or on each word's first piece."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

from torch import nn
from transformers import BertConfig, PreTrainedModel

from distill_core.config import TransformerStudent
from distill_core.models.base import Student, check_task
from distill_core.models.encoders import describe, layer_prefix, run_encoder
from distill_core.models.heads import MaskedHead
from distill_core.models.types import Batch, Outputs
from distill_core.models.words import first_piece_states, zero_outside

#: a student never has fewer positions than this, so that it can later read somewhat longer inputs
LEAST_POSITIONS = 64


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

    def forward(self, batch: Batch, layers: Sequence[int] = (), qkv: Sequence[int] = ()) -> Outputs:
        states, hidden, attention = run_encoder(self.encoder, batch, layers, qkv)
        if self.task == "tagging":
            pooled, word_mask = first_piece_states(states, batch.words)
            logits = zero_outside(self.prediction(self.dropout(pooled)), word_mask)
            return Outputs(logits, pooled, hidden, attention, word_mask)
        if self.task == "masked_lm":
            pooled, word_mask = first_piece_states(states, batch.asked())
            logits = zero_outside(self.prediction(pooled, self.encoder.get_input_embeddings()), word_mask)
            return Outputs(logits, pooled, hidden, attention, word_mask)
        pooled = states[:, 0]
        return Outputs(self.prediction(self.dropout(pooled)), pooled, hidden, attention)

    def upper_parts(self) -> list[tuple[str, nn.Module]]:
        blocks = cast(nn.ModuleList, self.encoder.get_submodule(layer_prefix(self.encoder)))
        # ALBERT keeps groups of layers that share their weights: one part each.
        name = "layer" if len(blocks) == self.layers else "layer group"
        layers = [(f"{name} {number}", blocks[number - 1]) for number in range(len(blocks), 0, -1)]
        return [("head", self.prediction), *layers]

    def new_prediction(self) -> nn.Module:
        if self.task == "masked_lm":
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
