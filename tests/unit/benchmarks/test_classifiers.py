"""What the benchmark's spoilt teachers learn from."""

import numpy as np
import pytest

from benchmarks.classifiers import altered, flipped
from distill_core.data.types import Rows

LABELS = ["a", "b", "c"]


def rows_of(labels):
    texts = [f"text {i}" for i in range(len(labels))]
    return Rows(texts, None, np.array(labels), list(range(1, len(labels) + 1)))


@pytest.mark.parametrize("classes", [2, 3, 6])
def test_the_share_is_exact_and_every_flipped_label_is_another_class(classes):
    labels = np.arange(1000) % classes
    found = flipped(labels, 0.2, classes, seed=1)
    assert int((found != labels).sum()) == 200
    assert found.min() == 0 and found.max() == classes - 1
    assert found.tolist() == flipped(labels, 0.2, classes, seed=1).tolist()
    assert found.tolist() != flipped(labels, 0.2, classes, seed=2).tolist()


def test_all_other_classes_are_about_equally_likely():
    found = flipped(np.zeros(6000, dtype=np.int64), 1.0, 4, seed=3)
    counts = np.bincount(found, minlength=4)
    assert counts[0] == 0
    assert np.all(np.abs(counts[1:] - 2000) < 150)  # four standard deviations


def test_only_rows_of_the_wanted_classes_are_left_with_their_numbers():
    rows = rows_of([0, 1, 2, 0, 2])
    found = altered(rows, LABELS, 0.0, ["a", "c"], seed=1)
    assert found.labels.tolist() == [0, 2, 0, 2]
    assert found.texts == ["text 0", "text 2", "text 3", "text 4"]


def test_flipping_leaves_texts_and_the_given_rows_alone():
    rows = rows_of([0, 1, 2, 0, 2] * 10)
    found = altered(rows, LABELS, 0.2, None, seed=1)
    assert found.texts == rows.texts
    assert int((found.labels != rows.labels).sum()) == 10
    assert rows.labels.tolist() == [0, 1, 2, 0, 2] * 10
