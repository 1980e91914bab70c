"""Linear layers on CPUs where torch's own matrix products are slow.

torch multiplies fp32 matrices on x86 with MKL, which gives CPUs of other makers than Intel its AVX2 code whatever they
can do. oneDNN, which torch carries too, asks the CPU itself: on an AVX-512 machine of another maker it is twice as fast
(`benchmarks/results/speed.md`). Which of the two is used depends on the machine alone, so equal runs stay equal.
"""

from __future__ import annotations

import platform
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache, partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from transformers.activations import GELUActivation


@cache
def onednn_is_faster() -> bool:
    """Is this an x86 CPU of another maker than Intel, with oneDNN's product at hand?"""
    if platform.machine().lower() not in ("x86_64", "amd64") or not torch.backends.mkl.is_available():
        return False
    return _vendor() not in ("", "GenuineIntel") and _works()


def _vendor() -> str:
    """The CPU's maker as it names itself; "" where that cannot be read."""
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("vendor_id"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    # Windows: "AMD64 Family 25 Model 1 Stepping 1, AuthenticAMD".
    return platform.processor().rpartition(",")[2].strip() if platform.system() == "Windows" else ""


def _works() -> bool:
    """torch keeps this operator for its own compiler: another version may name it otherwise."""
    if not torch.backends.mkldnn.is_available():
        return False
    try:
        x, w = torch.arange(6.0).view(2, 3), torch.arange(12.0).view(4, 3)
        return torch.equal(product(x, w, torch.ones(4)), functional.linear(x, w, torch.ones(4)))
    except (AttributeError, RuntimeError, TypeError):
        return False


def product(x: Tensor, weight: Tensor, bias: Tensor | None, then: str = "none") -> Tensor:
    """x [..., K] · weightᵀ [K, N] + bias; a matrix, or its transpose: other strides take oneDNN's slowest path.
    then: "gelu" (the exact one), to be taken of it before it leaves the cache."""
    found: Tensor = torch.ops.mkldnn._linear_pointwise(x, weight, bias, then, [], "none" if then == "gelu" else "")
    return found


class _Linear(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        ctx.save_for_backward(x, weight)
        ctx.has_bias = bias is not None
        return product(x, weight, bias)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, Tensor | None, Tensor | None]:  # type: ignore[override]
        x, weight = ctx.saved_tensors
        # Of each text's first token alone, rows lie far apart: their product would take a hundred times as long.
        flat = gradient.reshape(-1, gradient.shape[-1]).contiguous()
        of_x = of_weight = of_bias = None
        if ctx.needs_input_grad[0]:
            of_x = product(flat, weight.t(), None).view(x.shape)
        if ctx.needs_input_grad[1]:
            of_weight = product(flat.t(), x.reshape(-1, x.shape[-1]).contiguous().t(), None)
        if ctx.has_bias and ctx.needs_input_grad[2]:
            of_bias = flat.sum(dim=0)
        return of_x, of_weight, of_bias


def linear(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """`torch.nn.functional.linear`, by oneDNN for fp32 on the CPU where that is faster.

    x: [..., K]. weight: [N, K]. bias: [N]. Gradients of first order only.
    """
    if not _fits(x, weight):
        return functional.linear(x, weight, bias)
    if _with_gradients(x, weight):
        found: Tensor = _Linear.apply(x, weight, bias)  # type: ignore[no-untyped-call]
        return found
    return product(x, weight, bias)


def linear_gelu(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """gelu(linear(x)), at once where no gradient is wanted."""
    if _fits(x, weight) and not _with_gradients(x, weight):
        return product(x, weight, bias, "gelu")
    return functional.gelu(linear(x, weight, bias))


def _fits(x: Tensor, weight: Tensor) -> bool:
    plain = x.device.type == "cpu" and x.dtype == weight.dtype == torch.float32 and x.numel() > 0
    # Under autocast torch's own product is the one that follows it.
    return onednn_is_faster() and plain and not torch.is_autocast_enabled("cpu")


def _with_gradients(x: Tensor, weight: Tensor) -> bool:
    return torch.is_grad_enabled() and (x.requires_grad or weight.requires_grad)


class FastLinear(nn.Linear):
    """`nn.Linear` computed by `linear`."""

    def forward(self, input: Tensor) -> Tensor:
        return linear(input, self.weight, self.bias)


@contextmanager
def fast_linears(*modules: object) -> Iterator[None]:
    """Inside, the linear layers of these modules compute by `linear`, and BERT's wide ones, whose output goes through
    GELU, by `linear_gelu`; afterwards they are what they were.

    What is no module, and all of it where nothing is gained, is left alone.
    """
    if not onednn_is_faster():
        yield
        return
    parts: list[Any] = [part for one in modules if isinstance(one, nn.Module) for part in one.modules()]
    plain = [part for part in parts if type(part) is nn.Linear]
    wide = [part for part in parts if "forward" not in vars(part) and _ends_in_gelu(part)]
    for part in plain:
        part.__class__ = FastLinear
    for part in wide:
        # An attribute of the instance goes before the method of its class.
        part.forward = partial(_wide, part)
    try:
        yield
    finally:
        for part in plain:
            part.__class__ = nn.Linear
        for part in wide:
            del part.forward


def _ends_in_gelu(part: Any) -> bool:
    """Is this the first half of a feed-forward part as BERT has it, and is GELU computed exactly?"""
    gelu = getattr(part, "intermediate_act_fn", None)
    exact = type(gelu) is GELUActivation and gelu.act is functional.gelu
    return exact and type(getattr(part, "dense", None)) is nn.Linear and len(list(part.children())) == 2


def _wide(part: Any, states: Tensor) -> Tensor:
    return linear_gelu(states, part.dense.weight, part.dense.bias)
