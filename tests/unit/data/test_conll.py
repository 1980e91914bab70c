"""One word a line: which column is what, what ends a sentence, and lines that are not what they should be."""

import pytest

from distill_core.config import Columns
from distill_core.data.conll import Origin, find_layout, parse_conll
from distill_core.data.types import Findings
from distill_core.errors import DataError

NUMBERED = "0\tals\tO\n1\tSavoyer\tB-LOC\n2\tVoralpen\tI-LOC\n\n0\tLou\tB-PER\n1\t.\tO\n"


def read(text, columns=None, **options):
    findings = Findings()
    origin = Origin("a.conll", "data.train", columns or Columns(), **options)
    sentences, layout = parse_conll(text, origin, findings)
    return sentences, layout, findings


def pairs(sentences):
    return [
        list(zip(words, tags or [None] * len(words), strict=True))
        for words, tags in zip(sentences.words, sentences.tags, strict=True)
    ]


EXPECTED = [[("als", "O"), ("Savoyer", "B-LOC"), ("Voralpen", "I-LOC")], [("Lou", "B-PER"), (".", "O")]]


@pytest.mark.parametrize(
    "text",
    [
        NUMBERED,
        NUMBERED.replace("\n", "\r\n"),
        NUMBERED.replace("\t", " "),
        NUMBERED.replace("\t", "   "),
        NUMBERED.replace("\n\n", "\n\t\n \n"),  # blank lines may hold tabs or spaces
        NUMBERED.rstrip("\n"),
        "\n\n" + NUMBERED + "\n\n\n",
        NUMBERED.replace("\tO\n", "\tO\t\n"),  # a tab too many at the end of some lines
        "-DOCSTART- -X- O\n\n" + NUMBERED.replace("\n\n", "\n\n-DOCSTART-\n\n"),
        "# id = 1 domain=en\n" + NUMBERED.replace("\n\n", "\n\n# text = Lou .\n"),
    ],
)
def test_the_same_sentences_however_they_are_written(text):
    sentences, layout, findings = read(text)
    assert pairs(sentences) == EXPECTED
    assert sentences.rows == [1, 2]
    assert (layout.width, layout.token, layout.tag) == (3, 1, 2)
    assert findings == []


def test_the_last_column_that_looks_like_tags_is_taken_and_the_first_that_holds_words():
    text = "EU NNP B-NP B-ORG\nrejects VBZ B-VP O\n\nPeter NNP B-NP B-PER\n"
    sentences, layout, _ = read(text)
    assert pairs(sentences) == [[("EU", "B-ORG"), ("rejects", "O")], [("Peter", "B-PER")]]
    assert layout.guessed == {"delimiter": " ", "word column": 1, "tag column": 4}
    chunks, _, _ = read(text, Columns(label="3"))
    assert pairs(chunks)[0] == [("EU", "B-NP"), ("rejects", "B-VP")]
    swapped, _, _ = read("O\tals\nB-LOC\tRom\n")
    assert pairs(swapped) == [[("als", "O"), ("Rom", "B-LOC")]]


def test_columns_by_number_and_by_header():
    text = "word\tpos\tner\nRom\tNE\tB-LOC\nist\tV\tO\n"
    for columns in (Columns(text="word", label="ner"), Columns(text="1", label="ner")):
        sentences, _, _ = read(text, columns)
        assert pairs(sentences) == [[("Rom", "B-LOC"), ("ist", "O")]]
    second, _, _ = read(text, Columns(text="2", label="3"), header="yes")
    assert pairs(second) == [[("NE", "B-LOC"), ("V", "O")]]


def test_numbers_among_the_words_are_words():
    sentences, layout, _ = read("1990\tO\nwar\tO\nRom\tB-LOC\n")
    assert layout.token == 0 and sentences.words == [["1990", "war", "Rom"]]


