"""Which teachers can be left out: told from the config alone."""

from __future__ import annotations

from distill_core import config as cfg
from distill_core.sections.teaching import needed
from tests import tiny


def config(**changes) -> cfg.RunConfig:
    return cfg.from_dict(tiny.config_dict({"train": "t.csv"}, ["a", "b"], **changes))  # type: ignore[list-item]


def test_two_that_teach_the_same_can_each_be_left_out() -> None:
    assert [needed(config(), number) for number in (0, 1)] == [None, None]


def test_the_only_one_with_soft_labels_cannot() -> None:
    raw = config().model_dump(mode="json", exclude_none=True)
    raw["teachers"][1]["pretrained_only"] = True
    found = cfg.from_dict(raw)
    why = needed(found, 0)
    assert why is not None and "soft labels" in why and needed(found, 1) is None


def test_a_stage_of_its_own_keeps_a_teacher() -> None:
    stages = [
        {"name": "first", "terms": {"soft": 1.0}, "teachers": [1]},
        {"name": "second", "terms": {"soft": 1.0}, "teachers": [1, 2]},
    ]
    found = config(training={"epochs": 1, "stages": stages}, objective={"hidden_weight": 0.0})
    why = needed(found, 0)
    assert why is not None and "“first”" in why
    assert needed(found, 1) is None


def test_nothing_is_learnt_from_a_teacher_that_no_stage_asks() -> None:
    stages = [{"name": "only", "terms": {"soft": 1.0}, "teachers": [1]}]
    found = config(training={"epochs": 1, "stages": stages}, objective={"hidden_weight": 0.0})
    assert needed(found, 1) == "nothing is learnt from it."
