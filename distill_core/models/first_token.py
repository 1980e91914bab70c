"""An encoder's last layer for the first token alone, where nobody reads the others.

A classifier reads one state of the last layer. Of that layer only keys and values need every token: the query, the
output map and the feed-forward part, five sixths of its products, do not.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple, cast

from torch import Tensor, nn
from torch.nn import functional
from transformers import PreTrainedModel

#: encoders whose layers are built as BERT's are
BERT_LIKE = frozenset({"bert", "roberta", "xlm-roberta", "camembert", "electra"})


def can_shorten(config: Any) -> bool:
    """Is the encoder of a kind that `last_layer_for_first` knows? Sequence classifiers of these kinds read the first
    token's last state alone."""
    plain = not getattr(config, "is_decoder", False) and not getattr(config, "chunk_size_feed_forward", 0)
    return plain and config.model_type in BERT_LIKE | {"distilbert"}


@contextmanager
def last_layer_for_first(encoder: PreTrainedModel, place: str) -> Iterator[None]:
    """While the encoder runs inside, its last states are [B, 1, H]: the first token's, as they would be otherwise.

    place: name of the encoder's list of layers; it is of a kind that `can_shorten` knows.
    """
    last: Any = cast(nn.ModuleList, encoder.get_submodule(place))[-1]
    short = _distilbert if encoder.config.model_type == "distilbert" else _bert
    # An attribute of the instance goes before the method of its class.
    last.forward = lambda states, attention_mask=None, *rest, **options: short(last, states, attention_mask)
    try:
        yield
    finally:
        del last.forward


def _bert(layer: Any, states: Tensor, mask: Tensor | None) -> Tensor:
    own, first = layer.attention.self, states[:, :1]
    found = _attend(_Maps(own.query, own.key, own.value), own, states, mask)
    return cast(Tensor, layer.feed_forward_chunk(layer.attention.output(found, first)))


def _distilbert(layer: Any, states: Tensor, mask: Tensor | None) -> Tensor:
    own, first = layer.attention, states[:, :1]
    found = own.out_lin(_attend(_Maps(own.q_lin, own.k_lin, own.v_lin), own, states, mask))
    found = layer.sa_layer_norm(found + first)
    return cast(Tensor, layer.output_layer_norm(layer.ffn(found) + found))


class _Maps(NamedTuple):
    query: nn.Module
    key: nn.Module
    value: nn.Module


def _attend(maps: _Maps, attention: Any, states: Tensor, mask: Tensor | None) -> Tensor:
    """[B, 1, A]: what the first token takes from all. mask: [B, 1, 1 or T, T], boolean or added to the scores."""
    first, head = states[:, :1], attention.attention_head_size
    query, key, value = (
        part(inputs).unflatten(-1, (-1, head)).transpose(1, 2)
        for part, inputs in zip(maps, (first, states, states), strict=True)
    )
    found = functional.scaled_dot_product_attention(
        query,
        key,
        value,
        attn_mask=None if mask is None else mask[:, :, :1],
        dropout_p=attention.dropout.p if attention.training else 0.0,
        scale=attention.scaling,
    )
    return found.transpose(1, 2).flatten(2)
