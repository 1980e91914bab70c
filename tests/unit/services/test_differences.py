from __future__ import annotations

from distill_core import recipes
from distill_core.services.differences import differences, differing
from tests.fake_run import config


def test_equal_runs_differ_in_nothing_whatever_they_are_called() -> None:
    assert differences(config("one"), config("two")) == []
    assert differences(recipes.load("demo").config, recipes.load("demo").config) == []


def test_each_setting_is_named_by_its_path_with_both_values() -> None:
    here = config(training={"epochs": 3, "batch_size": 8}, seeds=[1, 2])
    there = config(training={"epochs": 4, "batch_size": 8}, teachers=[{"source": "bundled:support-roberta"}])
    assert differences(here, there) == [
        {"field": "seeds", "here": [1, 2], "there": [13]},
        {"field": "teachers.0.source", "here": "bundled:support-bert", "there": "bundled:support-roberta"},
        {"field": "training.epochs", "here": 3, "there": 4},
    ]


def test_the_other_way_round_swaps_the_values() -> None:
    here, there = recipes.load("demo").config, config()
    swapped = [{"field": d["field"], "here": d["there"], "there": d["here"]} for d in differences(there, here)]
    key = lambda d: d["field"]  # noqa: E731
    assert sorted(differences(here, there), key=key) == sorted(swapped, key=key)


def test_a_teacher_more_and_another_kind_of_student_have_nothing_on_the_other_side() -> None:
    more = config(teachers=[{"source": "bundled:support-bert"}, {"source": "bundled:support-roberta"}])
    found = {d["field"]: d for d in differences(config(), more)}
    assert found["teachers.1.source"]["here"] is None
    found = {d["field"]: d for d in differences(config(), config(student={"kind": "transformer", "layers": 2}))}
    assert found["student.lstm_hidden"]["there"] is None and found["student.layers"]["here"] is None


def test_several_are_told_apart_in_one_table() -> None:
    runs = [config(training={"epochs": n, "batch_size": 8}) for n in (3, 4, 3)]
    assert differing(runs) == [{"field": "training.epochs", "values": [3, 4, 3]}]
    assert differing(runs[:1]) == [] == differing([])
