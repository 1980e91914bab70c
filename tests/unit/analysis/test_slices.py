from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy.stats import binom

from distill_core.analysis.slices import LEAST, find_losses, slices_of
from tests.unit.analysis.kept_run import write_examples, write_tagged


def holm_by_hand(p: list[float]) -> list[float]:
    """Step down, written out: the k-th smallest times what is left, never below the one before."""
    order = np.argsort(p, kind="stable")
    found, highest = [0.0] * len(p), 0.0
    for rank, place in enumerate(order):
        highest = max(highest, min(1.0, (len(p) - rank) * p[place]))
        found[place] = highest
    return found


def exact_mcnemar(wins: int, losses: int) -> float:
    """Twice the tail of a fair coin."""
    return min(1.0, 2 * binom.cdf(min(wins, losses), wins + losses, 0.5)) if wins + losses else 1.0


def broken_class(tmp_path: Path, *, wrong: int = 40) -> dict:
    """300 rows; the student loses `wrong` of the 100 rows of class "odd", and no others."""
    gold = np.repeat([0, 1, 2], 100)
    student = gold.copy()
    student[200 : 200 + wrong] = 0
    split = write_examples(tmp_path, gold, {"teacher:0": gold, "main:13": student, "no_teacher:13": student})
    return find_losses(split)


def test_a_class_that_was_lost_is_found_and_no_other(tmp_path: Path) -> None:
    found = broken_class(tmp_path)
    assert [(row["kind"], row["name"], row["against"]) for row in found["losses"]] == [("class", "odd", "teacher:0")]
    (lost,) = found["losses"]
    assert lost["student"] == 0.6 and lost["other"] == 1.0 and lost["difference"] == pytest.approx(-0.4)
    assert (lost["wins"], lost["losses"], lost["rows"]) == (0, 40, 100)
    assert lost["p"] == pytest.approx(exact_mcnemar(0, 40))


def test_p_values_are_adjusted_over_all_slices_and_both_rivals(tmp_path: Path) -> None:
    rng = np.random.default_rng(4)
    gold = rng.integers(0, 3, 400)
    said = {
        key: np.where(rng.random(400) < share, (gold + 1) % 3, gold)
        for key, share in (("teacher:0", 0.05), ("main:13", 0.1), ("no_teacher:13", 0.2))
    }
    languages = [("de", "en")[n % 2] for n in range(400)]
    lengths = rng.integers(4, 40, 400)
    split = write_examples(tmp_path, gold, said, languages=languages, lengths=lengths, unseen=rng.integers(0, 2, 400))
    found = find_losses(split)
    rows = found["rows"]
    assert found["tests"] == len(rows) == 2 * found["slices"]
    expected = [exact_mcnemar(row["wins"], row["losses"]) for row in rows]
    assert [row["p"] for row in rows] == pytest.approx(expected)
    assert [row["p_adjusted"] for row in rows] == pytest.approx(holm_by_hand(expected))
    kinds = {row["kind"] for row in rows}
    assert kinds == {"class", "language", "length", "rare", "class_language"}
    for row in found["losses"]:
        assert row["p_adjusted"] < 0.05 and row["difference"] < 0


def test_nothing_is_found_where_nothing_is_lost(tmp_path: Path) -> None:
    """Of 60 runs whose student errs by chance alone, hardly any is blamed: at most 5% of families, in the long run."""
    blamed = 0
    for seed in range(60):
        rng = np.random.default_rng(seed)
        gold = rng.integers(0, 3, 300)
        said = {
            key: np.where(rng.random(300) < 0.1, (gold + 1) % 3, gold)
            for key in ("teacher:0", "main:13", "no_teacher:13")
        }
        split = write_examples(tmp_path / str(seed), gold, said, lengths=rng.integers(4, 40, 300))
        blamed += bool(find_losses(split)["losses"])
    assert blamed <= 6


def test_small_slices_are_named_and_not_tested(tmp_path: Path) -> None:
    gold = np.asarray([0] * 60 + [1] * 60 + [2] * (LEAST - 1))
    split = write_examples(tmp_path, gold, {"teacher:0": gold, "main:13": gold, "no_teacher:13": gold})
    found = find_losses(split)
    assert {"kind": "class", "name": "odd", "rows": LEAST - 1} in found["small"]
    assert "odd" not in {row["name"] for row in found["rows"]}


def test_lengths_are_parted_into_quarters_and_equal_ones_stay_together(tmp_path: Path) -> None:
    lengths = np.asarray([3] * 50 + [4] * 10 + list(range(5, 45)))
    gold = np.zeros(100, dtype=int)
    split = write_examples(tmp_path, gold, {"teacher:0": gold, "main:13": gold}, lengths=lengths)
    parts = [part for part in slices_of(split) if part.kind == "length"]
    assert [part.name for part in parts] == ["3–3 pieces", "4–19 pieces", "20–44 pieces"]
    assert sum(part.rows.sum() for part in parts) == 100


def test_rare_classes_are_looked_at_together(tmp_path: Path) -> None:
    gold = np.asarray([0] * 180 + [1] * 11 + [2] * 9)
    split = write_examples(tmp_path, gold, {"teacher:0": gold, "main:13": gold})
    rare = next(part for part in slices_of(split) if part.name == "rare classes together")
    assert rare.rows.sum() == 20


def test_a_type_of_entity_that_was_lost_is_found(tmp_path: Path) -> None:
    gold = [[1, 2, 0, 3, 0]] * 40
    student = [[1, 2, 0, 0, 0]] * 25 + [[1, 2, 0, 3, 0]] * 15
    split = write_tagged(
        tmp_path, gold, {"teacher:0": gold, "main:13": student}, control="", languages=["de", "en"] * 20
    )
    found = find_losses(split)
    lost = next(row for row in found["losses"] if row["kind"] == "class")
    assert lost["name"] == "PER" and lost["student"] == pytest.approx(2 * 15 / (15 + 40)) and lost["other"] == 1
    assert not [row for row in found["rows"] if row["name"] == "LOC" and row["difference"]]
