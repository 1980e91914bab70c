"""Asking a teacher now."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from distill_core.data.batching import sorted_batches
from distill_core.models.types import Batch
from distill_core.models.words import pool_words
from distill_core.signals.types import AskableTeacher, Level, SignalSpec, TeacherSignal
from distill_core.tasks.classification import Encoded, collate

FP16_MAX = 65504.0


def through_fp16(values: Tensor) -> Tensor:
    """Values as the cache holds them: clamped to fp16's range and rounded to it; returned as fp16."""
    return values.float().clamp(-FP16_MAX, FP16_MAX).half()


def count_units(encoded: Encoded, level: Level) -> np.ndarray:
    """[N] int64: how many units each example has. Tokens: its pieces; words: its highest word number + 1, so words
    without a piece of their own (cut off, or merged into a neighbour) keep their place."""
    if level == "token":
        return encoded.lengths.astype(np.int64)
    return np.asarray([int(words.max(initial=-1)) + 1 for words in encoded.words], dtype=np.int64)


@torch.no_grad()
def ask(teacher: AskableTeacher, batch: Batch, spec: SignalSpec) -> TeacherSignal:
    """What the teacher (in eval mode, on the batch's device) says about a batch.

    Hidden states and pooled vectors carry fp16's rounding, as cached ones do; logits are exact fp32.
    """
    outputs = teacher(batch, layers=spec.layers)
    mask = batch.mask
    if spec.level == "word":
        # States of no width: the mask is wanted even where no layer is.
        mask = pool_words(outputs.logits.new_zeros(*batch.words.shape, 0), batch.words)[1]
    hidden: dict[int, Tensor] = {}
    for layer in spec.layers:
        states = outputs.hidden[layer].float()
        if spec.level == "word":
            states = pool_words(states, batch.words)[0]
        hidden[layer] = through_fp16(states).float().masked_fill(~mask.unsqueeze(-1), 0.0)
    return TeacherSignal(
        logits=outputs.logits.float(),
        pooled=through_fp16(outputs.pooled).float() if spec.pooled else None,
        hidden=hidden,
        mask=mask,
        level=spec.level,
    )


class LiveSource:
    """A teacher that is asked each time (SignalSource).

    Args:
        teacher: moved to `device` and kept in eval mode.
        encoded: the N examples in this teacher's pieces; rows are positions in it.
        spec: what to keep besides the logits.
        device: where the teacher computes; signals are returned there.
        batch_size: examples per forward pass of `logits`.
    """

    def __init__(
        self,
        teacher: AskableTeacher,
        encoded: Encoded,
        spec: SignalSpec,
        device: torch.device | str = "cpu",
        *,
        batch_size: int = 64,
    ) -> None:
        self.teacher, self.encoded, self.spec = teacher, encoded, spec
        self.device, self.batch_size = device, batch_size
        self._logits: np.ndarray | None = None
        teacher.to(device)

    def get(self, rows: np.ndarray) -> TeacherSignal:
        """Signals of these rows, in this order, on the source's device."""
        self.teacher.eval()
        return ask(self.teacher, collate(self.encoded, np.asarray(rows)).to(self.device), self.spec)

    def logits(self) -> np.ndarray:
        """[N, C] float32 of all rows; computed once."""
        if self._logits is None:
            bare = SignalSpec()
            self.teacher.eval()
            parts = [
                (rows, ask(self.teacher, collate(self.encoded, rows).to(self.device), bare).logits.cpu().numpy())
                for rows in sorted_batches(self.encoded.lengths, self.batch_size)
            ]
            if not parts:
                return np.empty((0, 0), dtype=np.float32)
            self._logits = np.empty((len(self.encoded), parts[0][1].shape[1]), dtype=np.float32)
            for rows, found in parts:
                self._logits[rows] = found
        return self._logits
