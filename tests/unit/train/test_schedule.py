import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from distill_core.train.schedule import BatchPlan, evaluation_steps, learning_rate_factor


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
