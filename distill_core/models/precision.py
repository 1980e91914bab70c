"""In which precision models compute: everything in fp32, or matrix products in bf16 where that is faster.

bf16 means `torch.autocast`: weights stay fp32, products and attention are computed in bf16, sums that need it (softmax,
norms) in fp32. What leaves a model is fp32 again, so that losses, learnt maps, weightings and signals never see bf16.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import torch
from torch import Tensor

from distill_core.models.types import Batch, Outputs

Precision = Literal["fp32", "bf16"]


def answers(model: Callable[..., Outputs], batch: Batch, precision: Precision = "fp32", **options: Any) -> Outputs:
    """What a model says about a batch, computed in `precision`, in fp32. options: as the model takes them.

    Gradients flow through the conversion; the backward pass computes in the precision of the forward one.
    """
    if precision == "fp32":
        return model(batch, **options)
    with torch.autocast(batch.input_ids.device.type, torch.bfloat16):
        said = model(batch, **options)
    return in_fp32(said)


def in_fp32(said: Outputs) -> Outputs:
    """The same with every bf16 or fp16 tensor in fp32."""
    return Outputs(
        logits=_widened(said.logits),
        pooled=_widened(said.pooled),
        hidden={layer: _widened(states) for layer, states in said.hidden.items()},
        qkv={layer: _widened(states) for layer, states in said.qkv.items()},
        word_mask=said.word_mask,
    )


def _widened(values: Tensor) -> Tensor:
    return values.float() if values.dtype in (torch.bfloat16, torch.float16) else values
