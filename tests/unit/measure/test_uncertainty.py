"""Against independent values: textbook numbers, scipy's own routines, closed forms, and coverage by simulation."""

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from distill_core.measure.uncertainty import (
    compare,
    compare_one_seed,
    compare_seeds,
    holm,
    kept_interval,
    mcnemar,
    paired_interval,
    wilson,
)


def test_wilson_has_the_textbook_value() -> None:
    assert wilson(8, 10) == pytest.approx((0.4901625, 0.9433178), abs=1e-6)


@given(st.integers(1, 3000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_wilson_equals_scipy(case: tuple[int, int]) -> None:
    expected = stats.binomtest(*case).proportion_ci(0.95, method="wilson")
    low, high = wilson(*case)
    assert (low, high) == pytest.approx((expected.low, expected.high), abs=1e-9)
    assert 0 <= low <= case[0] / case[1] <= high <= 1


@pytest.mark.parametrize("case", [(1, 0), (-1, 5), (6, 5)])
def test_wilson_refuses_what_is_no_proportion(case: tuple[int, int]) -> None:
    with pytest.raises(ValueError):
        wilson(*case)


def test_mcnemar_is_the_exact_binomial() -> None:
    assert mcnemar(10, 3) == pytest.approx(2 * (1 + 13 + 78 + 286) / 2**13)
    assert mcnemar(0, 0) == 1.0 and mcnemar(4, 4) == 1.0
    assert mcnemar(3, 10) == pytest.approx(mcnemar(10, 3))


def test_paired_interval_is_bonett_and_price() -> None:
    # By hand: n = 50, wins 9, losses 3: p = 10/52, q = 4/52.
    half = 1.959964 * math.sqrt((14 / 52 - (6 / 52) ** 2) / 52)
    assert paired_interval(9, 3, 50) == pytest.approx((6 / 52 - half, 6 / 52 + half), abs=1e-6)
    low, high = paired_interval(0, 0, 20)
    assert low < 0 < high and low == -high


def test_paired_interval_covers_about_95_percent() -> None:
    rng = np.random.default_rng(5)
    truth, n, hits = 0.08 - 0.03, 200, 0
    for _ in range(2000):
        wins, losses, _ = rng.multinomial(n, [0.08, 0.03, 0.89])
        low, high = paired_interval(int(wins), int(losses), n)
        hits += low <= truth <= high
    assert 0.93 <= hits / 2000 <= 0.985


def test_one_seed_counts_what_only_one_has_right() -> None:
    a = np.array([1, 1, 1, 1, 0, 0], dtype=bool)
    b = np.array([1, 0, 0, 0, 1, 0], dtype=bool)
    found = compare_one_seed(a, b)
    assert (found.wins, found.losses, found.seeds, found.method) == (3, 1, 1, "mcnemar")
    assert found.difference == pytest.approx(2 / 6)
    assert found.p == pytest.approx(stats.binomtest(3, 4).pvalue)


def test_swapping_the_two_turns_the_sign() -> None:
    rng = np.random.default_rng(1)
    a, b = rng.random((3, 90)) < 0.8, rng.random((3, 90)) < 0.7
    for one, other in ((compare(a[:1], b[:1]), compare(b[:1], a[:1])), (compare(a, b), compare(b, a))):
        assert one.difference == pytest.approx(-other.difference) and one.p == pytest.approx(other.p)
        assert (one.low, one.high) == pytest.approx((-other.high, -other.low))


def test_seeds_alone_give_the_one_sample_t_test() -> None:
    # Every example behaves alike, so only the seeds vary.
    a = np.repeat([[True], [False], [True], [True]], 30, axis=1)
    b = np.zeros_like(a)
    found, expected = compare_seeds(a, b), stats.ttest_1samp([1, 0, 1, 1], 0)
    assert found.p == pytest.approx(expected.pvalue)
    interval = expected.confidence_interval(0.95)
    assert (found.low, found.high) == pytest.approx((max(-1, interval.low), min(1, interval.high)))


def test_equal_seeds_leave_the_test_examples_variance() -> None:
    rng = np.random.default_rng(2)
    one, other = rng.random(400) < 0.9, rng.random(400) < 0.8
    gaps = one.astype(float) - other
    found = compare_seeds(np.stack([one] * 3), np.stack([other] * 3))
    half = stats.t.ppf(0.975, 2) * gaps.std(ddof=1) / math.sqrt(400)
    assert found.difference == pytest.approx(gaps.mean())
    assert (found.low, found.high) == pytest.approx((gaps.mean() - half, gaps.mean() + half))


def test_both_sources_of_variance_add_up() -> None:
    rng = np.random.default_rng(3)
    a, b = rng.random((5, 300)) < 0.85, rng.random((5, 300)) < 0.8
    gaps = a.astype(float) - b
    error = math.sqrt(gaps.mean(axis=1).var(ddof=1) / 5 + gaps.mean(axis=0).var(ddof=1) / 300)
    assert compare_seeds(a, b).p == pytest.approx(2 * stats.t.sf(abs(gaps.mean()) / error, 4))


def test_no_difference_at_all_is_p_1_and_a_constant_one_p_0() -> None:
    same = np.ones((3, 10), dtype=bool)
    assert compare_seeds(same, same).p == 1.0
    assert compare_seeds(same, ~same).p == 0.0


def test_what_is_not_paired_is_refused() -> None:
    yes = np.ones(4, dtype=bool)
    for one, other in (([yes], []), ([yes], [yes[:3]]), ([], [])):
        with pytest.raises(ValueError):
            compare(one, other)
    with pytest.raises(ValueError):
        compare_seeds(np.ones((1, 4)), np.ones((1, 4)))


def test_kept_interval_is_the_paired_ratio_for_one_seed() -> None:
    both, only_student, only_teacher, neither = 80, 5, 9, 6
    student = np.repeat([1, 1, 0, 0], [both, only_student, only_teacher, neither])
    teacher = np.repeat([1, 0, 1, 0], [both, only_student, only_teacher, neither])
    error = math.sqrt((only_student + only_teacher) / ((both + only_student) * (both + only_teacher)))
    ratio = 85 / 89
    expected = (ratio * math.exp(-1.959964 * error), ratio * math.exp(1.959964 * error))
    assert kept_interval([student], teacher) == pytest.approx(expected, rel=1e-6)


def test_kept_interval_grows_with_the_spread_of_seeds() -> None:
    rng = np.random.default_rng(4)
    teacher = rng.random(500) < 0.9
    calm = [rng.random(500) < 0.85 for _ in range(4)]
    wild = [rng.random(500) < share for share in (0.7, 0.8, 0.9, 0.99)]
    widths = [high - low for low, high in (kept_interval(c, teacher) or (0, 0) for c in (calm, wild))]
    assert 0 < widths[0] < widths[1]


def test_kept_of_nothing_is_none() -> None:
    assert kept_interval([np.ones(5)], np.zeros(5)) is None
    assert kept_interval([np.zeros(5)], np.ones(5)) is None


def test_holm_has_the_textbook_values() -> None:
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([]) == [] and holm([0.2]) == [0.2]
    with pytest.raises(ValueError):
        holm([1.2])


@given(st.lists(st.floats(0, 1), max_size=8))
def test_holm_never_lowers_and_keeps_the_order(values: list[float]) -> None:
    adjusted = holm(values)
    assert all(a >= p for a, p in zip(adjusted, values, strict=True)) and all(a <= 1 for a in adjusted)
    ranked = sorted(zip(values, adjusted, strict=True))
    assert all(x[1] <= y[1] for x, y in pairwise(ranked))
