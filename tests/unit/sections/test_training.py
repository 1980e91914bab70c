"""Stages in a config: what is refused, and by which field."""

from __future__ import annotations

import pytest

from distill_core.config import Training, from_dict, from_yaml
from distill_core.errors import ConfigError
from distill_core.sections.training import Ramp


def raw(**training) -> dict:
    return {
        "data": {"source": "bundled"},
        "teachers": [{"source": "bundled:support-bert"}],
        "student": {"kind": "bilstm"},
        "training": training,
    }


def stage(name="a", **changes) -> dict:
    return {"name": name, "terms": {"soft": 1}, **changes}


def refused(**training) -> dict[str, str]:
    with pytest.raises(ConfigError) as caught:
        from_dict(raw(**training))
    return {error.field: error.message for error in caught.value.errors}


def test_numbers_and_ramps_stand_side_by_side_and_survive_yaml():
    terms = {"soft": {"start": 4, "end": 1, "shape": "cosine"}, "hard": 0.5, "hidden": "2"}
    made = from_dict(raw(stages=[stage(terms=terms, unfreeze=True)], schedule="cosine_restarts", restarts=5))
    found = made.training.stages[0]
    assert found.terms == {"soft": Ramp(start=4, end=1, shape="cosine"), "hard": 0.5, "hidden": 2.0}
    assert (found.patience, found.unfreeze) == (None, True)
    assert from_yaml(made.to_yaml()) == made


@pytest.mark.parametrize(
    ("terms", "field", "words"),
    [
        ({"sofft": 1}, "terms.sofft", "no such term; there are hard, soft"),
        ({"soft": "much"}, "terms.soft", "a weight is a number, or start, end and shape; it was 'much'"),
        ({"soft": None}, "terms.soft", "a weight is a number"),
        ({"hard": 1, "soft": -1}, "terms.soft", "between 0 and 1000"),
        ({"soft": float("nan")}, "terms.soft", "between 0 and 1000"),
        ({"soft": {"start": 1}}, "terms.soft.end", "missing"),
        ({"soft": {"start": -1, "end": 1}}, "terms.soft.start", "greater than or equal to 0; it was -1"),
        ({"soft": {"start": 1, "end": 1e9}}, "terms.soft.end", "less than or equal to 1000"),
        ({"soft": {"start": 1, "end": 0, "shape": "cubic"}}, "terms.soft.shape", "'linear' or 'cosine'"),
        ({"soft": {"start": 1, "end": 0, "from": 2}}, "terms.soft.from", "no such setting"),
        ({"soft": 0, "hidden": {"start": 0, "end": 0}}, "terms", "nothing to learn"),
        ({}, "terms", "at least 1 item"),
        ([1], "terms", "valid dictionary"),
    ],
)
def test_terms_are_refused_by_their_field(terms, field, words):
    errors = refused(stages=[stage(), stage("b", terms=terms)])
    assert list(errors) == [f"training.stages.1.{field}"]
    assert words in errors[f"training.stages.1.{field}"]


@pytest.mark.parametrize(
    ("changes", "field", "words"),
    [
        ({"restarts": 0}, "restarts", "greater than or equal to 1"),
        ({"restarts": 101}, "restarts", "less than or equal to 100"),
        ({"schedule": "steps"}, "schedule", "cosine_restarts"),
        ({"stages": [stage(), stage("b"), stage()]}, "stages.2.name", "a name of its own"),
        ({"stages": [stage(name="")]}, "stages.0.name", "at least 1 character"),
        ({"stages": [stage(epochs=0)]}, "stages.0.epochs", "greater than or equal to 1"),
        ({"stages": [stage(data="test")]}, "stages.0.data", "'transfer'"),
        ({"stages": [stage(terms={"teacher_labels": 1}, data="labelled")]}, "stages.0.data", "labelled rows have gold"),
    ],
)
def test_stages_and_restarts_are_refused_by_their_field(changes, field, words):
    errors = refused(**changes)
    assert list(errors) == [f"training.{field}"]
    assert words in errors[f"training.{field}"]


def test_teachers_labels_go_with_other_terms_on_any_rows():
    made = Training.model_validate(
        {"stages": [stage(terms={"teacher_labels": 1, "hard": 1}, data="labelled"), stage("b", data="transfer")]}
    )
    assert [s.data for s in made.stages] == ["labelled", "transfer"]
