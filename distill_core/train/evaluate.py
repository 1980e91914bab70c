"""Predictions over a whole set of examples, and the one number that chooses."""

from __future__ import annotations

from typing import Protocol

import numpy as np
import torch

from distill_core.data.batching import sorted_batches
from distill_core.models.types import Batch, Outputs
from distill_core.tasks.classification import Encoded, collate


class Predictor(Protocol):
    def __call__(self, batch: Batch) -> Outputs: ...

    def eval(self) -> object: ...


@torch.no_grad()
def predict_logits(model: Predictor, encoded: Encoded, device: torch.device, *, batch_size: int = 64) -> np.ndarray:
    """Logits [N, C] float32 for every example, in order; the model is put in eval mode."""
    model.eval()
    found: np.ndarray | None = None
    for rows in sorted_batches(encoded.lengths, batch_size):
        logits = model(collate(encoded, rows).to(device)).logits.float().cpu().numpy()
        if found is None:
            found = np.empty((len(encoded.lengths), logits.shape[1]), dtype=np.float32)
        found[rows] = logits
    return found if found is not None else np.empty((0, 0), dtype=np.float32)


def accuracy(logits: np.ndarray, gold: np.ndarray) -> float:
    """Share of examples whose highest logit is the gold class, in [0, 1]."""
    return float(np.mean(logits.argmax(axis=1) == gold))
