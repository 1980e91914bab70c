"""Guessing how a file is written: encoding, delimiter, quotes, header, columns."""

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from distill_core.data.sniff import (
    Undecodable,
    count_quotes,
    decode,
    find_delimiter,
    has_header,
    is_quoted,
    likely_columns,
    records,
    unique_names,
)

GERMAN = "text,label\nDie Lieferung kam zu spät und die Gebühr war hoch,lieferung\nIch möchte mein Geld zurück,geld\n"
RUSSIAN = "Привет, как дела? Где мой заказ?\nЯ хочу вернуть свои деньги за этот товар\n" * 3


# ---- encoding


def test_utf8_is_taken_as_it_is():
    assert decode("naïve – 価格 😀".encode()) == ("naïve – 価格 😀", "utf-8", False)
    assert decode("text\né".encode("utf-8-sig")) == ("text\né", "utf-8", False)
    assert decode("text\né".encode("utf-16")) == ("text\né", "utf-16", False)


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        (GERMAN, "latin-1"),
        ("text,label\nDie Lüge,a\nDas Öl,b\n", "latin-1"),
        ("naïve café\n", "cp1252"),
        ("I don’t like it – “bad”\tbad\nfine words here\tgood\n", "cp1252"),
        ("Le café était très bon à l'hôtel, merci beaucoup.\n" * 3, "cp1252"),
        (RUSSIAN, "cp1251"),
        ("価格が高すぎます。返品したいです。\n" * 4, "shift_jis"),
    ],
)
def test_other_encodings_are_guessed_and_said(text, encoding):
    read, name, guessed = decode(text.encode(encoding))
    assert read == text
    assert guessed and name != "utf-8"


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"PK\x03\x04rest", "Excel"),
        (b"\x1f\x8b\x08rest", "gzip"),
        (b"PAR1rest", "Parquet"),
        (bytes(range(256)) * 20, "binary"),
        (b"\x00\x01\x02" * 50, "binary"),
        ("ä".encode("utf-16-le").join([b"\xff\xfe", b"\x00"]), "does not fit"),
    ],
)
def test_what_is_no_text_is_refused(data, words):
    with pytest.raises(Undecodable, match=words):
        decode(data)


# ---- quotes and delimiters

words = st.sampled_from(
    [
        "plain",
        "a, b",
        'say "hi" now',
        '"Hi," he said',
        "it's",
        'end"',
        "two  spaces",
        "semi; colon",
        "née",
        "",
        '5" disk',
    ]
)
tables = st.lists(st.tuples(st.lists(words, min_size=1, max_size=4).map(" ".join), st.sampled_from("ab")), min_size=3)


def written(rows, quoting, delimiter):
    out = io.StringIO(newline="")
    csv.writer(out, quoting=quoting, delimiter=delimiter).writerows(rows)
    return out.getvalue()


@given(tables, st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]), st.sampled_from(",\t;"))
def test_what_a_csv_writer_quotes_is_read_back(rows, quoting, delimiter):
    text = written([("text", "label"), *rows], quoting, delimiter)
    found = is_quoted(text, delimiter)
    assert [tuple(cells) for _, cells in records(text, delimiter, found)] == [("text", "label"), *rows]


@given(tables)
def test_bare_quotes_stay_in_the_texts(rows):
    rows = [('"Yes," she said, "I do"', "a"), *rows]  # begins with a quote that no delimiter follows
    text = "".join(f"{a}\t{b}\n" for a, b in rows)
    assert not is_quoted(text, "\t")
    assert [tuple(cells) for _, cells in records(text, "\t", False)] == rows


@given(st.lists(st.tuples(st.text(alphabet='ab", \n', min_size=1), st.sampled_from("xy")), min_size=1))
def test_line_breaks_inside_quotes_are_kept(rows):
    text = written(rows, csv.QUOTE_ALL, ",")
    assert [tuple(cells) for _, cells in records(text, ",", True)] == rows


def test_quoted_fields_over_several_lines_are_found():
    text = 'text,label\n"two\nlines, and a comma",a\nplain,b\n"three\n\nlines",a\n'
    assert is_quoted(text, ",")
    assert count_quotes(text, ",").glued == 2
    assert [cells for _, cells in records(text, ",", True)][1] == ["two\nlines, and a comma", "a"]
    assert is_quoted('text\n"a\nb"\n"c, d"\n', ",")


