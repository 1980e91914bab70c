"""ONNX's own operators inside a traced model, where torch's own would be unrolled to a fixed length."""

from __future__ import annotations

import torch
from torch import Tensor, nn


def onnx_lstm(lstm: nn.LSTM, inputs: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
    """A bidirectional layer with biases, while its model is exported: the operator computes nothing in torch.

    Args:
        lstm: one layer, batch first.
        inputs: [B, T, E]. lengths: [B] int32, each at least 1; what stands behind is not read.

    Returns:
        States [B, T, 2H], zero behind each length, and each direction's last state [2, B, H].
    """
    batch, length, _ = inputs.shape
    width = lstm.hidden_size
    weights = [_both(lstm, name, width) for name in ("weight_ih", "weight_hh")]
    bias = torch.cat([_both(lstm, "bias_ih", width), _both(lstm, "bias_hh", width)], dim=1)
    states, final = torch.onnx.ops.symbolic_multi_out(
        "LSTM",
        (inputs.transpose(0, 1), *weights, bias, lengths),
        {"direction": "bidirectional", "hidden_size": width},
        dtypes=(inputs.dtype, inputs.dtype),
        shapes=((length, 2, batch, width), (2, batch, width)),
    )
    return states.permute(2, 0, 1, 3).reshape(batch, length, 2 * width), final


def _both(lstm: nn.LSTM, name: str, width: int) -> Tensor:
    """[2, 4H, …] of both directions. The gates' order is torch's (input, forget, cell, output) and becomes ONNX's
    (input, output, forget, cell)."""
    found = []
    for direction in ("", "_reverse"):
        gates = getattr(lstm, f"{name}_l0{direction}")
        # Slices, not split: what has several outputs is not computed ahead.
        found.append(torch.cat([gates[number * width : (number + 1) * width] for number in (0, 3, 1, 2)]))
    return torch.stack(found)
