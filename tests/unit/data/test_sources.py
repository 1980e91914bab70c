"""Reading files: every format, and every way a file can be wrong."""

import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from distill_core.data.sources import ReadOptions, cell, guess_columns, read_table, table_from_frame
from distill_core.errors import DataError


@pytest.fixture
def write(tmp_path):
    def _write(name, content):
        path = tmp_path / name
        if isinstance(content, bytes):
            path.write_bytes(content)
        else:
            path.write_text(content, encoding="utf-8", newline="")
        return path

    return _write


def codes(table):
    return [finding.code for finding in table.findings]


# ---- formats


def test_csv_with_header_and_quotes(write):
    table = read_table(write("a.csv", 'text,label\n"one, two",x\n"three\nfour",y\nNA,null\n'))
    assert table.columns == {"text": ["one, two", "three\nfour", "NA"], "label": ["x", "y", "null"]}
    assert table.rows == [1, 2, 3]
    assert table.guessed == {"delimiter": ",", "quoting": True, "header": True, "encoding": "utf-8", "format": "csv"}
    assert not table.findings


def test_tsv_without_header_and_with_bare_quotes(write):
    lines = [
        '"Instead of action," said Harper, it is the same\tWorld',
        "A short one about\tSports",
        "Another text\tWorld",
    ]
    table = read_table(write("a.tsv", "\n".join(lines) + "\n"), ReadOptions(wanted=("1", "2")))
    assert table.names == ["1", "2"]
    assert table.columns["1"][0] == '"Instead of action," said Harper, it is the same'
    assert (table.guessed["header"], table.guessed["quoting"]) == (False, False)


def test_settings_win_over_guesses(write):
    path = write("a.csv", '"text","label"\n"one",x\n')
    table = read_table(path, ReadOptions(header="no", quoting="no"))
    assert table.columns == {"1": ['"text"', '"one"'], "2": ['"label"', "x"]}
    assert read_table(path, ReadOptions(header="yes", quoting="yes")).columns == {"text": ["one"], "label": ["x"]}
    assert read_table(write("b.dat", "a\tb\nc\td\n"), ReadOptions(format="tsv", header="no")).names == ["1", "2"]


def test_byte_order_mark_windows_line_ends_and_semicolons(write):
    table = read_table(write("a.csv", "\ufefftext;label\r\nÄpfel, Birnen;x\r\nKirschen;y\r\n"))
    assert table.columns == {"text": ["Äpfel, Birnen", "Kirschen"], "label": ["x", "y"]}
    assert table.guessed["delimiter"] == ";"


def test_jsonl_and_json_list(write):
    items = [{"text": "a", "label": 1}, {"text": "b", "label": None, "more": True}, {"text": "c", "label": 2.0}]
    expected = {"text": ["a", "b", "c"], "label": ["1", "", "2"], "more": ["", "True", ""]}
    lines = "\n".join(json.dumps(item) for item in items)
    assert read_table(write("a.jsonl", lines)).columns == expected
    assert read_table(write("a.json", json.dumps(items, indent=1))).columns == expected


def test_jsonl_keeps_unusual_line_separators_and_mends_half_characters(write):
    table = read_table(write("a.jsonl", '{"text": "a\u2028b"}\n\n{"text": "\\ud800!"}\n{"text": "\\ud83d\\ude00"}\n'))
    assert table.columns["text"] == ["a\u2028b", "?!", "😀"]
    assert table.rows == [1, 3, 4]


def test_parquet_gives_whole_numbers_without_a_point(tmp_path):
    frame = pd.DataFrame({"text": ["a", None, "c"], "label": [1.0, np.nan, 2.0], "score": [0.5, 1.5, 2.0]})
    frame.to_parquet(tmp_path / "a.parquet")
    table = read_table(tmp_path / "a.parquet")
    assert table.columns == {"text": ["a", "", "c"], "label": ["1", "", "2"], "score": ["0.5", "1.5", "2"]}
    assert table.guessed["format"] == "parquet"


