from __future__ import annotations

import math

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from distill_core.services.thinning import BUCKETS, complete, kept, level_of, means

SMALL = 8  # buckets, so that short curves reach several levels
values_of = st.lists(st.one_of(st.floats(-5, 5), st.just(math.nan)), min_size=1, max_size=200).map(np.array)


def drawn(values: np.ndarray, buckets: int = SMALL) -> set[int]:
    return set(kept(values, level_of(len(values), buckets)).tolist())


@settings(max_examples=150, deadline=None)
@given(values_of, st.integers(1, 199))
def test_a_point_left_out_never_comes_back(values: np.ndarray, early: int) -> None:
    before = values[: min(early, len(values))]
    assert drawn(values) & set(range(len(before))) <= drawn(before)


@settings(max_examples=150, deadline=None)
@given(values_of)
def test_within_a_level_only_whole_buckets_thin_out(values: np.ndarray) -> None:
    """One more point at the same level: nothing goes but what the newly completed bucket leaves out."""
    before, after = values[:-1], values
    level = level_of(len(after), SMALL)
    if len(before) == 0 or level_of(len(before), SMALL) != level:
        return
    gone = drawn(before) - drawn(after)
    finished = complete(len(after), level) - 1
    assert all(number >> level == finished for number in gone)
    assert not gone or complete(len(before), level) == finished


@settings(max_examples=150, deadline=None)
@given(values_of)
def test_ends_and_extremes_stay_and_the_count_is_bounded(values: np.ndarray) -> None:
    found, level = drawn(values), level_of(len(values), SMALL)
    assert {0, len(values) - 1} <= found <= set(range(len(values)))
    assert len(found) <= 3 * SMALL + 2**level
    known = values[~np.isnan(values)]
    if len(known):
        picked = values[sorted(found)]
        assert np.nanmin(picked) == known.min() and np.nanmax(picked) == known.max()


@settings(max_examples=100, deadline=None)
@given(values_of, st.integers(0, 5), st.integers(0, 220))
def test_a_later_start_gives_the_end_of_the_whole(values: np.ndarray, level: int, first: int) -> None:
    whole = kept(values, level)
    assert kept(values, level, first).tolist() == [n for n in whole.tolist() if n >= first]


@settings(max_examples=100, deadline=None)
@given(values_of, st.integers(0, 4))
def test_levels_are_nested(values: np.ndarray, level: int) -> None:
    end = complete(len(values), level + 1) << (level + 1)
    assert {n for n in kept(values, level + 1).tolist() if n < end} <= set(kept(values, level).tolist())


def test_one_bucket_by_hand() -> None:
    values = np.array([3.0, 1.0, 9.0, 1.0, 9.0, 5.0, 4.0, 4.0, 7.0, 8.0])
    assert kept(values, 3).tolist() == [0, 1, 2, 8, 9], "first, earliest least, earliest most, then the newest bucket"
    assert kept(values, 2).tolist() == [0, 1, 2, 4, 6, 8, 9]
    assert means(values, 2).tolist() == [3.5, 5.5]
    assert means(values, 2, 1).tolist() == [5.5] and means(values, 2, 9).tolist() == []


def test_unknown_values() -> None:
    values = np.array([math.nan, math.nan, 2.0, math.nan, 1.0])
    assert kept(values, 1).tolist() == [0, 2, 4]
    found = means(values, 1)
    assert math.isnan(found[0]) and found[1] == 2.0


def test_ten_thousand_points() -> None:
    values = np.random.default_rng(0).normal(size=10_000)
    assert level_of(10_000) == 6
    assert len(drawn(values, BUCKETS)) <= 3 * 157 + 64
    assert [level_of(n) for n in (0, 1, 256, 257, 512, 513)] == [0, 0, 0, 1, 1, 2]
