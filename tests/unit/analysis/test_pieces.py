"""Hidden pieces of masked LM: groups, losses, mistakes, texts, counted by hand."""

from __future__ import annotations

import csv
import io
import math
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import t

from distill_core.analysis.calibration import calibration
from distill_core.analysis.confusion import confusion
from distill_core.analysis.examples import Wanted, as_csv, choose, choose_pieces, describe, titles
from distill_core.analysis.kept import About, Split, split_path, write_split
from distill_core.analysis.pieces import by_group, groups, in_group, mistakes
from distill_core.analysis.slices import find_losses, slices_of
from distill_core.analysis.teachers import examine
from distill_core.errors import DataError
from distill_core.tasks.hidden_pieces import ANOTHER, FIRST, LATER, NUMBER, SAME, SIGN, WHOLE
from tests.unit.analysis.kept_run import MODELS, about, write_pieces

NAMES = ["the", "par", "##cel", "12", "."]
#: three texts: "the par ##cel", "12 .", "the . the"
GOLD = [[0, 1, 2], [3, 4], [0, 4, 0]]
KINDS = [[WHOLE, FIRST, LATER], [NUMBER, SIGN], [WHOLE, SIGN, WHOLE]]
SAID = {
    "teacher:0": [[0, 1, 2], [3, 0], [0, 4, 4]],
    "teacher:1": [[0, 0, 0], [3, 4], [0, 4, 4]],
    "main:13": [[0, 1, 0], [4, 4], [0, 0, 4]],
    "no_teacher:13": [[4, 4, 4], [4, 4], [4, 4, 4]],
}


@pytest.fixture
def split(tmp_path: Path) -> Split:
    more = {
        "seen": np.asarray([1200, 9, 0, 10, 99]),
        "hidden": np.asarray([0, 0, 0, 0, 0, 0, ANOTHER, SAME]),
        "main:13/confidence": np.asarray([0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.95, 0.2]),
        "main:13/nll": np.asarray([0.1, 0.2, 3, 4, 0.5, 1, 2, 2]),
    }
    return write_pieces(tmp_path, GOLD, SAID, names=NAMES, kinds=KINDS, **more)


def test_groups_hold_the_pieces_they_name(split: Split) -> None:
    found = {kind: {name: np.flatnonzero(units).tolist() for name, units in named.items()} for kind, named in
             groups(split).items()}  # fmt: skip
    assert found["piece"] == {
        "pieces that begin a word": [0, 1, 5, 7],
        "pieces that go on with a word": [2],
        "whole words": [0, 5, 7],
        "words in several pieces": [1, 2],
        "numbers": [3],
        "punctuation and other signs": [4, 6],
    }
    assert found["frequency"] == {
        "pieces never seen in training": [2],
        "pieces seen 1–9 times in training": [1],
        "pieces seen 10–99 times in training": [3, 4, 6],
        "pieces seen 1,000–9,999 times in training": [0, 5, 7],
    }
    assert found["hidden"] == {
        "pieces hidden by the mask": [0, 1, 2, 3, 4, 5],
        "pieces hidden by another piece": [6],
        "pieces asked for, but left as they were": [7],
    }
    assert np.flatnonzero(in_group(split, "numbers")).tolist() == [3]
    assert np.flatnonzero(in_group(split, "the")).tolist() == [0, 5, 7]
    assert in_group(split, "nothing") is None


def test_groups_that_say_nothing_are_left_out(tmp_path: Path) -> None:
    """All are whole words, seen alike often, and masked."""
    split = write_pieces(tmp_path, [[0, 0], [0]], {"teacher:0": [[0, 0], [0]], "main:13": [[0, 0], [0]]}, names=["the"])
    assert groups(split) == {"piece": {}, "frequency": {}, "hidden": {}}


def test_shares_and_losses_of_each_group(split: Split) -> None:
    rows = {row["name"]: row for row in by_group(split)}
    whole = rows["whole words"]
    assert (whole["pieces"], whole["texts"]) == (3, 2)
    assert whole["student"] == pytest.approx(2 / 3) and whole["teacher"] == pytest.approx(2 / 3)
    assert whole["control"] == 0 and whole["student_loss"] == pytest.approx((0.1 + 1 + 2) / 3, rel=1e-3)
    assert rows["punctuation and other signs"]["student"] == 0.5


def test_rows_add_up_their_pieces(split: Split) -> None:
    found = split.scores("main:13")
    assert found.numerator.tolist() == [2, 1, 1] and found.denominator.tolist() == [3, 2, 3]
    signs = split.scores("main:13", in_group(split, "punctuation and other signs"))
    assert signs.numerator.tolist() == [0, 1, 0] and signs.denominator.tolist() == [0, 1, 1]


# ---------------------------------------------------------------- what was lost


