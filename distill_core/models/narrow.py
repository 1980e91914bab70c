"""Long texts go through a model on the CPU a few at a time, those of like length together, each part as wide as its own
longest text: what is computed between layers then stays in the CPU's caches, and less of it is padding. The answers
are joined before anybody sees them, so losses and weightings look at the whole batch, and gradients are those of it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from distill_core.data.batching import cut_by_tokens
from distill_core.models.precision import Precision, answers
from distill_core.models.types import Batch, Outputs

#: padded tokens of a part; fewer make the products of linear layers less efficient
TOKENS = 2048


def answers_narrow(model: Callable[..., Outputs], batch: Batch, precision: Precision, **options: Any) -> Outputs:
    """As `answers`; in parts where the batch is on the CPU and long. With dropout the parts draw one after the other:
    the numbers are others than for the whole batch, and the same for equal batches."""
    if batch.input_ids.device.type != "cpu" or batch.input_ids.numel() <= TOKENS or batch.mix is not None:
        return answers(model, batch, precision, **options)
    lengths = batch.mask.sum(dim=1).numpy()
    places = [torch.from_numpy(part) for part in cut_by_tokens(lengths, TOKENS)]
    widths = [max(1, int(lengths[place].max())) for place in places]
    parts = [
        answers(model, _cut(batch.take(place), width), precision, **options)
        for place, width in zip(places, widths, strict=True)
    ]
    return joined(parts, torch.cat(places).argsort(), batch.input_ids.shape[1])


def _cut(batch: Batch, width: int) -> Batch:
    """Without the columns that are padding alone."""
    return replace(
        batch,
        input_ids=batch.input_ids[:, :width],
        mask=batch.mask[:, :width],
        type_ids=None if batch.type_ids is None else batch.type_ids[:, :width],
        words=batch.words[:, :width],
        targets=None if batch.targets is None else batch.targets[:, :width],
    )


def joined(parts: list[Outputs], order: Tensor | None = None, width: int = 0) -> Outputs:
    """Answers about parts of a batch as one. order: [B] place of each of its examples among the parts' examples, None:
    as they stand; width: T, which states are filled up to, 0: they are as wide already."""
    masks = [part.word_mask for part in parts if part.word_mask is not None]
    words = max(mask.shape[1] for mask in masks) if masks else 0

    def one(tensors: list[Tensor], size: int) -> Tensor:
        whole = torch.cat([_filled(values, size) for values in tensors])
        return whole if order is None else whole[order]

    def layers(all_states: list[dict[int, Tensor]]) -> dict[int, Tensor]:
        return {layer: one([states[layer] for states in all_states], width) for layer in all_states[0]}

    return Outputs(
        logits=one([part.logits for part in parts], words),
        pooled=one([part.pooled for part in parts], words),
        hidden=layers([part.hidden for part in parts]),
        qkv=layers([part.qkv for part in parts]),
        word_mask=one(masks, words) if masks else None,
    )


def _filled(values: Tensor, size: int) -> Tensor:
    """The second axis filled up to `size` with zeros (False); 0: it has no such axis."""
    missing = size - values.shape[1] if size else 0
    return values if missing <= 0 else functional.pad(values, (0, 0) * (values.ndim - 2) + (0, missing))