def test_frames_of_any_type():
    frame = pd.DataFrame({"c": pd.Categorical(["x", "y"]), "i": pd.array([1, None], dtype="Int64"), "b": [True, False]})
    assert table_from_frame(frame).columns == {"c": ["x", "y"], "i": ["1", ""], "b": ["True", "False"]}


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("NA", "NA"),
        (None, ""),
        (float("nan"), ""),
        (pd.NaT, ""),
        (1.0, "1"),
        (np.float32(2.5), "2.5"),
        (np.int64(7), "7"),
        (np.bool_(True), "True"),
        (float("inf"), "inf"),
        (b"raw", "raw"),
        (np.array([1, 2]), "[1, 2]"),
        ({"a": "é"}, '{"a": "é"}'),
    ],
)
def test_cells_as_text(value, text):
    assert cell(value) == text


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40)
@given(st.lists(st.tuples(st.text(st.characters(codec="utf-8"), min_size=1), st.sampled_from("ab")), min_size=1))
def test_jsonl_gives_back_any_text(write, rows):
    path = write("any.jsonl", "\n".join(json.dumps({"text": a, "label": b}) for a, b in rows))
    table = read_table(path)
    assert list(zip(table.columns["text"], table.columns["label"], strict=True)) == rows


# ---- odd but readable


def test_another_encoding_is_named(write):
    table = read_table(
        write("a.csv", "text,label\nDie Lieferung kam zu spät,x\nDie Gebühr ist hoch,y\n".encode("latin-1"))
    )
    assert table.columns["text"] == ["Die Lieferung kam zu spät", "Die Gebühr ist hoch"]
    [finding] = table.findings
    assert (finding.code, finding.severity) == ("encoding_guessed", "warning")
    assert "cp1252" in finding.message


def test_ragged_lines_are_left_out_and_named(write):
    table = read_table(write("a.csv", 'text,label\none,x\ntwo\n"a\nb",y\nthree,x,z\n\nfour,y\n'))
    assert table.columns["text"] == ["one", "a\nb", "four"]
    assert table.rows == [1, 3, 6]  # an empty line is a row too, so that rows can be found in an editor
    [finding] = table.findings
    assert (finding.code, finding.count, finding.rows) == ("ragged_lines", 2, (2, 4))
    assert "1, 3 fields instead of 2" in finding.message and "Lines 3 and 6" in finding.message


def test_bad_json_lines_are_left_out_and_named(write):
    table = read_table(write("a.jsonl", '{"text": "a"}\nnope\n{"text": "b"}\n[1]\n{"text": "c"}\n'))
    assert table.columns == {"text": ["a", "b", "c"]} and table.rows == [1, 3, 5]
    assert table.findings[0].rows == (2, 4)


def test_names_are_taken_over_where_a_file_has_no_header(write):
    path = write("a.tsv", "a text that is long enough to be one\tx\nanother text of that kind\ty\n")
    table = read_table(path, ReadOptions(wanted=("text",), fallback_names=("text", "label")))
    assert table.names == ["text", "label"]
    assert codes(table) == ["no_header"]


# ---- wrong


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a.csv", "", "empty"),
        ("a.csv", "\n\n", "blank lines"),
        ("a.csv", "text,label\n", "only a header"),
        ("a.jsonl", "[]", "no rows"),
        ("a.xlsx", "text,label\na,b\n", "says nothing about its format"),
        ("a", "text,label\na,b\n", "nothing"),
        ("a.csv", b"PK\x03\x04....", "Excel"),
        ("a.csv", bytes(range(256)) * 10, "binary"),
        ("a.parquet", b"text,label", "Parquet"),
        ("a.jsonl", "text,label\na,b\n", "line 1 is no JSON object"),
        ("a.json", "[1, 2]", "not of objects"),
        ("a.json", '[{"a": 1}', "not valid JSON"),
        ("a.jsonl", "{}\n{}\n", "objects in a.jsonl are empty"),
        ("a.csv", "text,label\na,b,c\nd,e,f\n", "fields instead of 2"),
    ],
)
def test_unusable_files(write, name, content, words):
    with pytest.raises(DataError, match=words) as caught:
        read_table(write(name, content), ReadOptions(field="data.test"))
    assert caught.value.field == "data.test"


