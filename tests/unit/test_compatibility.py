from types import SimpleNamespace

import pytest

from distill_core.compatibility import misfits
from distill_core.config import BiLSTMStudent, Objective, TransformerStudent

A = SimpleNamespace(name="a", hidden=32, tokenizer_fingerprint="x")
B = SimpleNamespace(name="b", hidden=64, tokenizer_fingerprint="y")


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


def test_tokens_are_compared_between_equal_tokenisers_only():
    by_token = Objective(hidden_weight=1.0, hidden_level="token")
    assert fields(BiLSTMStudent(embedding=8), by_token) == ["objective.hidden_level"]
    assert fields(BiLSTMStudent(embedding=8), by_token, infos=(A, A)) == []
    assert fields(BiLSTMStudent(embedding=8), Objective(hidden_level="token")) == []
