"""Answers of no teacher: the shapes of what one would say, at once, so that steps can be timed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from distill_core.models.teachers import Teacher
from distill_core.models.types import Batch, Outputs
from distill_core.models.words import first_pieces
from distill_core.signals.cache import CachedSource, build_cache
from distill_core.signals.live import LiveSource
from distill_core.signals.types import SignalSpec, TeacherSignal
from distill_core.tasks.base import Encoded


class MadeUpTeacher:
    """An `AskableTeacher` whose answers are random numbers. classes: width of its logits. unit: the task's."""

    def __init__(self, teacher: Teacher, classes: int, unit: str) -> None:
        self.classes, self.unit = classes, unit
        self.width, self.pooled_width = teacher.width, teacher.pooled_width

    def __call__(self, batch: Batch, layers: Sequence[int] = (), **options: Any) -> Outputs:
        rows, length = batch.input_ids.shape
        hidden = {layer: torch.randn(rows, length, self.width) for layer in layers}
        qkv = {layer: torch.randn(rows, length, 3, self.width) for layer in options.get("qkv", ())}
        if self.unit == "example":
            return Outputs(torch.randn(rows, self.classes), torch.randn(rows, self.pooled_width), hidden, qkv)
        mask = first_pieces(batch.words if self.unit == "word" else batch.asked())[1]
        logits = torch.randn(*mask.shape, self.classes)
        return Outputs(logits, torch.randn(*mask.shape, self.pooled_width), hidden, qkv, mask)

    def eval(self) -> MadeUpTeacher:
        return self

    def to(self, device: Any) -> MadeUpTeacher:
        del device  # answers are read from the disk, on the CPU
        return self


class SomeRows:
    """A cache of a few rows of the table, read as a run reads its own (SignalSource).

    Args:
        folder: where it is built.
        encoded: the whole table in the teacher's pieces; rows: positions in it, ascending.
        shape: units of the whole table, classes of its logits.
    """

    def __init__(
        self,
        folder: Path,
        teacher: MadeUpTeacher,
        encoded: Encoded,
        rows: np.ndarray,
        spec: SignalSpec,
        shape: tuple[int, int],
    ) -> None:
        ids = [f"{row:012d}" for row in rows.tolist()]
        self.rows, self.shape = rows, shape
        self.source: CachedSource = build_cache(folder, teacher, encoded.take(rows), ids, spec)

    def get(self, rows: np.ndarray) -> TeacherSignal:
        return self.source.get(np.searchsorted(self.rows, rows))

    def logits(self) -> np.ndarray:
        return _random_logits(self.shape)


class LiveRows(LiveSource):
    """A teacher asked at every step, that need not read the whole table for the weightings."""

    shape = (0, 0)

    def logits(self) -> np.ndarray:
        return _random_logits(self.shape)


def _random_logits(shape: tuple[int, int]) -> np.ndarray:
    return np.random.Generator(np.random.PCG64(0)).standard_normal(shape, dtype=np.float32)
