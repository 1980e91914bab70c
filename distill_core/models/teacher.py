"""What every teacher offers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from torch import nn
from transformers import PreTrainedModel

from distill_core.checkpoints import CheckpointInfo
from distill_core.models.encoders import usable_positions
from distill_core.models.types import Batch, Outputs


class Teacher(nn.Module):
    """A model that answers in the data's labels.

    Attributes:
        name: shown in charts, unique within a run.
        info: what its checkpoint is.
        tokenizer: its own tokenizer; batches must be made with it.
        layers, width: layers L and width H of its hidden states.
        pooled_width: width P of `Outputs.pooled`.
        max_tokens: longest input its positions allow, special pieces included; None where they set no limit.
        encoder: the pre-trained part.
        answers: it has a prediction layer for the task; False: its logits have no classes.
        head_is_new: the rest is new, and may learn at another rate.
    """

    encoder: PreTrainedModel
    answers: bool = True
    head_is_new: bool = True

    def __init__(self, name: str, info: CheckpointInfo, tokenizer: Any, encoder: PreTrainedModel) -> None:
        super().__init__()
        self.name, self.info, self.tokenizer = name, info, tokenizer
        self.layers, self.width = encoder.config.num_hidden_layers, encoder.config.hidden_size
        self.pooled_width = self.width
        self.max_tokens = usable_positions(encoder)

    def forward(self, batch: Batch, layers: Sequence[int] = (), qkv: Sequence[int] = ()) -> Outputs:
        """Logits [B, C] and pooled [B, P], or in tagging [B, W, C] and [B, W, P] with the word mask (masked LM: a
        row for each hidden piece); states {layer: [B, T, H]} of the layers asked for (0 = embeddings … L); queries,
        keys and values {layer: [B, T, 3, H]} of the layers (from 1) in `qkv`.

        Raises:
            ValueError: there is no such layer. CheckpointError: `qkv` of an encoder that is not BERT-like.
        """
        raise TypeError(f"{type(self).__name__} has to say how it computes its outputs")
