from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from distill_core.analysis.kept import LOGIT_VALUES, open_split, sampled_units, split_path, take
from distill_core.errors import DataError
from distill_core.measure.scores import Scores
from tests.unit.analysis.kept_run import write_examples, write_tagged

GOLD = np.asarray([0, 1, 2, 1, 0])
SAID = {"teacher:0": np.asarray([0, 1, 2, 1, 1]), "main:13": np.asarray([0, 2, 2, 1, 1])}


def test_what_was_written_is_read_again(tmp_path: Path) -> None:
    sure = np.asarray([0.5, 0.75, 0.9, 0.99999, 1.0])
    write_examples(tmp_path, GOLD, SAID, confidence={"main:13": sure}, languages=["de", "en", "", "de", "en"])
    split = open_split(tmp_path)
    assert split is not None and len(split) == 5
    assert split.about.model("main:13").seed == 13 and [m.name for m in split.about.teachers] == ["bert"]
    assert split.predicted("main:13").tolist() == SAID["main:13"].tolist()
    assert np.abs(split.confidence("main:13") - sure).max() <= 0.5 / 65535
    assert split.languages.tolist() == ["de", "en", "", "de", "en"]
    assert split.right("teacher:0").tolist() == [True, True, True, True, False]
    assert split.scores("main:13").quality == 3 / 5 and split.unseen is None
    assert np.allclose(np.exp(split.logits("main:13")).max(axis=1)[1:3], [0.75, 0.9])


def test_entities_are_scored_as_the_report_scores_them(tmp_path: Path) -> None:
    gold = [[1, 2, 0], [0, 3, 4]]
    split = write_tagged(tmp_path, gold, {"main:13": [[1, 2, 0], [0, 3, 0]], "teacher:0": gold})
    found = split.scores("main:13")
    # One entity right, one cut short: 2 · 1 / (2 found + 2 in gold).
    assert found.quality == 0.5 and found.numerator.tolist() == [2, 0]
    assert split.scores("teacher:0").quality == 1.0
    assert split.tags("main:13", only="PER") == [["O", "O", "O"], ["O", "B-PER", "O"]]
    assert split.owner.tolist() == [0, 0, 0, 1, 1, 1]


def test_no_more_logits_than_there_is_room_for_and_they_are_spread_evenly() -> None:
    assert sampled_units(100, 4).tolist() == list(range(100))
    few = sampled_units(1_000_000, 10)
    assert len(few) == LOGIT_VALUES // 10 and few[0] == 0 and few[-1] == 999_999
    gaps = np.diff(few)
    assert gaps.min() >= 19 and gaps.max() <= 21


def test_a_run_of_an_earlier_version_kept_nothing(tmp_path: Path) -> None:
    assert open_split(tmp_path) is None
    with pytest.raises(ValueError, match="'train'"):
        split_path(tmp_path, "train")


def test_a_damaged_file_is_told_in_words(tmp_path: Path) -> None:
    write_examples(tmp_path, GOLD, SAID)
    path = split_path(tmp_path, "test")
    path.write_bytes(path.read_bytes()[:40])
    with pytest.raises(DataError, match=r"test\.safetensors cannot be read"):
        open_split(tmp_path)


def test_a_part_of_the_scores() -> None:
    whole = Scores.of_correct([True, False, True])
    assert take(whole, np.asarray([False, True, True])).quality == 0.5


def test_it_is_read_without_torch() -> None:
    code = (
        "import sys, distill_core.analysis.kept, distill_core.analysis.slices, distill_core.export.decision;"
        "print('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=True)
    assert done.stdout.strip() == "False"
