"""Attention over long texts on the CPU, as many heads at a time as fit into a core's cache.

torch's own fused attention takes no dropout on the CPU: it then writes the weights [B, heads, T, T] of a whole batch to
memory five times over, and for texts of 512 tokens that takes longer than all of a small student's products. Here the
weights of a few heads are computed, drawn for and used before the next ones are looked at; what the backward pass needs
of them is written once, with their sign telling which were dropped. Values and gradients are those of the plain path.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from transformers import AttentionInterface, PreTrainedModel
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.masking_utils import AttentionMaskInterface, sdpa_mask

from distill_core.models.fast_dropout import draw, share_kept
from distill_core.models.fast_linear import onednn_is_faster, product

NAME = "blocks"
#: weights computed at once: 1 MB
BLOCK = 1 << 18
#: tokens of a text from which on this pays, and those from which on oneDNN's products do
LEAST, LARGE = 16, 192


class _Blocks(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, query: Tensor, key: Tensor, value: Tensor, bias: Tensor | None, scale: float, dropout: float
    ) -> Tensor:
        """All [N, T, D], N = texts × heads; bias: [B, 1 or T, T], added to the scores of N/B heads each."""
        wanted = any(ctx.needs_input_grad[:3])
        found, kept_weights = [], []
        for part in _parts(query):
            weights = _product(query[part] * scale, key[part].transpose(1, 2))
            if bias is not None:
                weights += _of_heads(bias, part, len(query))
            torch.softmax(weights, dim=-1, out=weights)
            used = draw(torch.empty_like(weights), dropout).mul_(weights) if dropout else weights
            found.append(_product(used, value[part]))
            if wanted:
                # Negative where it was used.
                kept_weights.append(weights.add_(used, alpha=-2) if dropout else weights)
        whole = torch.cat(found)
        if dropout:
            whole /= share_kept(dropout)
        ctx.save_for_backward(query, key, value, whole, *kept_weights)
        ctx.scale, ctx.dropout = scale, dropout
        return whole

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:  # type: ignore[override]
        query, key, value, found, *kept_weights = ctx.saved_tensors
        # softmax's gradient: w·(g - Σ w·g), and that sum is the product of the output with its gradient.
        sums = (gradient * found).sum(dim=-1, keepdim=True)
        gradient = gradient / -share_kept(ctx.dropout) if ctx.dropout else gradient.contiguous()
        of_query, of_key, of_value = [], [], []
        for part, weights in zip(_parts(query), kept_weights, strict=True):
            used = weights.clamp(max=0) if ctx.dropout else weights  # with the sign that `gradient` has
            of_value.append(_product(used.transpose(1, 2), gradient[part]))
            scores = _product(gradient[part], value[part].transpose(1, 2)).mul_(used)
            scores.addcmul_(weights.abs() if ctx.dropout else weights, sums[part], value=-1)
            of_query.append(_product(scores, key[part]))
            of_key.append(_product(scores.transpose(1, 2), query[part]))
        scaled = [torch.cat(parts).mul_(ctx.scale) for parts in (of_query, of_key)]
        return *scaled, torch.cat(of_value), None, None, None


def _parts(query: Tensor) -> Iterator[slice]:
    count, tokens, _ = query.shape
    step = 1 if _by_onednn(tokens, query.dtype) else max(1, BLOCK // tokens**2)
    for start in range(0, count, step):
        yield slice(start, min(start + step, count))


def _of_heads(bias: Tensor, part: slice, count: int) -> Tensor:
    """What is added to the scores of these of all `count` heads."""
    heads = count // len(bias)
    if part.start // heads == (part.stop - 1) // heads:
        return bias[part.start // heads]
    return bias[torch.arange(part.start, part.stop) // heads]


def _product(a: Tensor, b: Tensor) -> Tensor:
    """a [N, I, K] · b [N, K, J], by the product that `fast_linear` found faster where that pays."""
    if len(a) > 1 or not _by_onednn(max(*a.shape[1:], b.shape[2]), a.dtype):
        return torch.bmm(a, b)
    # (bᵀ·aᵀ)ᵀ where a itself is turned round: of the two it is the one whose rows are then read in order.
    turned = a.stride(2) != 1
    found = product(b[0].t(), a[0], None).t() if turned else product(a[0], b[0].t(), None)
    return found.unsqueeze(0)


def _by_onednn(tokens: int, dtype: torch.dtype) -> bool:
    return tokens >= LARGE and dtype == torch.float32 and onednn_is_faster()


def block_attention(
    query: Tensor, key: Tensor, value: Tensor, bias: Tensor | None, *, scale: float, dropout: float
) -> Tensor:
    """softmax(q·kᵀ·scale + bias), each weight dropped with probability `dropout` (from torch's generator) and the rest
    made up for it, times v: [B, heads, T, D] as query, key and value are. bias: [B, 1 or T, T]. First order only."""
    flat = [part.reshape(-1, *part.shape[2:]) for part in (query, key, value)]
    found: Tensor = _Blocks.apply(*flat, bias, scale, dropout)  # type: ignore[no-untyped-call]
    return found.view(query.shape)


def _attend(
    module: nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    dropout: float = 0.0,
    scaling: float | None = None,
    **options: Any,
) -> tuple[Tensor, None]:
    """An attention function of `transformers`, which gives [B, T, heads, D]: by blocks where that pays."""
    if not _fits(module, query, key, value, attention_mask, dropout, options):
        return sdpa_attention_forward(
            module, query, key, value, attention_mask, dropout=dropout, scaling=scaling, **options
        )
    bias = None
    if attention_mask is not None and not attention_mask.all():
        bias = torch.zeros(attention_mask.shape, dtype=query.dtype).masked_fill_(~attention_mask, -torch.inf)[:, 0]
    scale = query.shape[-1] ** -0.5 if scaling is None else scaling
    found = block_attention(query, key, value, bias, scale=scale, dropout=dropout)
    return found.transpose(1, 2).contiguous(), None


def _fits(
    module: nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    mask: Tensor | None,
    dropout: float,
    options: dict[str, Any],
) -> bool:
    if share_kept(dropout) == 0:
        return False
    plain = query.device.type == "cpu" and query.dtype == torch.float32 and not torch.is_autocast_enabled("cpu")
    alike = query.shape == key.shape == value.shape and query.shape[2] >= LEAST
    # Without dropout torch's fused attention keeps to the cache too.
    pays = dropout > 0 or _by_onednn(query.shape[2], query.dtype)
    known = options.get("position_bias") is None and options.get("cache") is None
    causal = options.get("is_causal")
    causal = getattr(module, "is_causal", True) if causal is None else causal
    masked = mask is None or (mask.dtype == torch.bool and mask.shape[1] == 1)
    return plain and alike and pays and known and masked and not causal


AttentionInterface.register(NAME, _attend)
AttentionMaskInterface.register(NAME, sdpa_mask)


@contextmanager
def attention_by_blocks(*modules: object) -> Iterator[None]:
    """Inside, encoders among these modules that attend by torch's attention do so by blocks where that pays."""
    encoders = [part for one in modules if isinstance(one, nn.Module) for part in one.modules()]
    configs: dict[int, Any] = {id(part.config): part.config for part in encoders if isinstance(part, PreTrainedModel)}
    changed = [config for config in configs.values() if config._attn_implementation == "sdpa"]
    for config in changed:
        config._attn_implementation = NAME
    try:
        yield
    finally:
        for config in changed:
            config._attn_implementation = "sdpa"
