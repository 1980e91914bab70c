import pytest

from distill_core.errors import CheckpointError
from distill_core.models.labels import label_columns

DATA = ["refund", "delivery", "login"]


def columns(teacher, data=DATA, mapping=None):
    return label_columns(teacher, data, mapping, field="teachers.0.label_mapping")


def test_by_name_whatever_case_and_order():
    assert columns([" Login", "REFUND", "delivery "]) == [1, 2, 0]


def test_columns_the_data_do_not_have_are_left_out():
    assert columns(["login", "weather", "delivery", "refund"]) == [3, 2, 0]


def test_mapping_comes_before_names():
    assert columns(
        ["LABEL_0", "LABEL_1", "LABEL_2"], mapping={"LABEL_2": "refund", "label_0": "Login", "LABEL_1": "delivery"}
    ) == [2, 1, 0]
    assert columns(["a", "delivery", "login"], mapping={"a": "refund"}) == [0, 1, 2]
    assert columns(["login", "refund"], ["login", "refund"], {"login": "refund", "refund": "login"}) == [1, 0]


def test_exact_names_win_where_case_alone_differs():
    assert columns(["a", "A"], ["A", "a"]) == [1, 0]


@pytest.mark.parametrize(
    ("teacher", "mapping", "message"),
    [
        (["LABEL_0", "LABEL_1", "LABEL_2"], None, "says nothing about their meaning"),
        (["refund", "delivery"], None, "no label of the teacher stands for 'login'"),
        (DATA, {"nonsense": "refund"}, "the teacher has no such label"),
        (DATA, {"refund": "nonsense"}, "the data has no such label"),
        ([*DATA, "money"], {"money": "refund"}, "both stand for 'refund'"),
        (DATA, {"refund": "refund", "REFUND": "login"}, "twice"),
    ],
)
def test_errors_name_the_field(teacher, mapping, message):
    with pytest.raises(CheckpointError, match=message) as caught:
        columns(teacher, mapping=mapping)
    assert caught.value.field == "teachers.0.label_mapping"
