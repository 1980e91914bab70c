"""The sets of a learning curve: nested, stratified, the run's own rows first, never with a row it is tested on."""

from __future__ import annotations

import csv
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from distill_core.config import FileData
from distill_core.data.prepare import prepare
from distill_core.extras.subsets import further_labelled, learning_sets, strata_of
from tests import tiny

SEED = 13


def sets_of(counts: list[int], more: list[int], most: float = 4) -> tuple[np.ndarray, list[tuple[float, np.ndarray]]]:
    strata = np.concatenate([np.repeat(np.arange(len(counts)), counts), np.repeat(np.arange(len(more)), more)])
    ids = [f"row-{number}" for number in range(len(strata))]
    return strata, learning_sets(strata, ids, sum(counts), most=most, seed=SEED)


def test_each_set_holds_the_one_before_and_every_class_its_share() -> None:
    strata, sets = sets_of([80, 40, 8], [400, 200, 40])
    assert [times for times, _ in sets] == [1 / 8, 1 / 4, 1 / 2, 1, 2, 4]
    for (_, small), (_, large) in pairwise(sets):
        assert set(small) < set(large)
    for times, rows in sets:
        assert np.bincount(strata[rows]).tolist() == [80 * times, 40 * times, 8 * times]
    assert sets[3][1].tolist() == list(range(128))


def test_a_rare_class_keeps_a_row_and_sets_that_are_the_same_stand_once() -> None:
    strata, sets = sets_of([9, 2], [])
    assert all(set(strata[rows]) == {0, 1} for _, rows in sets)
    assert [len(rows) for _, rows in sets] == [2, 3, 6, 11]
    _, tiny_sets = sets_of([2, 1], [])
    sizes = [len(rows) for _, rows in tiny_sets]
    assert sizes == sorted(set(sizes)) and sizes[-1] == 3


def test_larger_sets_are_made_only_where_the_data_hold_them() -> None:
    assert [times for times, _ in sets_of([40, 40], [39, 40])[1]][-1] == 2  # nearly whole counts
    assert [times for times, _ in sets_of([40, 40], [20, 20])[1]][-1] == 1
    assert [times for times, _ in sets_of([40, 40], [400, 400], most=2)[1]][-1] == 2
    assert [times for times, _ in sets_of([40, 40], [400, 400], most=1)[1]][-1] == 1


def test_another_seed_chooses_other_rows_and_the_same_seed_the_same() -> None:
    strata = np.zeros(80, dtype=np.int64)
    ids = [f"row-{number}" for number in range(80)]
    first, again = (learning_sets(strata, ids, 80, most=1, seed=1)[0][1] for _ in range(2))
    assert first.tolist() == again.tolist() != learning_sets(strata, ids, 80, most=1, seed=2)[0][1].tolist()


@pytest.fixture(scope="module")
def files(tmp_path_factory) -> dict[str, str]:
    return tiny.write_data(tmp_path_factory.mktemp("files"), train=120, transfer=30, test=30)


def gold_of(path: str) -> dict[str, str]:
    with open(path, newline="", encoding="utf-8") as file:
        return {row["text"]: row["label"] for row in csv.DictReader(file)}


def test_further_rows_have_their_gold_and_are_none_of_the_runs(files) -> None:
    config = FileData(train=files["train"], test=files["test"], transfer=files["transfer"], labelled_per_class=8)
    data = prepare(config, seed=SEED)
    more = further_labelled(config, data, seed=SEED)
    used = {*data.train.texts, *data.validation.texts, *data.test.texts}
    gold = gold_of(files["train"])
    assert len(more) > 3 * len(data.train) and not used & set(more.texts)
    assert all(data.labels[label] == gold[text] for text, label in zip(more.texts, more.labels, strict=True))
    assert set(more.texts) <= set(gold)
    narrow = config.model_copy(update={"max_transfer": 20})
    few = prepare(narrow, seed=SEED)
    known = further_labelled(narrow, few, seed=SEED, known_only=True)
    assert set(known.ids) <= set(few.transfer.ids) and len(known) < len(more)


def test_where_all_rows_have_labels_there_are_no_further_ones(files) -> None:
    config = FileData(train=files["train"], test=files["test"])
    assert len(further_labelled(config, prepare(config, seed=SEED), seed=SEED)) == 0


def test_rows_of_a_validation_file_are_not_learnt_from(tmp_path: Path, files) -> None:
    own = tiny.write_data(tmp_path / "own", train=40, transfer=3, test=45)
    config = FileData(train=files["train"], validation=own["test"], test=files["test"], labelled_per_class=8,
                      max_validation=9)  # fmt: skip
    data = prepare(config, seed=SEED)
    more = further_labelled(config, data, seed=SEED)
    assert len(data.validation) == 9
    assert not set(gold_of(own["test"])) & set(more.texts)


def test_sentences_are_told_apart_by_their_language(tmp_path: Path) -> None:
    config = FileData.model_validate({**tiny.write_tagged(tmp_path), "labelled_per_class": 8})
    data = prepare(config, seed=SEED)
    more = further_labelled(config, data, seed=SEED)
    assert len(more) and more.languages is not None
    languages = np.asarray(more.languages)
    strata = strata_of(more, "language")
    assert [set(languages[strata == number]) for number in (0, 1)] == [{"de"}, {"en"}]
