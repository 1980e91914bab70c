"""Who teaches what, from the config alone; what cannot be taught is refused at its field, in words."""

from __future__ import annotations

import pytest

from distill_core.config import from_dict
from distill_core.errors import ConfigError
from distill_core.sections.teachers import TeacherSection
from distill_core.sections.teaching import heard, lessons_of, listeners, numbers_of, teachers_of

TEACHERS = [
    TeacherSection(source="a", name="bare", pretrained_only=True),
    TeacherSection(source="a", name="taught"),
    TeacherSection(source="b"),
]


def raw(*stages, teachers=None, **changes):
    listed = [{"source": "bundled:support-bert", "name": "bare", "pretrained_only": True}]
    listed += [{"source": "bundled:support-bert", "name": "taught"}]
    return {
        "data": {"source": "bundled"},
        "teachers": listed if teachers is None else teachers,
        "student": {"kind": "transformer", "layers": 1, "hidden": 16, "heads": 2},
        "training": {"stages": [{"name": str(n), **stage} for n, stage in enumerate(stages)]},
        **changes,
    }


def refusal(config) -> tuple[str, str]:
    with pytest.raises(ConfigError) as caught:
        from_dict(config)
    return caught.value.field, caught.value.message


def test_terms_hear_the_teachers_that_have_what_they_need():
    assert heard("hidden", TEACHERS) == heard("attention", TEACHERS) == (0, 1, 2)
    assert heard("soft", TEACHERS) == heard("teacher_labels", TEACHERS) == heard("mixup", TEACHERS) == (1, 2)
    assert heard("soft", TEACHERS, [0, 2]) == (2,)
    assert heard("hard", TEACHERS) == ()


def test_only_those_are_asked_whom_a_term_hears():
    assert teachers_of(["soft", "hard"], TEACHERS) == (1, 2)
    assert teachers_of(["soft", "hidden"], TEACHERS) == (0, 1, 2)
    assert teachers_of(["hard"], TEACHERS) == ()
    assert teachers_of(["hidden"], TEACHERS, [3, "bare"]) == (0, 2)


def test_teachers_are_named_by_name_or_by_number_from_one():
    assert numbers_of(["taught", 3], TEACHERS) == (1, 2)
    for chosen, said in (([4], "number 4"), (["b"], "'b'"), (["taught", 2], "twice")):
        with pytest.raises(ValueError, match=said):
            numbers_of(chosen, TEACHERS)
    twins = [TeacherSection(source="a", name="x"), TeacherSection(source="b", name="x")]
    with pytest.raises(ValueError, match="more than one"):
        numbers_of(["x"], twins)


def test_every_stage_has_its_teachers_and_every_term_its_listeners():
    config = from_dict(
        raw(
            {"terms": {"hidden": 1, "attention": 1}, "teachers": ["bare"]},
            {"terms": {"hidden": 1}, "teachers": [2]},
            {"terms": {"soft": 1, "hard": 1}},
        )
    )
    assert [asked for _, asked in lessons_of(config)] == [(0,), (1,), (1,)]
    assert listeners(config) == {"hard": (), "soft": (1,), "hidden": (0, 1), "attention": (0,)}
    joint = from_dict(raw(objective={"hidden_weight": 1.0}))
    assert lessons_of(joint) == [(("hard", "soft", "hidden"), (0, 1))]


def test_soft_labels_of_a_teacher_without_answers_are_refused_in_words():
    field, message = refusal(raw({"terms": {"hidden": 1}}, {"terms": {"soft": 1}, "teachers": ["bare"]}))
    assert field == "training.stages.1.teachers"
    assert "soft labels" in message and "pre-trained" in message
    field, message = refusal(raw({"terms": {"soft": 1}, "teachers": ["bare", "taught"]}))
    assert field == "training.stages.0.teachers" and "teacher 1" in message
    assert from_dict(raw({"terms": {"soft": 1, "hidden": 1}, "teachers": ["bare", "taught"]}))


BARE = {"source": "bundled:support-bert", "pretrained_only": True}
TAUGHT = {"source": "bundled:support-bert"}
BAD = {
    "teachers.0.pretrained_only": raw(teachers=[BARE]),
    "teachers.1.pretrained_only": raw(
        teachers=[TAUGHT, BARE], data={"source": "bundled", "name": "support-text", "task": "masked_lm"}
    ),
    "teachers.1.label_mapping": raw(
        teachers=[TAUGHT, {**BARE, "label_mapping": {"a": "b"}}], teacher_training={"mode": "as_is"}
    ),
    "training.stages.0.teachers": raw({"terms": {"hidden": 1}, "teachers": [3]}),
    "training.stages.1.teachers": raw({"terms": {"hidden": 1}}, {"terms": {"hard": 1}, "teachers": [1]}),
}


@pytest.mark.parametrize("field", BAD)
def test_what_cannot_be_is_refused_at_its_field(field):
    assert refusal(BAD[field])[0] == field


def test_teachers_of_a_stage_survive_yaml():
    config = from_dict(raw({"terms": {"hidden": 1}, "teachers": ["bare", 2]}))
    assert config.training.stages[0].teachers == ["bare", 2]
    assert from_dict(config.model_dump(mode="json", exclude_none=True)) == config