def test_files_with_one_word_a_line_are_for_tagging(write):
    for name, options in (("a.conll", ReadOptions()), ("a.csv", ReadOptions(format="conll"))):
        with pytest.raises(DataError, match="task tagging") as caught:
            read_table(write(name, "Rom B-LOC\n"), options)
        assert "data.task" in caught.value.hint


def test_missing_files_and_folders(tmp_path, write):
    write("other.csv", "a,b\n")
    with pytest.raises(DataError, match="no file") as caught:
        read_table(tmp_path / "a.csv")
    assert "other.csv" in caught.value.hint
    with pytest.raises(DataError, match="folder"):
        read_table(tmp_path)
    with pytest.raises(DataError, match="no file"):
        read_table(tmp_path / "nowhere" / "a.csv")
    for name in ("a" * 5000, "~nobody-of-this-name/a.csv"):
        with pytest.raises(DataError, match="cannot be opened"):
            read_table(name)
    with pytest.raises(DataError):
        read_table("a\0.csv")


# ---- guessing columns


def test_guess_columns_of_a_pair_file(write):
    lines = [
        "index\tsentence1\tsentence2\tlabel",
        "0\tNo.\tYes.\tentailment",
        "1\tMaybe so.\tNo.\tother",
        "2\tA\tB\tother",
    ]
    guess = guess_columns(write("a.tsv", "\n".join(lines)))
    assert (guess.columns.text, guess.columns.text_pair, guess.columns.label) == ("sentence1", "sentence2", "label")
    assert guess.has_label and guess.names == ["index", "sentence1", "sentence2", "label"]
    assert guess.preview[0]["sentence1"] == "No."


def test_guess_columns_without_header_and_without_label(write):
    guess = guess_columns(
        write("a.tsv", "the text of the first row is long\tpos\nand of the second\tneg\nthird one\tpos\n")
    )
    assert (guess.columns.text, guess.columns.label, guess.guessed["header"]) == ("1", "2", False)
    assert not guess_columns(write("b.csv", "text\nsome words\nother words\n")).has_label
    with pytest.raises(DataError):
        guess_columns(write("c.csv", ""))


# ---- lists as cells, folders, other kinds of files


def test_a_list_of_one_is_what_it_holds_and_longer_ones_stay_lists(write):
    lines = ['{"text": "a", "label": ["x"]}', '{"text": ["b"], "label": [2]}', '{"text": "c", "label": ["x", "y"]}']
    table = read_table(write("a.jsonl", "\n".join(lines)))
    assert table.columns == {"text": ["a", "b", "c"], "label": ["x", "2", '["x", "y"]']}
    assert [cell([]), cell([None]), cell([[1]]), cell(np.array([1.0]))] == ["[]", "", "[[1]]", "1"]


def test_a_folder_tells_what_it_holds(tmp_path, write):
    with pytest.raises(DataError) as caught:
        read_table(tmp_path)
    assert caught.value.hint == "Choose a file inside it."
    write("train.csv", "text,label\na,x\n")
    write("notes.md", "a")
    with pytest.raises(DataError) as caught:
        read_table(tmp_path)
    assert caught.value.hint == "Choose a file inside it. That folder holds train.csv."


@pytest.mark.parametrize(
    ("name", "way"),
    [
        ("a.xlsx", "save it as CSV in the spreadsheet"),
        ("a.csv.gz", "unpack it"),
        ("a.arrow", "to_parquet"),
        ("a.q", "rename"),
    ],
)
def test_other_kinds_of_files_come_with_a_way(write, name, way):
    with pytest.raises(DataError) as caught:
        read_table(write(name, "text,label\na,x\n"))
    assert way in caught.value.hint
