"""Which calls a probe makes; nothing here depends on how long they take."""

from __future__ import annotations

import time

import numpy as np
import torch
from torch import nn

from distill_core.planner.probe import MOST_CALLS, POINTS, measure, spread, with_saved
from distill_core.planner.store import Curve

CPU = torch.device("cpu")
LENGTHS = np.arange(1, 101)
BATCHES = [np.arange(start, start + 10) for start in range(0, 100, 10)]


def test_batches_are_spread_from_the_smallest_to_the_largest() -> None:
    chosen = spread(BATCHES, LENGTHS)
    assert len(chosen) == POINTS
    assert [int(b[0]) for b in (chosen[0], chosen[-1])] == [0, 90]
    same = np.full(100, 7)
    assert len(spread(BATCHES, same)) == 1


def test_quick_calls_are_repeated_and_every_point_is_whole() -> None:
    calls: list[int] = []
    curve = measure(lambda rows: calls.append(len(rows)), BATCHES, LENGTHS, CPU, budget_s=30.0)
    assert curve.tokens == (100.0, 400.0, 700.0, 1000.0) and not curve.cut
    assert calls == [2, 2] + [10] * (POINTS * (1 + MOST_CALLS))


def test_slow_calls_are_cut_to_the_rows_that_fit() -> None:
    calls: list[int] = []

    def slow(rows: np.ndarray) -> None:
        calls.append(len(rows))
        end = time.process_time() + 0.002 * int(LENGTHS[rows].max()) * len(rows)
        while time.process_time() < end:
            pass

    curve = measure(slow, BATCHES, LENGTHS, CPU, budget_s=0.3)
    assert curve.cut and curve.tokens[-1] < 1000 and min(calls) >= 1


def test_what_a_step_keeps_is_counted_without_the_weights() -> None:
    layer = nn.Linear(8, 4, bias=False)

    def step(rows: np.ndarray) -> None:
        layer(torch.ones(len(rows), 8, requires_grad=True)).pow(2).sum().backward()

    curve = with_saved(Curve((1.0,), (1.0,), (1.0,)), step, np.arange(6), np.full(6, 1), layer)
    # The input [6, 8] and the output [6, 4] that is squared, in fp32.
    assert curve.saved * 6 == 6 * (8 + 4) * 4