def test_a_hash_is_a_word_and_a_comment_is_none():
    text = "# O\n1 O\n\n# text = x y\n#tag B-X\n# O\n"
    sentences, _, _ = read(text)
    assert pairs(sentences) == [[("#", "O"), ("1", "O")], [("#tag", "B-X"), ("#", "O")]]
    tabs, _, _ = read("#\tO\n# 1\tO\n\n# id = 7\nRom\tB-LOC\n")
    assert pairs(tabs) == [[("#", "O"), ("# 1", "O")], [("Rom", "B-LOC")]]


def test_words_may_hold_what_python_takes_for_line_ends():
    sentences, _, _ = read("a\u2028b\tO\nc\x85\tB-X\n")
    assert sentences.words == [["a\u2028b", "c\x85"]]


def test_a_language_prefix_goes_where_every_word_has_it():
    sentences, _, _ = read("fr:Parti\tB-ORG\nfr::\tO\n\nfr:Rome\tB-LOC\n")
    assert (sentences.words, sentences.prefix) == ([["Parti", ":"], ["Rome"]], "fr:")
    kept, _, _ = read("fr:Parti\tB-ORG\nRome\tB-LOC\n")
    assert (kept.words, kept.prefix) == ([["fr:Parti", "Rome"]], "")


def test_sentences_without_tags_are_unlabelled():
    for text in ("a\tO\nb\tB-X\n\nc\t\nd\t\n", "a O\nb B-X\nb O\n\nc\nd\n"):
        sentences, _, findings = read(text)
        assert sentences.tags[1] is None and sentences.words[1] == ["c", "d"] and findings == []
    words_alone, layout, _ = read("a\nb\n\nc\n")
    assert words_alone.tags == [None, None] and layout.tag is None
    transfer, _, _ = read(NUMBERED, tagged=False)
    assert transfer.tags == [None, None] and transfer.words == [["als", "Savoyer", "Voralpen"], ["Lou", "."]]


def test_bad_lines_are_told_by_number():
    text = "a\tO\nb\tO\nc\tB-X\td\n\ne\tO\nf\tB-X\ng\n"
    _, _, findings = read(text)
    [finding] = findings
    assert (finding.severity, finding.code, finding.rows, finding.count) == ("error", "bad_line", (3, 7), 2)
    assert "Lines 3 and 7 of the file" in finding.message and "3 columns instead of 2" in finding.message


def refused(text, columns=None, **options):
    with pytest.raises(DataError) as caught:
        read(text, columns, **options)
    return caught.value


def test_refusals_say_what_was_found():
    error = refused("a\ta\tNN\nb\tb\tVB\n")
    assert error.field == "data.columns.label" and "“NN”, “VB”" in error.message
    error = refused(NUMBERED, Columns(label="4"))
    assert error.field == "data.columns.label" and "3 columns" in error.message
    assert refused(NUMBERED, Columns(text="tokens")).field == "data.columns.text"
    assert refused(NUMBERED, Columns(text="3")).field == "data.columns"
    assert "no line with a word" in refused("-DOCSTART-\n\n").message
    running = "\n".join(f"w{i}\tO" for i in range(2500))
    assert "no blank line" in refused(running).message
    assert "Each line must hold one word" in refused("a b c O\nd O\ne f O\ng h i j k O\n").hint


def test_the_second_of_two_columns_may_hold_plain_tags():
    sentences, layout, _ = read("Rom\tNE\nist\tVV\n\nda\tADV\n")
    assert layout.tag == 1 and pairs(sentences) == [[("Rom", "NE"), ("ist", "VV")], [("da", "ADV")]]
    assert read("1\tRom\tNE\n2\tist\tVV\n", Columns(label="3"))[1].tag == 2
    assert "looks like" in refused("Rom\t1\nist\t2\n").message
    words = "\n".join(f"a{i}\tb{i}" + "\n" * (i % 9 == 8) for i in range(400))
    assert "looks like" in refused(words).message


def test_the_layout_is_found_in_a_sample():
    origin = Origin("a", "data.train", Columns())
    layout = find_layout(["7 a O", "8 b B-X"] * 3000, origin)
    assert (layout.tabs, layout.width, layout.token, layout.tag, layout.skip) == (False, 3, 1, 2, 0)
