"""Out-of-fold sources: every row is answered by its own fold's teacher, whatever batch it comes in."""

from __future__ import annotations

import numpy as np
import torch

from distill_core.signals.folds import FoldedSource
from distill_core.signals.types import TeacherSignal


class Numbered:
    """Answers row r with r + base, with `units` units (or words) of that value."""

    def __init__(self, base: float, units: int, rows: int, *, tagging: bool = False) -> None:
        self.base, self.units, self.rows, self.tagging = base, units, rows, tagging

    def get(self, rows: np.ndarray) -> TeacherSignal:
        value = torch.as_tensor(rows, dtype=torch.float32) + self.base
        mask = torch.ones(len(rows), self.units, dtype=torch.bool)
        logits = value[:, None].expand(-1, 2)
        if self.tagging:
            logits = logits[:, None].expand(-1, self.units, -1)
        states = value[:, None, None].expand(-1, self.units, 3)
        words = mask if self.tagging else None
        return TeacherSignal(logits, value[:, None], {1: states}, mask, "word", word_mask=words)

    def logits(self) -> np.ndarray:
        rows = np.repeat(np.arange(self.rows), self.units if self.tagging else 1) + self.base
        return np.stack([rows, rows], axis=1).astype(np.float32)


FOLDS = np.array([0, 1, 0, -1, 1, -1])


def test_each_row_comes_from_its_own_fold_in_the_batchs_order():
    source = FoldedSource(Numbered(1000, 2, 6), [Numbered(100, 4, 2), Numbered(200, 3, 2)], FOLDS, None)
    found = source.get(np.array([5, 4, 0, 2]))
    assert found.logits[:, 0].tolist() == [1005, 201, 100, 101]
    assert found.pooled.flatten().tolist() == [1005, 201, 100, 101]
    assert found.mask.sum(dim=1).tolist() == [2, 3, 4, 4]
    assert found.hidden[1].shape == (4, 4, 3)
    assert found.hidden[1][:, 0, 0].tolist() == [1005, 201, 100, 101]
    assert not found.hidden[1][0, 2:].any()
    assert source.logits()[:, 0].tolist() == [100, 200, 101, 1003, 201, 1005]


def test_in_tagging_the_flat_table_keeps_every_rows_words():
    counts = np.full(6, 2)
    source = FoldedSource(
        Numbered(1000, 2, 6, tagging=True),
        [Numbered(100, 2, 2, tagging=True), Numbered(200, 2, 2, tagging=True)],
        FOLDS,
        counts,
    )
    assert source.logits()[:, 0].tolist() == np.repeat([100, 200, 101, 1003, 201, 1005], 2).tolist()
    assert source.get(np.array([3, 1])).word_mask.tolist() == [[True, True], [True, True]]
