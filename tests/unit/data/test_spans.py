"""Marks by character positions become tags of words, however annotation tools write them."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from distill_core.config import FileData
from distill_core.data.spans import BadSpan, tagged_words
from distill_core.data.tagging_load import load_tagged
from distill_core.data.types import Findings

TEXT = "Ada Lovelace lived in London."
WORDS = ["Ada", "Lovelace", "lived", "in", "London", "."]
TAGS = ["B-PER", "I-PER", "O", "O", "B-LOC", "O"]
WAYS = [
    [[22, 28, "LOC"], [0, 12, "PER"]],
    [{"start": 0, "end": 12, "label": "PER"}, {"start": 22, "end": 28, "label": "LOC"}],
    [
        {"start_offset": 0, "end_offset": 12, "label": "PER", "id": 3},
        {"start_offset": 22, "end_offset": 28, "label": "LOC"},
    ],
    [{"start": 0, "end": 12, "text": "Ada Lovelace", "labels": ["PER"]}, {"start": 22, "end": 28, "labels": ["LOC"]}],
]


@pytest.mark.parametrize("marks", WAYS)
def test_every_way_of_marking_gives_the_same_tags(marks):
    assert tagged_words(TEXT, marks) == (WORDS, TAGS, 0)


def test_a_mark_that_ends_inside_a_word_holds_the_word_and_one_of_spaces_none():
    assert tagged_words(TEXT, [[1, 12, "PER"]]) == (WORDS, ["B-PER", "I-PER", "O", "O", "O", "O"], 1)
    assert tagged_words(TEXT, [[0, 14, "PER"]])[1][2] == "I-PER"
    assert tagged_words(TEXT, [[3, 4, "PER"], [5, 5, "PER"]]) == (WORDS, ["O"] * 6, 0)


@pytest.mark.parametrize(
    ("mark", "what"),
    [
        ([0, 40, "PER"], "outside"),
        ([-2, 3, "PER"], "outside"),
        ([3, 1, "PER"], "outside"),
        ([0, 3], "span"),
        ([0, 3, ""], "span"),
        ([0, True, "PER"], "span"),
        ([0.0, 3.0, "PER"], "span"),
        ({"start": 0, "end": 3, "labels": ["PER", "ORG"]}, "span"),
        ({"start": 0}, "span"),
        (None, "span"),
    ],
)
def test_what_no_mark_can_be_is_told_by_its_kind(mark, what):
    with pytest.raises(BadSpan) as caught:
        tagged_words(TEXT, [mark])
    assert caught.value.args == (what,)


def test_two_marks_on_one_word_are_refused():
    with pytest.raises(BadSpan) as caught:
        tagged_words(TEXT, [[0, 12, "PER"], [4, 12, "ORG"]])
    assert caught.value.args == ("overlap",)


@given(st.lists(st.text("aé7.,-", min_size=1, max_size=6), min_size=1, max_size=8), st.data())
def test_marks_around_whole_words_are_found_again(parts, data):
    text = " ".join(parts)
    words, plain, _ = tagged_words(text, [])
    assert set(plain) <= {"O"} and "".join(words) == text.replace(" ", "")
    first = data.draw(st.integers(0, len(words) - 1))
    last = data.draw(st.integers(first, len(words) - 1))
    place, spans = 0, []
    for word in words:
        place = text.index(word, place)
        spans.append((place, place + len(word)))
        place += len(word)
    _, tags, cut = tagged_words(text, [[spans[first][0], spans[last][1], "X"]])
    assert cut == 0
    expected = ["O"] * first + ["B-X"] + ["I-X"] * (last - first) + ["O"] * (len(words) - last - 1)
    assert tags == expected


# ---- files


def loaded(tmp_path, rows, **more):
    path = tmp_path / "a.jsonl"
    path.write_text("\n".join(json.dumps(row) for row in rows), encoding="utf-8")
    findings = Findings()
    return load_tagged(FileData(task="tagging", train=str(path), **more), findings), findings


@pytest.mark.parametrize("column", ["label", "labels", "entities", "spans"])
def test_a_file_of_an_annotation_tool_is_read_as_it_is(tmp_path, column):
    rows = [{"text": TEXT, column: WAYS[1]}, {"text": "Nobody here", column: []}, {"text": "not yet", column: None}]
    source, findings = loaded(tmp_path, rows)
    assert source.complete and not findings
    assert source.parts["train"].words == [WORDS, ["Nobody", "here"], ["not", "yet"]]
    # An empty list says that there is nothing; none at all that nobody looked.
    assert source.parts["train"].tags == [TAGS, ["O", "O"], None]


def test_plain_texts_are_unlabelled_rows_of_tagging(tmp_path):
    (tmp_path / "b.jsonl").write_text(json.dumps({"text": "Ada spoke."}), encoding="utf-8")
    source, _ = loaded(tmp_path, [{"text": TEXT, "label": WAYS[0]}], transfer=str(tmp_path / "b.jsonl"))
    assert source.parts["transfer"].words == [["Ada", "spoke", "."]] and source.parts["transfer"].tags == [None]


def test_a_tag_for_each_word_between_spaces(tmp_path):
    source, _ = loaded(tmp_path, [{"text": "Ada spoke.", "tags": ["B-PER", "O"]}])
    assert source.parts["train"].words == [["Ada", "spoke."]] and source.parts["train"].tags == [["B-PER", "O"]]
    source, findings = loaded(tmp_path, [{"text": "Ada spoke.", "tags": ["B-PER"]}])
    assert not source.complete and "more or fewer tags than words" in findings[0].message


def test_marks_at_fault_are_named_with_their_rows(tmp_path):
    rows = [{"text": TEXT, "label": marks} for marks in ([[0, 3, "PER"]], [[0, 99, "PER"]], [[0, 2, "PER"]])]
    _, findings = loaded(tmp_path, rows)
    assert [(one.severity, one.code, one.rows) for one in findings] == [
        ("error", "bad_row", (2,)),
        ("info", "cut_words", (3,)),
    ]
    assert "outside the text" in findings[0].message
