"""A bidirectional LSTM over padded texts on the CPU: the backward direction reads each text turned round.

torch gives padded texts to oneDNN, but walks through packed ones step by step; `benchmarks/results/speed.md` has what
that costs. Turned within its own length, a text's padding stays behind what is read, so it reaches neither direction.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

_WEIGHTS = ("weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0")


class PaddedTexts:
    """How the texts of a batch are turned round. mask: bool [B, T], real pieces in front, at least one a text."""

    def __init__(self, mask: Tensor) -> None:
        self.mask = mask
        self.lengths = mask.sum(dim=1, keepdim=True).clamp(min=1)
        place = torch.arange(mask.shape[1], device=mask.device)
        turned = torch.where(place < self.lengths, self.lengths - 1 - place, place)
        rows = torch.arange(len(mask), device=mask.device).unsqueeze(1) * mask.shape[1]
        self._turned = (rows + turned).flatten()

    def turn(self, states: Tensor) -> Tensor:
        """[B, T, D] → the same, each text's real pieces in opposite order; twice is as before."""
        return states.flatten(0, 1).index_select(0, self._turned).view_as(states)

    def through(self, lstm: nn.LSTM, states: Tensor) -> tuple[Tensor, Tensor]:
        """[B, T, D] → the layer's states [B, T, 2H], zero on padding, and each direction's last one [2, B, H].

        lstm: one bidirectional layer with biases, batch first."""
        forward = _one_way(lstm, states, "")
        backward = self.turn(_one_way(lstm, self.turn(states), "_reverse"))
        last = (self.lengths - 1).unsqueeze(-1).expand(-1, 1, lstm.hidden_size)
        final = torch.stack([forward.gather(1, last).squeeze(1), backward[:, 0]])
        return torch.cat([forward, backward], dim=-1).masked_fill(~self.mask.unsqueeze(-1), 0.0), final


def _one_way(lstm: nn.LSTM, states: Tensor, direction: str) -> Tensor:
    start = states.new_zeros(1, len(states), lstm.hidden_size)
    weights = [getattr(lstm, name + direction) for name in _WEIGHTS]
    found: Tensor = torch.lstm(
        states, (start, start), weights, has_biases=True, num_layers=1, dropout=0.0, train=lstm.training,
        bidirectional=False, batch_first=True,
    )[0]  # fmt: skip
    return found
