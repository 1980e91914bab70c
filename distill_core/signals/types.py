"""One type for what a teacher says about a batch, whether it was just asked or read from disk."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

import numpy as np
import torch
from torch import Tensor

from distill_core.models.types import Batch, Outputs, moved

Level = Literal["token", "word"]


@dataclass(frozen=True)
class SignalSpec:
    """Which signals are wanted besides the logits.

    layers: teacher layers whose states are kept (0 = embeddings), held sorted, each once. level: states of tokens
    (specials included), or means over each word's pieces. pooled: also the pooled vector. qkv: layers (from 1) whose
    queries, keys and values are kept, by token. top_k: in masked LM only the k most probable classes of each unit are
    kept, with their logits and one logit for all others together; 0: all classes.
    """

    layers: tuple[int, ...] = ()
    level: Level = "token"
    pooled: bool = False
    qkv: tuple[int, ...] = ()
    top_k: int = 0

    def __post_init__(self) -> None:
        if any(layer < 0 for layer in self.layers):
            raise ValueError(f"layers are counted from 0, not {self.layers}")
        if self.level not in ("token", "word"):
            raise ValueError(f"level is token or word, not {self.level!r}")
        if self.qkv and self.level != "token":
            raise ValueError("queries, keys and values are compared token by token")
        object.__setattr__(self, "layers", tuple(sorted({int(layer) for layer in self.layers})))
        object.__setattr__(self, "qkv", tuple(sorted({int(layer) for layer in self.qkv})))

    def __or__(self, other: SignalSpec) -> SignalSpec:
        """What is in either. Raises ValueError where one wants tokens and the other words."""
        mine, theirs = bool(self.layers or self.qkv), bool(other.layers or other.qkv)
        if mine and theirs and self.level != other.level:
            raise ValueError("states are kept by token or by word, not both")
        return SignalSpec(
            self.layers + other.layers,
            self.level if mine else other.level,
            self.pooled or other.pooled,
            self.qkv + other.qkv,
            max(self.top_k, other.top_k),
        )

    def as_dict(self) -> dict[str, Any]:
        found = {"layers": list(self.layers), "level": self.level, "pooled": self.pooled, "qkv": list(self.qkv)}
        return {**found, "top_k": self.top_k} if self.top_k else found


@dataclass
class TeacherSignal:
    """What one teacher says about B examples, without gradient.

    logits: [B, C] fp32, or in tagging [B, W, C] with word_mask [B, W] bool. pooled: [B, P] (tagging [B, W, P]) fp32 or
    None. hidden: {layer: [B, U, H] fp32, zero where mask is False}. qkv: {layer: [B, U, 3, H] fp32}. mask: [B, U] bool,
    True on units that exist. level: what a unit is; U = the most units any example of the batch has, at least 1.
    classes: [B, W, k] int64, the classes that the first k of k + 1 logits belong to (SignalSpec.top_k); None: all.
    """

    logits: Tensor
    pooled: Tensor | None
    hidden: dict[int, Tensor] = field(default_factory=dict)
    mask: Tensor = field(default_factory=lambda: torch.zeros(0, 0, dtype=torch.bool))
    level: Level = "token"
    qkv: dict[int, Tensor] = field(default_factory=dict)
    word_mask: Tensor | None = None
    classes: Tensor | None = None

    @property
    def answers(self) -> bool:
        """False for a teacher without a prediction layer: its logits have no classes."""
        return self.logits.shape[-1] > 0

    def to(self, device: torch.device | str) -> TeacherSignal:
        return TeacherSignal(
            logits=moved(self.logits, device),
            pooled=None if self.pooled is None else moved(self.pooled, device),
            hidden={layer: moved(states, device) for layer, states in self.hidden.items()},
            mask=moved(self.mask, device),
            level=self.level,
            qkv={layer: moved(states, device) for layer, states in self.qkv.items()},
            word_mask=None if self.word_mask is None else moved(self.word_mask, device),
            classes=None if self.classes is None else moved(self.classes, device),
        )


def merged(parts: Sequence[tuple[np.ndarray, TeacherSignal]], count: int) -> TeacherSignal:
    """Signals of parts of a batch put in its order; shorter ones are padded."""

    def joined(tensors: list[Tensor]) -> Tensor:
        widths = [max(sizes) for sizes in zip(*(tensor.shape[1:] for tensor in tensors), strict=True)]
        table = tensors[0].new_zeros(count, *widths)
        for (at, _), tensor in zip(parts, tensors, strict=True):
            padding = [(0, wide - size) for wide, size in zip(widths, tensor.shape[1:], strict=True)]
            # pad counts its pairs from the last axis on
            flat = [size for pair in reversed(padding) for size in pair]
            table[torch.from_numpy(at).to(table.device)] = torch.nn.functional.pad(tensor, flat)
        return table

    signals = [signal for _, signal in parts]
    pooled = [signal.pooled for signal in signals if signal.pooled is not None]
    words = [signal.word_mask for signal in signals if signal.word_mask is not None]
    classes = [signal.classes for signal in signals if signal.classes is not None]
    return TeacherSignal(
        logits=joined([signal.logits for signal in signals]),
        pooled=joined(pooled) if pooled else None,
        hidden={layer: joined([signal.hidden[layer] for signal in signals]) for layer in signals[0].hidden},
        mask=joined([signal.mask for signal in signals]),
        level=signals[0].level,
        qkv={layer: joined([signal.qkv[layer] for signal in signals]) for layer in signals[0].qkv},
        word_mask=joined(words) if words else None,
        classes=joined(classes) if classes else None,
    )


class SignalSource(Protocol):
    """Where a teacher's signals come from. Rows are positions in the table of examples the source was opened with."""

    def get(self, rows: np.ndarray) -> TeacherSignal:
        """Signals of these rows, in this order."""
        ...

    def logits(self) -> np.ndarray:
        """[U, C] float32 of all rows, one after the other; U counts rows, or in tagging given words."""
        ...


class MixableSource(SignalSource, Protocol):
    """A source that can also be asked about what no table holds."""

    def mixed(self, rows: np.ndarray, partners: np.ndarray, share: float) -> Tensor:
        """Logits [B, C] about mixtures: share λ of these rows, 1 − λ of their partners."""
        ...


class AskableTeacher(Protocol):
    """The part of `models.teachers.Teacher` that signals need."""

    def __call__(self, batch: Batch, layers: Sequence[int] = (), **options: Any) -> Outputs: ...

    def eval(self) -> Any: ...

    def to(self, device: Any) -> Any: ...
