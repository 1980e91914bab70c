"""Training with the rows of the embedding that occur: the others get no gradient and need not pass the optimizer.

AdamW moves a row without a gradient by its weight decay alone, by the same factor in every row. So the rows that occur
nowhere in training or validation are taken out while a model is trained, one row of ones stands for all of them, and
what is left of it at the end multiplies each. A vocabulary has 30,000 to 250,000 rows; a data set shows a few thousand.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from distill_core.models.factorised import FactorisedEmbedding
from distill_core.tasks.base import Encoded

#: a trial beside whose folder this file lies is trained so; one that an earlier version began goes on as it was
MARK = ".rows-in-use"
#: taking rows out must be worth it: at most this share of them is in use
WORTH = 0.8


class _FewRows(nn.Embedding):
    """The embedding with `weight` [U + 1, E]; places: [V] row of each id."""

    places: Tensor

    def forward(self, input: Tensor) -> Tensor:
        return functional.embedding(self.places[input], self.weight, self.padding_idx)


class _FewFactorisedRows(FactorisedEmbedding):
    places: Tensor

    def forward(self, ids: Tensor) -> Tensor:
        rows: Tensor = self.map(functional.embedding(self.places[ids], self.weight, self.padding_idx))
        return rows


_SMALLER: dict[type, Any] = {nn.Embedding: _FewRows, FactorisedEmbedding: _FewFactorisedRows}


@contextmanager
def rows_in_use(tables: Sequence[tuple[nn.Module, Sequence[Encoded]]], folder: Path) -> Iterator[None]:
    """Inside, each model's word embedding has only the rows of the pieces in its encoded texts; afterwards all of them.

    Equal to training the whole embedding, up to rounding. Where an embedding is shared with an output layer, of another
    kind than is known here, or mostly in use, it stays whole.

    Args:
        tables: models with what they will read inside: their `embedding`, or their encoder's word embedding, is meant.
        folder: of the trial; a file beside it remembers how the trial was begun.
    """
    mark = folder.with_name(folder.name + MARK)
    old = not mark.exists() and any(folder.rglob("*.safetensors"))
    if not old:
        folder.parent.mkdir(parents=True, exist_ok=True)
        mark.touch()
    with ExitStack() as stack:
        for model, texts in [] if old else tables:
            embedding = word_embedding_of(model)
            if type(embedding) in _SMALLER and not _shared(model, embedding):
                stack.enter_context(_few_rows(embedding, _used(texts)))
        yield


def word_embedding_of(model: nn.Module) -> Any:
    """The module that looks pieces up: of a student or teacher with an encoder the encoder's, else its `embedding`."""
    encoder: Any = getattr(model, "encoder", None)
    return getattr(model, "embedding", None) if encoder is None else encoder.get_input_embeddings()


def _shared(model: nn.Module, embedding: nn.Module) -> bool:
    """Does a table of pieces serve elsewhere too, as the output layer of a masked language model does?"""
    weight = embedding.weight
    owners = [part for part in model.modules() if any(p is weight for p in part.parameters(recurse=False))]
    return len(owners) != 1 or getattr(model, "unit", "example") == "piece"


def _used(texts: Sequence[Encoded]) -> np.ndarray:
    """Sorted ids of all pieces and fillers."""
    parts = [np.union1d(one.ids.distinct(), [one.pad_id]) for one in texts]
    return np.unique(np.concatenate(parts)).astype(np.int64)


@contextmanager
def _few_rows(embedding: Any, used: np.ndarray) -> Iterator[None]:
    whole: nn.Parameter = embedding.weight
    rows, padding = whole.shape[0], embedding.padding_idx
    if padding is not None:
        used = np.union1d(used, [padding])
    if len(used) > WORTH * rows:
        yield
        return
    kept = torch.from_numpy(used).to(whole.device)
    places = torch.full((rows,), -1, dtype=torch.long, device=whole.device)
    places[kept] = torch.arange(len(used), device=whole.device)
    with torch.no_grad():
        few = torch.cat([whole[kept], torch.ones_like(whole[:1])])
    embedding.weight = nn.Parameter(few, requires_grad=whole.requires_grad)
    embedding.register_buffer("places", places, persistent=False)
    embedding.padding_idx = None if padding is None else int(places[padding])
    plain = type(embedding)
    embedding.__class__ = _SMALLER[plain]
    try:
        yield
    finally:
        few = embedding.weight.detach()
        with torch.no_grad():
            unused = torch.ones(rows, dtype=torch.bool, device=whole.device)
            unused[kept] = False
            # In place, and gently where nothing decayed: an untrained table stays what it was, bit for bit.
            decay = few[-1]
            if not bool((decay == 1).all()):
                whole[unused] *= decay
            whole[kept] = few[:-1]
        whole.requires_grad_(embedding.weight.requires_grad)
        whole.grad = None
        embedding.__class__ = plain
        del embedding.places
        embedding.weight, embedding.padding_idx = whole, padding
