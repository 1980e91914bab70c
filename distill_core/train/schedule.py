"""Learning rates, moving weights and the order of batches: functions of the step alone, so a resume needs no memory."""

from __future__ import annotations

import math

import numpy as np

from distill_core.data.batching import epoch_batches

#: where the cycles of "cosine_restarts" end, as a share of the peak rate: 1e-8 at the papers' 1e-3 (1910.01769,
#: 2004.05686)
RESTARTS_FLOOR = 1e-5


def learning_rate_factor(
    step: int, *, steps: int, warmup_share: float, schedule: str, restarts: int = 3, floor: float = 0.0
) -> float:
    """Factor in [floor, 1] on the peak learning rate at optimizer step `step` (from 0) of `steps`.

    Rises linearly over the warm-up, then falls to the floor (linear, cosine) or stays (constant). "cosine_restarts"
    spends what follows the warm-up in `restarts` equal cosine cycles, each from 1 to the floor (1910.01769 and
    2004.05686 let the rate fall from 1e-3 to 1e-8: a floor of 1e-5).
    """
    warmup = round(steps * warmup_share)
    if step < warmup:
        return (step + 1) / (warmup + 1)
    if schedule == "constant":
        return 1.0
    length = max(1, steps - warmup)
    done = min(1.0, (step - warmup) / length)
    if schedule == "cosine_restarts" and done < 1.0:
        # In whole numbers, so that a cycle's first step is its first step, whatever the division's rounding.
        done = (step - warmup) * min(restarts, length) % length / length
    fallen = 1.0 - done if schedule == "linear" else 0.5 * (1.0 + math.cos(math.pi * done))
    return floor + (1.0 - floor) * fallen


def ramp(start: float, end: float, shape: str, progress: float) -> float:
    """A moving weight at `progress` in [0, 1] of its phase: from start to end, "linear" or "cosine" (a half cosine:
    slow, fast, slow). Outside [0, 1] the nearer end; start == end is constant. E.g. 4 → 1 (2305.18239)."""
    if start == end:
        return start
    share = min(1.0, max(0.0, progress))
    if shape == "cosine":
        share = 0.5 * (1.0 - math.cos(math.pi * share))
    elif shape != "linear":
        raise ValueError(f"a weight moves linear or cosine, not {shape!r}")
    return (1.0 - share) * start + share * end


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
        copies: of the same examples, one after the other in `rows`; each epoch sees one of them, in turn.
    """

    def __init__(self, rows: np.ndarray, lengths: np.ndarray, batch_size: int, *, seed: int, copies: int = 1) -> None:
        if len(rows) == 0:
            raise ValueError("a batch plan needs at least one row")
        self.rows = np.asarray(rows)
        self.lengths = np.asarray(lengths)
        self.batch_size = batch_size
        self.seed, self.copies = seed, copies
        if len(self.rows) % copies:
            raise ValueError(f"{len(self.rows)} rows are not {copies} copies of the same examples")
        self.each = len(self.rows) // copies
        self.per_epoch = math.ceil(self.each / batch_size)
        self._epoch = -1
        self._batches: list[np.ndarray] = []

    def __getitem__(self, step: int) -> np.ndarray:
        epoch, position = divmod(step, self.per_epoch)
        start = epoch % self.copies * self.each
        if epoch != self._epoch:
            lengths = self.lengths[start : start + self.each]
            self._batches = epoch_batches(lengths, self.batch_size, seed=self.seed, epoch=epoch)
            self._epoch = epoch
        return self.rows[start : start + self.each][self._batches[position]]
