from __future__ import annotations

from types import SimpleNamespace

import pytest

from distill_core.advice import FIELDS, Known, advise, gap_advice
from distill_core.config import BiLSTMStudent, Objective, Training, TransformerStudent

A = SimpleNamespace(name="a", hidden=32, layers=4, heads=4, tokenizer_fingerprint="x")
B = SimpleNamespace(name="b", hidden=64, layers=4, heads=8, tokenizer_fingerprint="y")
QUIET = Objective(soft_label_weight=0.0)


def advice(**known):
    known = {"student": BiLSTMStudent(), "objective": QUIET, "infos": {0: A}, "teachers": 1, **known}
    found = advise(Known(**known))
    for item in found:
        assert item.field in FIELDS or item.field.startswith("teachers.")
        assert item.message.endswith(".") and item.as_dict()["severity"] in ("info", "warning")
    return [(item.field, item.severity) for item in found]


@pytest.mark.parametrize(
    ("teacher", "wanted"),
    [(59, "warning"), (60, "info"), (99, "info"), (100, None), (3000, None)],
)
def test_a_teacher_smaller_than_the_student(teacher, wanted):
    found = advice(infos={1: A}, student_parameters=100, teacher_parameters={1: teacher})
    assert found == ([("teachers.1.source", wanted)] if wanted else [])
    assert advice(teacher_parameters={0: teacher}) == [], "nothing is said while the student's size is unknown"


def test_layers_of_a_weak_teacher():
    copied = {"layers": 6, "initialise": "teacher_layers"}
    assert advice(student=TransformerStudent(**copied, layer_choice="remap")) == [("student.layer_choice", "warning")]
    assert advice(student=TransformerStudent(**copied)) == [("student.initialise", "warning")]
    assert advice(student=TransformerStudent(layers=6)) == []
    small = TransformerStudent(layers=2, initialise="teacher_layers")
    sizes = {"student_parameters": 50, "teacher_parameters": {0: 100}}
    assert advice(student=small, **sizes) == [], "ordinary distillation: copying helps"


def test_hidden_states_across_tokenisers():
    objective = Objective(soft_label_weight=0.0, hidden_weight=1.0)
    two = {"infos": {0: A, 1: B}, "teachers": 2}
    assert advice(objective=objective, **two) == [("objective.hidden_weight", "info")]
    assert advice(objective=objective.model_copy(update={"hidden_level": "word"}), **two) == []
    assert advice(objective=objective, infos={0: A, 1: A}) == []
    staged = Training(stages=[{"name": "rep", "terms": {"hidden": 1}}])
    assert advice(training=staged, **two) == [("training.stages", "info")]


@pytest.mark.parametrize(
    ("weighting", "transfer", "wanted"),
    [
        ("mt_bert", 0, None), ("mt_bert", 100, None), ("mt_bert", 300, "info"), ("mt_bert", 900, "warning"),
        ("adaptive", 900, "warning"), ("rl_gate", 300, "info"), ("skd_teacher_rank", 900, "warning"),
        ("unikd", 100, "info"), ("dynamic", 900, None), ("uniform", 900, None),
    ],
)  # fmt: skip
def test_weights_that_need_gold(weighting, transfer, wanted):
    found = advice(
        objective=Objective(teacher_weighting=weighting),
        infos={0: A, 1: A},
        teachers=2,
        rows={"train": 100, "transfer": transfer},
    )
    at = [severity for field, severity in found if field == "objective.teacher_weighting"]
    assert at == ([wanted] if wanted else [])


def test_the_share_without_gold_is_told():
    known = Known(objective=Objective(teacher_weighting="mt_bert"), teachers=2, rows={"train": 1, "transfer": 3})
    assert "75% of the rows" in advise(known)[0].message


def test_one_teacher_leaves_nothing_to_weigh():
    found = [(f, s) for f, s in advice(objective=Objective(teacher_weighting="dynamic")) if "weighting" in f]
    assert found == [("objective.teacher_weighting", "info")]
    assert advice(objective=Objective(teacher_weighting="uniform")) == []
    assert advice(objective=QUIET.model_copy(update={"teacher_weighting": "dynamic"})) == [], "no soft labels to weigh"


def test_no_transfer_rows():
    objective = Objective(teacher_label_weight=1.0)
    assert advice(objective=objective, rows={"train": 5, "transfer": 0}) == [
        ("objective.teacher_label_weight", "warning"),
        ("objective.soft_label_weight", "info"),
    ]
    assert advice(objective=objective, rows={"train": 5, "transfer": 5}) == []
    assert advice(objective=objective) == [], "the data were not read yet"


def test_stages_that_see_no_such_rows():
    def stage(terms, data):
        return Training(stages=[{"name": "one", "terms": dict.fromkeys(terms, 1), "data": data}])

    at = ("training.stages", "info")
    rows = {"train": 5, "transfer": 5}
    assert advice(training=stage(["soft", "hard"], "transfer"), rows=rows) == [at]
    assert advice(training=stage(["teacher_labels", "hard"], "labelled"), rows=rows) == [at]
    none = {"train": 5, "transfer": 0}
    assert ("training.stages", "warning") in advice(training=stage(["hidden"], "transfer"), rows=none)


def test_nothing_known_nothing_said():
    assert advise(Known()) == []


@pytest.mark.parametrize(
    ("teacher", "control", "said"),
    [(0.95, 0.90, None), (0.87, 0.90, None), (0.869, 0.90, "tends to hurt"), (0.80, 0.90, "tends to hurt"),
     (0.799, 0.90, "clearly hurt")],
)  # fmt: skip
def test_the_gap_once_the_control_is_measured(teacher, control, said):
    found = gap_advice(teacher, control)
    assert found is None if said is None else said in found


def test_folds_and_states_do_not_go_together():
    hidden = Objective(soft_label_weight=0.0, hidden_weight=1.0)
    assert advice(objective=hidden) == [] and advice(objective=QUIET, folds=5) == []
    assert advice(objective=hidden, folds=5) == [("objective.hidden_weight", "warning")]
    pooled = Objective.model_validate({"soft_label_weight": 0.0, "matching": {"pooled": 1.0}})
    assert advice(objective=pooled, folds=2) == [("objective.matching.pooled", "warning")]
    (item,) = advise(Known(student=BiLSTMStudent(), objective=hidden, infos={0: A}, teachers=1, folds=5))
    assert "do not share a space" in item.message

    def staged(data):
        stages = [{"name": "s", "terms": {"hidden": 1.0}, "data": data}, {"name": "h", "terms": {"hard": 1.0}}]
        return advice(objective=QUIET, training=Training(stages=stages), folds=5)

    assert staged("transfer") == [], "there, all rows are answered by one finetuning"
    assert staged("both") == staged("labelled") == [("training.stages", "warning")]


def test_one_teacher_is_not_the_best_of_one() -> None:
    assert str(gap_advice(0.5, 0.6, teachers=1)).startswith("The teacher is 10.0 points below")
    assert str(gap_advice(0.5, 0.6)).startswith("The best teacher is 10.0 points below")


def test_bf16_asked_for_by_name():
    assert advice(training=Training(precision="bf16")) == [("training.precision", "info")]
    assert advice(training=Training()) == advice(training=Training(precision="fp32")) == []
