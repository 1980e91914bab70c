"""What all models share: seeding beside the global generator, counting parameters, the student's interface."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import nn

from distill_core.models.types import Batch, Outputs

#: what a model answers for: whole examples, each of their words, or each hidden piece
TASKS = ("classification", "tagging", "masked_lm")


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


def check_task(task: str) -> None:
    """ValueError for a task no model here has a head for."""
    if task not in TASKS:
        raise ValueError(f"unknown task {task!r}; models are made for {' or '.join(TASKS)}")


class Student(nn.Module):
    """What every student offers.

    Attributes:
        layers: layers K whose states can be asked for, as 1 … K (0 = embeddings).
        width: width of the states of layers 1 … K.
        pooled_width: width P of `Outputs.pooled`.
        classes: number of classes C.
        task: ``classification`` (an answer an example), ``tagging`` (a word) or ``masked_lm`` (a hidden piece).
        tokenizer: the tokenizer its inputs are made with (that of the teacher it was initialised from).
        architecture: JSON-ready description from which `saving.rebuild` makes the same module again.
        prediction: the last layer, P → C.
        kept_ids: [V] int64, the id each piece of its vocabulary has in the tokenizer it was pruned from; None where it
            reads that tokenizer's own ids. Not saved: a saved student has its own tokenizer.
    """

    layers: int
    width: int
    pooled_width: int
    classes: int
    task: str
    tokenizer: Any
    architecture: dict[str, Any]
    prediction: nn.Module
    kept_ids: np.ndarray | None = None

    def forward(self, batch: Batch, layers: Sequence[int] = (), qkv: Sequence[int] = ()) -> Outputs:
        """Logits [B, C] and pooled [B, P], or in tagging [B, W, C] and [B, W, P] with the word mask; the states
        [B, T, H] of each layer in `layers`; queries, keys and values [B, T, 3, H] of each layer (from 1) in `qkv`.

        Raises:
            ValueError: there is no such layer, or the student has no attention.
        """
        raise TypeError(f"{type(self).__name__} has to say how it computes its outputs")

    def upper_parts(self) -> list[tuple[str, nn.Module]]:
        """Everything above the embeddings, from the top down: the order in which gradual unfreezing frees it."""
        raise TypeError(f"{type(self).__name__} has to say what it is made of")

    def parts(self) -> list[tuple[str, list[nn.Parameter]]]:
        """Named parts from the top down, for gradual unfreezing (1801.06146 §3.3): each parameter in exactly one.

        The last part, ``embeddings``, is everything that is in none above it. A parameter that several parts share
        belongs to the uppermost of them; parts left without a parameter of their own are not listed.
        """
        taken: set[int] = set()
        found: list[tuple[str, list[nn.Parameter]]] = []
        for name, module in [*self.upper_parts(), ("embeddings", self)]:
            own = [parameter for parameter in module.parameters() if id(parameter) not in taken]
            taken.update(id(parameter) for parameter in own)
            if own:
                found.append((name, own))
        return found

    def new_prediction(self) -> nn.Module:
        """A prediction layer as at construction, on the CPU, drawn from torch's generator."""
        raise TypeError(f"{type(self).__name__} has to say how its prediction layer starts")

    def reset_head(self, seed: int) -> None:
        """Draws the prediction layer anew, in place: the parameters stay the same objects, on their device."""
        # Drawn on the CPU, whose generator `seeded` guards, so that every device starts from the same values.
        with seeded(seed, "new head"):
            fresh = self.new_prediction()
        with torch.no_grad():
            for own, new in zip(self.prediction.parameters(), fresh.parameters(), strict=True):
                own.copy_(new)
