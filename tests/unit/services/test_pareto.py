from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from distill_core.services.pareto import front

#: few values, so that ties and equal points are common
VALUES = st.integers(0, 6).map(float) | st.floats(-1e6, 1e6, allow_nan=False)
POINTS = st.lists(st.tuples(VALUES, VALUES), max_size=30)


def dominates(one: tuple[float, float], other: tuple[float, float]) -> bool:
    return one != other and one[0] <= other[0] and one[1] >= other[1]


@given(POINTS)
def test_no_point_on_the_front_is_dominated_and_every_other_one_is_by_one_on_it(points):
    on = front(points)
    assert not any(dominates(other, points[n]) for n in on for other in points)
    for n in set(range(len(points))) - set(on):
        assert any(dominates(points[m], points[n]) for m in on)
    assert bool(on) == bool(points) and len(set(on)) == len(on)


@given(POINTS)
def test_the_front_rises_in_cost_and_in_quality(points):
    on = [points[n] for n in front(points)]
    assert on == sorted(on)


@given(POINTS, st.data())
def test_duplicates_share_the_fate_of_their_point_and_change_no_others(points, data):
    before = {points[n] for n in front(points)}
    copies = data.draw(st.lists(st.sampled_from(points), max_size=5)) if points else []
    both = [*points, *copies]
    after = front(both)
    assert {both[n] for n in after} == before
    assert {n for n, point in enumerate(both) if point in before} == set(after)


@given(POINTS, st.randoms(use_true_random=False))
def test_the_order_of_the_points_does_not_matter(points, random):
    mixed = list(points)
    random.shuffle(mixed)
    assert sorted(points[n] for n in front(points)) == sorted(mixed[n] for n in front(mixed))


@pytest.mark.parametrize(
    ("points", "expected"),
    [
        ([], []),
        ([(1, 1)], [0]),
        ([(2, 0.9), (1, 0.8), (3, 0.85)], [1, 0]),
        ([(1, 0.9), (1, 0.8)], [0]),
        ([(1, 0.9), (2, 0.9)], [0]),
        ([(1, 0.9), (1, 0.9)], [0, 1]),
    ],
)
def test_small_ones_by_hand(points, expected):
    assert front(points) == expected
