"""Where a curve reaches the student: exactly where it should, between points alone, with an interval that widens."""

from __future__ import annotations

import math

import numpy as np
import pytest

from distill_core.extras.left_out import differences
from distill_core.extras.words import left_out_words, worth_words
from distill_core.extras.worth import crossing, rising, worth
from distill_core.measure.scores import Scores
from distill_core.measure.uncertainty import compare, holm

LABELS = [50, 100, 200, 400, 800]
RISING = [0.60, 0.70, 0.78, 0.84, 0.88]


def right(share: float, seed: int = 0, rows: int = 2000) -> Scores:
    """Right on the first rows, and so nested: who is better has all that the other has."""
    del seed
    return Scores.of_correct(np.arange(rows) < round(share * rows))


def drawn(share: float, seed: int, rows: int = 400) -> Scores:
    return Scores.of_correct(np.random.default_rng(seed).random(rows) < share)


@pytest.mark.parametrize("at", range(len(LABELS)))
def test_a_student_at_a_point_needs_exactly_its_labels(at: int) -> None:
    found = crossing(LABELS, RISING, RISING[at])
    assert found.where == "within" and found.labels == pytest.approx(LABELS[at], rel=1e-12)


def test_between_points_the_logarithm_is_read() -> None:
    found = crossing([100, 400], [0.5, 0.7], 0.6)
    assert found.labels == pytest.approx(200)  # half way from 100 to 400 in logarithms
    for level in np.linspace(0.6, 0.88, 30):
        place = crossing(LABELS, RISING, float(level))
        assert place.where == "within" and place.labels is not None and 50 <= place.labels <= 800
    places = [crossing(LABELS, RISING, float(level)).labels for level in np.linspace(0.6, 0.88, 30)]
    assert places == sorted(places)


def test_it_never_reads_beyond_the_curve() -> None:
    assert crossing(LABELS, RISING, 0.8801) == ("beyond", None)
    assert crossing(LABELS, RISING, 0.5999) == ("before", None)
    with pytest.raises(ValueError, match="ascend"):
        crossing([100, 100], [0.5, 0.6], 0.55)
    with pytest.raises(ValueError, match="one or more"):
        crossing([], [], 0.5)


def test_a_falling_piece_is_levelled_and_a_rising_curve_left_alone() -> None:
    assert rising(RISING) == RISING
    assert rising([0.5, 0.7, 0.6, 0.8]) == pytest.approx([0.5, 0.65, 0.65, 0.8])
    assert rising([3, 2, 1]) == [2, 2, 2]
    assert crossing([1, 2, 4, 8], [0.5, 0.75, 0.5, 0.875], 0.625).labels == pytest.approx(2)
    assert crossing([1, 2, 4, 8], [0.5, 0.75, 0.5, 0.875], 0.625, last=True).labels == pytest.approx(4)


def test_equal_to_the_runs_own_point_is_one_times_the_labels() -> None:
    curve = {labels: [right(q)] for labels, q in zip(LABELS, RISING, strict=True)}
    found = worth(200, [right(0.78)], curve)
    assert found["where"] == "within" and found["times"] == pytest.approx(1.0)
    assert found["low"] <= 200 <= found["high"]
    assert "As good as 1 times the labels" in worth_words(found)[0] and "not shown" in worth_words(found)[1]


def test_the_estimate_is_where_the_difference_is_zero_and_lies_in_its_interval() -> None:
    curve = {labels: [drawn(q, 7 * labels + s) for s in range(3)] for labels, q in zip(LABELS, RISING, strict=True)}
    student = [drawn(0.82, s) for s in range(3)]
    found = worth(100, student, curve)
    assert [point["labels"] for point in found["points"]] == LABELS and found["seeds"] == 3
    for point in found["points"]:
        own = compare(student, curve[point["labels"]])
        assert point["difference"] == own.difference and point["interval"] == [own.low, own.high]
    low = found["low"] if found["low"] is not None else 0
    high = found["high"] if found["high"] is not None else math.inf
    assert found["where"] == "within" and low <= found["labels"] <= high and found["times"] == found["labels"] / 100


