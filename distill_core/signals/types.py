"""One type for what a teacher says about a batch, whether it was just asked or read from disk."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

import numpy as np
import torch
from torch import Tensor

from distill_core.models.types import Batch, Outputs

Level = Literal["token", "word"]


@dataclass(frozen=True)
class SignalSpec:
    """Which signals are wanted besides the logits.

    layers: teacher layers whose states are kept (0 = embeddings), held sorted, each once. level: states of tokens
    (specials included), or means over each word's pieces. pooled: also the pooled vector.
    """

    layers: tuple[int, ...] = ()
    level: Level = "token"
    pooled: bool = False

    def __post_init__(self) -> None:
        if any(layer < 0 for layer in self.layers):
            raise ValueError(f"layers are counted from 0, not {self.layers}")
        if self.level not in ("token", "word"):
            raise ValueError(f"level is token or word, not {self.level!r}")
        object.__setattr__(self, "layers", tuple(sorted({int(layer) for layer in self.layers})))

    def as_dict(self) -> dict[str, Any]:
        return {"layers": list(self.layers), "level": self.level, "pooled": self.pooled}


@dataclass
class TeacherSignal:
    """What one teacher says about B examples, without gradient.

    logits: [B, C] fp32. pooled: [B, P] fp32 or None. hidden: {layer: [B, U, H] fp32, zero where mask is False}.
    mask: [B, U] bool, True on units that exist. level: what a unit is; U = the most units any
    example of the batch has, at least 1.
    """

    logits: Tensor
    pooled: Tensor | None
    hidden: dict[int, Tensor] = field(default_factory=dict)
    mask: Tensor = field(default_factory=lambda: torch.zeros(0, 0, dtype=torch.bool))
    level: Level = "token"

    def to(self, device: torch.device | str) -> TeacherSignal:
        return TeacherSignal(
            logits=self.logits.to(device),
            pooled=None if self.pooled is None else self.pooled.to(device),
            hidden={layer: states.to(device) for layer, states in self.hidden.items()},
            mask=self.mask.to(device),
            level=self.level,
        )


class SignalSource(Protocol):
    """Where a teacher's signals come from. Rows are positions in the table of examples the source was opened with."""

    def get(self, rows: np.ndarray) -> TeacherSignal:
        """Signals of these rows, in this order."""
        ...

    def logits(self) -> np.ndarray:
        """[N, C] float32 of all rows."""
        ...


class AskableTeacher(Protocol):
    """The part of `models.teachers.Teacher` that signals need."""

    def __call__(self, batch: Batch, layers: Sequence[int] = ()) -> Outputs: ...

    def eval(self) -> Any: ...

    def to(self, device: Any) -> Any: ...
