"""What all models share: seeding beside the global generator, counting parameters, the student's interface."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn

from distill_core.models.types import Batch, Outputs


def derived_seed(seed: int, *salt: object) -> int:
    """A seed in [0, 2⁶³) from `seed` and what it is for: one purpose's draws never depend on another's."""
    digest = hashlib.sha256(repr((seed, *salt)).encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1


@contextmanager
def seeded(seed: int, *salt: object) -> Iterator[None]:
    """Inside, new CPU tensors are drawn from `derived_seed(seed, *salt)`; afterwards the generator is as it was."""
    # Only the CPU generator: torch.manual_seed would also reset those of the accelerators, which are not restored.
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(derived_seed(seed, *salt))
        yield


def count_parameters(module: nn.Module) -> int:
    """Number of parameters of a module; a tensor that occurs several times in it counts once."""
    return sum(parameter.numel() for parameter in module.parameters())


class Student(nn.Module):
    """What every student offers.

    Attributes:
        layers: layers K whose states can be asked for, as 1 … K (0 = embeddings).
        width: width of the states of layers 1 … K.
        pooled_width: width P of `Outputs.pooled`.
        classes: number of classes C.
        tokenizer: the tokenizer its inputs are made with (that of the teacher it was initialised from).
        architecture: JSON-ready description from which `saving.rebuild` makes the same module again.
    """

    layers: int
    width: int
    pooled_width: int
    classes: int
    tokenizer: Any
    architecture: dict[str, Any]

    def forward(self, batch: Batch, layers: Sequence[int] = ()) -> Outputs:
        """Logits [B, C], pooled [B, P], and the states [B, T, H] of each layer in `layers`."""
        raise TypeError(f"{type(self).__name__} has to say how it computes its outputs")
