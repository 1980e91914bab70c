from types import SimpleNamespace

import pytest

from distill_core.compatibility import misfits, used_terms
from distill_core.config import BiLSTMStudent, Objective, Training, TransformerStudent

A = SimpleNamespace(
    name="a",
    hidden=32,
    heads=4,
    layers=4,
    tokenizer_kind="WordPiece",
    model_type="bert",
    tokenizer_fingerprint="x",
    student=None,
)
B = SimpleNamespace(
    name="b",
    hidden=64,
    heads=8,
    layers=6,
    tokenizer_kind="WordLevel",
    model_type="bert",
    tokenizer_fingerprint="y",
    student=None,
)


def fields(student, objective=None, infos=(A, B), **more):
    return [error.field for error in misfits(student, objective or Objective(), infos, **more)]


@pytest.mark.parametrize(("width", "wrong"), [(32, []), (33, ["student.embedding"])])
def test_an_svd_gives_no_more_than_the_teacher_has(width, wrong):
    assert fields(BiLSTMStudent(embedding=width)) == wrong
    assert fields(BiLSTMStudent(embedding=width, initialise="random")) == []


def test_the_teacher_the_student_starts_from_counts():
    assert fields(BiLSTMStudent(embedding=64, init_teacher=2)) == []
    assert fields(BiLSTMStudent(embedding=32, init_teacher=2), embedding_width=16) == ["student.embedding"]
    assert fields(TransformerStudent(hidden=48, heads=4, initialise="svd")) == ["student.hidden"]


def test_a_factorised_embedding_is_what_an_svd_fills():
    wide = TransformerStudent(hidden=48, heads=4, initialise="svd", embedding=32)
    assert fields(wide) == [], "the width may be larger than the teacher's"
    assert fields(wide, embedding_width=31) == ["student.embedding"]


def test_a_factorised_embedding_is_narrower_than_the_teachers():
    for rank, wrong in ((31, []), (32, ["student.embedding"])):
        assert fields(TransformerStudent(initialise="teacher_layers", embedding=rank)) == wrong
    narrow = TransformerStudent(initialise="teacher_layers", embedding=16)
    assert fields(narrow, embedding_width=16) == ["student.embedding"]


@pytest.mark.parametrize(
    ("choice", "layers", "wrong"),
    [("first", 4, 0), ("first", 5, 1), ("every_other", 5, 1), ("remap", 3, 1), ("remap", 4, 0), ("remap", 9, 0)],
)
def test_only_remapping_makes_a_student_deeper_than_its_teacher(choice, layers, wrong):
    student = TransformerStudent(layers=layers, initialise="teacher_layers", layer_choice=choice)
    assert fields(student, infos=(A,)) == ["student.layers"] * wrong
    assert fields(TransformerStudent(layers=layers), infos=(A,)) == []


@pytest.mark.parametrize("kind", [BiLSTMStudent, TransformerStudent])
def test_not_every_vocabulary_can_be_pruned(kind):
    assert fields(kind(vocabulary="seen", initialise="random")) == []
    assert fields(kind(vocabulary="seen", initialise="random", init_teacher=2)) == ["student.vocabulary"]
    assert fields(kind(vocabulary="full", initialise="random", init_teacher=2)) == []


def test_tokens_are_compared_between_equal_tokenisers_only():
    by_token = Objective(hidden_weight=1.0, hidden_level="token")
    assert fields(BiLSTMStudent(embedding=8), by_token) == ["objective.hidden_level"]
    assert fields(BiLSTMStudent(embedding=8), by_token, infos=(A, A)) == []
    assert fields(BiLSTMStudent(embedding=8), Objective(hidden_level="token")) == []


def test_states_are_compared_by_word_or_by_token_not_both():
    """Otherwise the run would find out after its teachers are finetuned."""
    by_word = Objective(hidden_weight=1.0, hidden_level="word", matching={"emd": 1.0})
    assert fields(SMALL, by_word, infos=(A,)) == ["objective.hidden_level"]
    automatic = Objective(hidden_weight=1.0, matching={"pkd": 1.0})
    assert fields(SMALL, automatic) == ["objective.hidden_level"]
    assert fields(SMALL, automatic, infos=(A, A)) == []
    assert fields(SMALL, Objective(hidden_weight=1.0, hidden_level="pooled", matching={"pkd": 1.0})) == []
    assert fields(SMALL, Objective(hidden_weight=1.0, matching={"emd": 1.0})) == ["objective.matching.emd"], "told once"


def test_tagging_has_no_vector_of_a_text_to_compare():
    pooled = Objective(hidden_weight=1.0, hidden_level="pooled")
    assert fields(SMALL, pooled, task="tagging") == ["objective.hidden_level"]
    assert fields(SMALL, pooled) == []


def matching(**weights):
    return Objective(matching=weights)


SMALL = TransformerStudent(hidden=16, heads=4)


@pytest.mark.parametrize("term", ["pkd", "attention", "relations", "emd"])
def test_terms_on_attention_layers_need_them(term):
    assert fields(BiLSTMStudent(embedding=8), matching(**{term: 1.0}), infos=(A,)) == [f"objective.matching.{term}"]
    assert fields(SMALL, matching(**{term: 1.0}), infos=(A,)) == []
    assert fields(BiLSTMStudent(embedding=8), matching(**{term: 0.0}), infos=(A,)) == []


