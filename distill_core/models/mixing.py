"""Mixtures of two batches of texts: what a model reads instead of pieces (mixup of embeddings, MixKD 2011.00593 §3)."""

from __future__ import annotations

import inspect
from collections.abc import Callable

import torch
from torch import Tensor
from transformers import PreTrainedModel

from distill_core.errors import CheckpointError
from distill_core.losses.mixup import mix
from distill_core.models.types import Batch, Mix


def mixture(own: Batch, partner: Batch, share: float) -> Batch:
    """A batch that models read as λ·e(own) + (1−λ)·e(partner), e being their own word embeddings.

    A position is real where a text that has a share in the mixture has a piece, so that λ = 1 is `own` and λ = 0 is
    `partner`. Of two texts of different lengths the shorter one goes on with the embedding of its padding. What cannot
    be mixed (token types, words) is that of the text with the larger share, as far as it reaches.

    Args:
        own, partner: B examples each, padded to the same length (cut out of one batch).
        share: λ in [0, 1].

    Raises:
        ValueError: the shapes differ, λ leaves [0, 1], or one of them is a mixture itself.
    """
    if own.input_ids.shape != partner.input_ids.shape:
        raise ValueError(f"shapes differ: {tuple(own.input_ids.shape)} and {tuple(partner.input_ids.shape)}")
    if not 0.0 <= share <= 1.0:
        raise ValueError(f"λ must lie in [0, 1], not {share!r}")
    if own.mix is not None or partner.mix is not None:
        raise ValueError("a mixture cannot be mixed again")
    nothing = torch.zeros_like(own.mask)
    mask = (own.mask if share > 0 else nothing) | (partner.mask if share < 1 else nothing)
    larger, smaller = (own, partner) if share >= 0.5 else (partner, own)

    def pick(of_larger: Tensor, of_smaller: Tensor) -> Tensor:
        return torch.where(larger.mask | ~mask, of_larger, of_smaller)

    types = None
    if larger.type_ids is not None and smaller.type_ids is not None:
        types = pick(larger.type_ids, smaller.type_ids)
    return Batch(
        pick(larger.input_ids, smaller.input_ids),
        mask,
        types,
        pick(larger.words, smaller.words),
        Mix(own, partner, share),
    )


def embed(batch: Batch, lookup: Callable[[Tensor], Tensor]) -> Tensor:
    """Word embeddings [B, T, E] of a batch, mixed where it is one of mixtures. lookup: ids [B, T] → [B, T, E]."""
    if batch.mix is None:
        return lookup(batch.input_ids)
    return mix(lookup(batch.mix.own.input_ids), lookup(batch.mix.partner.input_ids), batch.mix.share)


def check_mixable(encoder: PreTrainedModel) -> None:
    """CheckpointError, with field ``objective.matching.mixup``, for an encoder that reads nothing but pieces."""
    if "inputs_embeds" not in inspect.signature(type(encoder).forward).parameters:
        raise CheckpointError(
            f"a {encoder.config.model_type} encoder cannot read mixtures of texts: it takes pieces, not embeddings.",
            hint="Set the weight of mixup to 0, or choose another checkpoint.",
            field="objective.matching.mixup",
        )