def by_hand(own: np.ndarray, other: np.ndarray, counts: np.ndarray) -> tuple[float, float]:
    """(difference, p) of two ratios over texts: linearised, each text one draw. own, other: right in each text."""
    size = counts.mean()
    gaps = (own - own.sum() / counts.sum() * counts) / size - (other - other.sum() / counts.sum() * counts) / size
    mean = (own.sum() - other.sum()) / counts.sum()
    error = math.sqrt(gaps.var(ddof=1) / len(gaps))
    return mean, 2 * float(t.sf(abs(mean) / error, len(gaps) - 1))


def lost_numbers(tmp_path: Path) -> tuple[Split, np.ndarray]:
    """60 texts, each a word and one to three numbers, of which the student has none in every other text; it has all
    words. The teacher has everything."""
    counts = np.arange(60) % 3 + 1
    gold = [[0] + [1] * int(count) for count in counts]
    kinds = [[WHOLE] + [NUMBER] * int(count) for count in counts]
    student = [[0] + [1 - n % 2] * int(count) for n, count in enumerate(counts)]
    said = {"teacher:0": gold, "main:13": student}
    return write_pieces(tmp_path, gold, said, names=["word", "12"], kinds=kinds), counts


def test_a_kind_of_piece_that_was_lost_is_found_by_texts_not_by_pieces(tmp_path: Path) -> None:
    split, counts = lost_numbers(tmp_path)
    found = find_losses(split)
    lost = next(row for row in found["losses"] if row["name"] == "numbers")
    assert (lost["kind"], lost["against"], lost["rows"]) == ("piece", "teacher:0", 60)
    own = np.where(np.arange(60) % 2, 0, counts).astype(float)
    difference, p = by_hand(own, counts.astype(float), counts.astype(float))
    assert lost["difference"] == pytest.approx(difference) and lost["p"] == pytest.approx(p, rel=1e-6)
    assert lost["p_adjusted"] >= lost["p"] and "whole words" not in {row["name"] for row in found["losses"]}
    assert found["tests"] == len(found["rows"]) == found["slices"]


def test_slices_are_tested_where_enough_texts_have_them(tmp_path: Path) -> None:
    split, _ = lost_numbers(tmp_path)
    assert {part.kind for part in slices_of(split)} == {"piece", "length"}
    few = write_pieces(tmp_path / "few", GOLD, SAID, names=NAMES, kinds=KINDS)
    assert not [part for part in slices_of(few) if part.kind == "hidden"]
    found = find_losses(few)
    assert not found["rows"] and {"kind": "piece", "name": "whole words", "rows": 2} in found["small"]


def test_pieces_that_fail_together_in_a_text_are_no_independent_evidence(tmp_path: Path) -> None:
    """Of 100 families whose two models are equally good, but fail in whole texts, at most 5% are blamed."""
    blamed = 0
    for seed in range(100):
        rng = np.random.default_rng(seed)
        gold = [[0] * 8 for _ in range(40)]
        kinds = [[WHOLE] * 4 + [NUMBER] * 4] * 40
        said = {key: [[int(fails)] * 8 for fails in rng.random(40) < 0.3] for key in ("teacher:0", "main:13")}
        split = write_pieces(tmp_path / str(seed), gold, said, names=["a", "b"], kinds=kinds)
        blamed += bool(find_losses(split)["losses"])
    assert blamed <= 5


# ---------------------------------------------------------------- mistakes, calibration, teachers


def test_the_most_frequent_mistakes_come_first(split: Split) -> None:
    found = mistakes(split, "no_teacher:13")
    assert (found["wrong"], found["units"], found["kinds"]) == (6, 8, 4)
    assert found["pairs"][0] == {"gold": "the", "said": ".", "count": 3, "of": 3}
    assert {(p["gold"], p["said"], p["count"]) for p in found["pairs"][1:]} == {
        ("par", ".", 1),
        ("##cel", ".", 1),
        ("12", ".", 1),
    }
    assert len(mistakes(split, "no_teacher:13", most=2)["pairs"]) == 2
    assert confusion(split, "main:13") is None


def test_calibration_is_of_the_best_guess_and_offers_no_temperature(split: Split) -> None:
    found = calibration(None, split, "main:13")
    assert found["units"] == 8 and found["accuracy"] == pytest.approx(4 / 8) and found["temperature"] is None
    assert found["confidence"] == pytest.approx(np.mean([0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.95, 0.2]), abs=1e-4)


def test_teachers_are_examined_piece_by_piece(split: Split) -> None:
    found = examine(split)
    # bert errs on pieces 5 and 8, roberta on 2, 3 and 8: both said "." for the last.
    assert found["errors"] == [2, 3] and found["both"] == [[2, 1], [1, 3]] and found["same"][0][1] == 1
    assert found["oracle"] == pytest.approx(7 / 8) and found["all_wrong"] == 1 and found["student_beyond"] == 0
    assert found["gain"] == pytest.approx(7 / 8 - 6 / 8)


