"""Learning-rate schedules and the order of batches: both functions of the step alone, so a resume needs no memory."""

from __future__ import annotations

import math

import numpy as np

from distill_core.data.batching import epoch_batches


def learning_rate_factor(step: int, *, steps: int, warmup_share: float, schedule: str) -> float:
    """Factor in (0, 1] on the peak learning rate at optimizer step `step` (from 0).

    Rises linearly over the warm-up, then falls to zero (linear, cosine) or stays (constant).
    """
    warmup = round(steps * warmup_share)
    if step < warmup:
        return (step + 1) / (warmup + 1)
    if schedule == "constant":
        return 1.0
    done = (step - warmup) / max(1, steps - warmup)
    if schedule == "cosine":
        return 0.5 * (1.0 + math.cos(math.pi * min(1.0, done)))
    return max(0.0, 1.0 - done)


def evaluation_steps(steps: int, evaluations: int) -> set[int]:
    """After which optimizer steps (counted from 1) validation is measured; the last step always is."""
    count = min(evaluations, steps)
    return {round(steps * (i + 1) / count) for i in range(count)}


class BatchPlan:
    """Which rows each step sees: length-bucketed, seeded, a function of (seed, step) alone.

    Args:
        rows: [N] positions in the table of examples.
        lengths: [N] tokens of each.
        batch_size: examples per step.
        seed: the trial's seed; arms of one seed share it, so they see the same order.
    """

    def __init__(self, rows: np.ndarray, lengths: np.ndarray, batch_size: int, *, seed: int) -> None:
        if len(rows) == 0:
            raise ValueError("a batch plan needs at least one row")
        self.rows = np.asarray(rows)
        self.lengths = np.asarray(lengths)
        self.batch_size = batch_size
        self.seed = seed
        self.per_epoch = math.ceil(len(self.rows) / batch_size)
        self._epoch = -1
        self._batches: list[np.ndarray] = []

    def __getitem__(self, step: int) -> np.ndarray:
        epoch, position = divmod(step, self.per_epoch)
        if epoch != self._epoch:
            self._batches = epoch_batches(self.lengths, self.batch_size, seed=self.seed, epoch=epoch)
            self._epoch = epoch
        return self.rows[self._batches[position]]
