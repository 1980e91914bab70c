import pytest
from hypothesis import given
from hypothesis import strategies as st

from distill_core.models.layers import layer_map


@pytest.mark.parametrize(
    ("student", "teacher", "expected"),
    [
        (4, 12, [3, 6, 9, 12]),
        (6, 12, [2, 4, 6, 8, 10, 12]),
        (3, 3, [1, 2, 3]),
        (4, 6, [2, 3, 5, 6]),
        (1, 12, [12]),
        (2, 6, [3, 6]),
        (6, 2, [1, 1, 1, 1, 2, 2]),
    ],
)
def test_known_maps(student, teacher, expected):
    assert layer_map(student, teacher) == expected


@given(st.integers(1, 60), st.integers(1, 60))
def test_maps_stay_in_range_and_end_at_the_top(student, teacher):
    layers = layer_map(student, teacher)
    assert len(layers) == student
    assert layers == sorted(layers)
    assert layers[-1] == teacher
    assert layers[0] >= 1
    for j, layer in enumerate(layers, start=1):
        assert abs(layer - j * teacher / student) <= 0.5 or layer == 1


def test_counts_below_one_are_refused():
    with pytest.raises(ValueError, match="at least 1"):
        layer_map(0, 4)
