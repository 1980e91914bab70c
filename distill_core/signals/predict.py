"""Predictions over a whole set of examples."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch

from distill_core.analysis.kept import sampled_units
from distill_core.data.batching import sorted_batches
from distill_core.models.fast import shortcuts
from distill_core.models.memory import Room, within
from distill_core.models.precision import Precision, answers
from distill_core.models.types import Batch, Outputs
from distill_core.tasks.base import Encoded
from distill_core.tasks.encoding import collate


class Predictor(Protocol):
    def __call__(self, batch: Batch) -> Outputs: ...

    def eval(self) -> object: ...


@torch.no_grad()
def predict_logits(
    model: Predictor,
    encoded: Encoded,
    device: torch.device | str,
    *,
    batch_size: int = 64,
    precision: Precision = "fp32",
) -> np.ndarray:
    """Logits [U, C] float32 of every unit, row after row; the model is put in eval mode.

    A unit is an example, or in tagging a given word; the zeros of a word that was cut off stand for class 0 ("O").
    precision: what the model computes in; fp32 wherever the answers are a model's quality.
    """
    model.eval()
    found: np.ndarray | None = None
    counts = encoded.word_counts
    offsets = None if counts is None else np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    units = len(encoded) if offsets is None else int(offsets[-1])
    for rows, outputs in _said(model, encoded, device, batch_size, precision):
        logits = outputs.logits.float().cpu().numpy()
        if found is None:
            found = np.zeros((units, logits.shape[-1]), dtype=np.float32)
        if offsets is None or counts is None or outputs.word_mask is None:
            found[rows] = logits
            continue
        real = outputs.word_mask.cpu().numpy()
        places = offsets[rows][:, None] + np.arange(real.shape[1])[None, :]
        found[places[real]] = logits[real]
    return found if found is not None else np.empty((0, 0), dtype=np.float32)


def _said(
    model: Predictor, encoded: Encoded, device: torch.device | str, batch_size: int, precision: Precision = "fp32"
) -> Iterator[tuple[np.ndarray, Outputs]]:
    """(rows, what the model says of them), batch after batch; in smaller ones where memory does not hold them."""

    def ask(rows: np.ndarray) -> Outputs:
        with shortcuts(model):
            return answers(model, collate(encoded, rows).to(device), precision)

    room = Room()
    for batch in sorted_batches(encoded.lengths, batch_size):
        yield from within(room, batch, encoded.lengths, ask)


@dataclass(frozen=True)
class UnitAnswers:
    """predicted: [U] int64 most probable class of every unit (`Encoded.unseen` of a word that was cut off). nll: [U]
    float32 −log p of gold in nats, where the encoding holds gold (masked LM), else None. Where they were asked for:
    confidence: [U] float32 probability of `predicted` (0 of a word that was cut off); and, not in masked LM, logits:
    [K, C] float32 of the units `analysis.kept.sampled_units`."""

    predicted: np.ndarray
    nll: np.ndarray | None = None
    confidence: np.ndarray | None = None
    logits: np.ndarray | None = None


@torch.no_grad()
def predict_units(
    model: Predictor,
    encoded: Encoded,
    device: torch.device | str,
    *,
    batch_size: int = 64,
    confident: bool = False,
) -> UnitAnswers:
    """The class of every unit, row after row, by the argmax of `predict_logits`. In masked LM batch by batch: scores of
    a whole vocabulary for all units at once would fill the memory. confident: also how sure it is of each."""
    if encoded.gold is None or encoded.word_counts is None:
        found = predict_logits(model, encoded, device, batch_size=batch_size)
        classes = found.argmax(axis=1)
        if encoded.unseen and encoded.word_counts is not None:
            classes[~found.any(axis=1)] = encoded.unseen
        if not confident:
            return UnitAnswers(classes)
        return UnitAnswers(classes, None, _confidence(found, encoded), found[sampled_units(*found.shape)])
    model.eval()
    offsets = np.concatenate([[0], np.cumsum(encoded.word_counts)]).astype(np.int64)
    predicted = np.zeros(int(offsets[-1]), dtype=np.int64)
    nll = np.zeros(int(offsets[-1]), dtype=np.float32)
    sure = np.zeros(int(offsets[-1]), dtype=np.float32) if confident else None
    for rows, outputs in _said(model, encoded, device, batch_size):
        assert outputs.word_mask is not None
        logits = outputs.logits[outputs.word_mask].float()
        places = np.concatenate([np.arange(offsets[row], offsets[row + 1]) for row in rows])
        gold = torch.from_numpy(encoded.gold.joined(rows)).to(logits.device)
        predicted[places] = logits.argmax(dim=-1).cpu().numpy()
        nll[places] = torch.nn.functional.cross_entropy(logits, gold, reduction="none").cpu().numpy()
        if sure is not None and len(places):
            sure[places] = (logits.amax(dim=-1) - logits.logsumexp(dim=-1)).exp().cpu().numpy()
    return UnitAnswers(predicted, nll, sure)


def _confidence(logits: np.ndarray, encoded: Encoded) -> np.ndarray:
    """[U] float32: the highest probability of each row of logits [U, C]; 0 of a word that was cut off."""
    found = np.empty(len(logits), dtype=np.float32)
    for start in range(0, len(logits), 65_536):  # in parts: exact numbers of a large set take much room
        part = logits[start : start + 65_536].astype(np.float64)
        found[start : start + 65_536] = 1 / np.exp(part - part.max(axis=1, keepdims=True)).sum(axis=1)
    if encoded.word_counts is not None:
        found[~logits.any(axis=1)] = 0
    return found
