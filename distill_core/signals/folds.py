"""Out-of-fold signals: a labelled row is answered by a teacher that has not learnt from it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from distill_core.signals.types import SignalSource, TeacherSignal, merged


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
        return parts[0][1] if len(parts) == 1 else merged(parts, len(rows))

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
