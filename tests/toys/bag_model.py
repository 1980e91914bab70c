"""Its torch module, apart because the page knows the section."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import nn

from distill_core.models.base import Origin, Student
from distill_core.models.mixing import embed
from distill_core.models.types import Batch, Outputs
from tests.toys.bag import BagStudent


class Bag(Student):
    def __init__(self, pieces: int, breadth: int, classes: int, squash: str, task: str, tokenizer: Any) -> None:
        super().__init__()
        self.architecture = {
            "kind": "bag", "pieces": pieces, "breadth": breadth, "classes": classes, "squash": squash, "task": task,
        }  # fmt: skip
        self.layers, self.width, self.pooled_width, self.classes = 1, breadth, breadth, classes
        self.tokenizer, self.task, self.squash = tokenizer, task, squash
        self.embedding, self.inner = nn.Embedding(pieces, breadth), nn.Linear(breadth, breadth)
        self.prediction = self.new_prediction()
        nn.init.normal_(self.embedding.weight, std=0.1)

    @classmethod
    def build(cls, section: BagStudent, origin: Origin) -> Bag:
        return cls(origin.pieces, section.breadth, origin.classes, section.squash, origin.task, origin.tokenizer)

    @classmethod
    def rebuild(cls, values: dict[str, Any], tokenizer: Any) -> Bag:
        return cls(**values, tokenizer=tokenizer)

    def forward(self, batch: Batch, layers: Sequence[int] = (), qkv: Sequence[int] = ()) -> Outputs:
        embedded = embed(batch, self.embedding)
        states = self.inner(embedded)
        if self.squash == "tanh":
            states = torch.tanh(states)
        real = batch.mask.unsqueeze(-1)
        pooled = (states * real).sum(dim=1) / real.sum(dim=1)
        hidden = {number: state for number, state in enumerate((embedded, states)) if number in layers}
        return Outputs(self.prediction(pooled), pooled, hidden)

    def upper_parts(self) -> list[tuple[str, nn.Module]]:
        return [("head", self.prediction), ("inner layer", self.inner)]

    def new_prediction(self) -> nn.Linear:
        return nn.Linear(self.pooled_width, self.classes)