# ---------------------------------------------------------------- texts


@pytest.mark.parametrize(
    ("given", "rows", "pieces"),
    [
        ({}, [0, 1, 2], [2, 3, 4, 6]),
        ({"who": "student"}, [1], [4]),
        ({"who": "teacher"}, [0, 1, 2], [2, 3, 6]),
        ({"who": "neither"}, [], []),
        ({"against": "teacher:1", "who": "neither"}, [], []),
        ({"gold": "numbers"}, [1], [3]),
        ({"gold": "."}, [1, 2], [4, 6]),
        ({"sure": 0.65}, [0, 2], [2, 6]),
        ({"order": "student"}, [2, 0, 1], [2, 3, 4, 6]),
    ],
)
def test_texts_with_pieces_on_which_they_differ(split: Split, given: dict, rows: list[int], pieces: list[int]) -> None:
    wanted = Wanted.of(given)
    assert choose(split, wanted).tolist() == rows
    assert np.flatnonzero(choose_pieces(split, wanted)).tolist() == pieces


def test_what_is_not_there_is_refused(split: Split) -> None:
    for given in ({"gold": "purple"}, {"against": "main:13"}):
        with pytest.raises(DataError):
            choose(split, Wanted.of(given))


def test_a_text_is_told_with_its_hidden_places(split: Split) -> None:
    wanted = Wanted.of({"who": "student"})
    (row,) = describe(split, choose(split, wanted), {2: "12 .!"}, wanted)
    assert (row["row"], row["text"]) == (2, "12 .!")
    assert row["parts"] == [["12", 1], [" ", 0], [".", 2], ["!", 0]]
    first, second = row["places"]
    assert (first["gold"], first["kind"], first["hidden"], first["seen"]) == ("12", "number", "mask", 10)
    assert (first["chosen"], second["chosen"]) == (False, True)
    assert [(said["key"], said["label"], said["right"]) for said in second["said"]] == [
        ("main:13", ".", True),
        ("teacher:0", "the", False),
        ("teacher:1", ".", True),
        ("no_teacher:13", ".", True),
    ]
    own = first["said"][0]
    assert own["confidence"] == pytest.approx(0.6, abs=1e-4) and own["of_gold"] == pytest.approx(math.exp(-4), rel=1e-3)
    (bare,) = describe(split, np.asarray([1]), {}, wanted)
    assert bare["text"] is None and bare["parts"] == []


def test_csv_has_a_line_for_each_chosen_piece(split: Split) -> None:
    wanted = Wanted()
    text = as_csv(split, describe(split, choose(split, wanted), {1: "the par ##cel", 2: "=12 ."}, wanted))
    head, *lines = list(csv.reader(io.StringIO(text)))
    assert head[:8] == ["row", "id", "text", "place", "gold", "kind", "hidden", "seen in training"]
    assert len(head) == 8 + 4 * len(titles(split))
    assert [(line[0], line[3], line[4]) for line in lines] == [
        ("1", "3", "##cel"),
        ("2", "1", "12"),
        ("2", "2", "."),
        ("3", "2", "."),
    ]
    assert lines[1][2] == "'=12 ." and lines[0][8] == "the" and lines[0][10] == "0"
    assert float(lines[0][9]) == pytest.approx(0.7, abs=1e-4)
    assert float(lines[0][11]) == pytest.approx(math.exp(-3), rel=1e-3)


# ---------------------------------------------------------------- earlier versions


def test_runs_that_counted_texts_alone_are_read_as_before(tmp_path: Path) -> None:
    models = MODELS[:1] + MODELS[2:3]
    path = split_path(tmp_path, "test")
    told: About = about(task="masked_lm", unit="piece", labels=[], models=models, control="")
    tensors = {
        "ids": np.arange(1, 61, dtype=np.uint64),
        "lengths": np.arange(3, 63, dtype=np.int32),
        "counts": np.full(60, 4, dtype=np.int32),
        "teacher:0/right": np.full(60, 3, dtype=np.int32),
        "main:13/right": np.asarray([1, 2] * 30, dtype=np.int32),
    }
    write_split(path, told, tensors)
    split = Split(path)
    assert not split.single and not split.by_piece
    assert split.scores("main:13").quality == pytest.approx(1.5 / 4)
    found = find_losses(split)
    assert {row["kind"] for row in found["rows"]} == {"length"} and found["losses"]
    for nothing in (examine(split), calibration(None, split, "main:13"), confusion(split, "main:13")):
        assert nothing is None
    with pytest.raises(DataError, match="no single answers"):
        choose(split, Wanted())
