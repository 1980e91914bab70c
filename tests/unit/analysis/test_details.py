"""Confusion, the teachers' errors, and rows on which student and teacher differ."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import confusion_matrix

from distill_core.analysis.confusion import MOST, confusion
from distill_core.analysis.examples import PAGE, Wanted, as_csv, choose, describe, row_confidence, titles
from distill_core.analysis.kept import Model, Split
from distill_core.analysis.teachers import examine
from distill_core.errors import DataError
from tests.unit.analysis.kept_run import about, write_examples, write_tagged

GOLD = np.asarray([0, 0, 1, 1, 2, 2])
SAID = {
    "teacher:0": np.asarray([0, 0, 1, 2, 2, 0]),
    "teacher:1": np.asarray([0, 1, 1, 2, 0, 0]),
    "main:13": np.asarray([0, 0, 2, 1, 0, 1]),
    "no_teacher:13": np.asarray([1, 1, 1, 1, 1, 1]),
}


@pytest.fixture
def split(tmp_path: Path) -> Split:
    sure = {"main:13": np.asarray([0.5, 0.6, 0.9, 0.8, 0.7, 0.95])}
    return write_examples(tmp_path, GOLD, SAID, confidence=sure)


# ---------------------------------------------------------------- confusion


def test_counts_are_sklearns(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    gold, said = rng.integers(0, 3, 500), rng.integers(0, 3, 500)
    found = confusion(write_examples(tmp_path, gold, {"teacher:0": gold, "main:13": said}), "main:13")
    assert found["labels"] == ["bad", "good", "odd"] and found["left_out"] == 0
    assert found["counts"] == confusion_matrix(gold, said).tolist()


def test_entities_are_told_by_type(tmp_path: Path) -> None:
    gold = [[1, 2, 0], [0, 3, 4]]
    split = write_tagged(tmp_path, gold, {"teacher:0": gold, "main:13": [[2, 1, 0], [0, 3, 1]]})
    found = confusion(split, "main:13")
    assert found["labels"] == ["O", "LOC", "PER"]
    assert found["counts"] == [[2, 0, 0], [0, 2, 0], [0, 1, 1]]


def test_of_many_classes_those_with_the_most_mistakes_are_shown(tmp_path: Path) -> None:
    labels = [f"c{number}" for number in range(60)]
    gold = np.tile(np.arange(60), 10)
    said = np.where(gold < 20, gold + 1, gold)
    models = [Model("teacher:0", "teacher", "bert"), Model("main:13", "main", "main", 13)]
    split = write_examples(
        tmp_path, gold, {"teacher:0": gold, "main:13": said}, shared=about(labels=labels, models=models, control="")
    )
    found = confusion(split, "main:13")
    assert len(found["labels"]) == MOST and found["left_out"] == 30
    assert {f"c{number}" for number in range(20)} <= set(found["labels"])


# ---------------------------------------------------------------- teachers


def test_errors_that_teachers_share_and_the_oracle(split: Split) -> None:
    found = examine(split)
    # bert errs on rows 4 and 6, roberta on 2, 4, 5 and 6: in rows 4 and 6 with the same wrong answer.
    assert found["errors"] == [2, 4] and found["both"] == [[2, 2], [2, 4]]
    assert found["overlap"] == [[1.0, 0.5], [0.5, 1.0]] and found["same"][0][1] == 2
    assert found["oracle"] == pytest.approx(4 / 6) and found["all_wrong"] == 2
    assert found["gain"] == pytest.approx(0)
    # The student has row 4 right, which no teacher has.
    assert found["student"] == pytest.approx(3 / 6) and found["student_beyond"] == 1


def test_an_oracle_gains_where_teachers_err_on_different_rows(tmp_path: Path) -> None:
    gold = np.zeros(10, dtype=int)
    first, second = gold.copy(), gold.copy()
    first[:3], second[5:7] = 1, 1
    found = examine(write_examples(tmp_path, gold, {"teacher:0": first, "teacher:1": second, "main:13": gold}))
    assert found["oracle"] == 1 and found["gain"] == pytest.approx(0.2) and found["overlap"][0][1] == 0


# ---------------------------------------------------------------- examples


@pytest.mark.parametrize(
    ("given", "rows"),
    [
        ({}, [2, 3, 4, 5]),
        ({"who": "student"}, [3]),
        ({"who": "teacher"}, [2, 4]),
        ({"who": "neither"}, [5]),
        ({"gold": "odd"}, [4, 5]),
        ({"sure": 0.85}, [2, 5]),
        ({"order": "student"}, [5, 2, 3, 4]),
        ({"against": "teacher:1"}, [1, 2, 3, 5]),
        ({"who": "everyone", "sure": "much", "page": -1, "order": 3}, [2, 3, 4, 5]),
    ],
)
def test_rows_on_which_they_differ(split: Split, given: dict, rows: list[int]) -> None:
    assert choose(split, Wanted.of(given)).tolist() == rows


def test_what_is_not_there_is_refused(split: Split) -> None:
    for given in ({"against": "teacher:7"}, {"against": "main:13"}, {"gold": "purple"}):
        with pytest.raises(DataError):
            choose(split, Wanted.of(given))


def test_rows_are_told_with_everybodys_answer(split: Split) -> None:
    (row,) = describe(split, np.asarray([2]), {3: "some text"})
    assert (row["row"], row["id"], row["text"], row["gold"]) == (3, f"{3:016x}", "some text", "good")
    assert [(s["key"], s["label"], s["right"]) for s in row["said"]] == [
        ("main:13", "odd", False),
        ("teacher:0", "good", True),
        ("teacher:1", "good", True),
        ("no_teacher:13", "good", True),
    ]
    assert row["said"][0]["confidence"] == pytest.approx(0.9, abs=1e-4)
    assert list(titles(split).values()) == ["student", "bert", "roberta", "student without teachers"]


def test_sentences_are_as_sure_as_their_least_sure_word(tmp_path: Path) -> None:
    gold = [[1, 2, 0], [0, 3, 4]]
    split = write_tagged(tmp_path, gold, {"teacher:0": gold, "main:13": [[1, 2, 0], [0, 3, 0]]})
    assert choose(split, Wanted.of({"who": "teacher", "gold": "PER"})).tolist() == [1]
    assert choose(split, Wanted.of({"gold": "LOC"})).tolist() == []
    assert row_confidence(split, "main:13").tolist() == pytest.approx([0.8, 0.8], abs=1e-4)
    (row,) = describe(split, np.asarray([1]), {})
    assert row["gold"] == ["O", "B-PER", "I-PER"] and row["said"][0]["label"] == ["O", "B-PER", "O"]


def test_csv_holds_every_row_and_no_formula(split: Split) -> None:
    rows = choose(split, Wanted())
    text = as_csv(split, describe(split, rows, {3: "=cmd()", 4: 'a "quoted", text\nwith a line'}))
    read = list(csv.reader(io.StringIO(text)))
    assert read[0][:6] == ["row", "id", "text", "gold", "student", "student confidence"]
    assert [line[0] for line in read[1:]] == ["3", "4", "5", "6"]
    assert read[1][2] == "'=cmd()" and read[2][2] == 'a "quoted", text\nwith a line'
    assert PAGE == 20
