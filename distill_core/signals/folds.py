"""Out-of-fold signals: a labelled row is answered by a teacher that has not learnt from it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from distill_core.signals.types import SignalSource, TeacherSignal


class FoldedSource:
    """One source for the rows of each fold, another for the rest (SignalSource). Signals come back on the CPU.

    Args:
        rest: numbers the whole table; asked about rows in no fold.
        folds: for each fold its source, which numbers only the fold's rows, in ascending order.
        fold_of: [N] int64, fold of each row of the table, −1 for rows in none.
        counts: [N] units of each row, or None where each row is one (in tagging: its given words).
    """

    def __init__(
        self, rest: SignalSource, folds: Sequence[SignalSource], fold_of: np.ndarray, counts: np.ndarray | None
    ) -> None:
        self.rest, self.folds, self.fold_of, self.counts = rest, list(folds), np.asarray(fold_of), counts
        self._place = np.arange(len(self.fold_of))
        for fold in range(len(self.folds)):
            rows = np.flatnonzero(self.fold_of == fold)
            self._place[rows] = np.arange(len(rows))

    def get(self, rows: np.ndarray) -> TeacherSignal:
        rows = np.asarray(rows, dtype=np.int64)
        parts: list[tuple[np.ndarray, TeacherSignal]] = []
        for fold in np.unique(self.fold_of[rows]).tolist():
            at = np.flatnonzero(self.fold_of[rows] == fold)
            source = self.rest if fold < 0 else self.folds[fold]
            parts.append((at, source.get(self._place[rows[at]]).to("cpu")))
        return parts[0][1] if len(parts) == 1 else _merged(parts, len(rows))

    def logits(self) -> np.ndarray:
        found = np.array(self.rest.logits())
        for fold, source in enumerate(self.folds):
            rows = np.flatnonzero(self.fold_of == fold)
            found[self._units(rows)] = source.logits()
        return found

    def _units(self, rows: np.ndarray) -> np.ndarray:
        """Positions of all units of these rows in the flat table."""
        if self.counts is None:
            return rows
        offsets = np.concatenate([[0], np.cumsum(self.counts)]).astype(np.int64)
        spans = [np.arange(offsets[row], offsets[row + 1]) for row in rows.tolist()]
        return np.concatenate(spans) if spans else np.empty(0, dtype=np.int64)


def _merged(parts: Sequence[tuple[np.ndarray, TeacherSignal]], count: int) -> TeacherSignal:
    """Signals of parts of a batch put in its order; shorter ones are padded."""

    def joined(tensors: list[Tensor]) -> Tensor:
        widths = [max(sizes) for sizes in zip(*(tensor.shape[1:] for tensor in tensors), strict=True)]
        table = torch.zeros(count, *widths, dtype=tensors[0].dtype)
        for (at, _), tensor in zip(parts, tensors, strict=True):
            padding = [(0, wide - size) for wide, size in zip(widths, tensor.shape[1:], strict=True)]
            # pad counts its pairs from the last axis on
            flat = [size for pair in reversed(padding) for size in pair]
            table[torch.from_numpy(at)] = torch.nn.functional.pad(tensor, flat)
        return table

    signals = [signal for _, signal in parts]
    pooled = [signal.pooled for signal in signals if signal.pooled is not None]
    words = [signal.word_mask for signal in signals if signal.word_mask is not None]
    return TeacherSignal(
        logits=joined([signal.logits for signal in signals]),
        pooled=joined(pooled) if pooled else None,
        hidden={layer: joined([signal.hidden[layer] for signal in signals]) for layer in signals[0].hidden},
        mask=joined([signal.mask for signal in signals]),
        level=signals[0].level,
        qkv={layer: joined([signal.qkv[layer] for signal in signals]) for layer in signals[0].qkv},
        word_mask=joined(words) if words else None,
    )
