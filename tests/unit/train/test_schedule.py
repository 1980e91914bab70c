from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from distill_core.train.schedule import BatchPlan, evaluation_steps, learning_rate_factor, ramp


@pytest.mark.parametrize("schedule", ["linear", "cosine", "constant"])
def test_factor_rises_over_the_warm_up_and_stays_in_range(schedule):
    factors = [learning_rate_factor(s, steps=100, warmup_share=0.1, schedule=schedule) for s in range(100)]
    assert all(0 < f <= 1 for f in factors)
    assert factors[:10] == sorted(factors[:10])
    assert factors[10] == pytest.approx(1.0)


def test_linear_and_cosine_fall_and_meet_half_way():
    linear = [learning_rate_factor(s, steps=100, warmup_share=0.0, schedule="linear") for s in range(100)]
    cosine = [learning_rate_factor(s, steps=100, warmup_share=0.0, schedule="cosine") for s in range(100)]
    assert linear == sorted(linear, reverse=True)
    assert cosine == sorted(cosine, reverse=True)
    assert linear[50] == pytest.approx(0.5)
    assert cosine[50] == pytest.approx(0.5)
    assert learning_rate_factor(99, steps=100, warmup_share=0.0, schedule="constant") == 1.0


@given(steps=st.integers(1, 500), evaluations=st.integers(1, 50))
def test_evaluations_end_with_the_last_step(steps, evaluations):
    at = evaluation_steps(steps, evaluations)
    assert max(at) == steps
    assert min(at) >= 1
    assert len(at) <= evaluations


@settings(max_examples=30)
@given(rows=st.integers(1, 60), batch=st.integers(1, 17), seed=st.integers(0, 5))
def test_every_epoch_shows_every_row_once(rows, batch, seed):
    positions = np.arange(100, 100 + rows)
    plan = BatchPlan(positions, np.arange(rows) % 7 + 3, batch, seed=seed)
    for epoch in range(2):
        seen = np.concatenate([plan[epoch * plan.per_epoch + step] for step in range(plan.per_epoch)])
        assert sorted(seen) == list(positions)


def test_order_depends_on_seed_and_step_alone():
    lengths = np.arange(40) % 9 + 1
    forward = BatchPlan(np.arange(40), lengths, 8, seed=3)
    straight = [forward[step].tolist() for step in range(10)]
    jumped = BatchPlan(np.arange(40), lengths, 8, seed=3)
    assert [jumped[step].tolist() for step in reversed(range(10))] == straight[::-1]
    assert [BatchPlan(np.arange(40), lengths, 8, seed=4)[step].tolist() for step in range(10)] != straight


def test_a_plan_without_rows_is_refused():
    with pytest.raises(ValueError, match="at least one row"):
        BatchPlan(np.arange(0), np.arange(0), 4, seed=1)


def restarts(steps, cycles, warmup=0.0, floor=0.0):
    return [
        learning_rate_factor(
            s, steps=steps, warmup_share=warmup, schedule="cosine_restarts", restarts=cycles, floor=floor
        )
        for s in range(steps)
    ]


def test_restarts_are_equal_cosine_cycles_from_one_to_the_floor():
    found = restarts(120, 3, floor=1e-5)
    cycle = 1e-5 + (1 - 1e-5) * 0.5 * (1 + np.cos(np.pi * np.arange(40) / 40))
    assert found == pytest.approx([*cycle] * 3)
    assert [found[0], found[40], found[80]] == [1.0, 1.0, 1.0]


def test_restarts_begin_after_the_warm_up():
    found = restarts(100, 3, warmup=0.1)
    assert found[:10] == pytest.approx([(s + 1) / 11 for s in range(10)])
    assert [step for step in range(10, 100) if found[step] == 1.0] == [10, 40, 70]


@given(steps=st.integers(1, 300), cycles=st.integers(1, 30), warmup=st.floats(0, 0.9))
def test_restarts_stay_between_floor_and_peak_whatever_the_lengths(steps, cycles, warmup):
    found = restarts(steps, cycles, warmup, floor=1e-3)
    begin = round(steps * warmup)
    assert all(1e-3 <= f <= 1.0 + 1e-12 for f in found)
    rises = sum(b > a for a, b in zip(found[begin:], found[begin + 1 :], strict=False))
    length = steps - begin
    if length >= 2 * cycles:
        assert rises == cycles - 1


def test_one_cycle_is_the_plain_cosine():
    cosine = [learning_rate_factor(s, steps=50, warmup_share=0.1, schedule="cosine") for s in range(50)]
    assert restarts(50, 1, warmup=0.1) == cosine


@pytest.mark.parametrize("schedule", ["linear", "cosine", "cosine_restarts"])
def test_after_the_last_step_the_rate_is_the_floor(schedule):
    for step in (40, 55):
        factor = learning_rate_factor(step, steps=40, warmup_share=0.0, schedule=schedule, floor=0.25)
        assert factor == pytest.approx(0.25)


def test_weights_move_as_they_are_told():
    assert [ramp(4, 1, "linear", p) for p in (0, 0.25, 0.5, 1)] == pytest.approx([4, 3.25, 2.5, 1])
    assert [ramp(4, 1, "cosine", p) for p in (0, 0.25, 0.5, 1)] == pytest.approx(
        [4, 1 + 3 * (1 + math.cos(math.pi / 4)) / 2, 2.5, 1]
    )
    assert ramp(0.3, 0.3, "cosine", 0.7) == 0.3
    with pytest.raises(ValueError, match="'cubic'"):
        ramp(0, 1, "cubic", 0.5)


@given(
    start=st.floats(0, 1000),
    end=st.floats(0, 1000),
    shape=st.sampled_from(["linear", "cosine"]),
    a=st.floats(-1, 2),
    b=st.floats(-1, 2),
)
def test_a_moving_weight_is_monotone_and_meets_both_ends(start, end, shape, a, b):
    assert ramp(start, end, shape, 0.0) == start
    assert ramp(start, end, shape, 1.0) == end
    first, second = ramp(start, end, shape, min(a, b)), ramp(start, end, shape, max(a, b))
    tolerance = 1e-9 * max(1.0, start, end)
    assert (second - first) * (1 if end >= start else -1) >= -tolerance
    assert min(start, end) - tolerance <= first <= max(start, end) + tolerance


def test_copies_are_taken_in_turn_one_an_epoch():
    lengths = np.arange(30) % 7 + 1
    plan = BatchPlan(np.arange(30), lengths, 4, seed=1, copies=3)
    assert plan.per_epoch == math.ceil(10 / 4)
    for epoch in range(5):
        seen = np.concatenate([plan[epoch * plan.per_epoch + step] for step in range(plan.per_epoch)])
        start = 10 * (epoch % 3)
        assert sorted(seen.tolist()) == list(range(start, start + 10))
    with pytest.raises(ValueError, match="copies"):
        BatchPlan(np.arange(10), np.ones(10), 4, seed=1, copies=3)
