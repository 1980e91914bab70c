import numpy as np
import pytest

from distill_core.measure.quality import evaluate


def test_predictions_and_figures() -> None:
    logits = np.array([[2.0, 1.0], [0.0, 3.0], [1.0, 0.0], [0.0, 1.0]])
    found = evaluate(logits, np.array([0, 1, 1, 1]), ["no", "yes"])
    assert found.predicted.tolist() == [0, 1, 0, 1] and found.correct.tolist() == [True, True, False, True]
    assert found.figures["accuracy"] == 0.75 and len(found.figures["per_class"]) == 2


@pytest.mark.parametrize(
    ("shape", "gold"), [((2, 2), [0]), ((2,), [0, 1]), ((2, 3), [0, 1]), ((0, 2), []), ((2, 2), [0, -1])]
)
def test_what_does_not_fit_is_refused(shape: tuple[int, ...], gold: list[int]) -> None:
    with pytest.raises(ValueError):
        evaluate(np.zeros(shape), np.array(gold, dtype=int), ["no", "yes"])