def test_larger_tests_give_narrower_intervals() -> None:
    def width(rows: int) -> float:
        curve = {n: [drawn(q, n, rows)] for n, q in zip(LABELS, RISING, strict=True)}
        found = worth(100, [drawn(0.78, 1, rows)], curve)
        return float((found["high"] or 800) / (found["low"] or 50))

    assert width(20_000) < width(300)


def test_above_and_below_the_curve_no_number_is_said() -> None:
    curve = {labels: [right(q)] for labels, q in zip(LABELS, RISING, strict=True)}
    above = worth(400, [right(0.95)], curve)
    assert above["where"] == "beyond" and above["labels"] is None and above["times"] is None and above["high"] is None
    said = " ".join(worth_words(above))
    assert "more than what 800 labels reach" in said and "more labelled data would be needed to tell" in said
    assert "(2 times the run's 400)" in said and "is sure" in said
    below = worth(400, [right(0.4)], curve)
    assert below["where"] == "before" and "(1/8 of the run's 400), the fewest" in worth_words(below)[0]
    assert "is sure" in worth_words(below)[1]


def test_an_interval_that_leaves_the_curve_is_open_there() -> None:
    curve = {labels: [drawn(q, labels, 200)] for labels, q in zip(LABELS, RISING, strict=True)}
    found = worth(100, [drawn(0.87, 3, 200)], curve)
    assert found["high"] is None and found["high_where"] == "beyond" and found["low"] is not None
    assert "at least" in worth_words(found)[1] and "One seed" not in worth_words(found)[0]
    assert worth_words(found)[-1].startswith("With one seed this is about this student on this test set")
    blunt = worth(100, [drawn(0.74, 3, 12)], {n: [drawn(0.74, n, 12)] for n in LABELS})
    assert "cannot tell" in worth_words(blunt)[1] or "interval" in worth_words(blunt)[1]


def test_words_name_what_labels_stand_on() -> None:
    curve = {labels: [right(q)] for labels, q in zip(LABELS, RISING, strict=True)}
    assert "labelled sentences" in worth_words(worth(100, [right(0.80)], curve), "word")[0]
    assert "about 250 labelled rows" in worth_words(worth(100, [right(0.80)], curve))[0]


# ---------------------------------------------------------------- without a teacher


def test_each_teacher_is_compared_in_pairs_and_adjusted() -> None:
    student = [drawn(0.9, s) for s in range(3)]
    worse = [Scores.of_correct(one.right & (np.arange(400) % 9 > 0)) for one in student]
    rows = differences(student, {"A": worse, "B": student})
    own = compare(worse, student)
    assert [row["teacher"] for row in rows] == ["A", "B"]
    assert rows[0]["difference"] == own.difference < 0 and rows[0]["interval"] == [own.low, own.high]
    assert [row["p_adjusted"] for row in rows] == holm([own.p, compare(student, student).p])
    assert rows[0]["test"] == pytest.approx(np.mean([one.quality for one in worse]))
    assert rows[0]["outcome"] == "worse" and left_out_words(rows[0]).endswith(": A helps.")
    assert rows[1]["outcome"] == "no_difference"
    assert left_out_words(rows[1]).startswith("Without B: 0.0 points")
    assert left_out_words(rows[1]).endswith(": B adds nothing that can be shown.")


def test_one_seed_is_worded_as_one_student() -> None:
    student = [right(0.9)]
    (row,) = differences(student, {"A": [right(0.8)]})
    assert row["method"] == "mcnemar" and "on this test set the student is worse without A" in left_out_words(row)
    (better,) = differences([right(0.8), right(0.8)], {"A": [right(0.9), right(0.9)]})
    assert left_out_words(better).endswith("A hurts: the student is better without it.")