@pytest.mark.parametrize("term", ["relations", "emd"])
def test_terms_by_token_need_equal_tokenisers(term):
    assert fields(SMALL, matching(**{term: 1.0})) == [f"objective.matching.{term}"]
    assert fields(SMALL, matching(pkd=1.0)) == []


def test_attention_scores_need_equal_heads_and_name_both():
    wide = SimpleNamespace(name="wide", hidden=64, heads=8, model_type="bert", tokenizer_fingerprint="x")
    (error,) = misfits(SMALL, matching(attention=1.0), (A, wide))
    assert error.field == "objective.matching.attention" and "has 4" in error.message and "wide 8" in error.message
    assert fields(SMALL, matching(attention=1.0), infos=(A, A)) == []
    copied = TransformerStudent(heads=12, hidden=48, initialise="teacher_layers")
    assert fields(copied, matching(attention=1.0), infos=(A,)) == [], "heads then follow the teacher's"


def test_a_vector_a_text_is_nothing_for_tagging():
    assert fields(SMALL, matching(pooled=1.0), task="tagging") == ["objective.matching.pooled"]
    assert fields(SMALL, matching(pooled=1.0)) == []


def test_mixtures_cannot_be_asked_in_advance():
    assert fields(SMALL, matching(mixup=1.0)) == ["signals"]
    assert fields(BiLSTMStudent(embedding=8), matching(mixup=1.0), signals="live") == []
    assert fields(SMALL, matching(mixup=0.0)) == []
    assert fields(SMALL, matching(mixup=1.0), signals="live", task="tagging") == ["objective.matching.mixup"]
    stages = Training(stages=[{"name": "one", "terms": {"mixup": 1.0}}]).stages
    assert fields(SMALL, stages=stages) == ["signals"]
    assert (
        fields(SMALL, matching(mixup=1.0), stages=Training(stages=[{"name": "o", "terms": {"soft": 1}}]).stages) == []
    )


@pytest.mark.parametrize("name", ["skd_uniform", "skd_teacher_rank", "skd_student_rank", "rl_gate"])
def test_choosing_among_teachers_needs_several(name):
    assert fields(SMALL, Objective(teacher_weighting=name), infos=(A,)) == ["objective.teacher_weighting"]
    assert fields(SMALL, Objective(teacher_weighting=name)) == []


def test_the_terms_of_stages_count_instead_of_the_objectives():
    stages = Training(stages=[{"name": "one", "terms": {"emd": 1.0}}, {"name": "two", "terms": {"soft": 1.0}}]).stages
    assert fields(SMALL, Objective(), stages=stages) == ["training.stages"]
    assert fields(SMALL, matching(relations=1.0), stages=stages[1:]) == []
    off = Training(stages=[{"name": "one", "terms": {"emd": 0.0, "soft": {"start": 0, "end": 1}}}]).stages
    assert list(used_terms(Objective(), off)) == ["soft"]


def test_a_stage_on_transfer_rows_alone_cannot_learn_gold():
    stages = Training(stages=[{"name": "one", "terms": {"hard": 1.0}, "data": "transfer"}]).stages
    assert fields(SMALL, stages=stages) == ["training.stages"]
    silent = {"name": "one", "terms": {"hard": 1.0, "soft": 0.0}, "data": "transfer"}
    assert fields(SMALL, stages=Training(stages=[silent]).stages) == ["training.stages"], "a weight of 0 is no term"
    both = Training(stages=[{"name": "one", "terms": {"hard": 1.0, "soft": 1.0}, "data": "transfer"}]).stages
    assert fields(SMALL, stages=both) == []


def test_a_term_is_held_against_the_teachers_it_learns_from_alone():
    student = TransformerStudent(layers=2, hidden=32, heads=4)
    stages = Training.model_validate(
        {
            "stages": [
                {"name": "layers", "terms": {"attention": 1, "hidden": 1}, "teachers": [1]},
                {"name": "labels", "terms": {"soft": 1}, "teachers": [2]},
            ]
        }
    ).stages
    everyone = fields(student, stages=stages)
    assert everyone == ["training.stages", "training.stages"], "tokenisers and heads differ"
    assert fields(student, stages=stages, listeners={"attention": (0,), "hidden": (0,), "soft": (1,)}) == []
    assert fields(student, stages=stages, listeners={"attention": (0, 1), "hidden": (0,), "soft": (1,)}) == everyone


def test_by_word_and_by_token_meet_only_in_one_teacher():
    student = TransformerStudent(layers=2, hidden=32, heads=4)
    objective = Objective.model_validate({"hidden_weight": 1, "matching": {"pkd": 1}})
    assert fields(student, objective) == ["objective.hidden_level"]
    assert fields(student, objective, listeners={"hidden": (1,), "pkd": (0,), "hard": (), "soft": (0, 1)}) == []
    words = objective.model_copy(update={"hidden_level": "word"})
    assert fields(student, words, listeners={"hidden": (0,), "pkd": (0,)}) == ["objective.hidden_level"]
    assert fields(student, words, listeners={"hidden": (1,), "pkd": (0,)}) == []


def test_a_choice_among_teachers_needs_two_that_answer():
    draw = Objective(teacher_weighting="skd_uniform")
    assert fields(BiLSTMStudent(initialise="random"), draw, listeners={"hard": (), "soft": (1,)}) == [
        "objective.teacher_weighting"
    ]
    assert fields(BiLSTMStudent(initialise="random"), draw, listeners={"hard": (), "soft": (0, 1)}) == []
