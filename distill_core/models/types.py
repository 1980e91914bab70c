"""What goes into a model and what comes out of it: the same two types for teachers and students."""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from torch import Tensor


def moved(values: Tensor, device: torch.device | str) -> Tensor:
    """The same on `device`; from the CPU to a CUDA device by way of pinned memory, so that nobody waits for the copy.

    The other way it blocks: what is read on the CPU has to be there.
    """
    target = torch.device(device)
    if target.type == "cuda" and values.device.type == "cpu":
        return values.pin_memory().to(target, non_blocking=True)
    return values.to(target)


@dataclass
class Batch:
    """Token ids of B examples, padded to T.

    input_ids: [B, T] int64. mask: [B, T] bool, True on real pieces (specials included).
    type_ids: [B, T] int64 or None. words: [B, T] int64, index of the word a piece belongs to, −1 on specials and
    padding. mix: set where these are no examples but mixtures of two each (`mixing.mixture`). targets: in masked LM
    [B, T] int64, number of each hidden piece, −1 elsewhere; None: every real piece is asked for.
    """

    input_ids: Tensor
    mask: Tensor
    type_ids: Tensor | None
    words: Tensor
    mix: Mix | None = None
    targets: Tensor | None = None

    def to(self, device: torch.device | str) -> Batch:
        def move(t: Tensor | None) -> Tensor | None:
            return None if t is None else moved(t, device)

        mix = None if self.mix is None else self.mix.to(device)
        parts = (move(self.input_ids), move(self.mask), move(self.type_ids), move(self.words))
        return Batch(*parts, mix, move(self.targets))  # type: ignore[arg-type]

    def asked(self) -> Tensor:
        """[B, T] int64: targets, or where there are none the place of every real piece."""
        if self.targets is not None:
            return self.targets
        return torch.where(self.mask, torch.arange(self.mask.shape[1], device=self.mask.device), -1)

    def take(self, rows: Tensor) -> Batch:
        """The examples at these positions [B'] int64, in this order, padded as here."""
        mix = None if self.mix is None else Mix(self.mix.own.take(rows), self.mix.partner.take(rows), self.mix.share)
        types = None if self.type_ids is None else self.type_ids[rows]
        targets = None if self.targets is None else self.targets[rows]
        return Batch(self.input_ids[rows], self.mask[rows], types, self.words[rows], mix, targets)


@dataclass
class Mix:
    """What a batch of mixtures is made of: share λ in [0, 1] of `own` and 1 − λ of `partner`, both [B, T]."""

    own: Batch
    partner: Batch
    share: float

    def to(self, device: torch.device | str) -> Mix:
        return Mix(self.own.to(device), self.partner.to(device), self.share)


@dataclass
class Outputs:
    """What a model says about a batch.

    logits: [B, C], or in tagging [B, W, C] for the W words of each example (masked LM: its W hidden pieces, C all
    pieces of the vocabulary); pre-softmax. word_mask: [B, W] bool in
    tagging, True on words whose first piece is there; None otherwise. pooled: [B, P], or in tagging the states its last
    layer reads at each word's first piece, [B, W, P]. hidden: {layer: [B, T, H]}, 0 = embeddings, 1 = first layer ….
    qkv: {layer: [B, T, 3, H]}, queries, keys and values of a layer's attention, all heads side by side.
    """

    logits: Tensor
    pooled: Tensor
    hidden: dict[int, Tensor] = field(default_factory=dict)
    qkv: dict[int, Tensor] = field(default_factory=dict)
    word_mask: Tensor | None = None
