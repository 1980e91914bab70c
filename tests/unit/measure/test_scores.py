import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from distill_core.measure.scores import Scores

counted = st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5), st.integers(0, 5)), min_size=1, max_size=12)


def entities(rows: list[tuple[int, int, int]]) -> Scores:
    """Scores of (right, missed, wrong) entities a sentence."""
    right, missed, wrong = (np.array(column) for column in zip(*rows, strict=True))
    return Scores.of_entities(right, right + wrong, right + missed)


def test_accuracy_is_the_share_of_right_predictions() -> None:
    scores = Scores.of_predictions([0, 2, 1, 1], [0, 1, 1, 1])
    assert scores.quality == 0.75 and scores.proportion and scores.right.tolist() == [True, False, True, True]
    assert scores.values.tolist() == scores.numerator.tolist() == [1, 0, 1, 1]


@given(counted)
def test_f1_is_twice_the_right_over_found_and_gold(rows: list[tuple[int, int, int]]) -> None:
    scores = entities(rows)
    right, missed, wrong = (sum(column) for column in zip(*rows, strict=True))
    precision, recall = right / max(1, right + wrong), right / max(1, right + missed)
    f1 = 2 * precision * recall / (precision + recall) if right else 0.0
    assert scores.quality == pytest.approx(f1, abs=1e-12)
    assert scores.right.tolist() == [not m and not w for _, m, w in rows]


@given(counted)
def test_the_values_have_the_quality_as_mean_and_the_ratios_variance(rows: list[tuple[int, int, int]]) -> None:
    scores = entities(rows)
    values, top, whole = scores.values, scores.numerator, scores.denominator
    assert values.mean() == pytest.approx(scores.quality, abs=1e-9)
    if whole.sum() and len(rows) > 1:
        residual = (top - scores.quality * whole) / whole.mean()
        assert values.var() == pytest.approx(np.mean(residual**2), abs=1e-9)


def test_the_values_are_the_derivative_of_the_quality_by_an_examples_weight() -> None:
    scores = entities([(2, 1, 0), (0, 2, 1), (3, 0, 0), (1, 1, 1)])
    top, whole, n, step = scores.numerator, scores.denominator, 4, 1e-6
    for i in range(n):
        weights = np.ones(n)
        weights[i] += step
        slope = ((weights @ top) / (weights @ whole) - scores.quality) / step
        assert scores.values[i] - scores.quality == pytest.approx(n * slope, abs=1e-4)


def test_sentences_without_entities_change_nothing_but_their_number() -> None:
    with_empty = entities([(2, 1, 0), (0, 2, 1), (0, 0, 0)])
    assert with_empty.quality == entities([(2, 1, 0), (0, 2, 1)]).quality
    assert with_empty.scored == 2 and len(with_empty) == 3 and with_empty.right[2]


def test_nothing_to_score_is_0() -> None:
    nothing = entities([(0, 0, 0)] * 3)
    assert nothing.quality == 0.0 and nothing.values.tolist() == [0, 0, 0] and nothing.scored == 0


@pytest.mark.parametrize(
    ("top", "whole"),
    [([1], [1, 1]), ([], []), ([[1]], [[1]]), ([2], [1]), ([-1], [1]), ([1], [np.inf]), ([np.nan], [1])],
)
def test_what_is_no_score_is_refused(top: list, whole: list) -> None:
    with pytest.raises(ValueError):
        Scores(np.array(top), np.array(whole))


def test_predictions_of_other_examples_are_refused() -> None:
    with pytest.raises(ValueError, match="shapes"):
        Scores.of_predictions([1, 2], [1, 2, 3])