def test_quotes_that_meet_by_chance_do_not_swallow_lines():
    text = 'a\tone\n1\t"hello there\n0\tand so on"\nb\ttwo\n'
    assert not is_quoted(text, "\t")
    assert len(list(records(text, "\t", False))) == 4


def test_a_text_without_quotes_needs_no_quoting():
    assert not is_quoted("a,b\nc,d\n", ",")
    assert not is_quoted('a,the 5" disk\n', ",")


def test_one_broken_quote_does_not_undo_a_quoted_file():
    good = "".join(f'"text {i}, with a comma{"s, more" * (i % 2)}",a\n' for i in range(20))
    assert is_quoted("text,label\n" + good + '"he said "so"",b\n', ",")


@pytest.mark.parametrize(
    ("text", "delimiter"),
    [
        ("text,label\na; b,c\n", ","),
        ("text;label\nwell, yes;c\nno;d\n", ";"),
        ("text\tlabel\nwell, yes\tc\nno\td\n", "\t"),
        ("text\nwell, yes\nno; no\n", ","),
        ('"a; b",x\n"c; d",y\n', ","),
        ("a|b\n1, 2|3\n4|5\n", "|"),
    ],
)
def test_delimiters_of_csv_files(text, delimiter):
    assert find_delimiter(text) == delimiter


def test_fields_of_any_length_are_read():
    assert len(next(records("x" * 300_000 + ",a\n", ",", True))[1][0]) == 300_000


# ---- header

AG_NEWS = [
    ["Unions representing workers say they are disappointed after talks with the parent firm", "Business"],
    ["A second team of rocketeers has officially announced its first launch date", "Sci/Tech"],
    ["The company said on Monday that profits rose in the third quarter", "Business"],
]
SST2 = [["sentence", "label"], ["when are bears bears and", "1"], ["kids , spirit", "1"], ["so many flaws", "0"]]
RTE = [
    ["index", "sentence1", "sentence2", "label"],
    ["0", "No weapons found in Iraq yet.", "Weapons found in Iraq.", "not_entailment"],
    ["1", "A place of sorrow became a place of celebration.", "It was a place.", "entailment"],
]
DEFAULT = ("text", "label")


@pytest.mark.parametrize(
    ("rows", "wanted", "header"),
    [
        (AG_NEWS, DEFAULT, False),
        (AG_NEWS, ("1", "2"), False),
        (SST2, ("sentence", "label"), True),
        (SST2, ("Text", "Class"), True),  # the config is wrong about the names, yet there is a header
        (RTE, DEFAULT, True),
        ([["label", "text"], ["5", "How far is it ?"]], (), True),
        ([["great movie", "1"], ["bad movie", "0"], ["so so", "1"]], ("1", "2"), False),
        ([["great movie", "1"], ["bad movie", "0"]], DEFAULT, False),
        ([["0", "1"], ["some words", "5"], ["more words", "4"]], ("0", "1"), True),
        ([["hello there", "greeting"], ["good day to you", "greeting"], ["bye", "parting"]], DEFAULT, False),
        ([["utt", "klasse"], ["where is my parcel", "track"], ["stop it all", "cancel"]], DEFAULT, True),
        ([["", "text", "label"], ["0", "a b", "x"], ["1", "c d", "y"]], (), True),
        ([["satz"], ["where is my parcel now"], ["please stop my order at once"]], ("text",), True),
        ([["where is it"], ["where is my parcel now"], ["please stop my order"]], ("text",), False),
        ([["x", "x"], ["a long text is here", "b"]], (), False),
        ([["text", "label"]], (), True),
        ([], (), False),
    ],
)
def test_headers(rows, wanted, header):
    assert has_header(rows, wanted) is header


def test_column_names_are_made_unique():
    assert unique_names([" text ", "", "a", "a", "a"]) == ["text", "2", "a", "a.1", "a.2"]


# ---- columns


def columns_of(rows):
    return rows[0], list(zip(*rows[1:], strict=True))


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([["1", "2"], *AG_NEWS], ("1", None, "2")),
        (SST2, ("sentence", None, "label")),
        (RTE, ("sentence1", "sentence2", "label")),
        ([["a", "b"], ["x", "some longer text"], ["y", "another longer text"], ["x", "a third one"]], ("b", None, "a")),
        ([["only"], ["some text"], ["more text"]], ("only", None, None)),
        ([["Premise", "Hypothesis", "gold"], ["a", "b", "1"], ["c", "d", "0"]], ("Premise", "Hypothesis", "gold")),
    ],
)
def test_likely_columns(rows, expected):
    assert likely_columns(*columns_of(rows)) == expected
