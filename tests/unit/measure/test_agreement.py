import numpy as np
import pytest

from distill_core.measure.agreement import agreement, disagreements


def test_it_is_the_share_of_equal_predictions() -> None:
    assert agreement([0, 1, 2, 1], [0, 1, 1, 1]) == 0.75
    assert agreement([3], [3]) == 1.0
    assert agreement([0, 0], [1, 1]) == 0.0


def test_it_is_symmetric_and_ignores_which_is_right() -> None:
    rng = np.random.default_rng(0)
    a, b = rng.integers(0, 4, 200), rng.integers(0, 4, 200)
    assert agreement(a, b) == agreement(b, a) == 1 - len(disagreements(a, b)) / 200


def test_disagreements_are_positions() -> None:
    assert disagreements([0, 1, 2], [0, 2, 1]).tolist() == [1, 2]


@pytest.mark.parametrize("pair", [([1], [1, 2]), ([], []), ([[1]], [[1]])])
def test_what_cannot_be_compared_is_refused(pair: tuple) -> None:
    with pytest.raises(ValueError):
        agreement(*pair)
