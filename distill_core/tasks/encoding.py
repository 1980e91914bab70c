"""What all tasks share when they tokenise and pad."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from distill_core.errors import CheckpointError
from distill_core.models.types import Batch
from distill_core.tasks.base import Encoded

#: Texts given to the tokeniser at once: enough to keep its threads busy, little enough to keep its answer small.
CHUNK = 1000


def require_fast(tokenizer: Any) -> None:
    """Raises CheckpointError for a tokeniser without character offsets."""
    if not tokenizer.is_fast:
        raise CheckpointError(
            f"the tokeniser {type(tokenizer).__name__} cannot tell which characters a piece stands for.",
            hint="Save the checkpoint with a fast tokeniser (tokenizer.json).",
        )


def encodable(texts: Sequence[str]) -> list[str]:
    """Lone surrogates (JSON can carry them, UTF-8 cannot) become "?", one for one, so that positions stay."""
    return [text.encode("utf-8", "replace").decode("utf-8") for text in texts]


def collate(encoded: Encoded, indices: np.ndarray) -> Batch:
    """A Batch of these examples on the CPU, in this order, padded on the right to the longest of them."""
    lengths = encoded.lengths[indices]
    mask = np.arange(int(lengths.max(initial=0)))[None, :] < lengths[:, None]

    def padded(parts: list[np.ndarray], fill: int) -> torch.Tensor:
        table = np.full(mask.shape, fill, dtype=np.int64)
        if len(indices):
            table[mask] = np.concatenate([parts[int(i)] for i in indices])
        return torch.from_numpy(table)

    return Batch(
        input_ids=padded(encoded.ids, encoded.pad_id),
        mask=torch.from_numpy(mask),
        type_ids=None if encoded.types is None else padded(encoded.types, 0),
        words=padded(encoded.words, -1),
        targets=None if encoded.targets is None else padded(encoded.targets, -1),
    )
