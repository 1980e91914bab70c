"""What goes into a model and what comes out of it: the same two types for teachers and students."""

from __future__ import annotations

from dataclasses import dataclass, field

from torch import Tensor


@dataclass
class Batch:
    """Token ids of B examples, padded to T.

    input_ids: [B, T] int64. mask: [B, T] bool, True on real pieces (specials included).
    type_ids: [B, T] int64 or None. words: [B, T] int64, index of the word a piece belongs to, −1 on specials and
    padding.
    """

    input_ids: Tensor
    mask: Tensor
    type_ids: Tensor | None
    words: Tensor

    def to(self, device: object) -> Batch:
        def move(t: Tensor | None) -> Tensor | None:
            return None if t is None else t.to(device, non_blocking=True)  # type: ignore[call-overload]

        return Batch(move(self.input_ids), move(self.mask), move(self.type_ids), move(self.words))  # type: ignore[arg-type]


@dataclass
class Outputs:
    """logits [B, C] (pre-softmax); pooled [B, P]; hidden {layer: [B, T, H]}, 0 = embeddings, 1 = first layer …"""

    logits: Tensor
    pooled: Tensor
    hidden: dict[int, Tensor] = field(default_factory=dict)
