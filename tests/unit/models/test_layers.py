import pytest
from hypothesis import given
from hypothesis import strategies as st

from distill_core.config import Objective
from distill_core.models.layers import compared, hidden_level, layer_map


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


@pytest.mark.parametrize(
    ("term", "expected"),
    [
        ("hidden", [(1, 2), (2, 4), (3, 6)]),
        ("attention", [(1, 2), (2, 4), (3, 6)]),
        ("pkd", [(1, 2), (2, 4)]),
        ("relations", [(3, 6)]),
        ("emd", [(own, layer) for own in (1, 2, 3) for layer in range(1, 7)]),
        ("soft", []),
        ("pooled", []),
    ],
)
def test_what_each_term_compares(term, expected):
    assert compared(term, Objective(), 3, 6, deep=True) == expected


def test_a_student_of_one_layer_is_not_left_without_patient_knowledge():
    assert compared("pkd", Objective(), 1, 6, deep=True) == [(1, 6)]


@pytest.mark.parametrize(
    ("wanted", "same", "attends", "level"),
    [
        ("auto", True, True, "token"),
        ("auto", True, False, "word"),
        ("auto", False, True, "word"),
        ("pooled", True, True, "pooled"),
        ("token", False, False, "token"),
    ],
)
def test_hidden_states_meet_by_token_where_both_sides_have_the_same(wanted, same, attends, level):
    assert hidden_level(wanted, same_tokeniser=same, attends=attends) == level
