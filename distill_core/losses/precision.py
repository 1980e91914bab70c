"""In which precision losses are computed."""

from __future__ import annotations

import torch
from torch import Tensor


def at_least_fp32(values: Tensor) -> Tensor:
    """fp16 and bf16 become fp32, where exponentials neither overflow nor vanish; fp32 and fp64 stay as they are."""
    return values if values.dtype == torch.float64 else values.float()
