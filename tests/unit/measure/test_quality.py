import numpy as np
import pytest

from distill_core.data.types import Rows
from distill_core.measure.quality import evaluate
from distill_core.tasks.base import build_task

TAGS = ["O", "B-LOC", "I-LOC"]


def texts(gold: list[int]) -> Rows:
    return Rows([f"text {i}" for i in range(len(gold))], None, np.asarray(gold, dtype=np.int64), list(range(len(gold))))


def sentences(tags: list[list[int]], languages: list[str] | None = None) -> Rows:
    words = [[f"w{i}" for i in range(len(row))] for row in tags]
    return Rows(
        [" ".join(row) for row in words],
        None,
        np.zeros(len(tags)),
        list(range(len(tags))),
        words=words,
        tags=[np.asarray(row) for row in tags],
        languages=languages,
    )


def test_classes_are_predicted_and_scored_example_by_example() -> None:
    logits = np.array([[2.0, 1.0], [0.0, 3.0], [1.0, 0.0], [0.0, 1.0]])
    found = evaluate(build_task("classification"), texts([0, 1, 1, 1]), logits, ["no", "yes"])
    assert found.predicted.tolist() == [0, 1, 0, 1] and found.scores.right.tolist() == [True, True, False, True]
    assert found.scores.proportion and found.scores.quality == found.figures["accuracy"] == 0.75


def test_tags_are_predicted_word_by_word_and_scored_sentence_by_sentence() -> None:
    rows = sentences([[1, 2, 0], [1, 1]], ["en", "pl"])
    found = evaluate(build_task("tagging"), rows, np.eye(3)[[1, 2, 0, 1, 2]], TAGS)
    assert found.predicted.tolist() == [1, 2, 0, 1, 2]
    # One of one entity right; then one found (two words long) where there are two of one word each.
    assert found.scores.numerator.tolist() == [2, 0] and found.scores.denominator.tolist() == [2, 3]
    assert found.scores.quality == found.figures["f1"] == pytest.approx(2 / 5)
    assert found.figures["per_language"]["pl"]["f1"] == 0 and not found.scores.proportion


@pytest.mark.parametrize(
    ("shape", "gold"), [((2, 2), [0]), ((2,), [0, 1]), ((2, 3), [0, 1]), ((0, 2), []), ((2, 2), [0, -1])]
)
def test_what_does_not_fit_is_refused(shape: tuple[int, ...], gold: list[int]) -> None:
    with pytest.raises(ValueError):
        evaluate(build_task("classification"), texts(gold), np.zeros(shape), ["no", "yes"])


def test_sentences_without_gold_are_refused() -> None:
    with pytest.raises(ValueError, match="every word"):
        evaluate(build_task("tagging"), sentences([[-1, -1]]), np.zeros((2, 3)), TAGS)
