"""Words and tags into Rows: IOB2 whatever the tags were written in, against a plain reading of each scheme."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from distill_core.data.conll import Sentences
from distill_core.data.tagging import (
    clean,
    label_names,
    plain_tags,
    report_unknown_types,
    rows_of,
    spans_of,
    without_gold,
)
from distill_core.data.types import Findings


def part(*tags, words=None, findings=None):
    sentences = Sentences()
    for row, own in enumerate(tags, start=1):
        given = words[row - 1] if words else [f"w{i}" for i in range(len(own))]
        sentences.add(given, None if own is None else list(own), row)
    return clean(sentences, "a.conll", "data.train", Findings() if findings is None else findings)


def iob2(*tags):
    """(tags in IOB2 of each sentence, findings)."""
    findings = Findings()
    whole = part(*[own.split() for own in tags])
    spans = spans_of(whole, findings)
    rows = rows_of(whole, spans, spans.types, languages=False)
    names = label_names(spans.types)
    return [" ".join(names[i] for i in own) for own in rows.tags], findings


def test_label_names_put_o_first_and_sort_nothing_themselves():
    assert label_names(["LOC", "PER"]) == ["O", "B-LOC", "I-LOC", "B-PER", "I-PER"]
    assert label_names([]) == ["O"]


@pytest.mark.parametrize(
    ("before", "after", "code"),
    [
        ("O B-A I-A O", "O B-A I-A O", None),
        ("B-A B-A I-A I-B", "B-A B-A I-A B-B", "tags_repaired"),
        ("B-A O I-A", "B-A O B-A", "tags_repaired"),
        ("I-A I-A O I-B", "B-A I-A O B-B", "tag_scheme"),  # IOB1
        ("I-A B-A I-B O", "B-A B-A B-B O", "tag_scheme"),  # IOB1: B- where an entity follows its like at once
        ("S-A B-B I-B E-B O", "B-A B-B I-B I-B O", "tag_scheme"),
        ("U-A B-B L-B I-B", "B-A B-B I-B B-B", "tag_scheme"),
        ("E-A S-A I-A", "B-A B-A B-A", "tag_scheme"),
    ],
)
def test_tags_in_iob2(before, after, code):
    found, findings = iob2(before)
    assert found == [after]
    assert [finding.code for finding in findings][:1] == ([code] if code else [])
    assert all(finding.severity == "info" for finding in findings)


def test_entities_do_not_run_over_sentences():
    found, findings = iob2("O B-A", "I-A O")
    assert found == ["O B-A", "B-A O"]
    assert findings[0].rows == (2,) and findings[0].count == 1


def test_what_was_mended_is_counted():
    _, findings = iob2("B-A O I-A I-A", "O", "I-A")
    [finding] = findings
    assert (finding.code, finding.count, finding.rows) == ("tags_repaired", 2, (1, 3))
    _, findings = iob2("I-A I-A O I-A")
    assert findings[0].count == 2 and "IOB1" in findings[0].message


ENTITIES = st.lists(st.tuples(st.sampled_from(["", "A", "B-c"]), st.integers(1, 3)), min_size=1, max_size=6)


def written(entities, scheme):
    """Tags of runs of words, written straight from the scheme's definition. A run of type "" is outside."""
    tags: list[str] = []
    before = ""
    for kind, length in entities:
        if not kind:
            tags += ["O"] * length
        elif scheme == "IOB2":
            tags += [f"B-{kind}"] + [f"I-{kind}"] * (length - 1)
        elif scheme == "IOB1":
            tags += [f"{'B' if before == kind else 'I'}-{kind}"] + [f"I-{kind}"] * (length - 1)
        elif length == 1:
            tags.append(f"{'S' if scheme == 'BIOES' else 'U'}-{kind}")
        else:
            last = "E" if scheme == "BIOES" else "L"
            tags += [f"B-{kind}"] + [f"I-{kind}"] * (length - 2) + [f"{last}-{kind}"]
        before = kind
    return " ".join(tags)


@settings(max_examples=60, deadline=None)
@given(st.lists(ENTITIES, min_size=1, max_size=4), st.sampled_from(["IOB1", "BIOES", "BILOU"]))
def test_every_scheme_says_the_same(sentences, scheme):
    expected = [written(entities, "IOB2") for entities in sentences]
    found, _ = iob2(*[written(entities, scheme) for entities in sentences])
    assert found == expected
    again, findings = iob2(*found)
    assert again == found and findings == []


def test_balance_counts_entities_not_words():
    spans = spans_of(
        part(["B-A", "I-A", "B-A"], None, ["O", "B-B"], words=[list("xyz"), ["w"], list("uv")]), Findings()
    )
    assert spans.balance == {"A": 2, "B": 1}


def test_unknown_shapes():
    findings = Findings()
    spans_of(part(["NN", "VB"]), findings)
    assert findings[0].code == "no_iob_tags" and "“NN”, “VB”" in findings[0].message
    findings = Findings()
    spans_of(part(["O", "B-A"], ["MISC", "O"], ["B-", "O"]), findings)
    [finding] = findings
    assert (finding.severity, finding.code, finding.rows) == ("error", "unknown_tag", (2, 3))
    assert "2 tags" in finding.message and "“B-”, “MISC”" in finding.message


def test_plain_tags_stand_for_themselves():
    whole = part(["NN", "O"], None, ["VB", "NN"], words=[["a", "b"], ["c"], ["d", "e"]])
    assert plain_tags(whole) and not plain_tags(part(["NN", "B-A"])) and not plain_tags(part(["O", "O"]))
    spans = spans_of(whole, Findings(), plain=True)
    assert spans.labels == ["NN", "O", "VB"] and spans.balance == {"NN": 2, "O": 1, "VB": 1}
    rows = rows_of(whole, spans, spans.types, languages=False)
    assert [own.tolist() for own in rows.tags] == [[0, 1], [-1], [2, 0]] and rows.labels.tolist() == [0, -1, 0]
    findings = Findings()
    other = spans_of(part(["JJ", "NN"]), Findings(), plain=True)
    report_unknown_types(part(["JJ", "NN"]), other, spans.types, findings)
    assert findings[0].code == "unknown_label" and "a tag that no training sentence has: “JJ”" in findings[0].message


def test_words_hold_no_white_space():
    findings = Findings()
    words = [["New York", "is", " big "], ["", "10\u00a0000", "\u3000"], [" ", ""], ["ok"]]
    tags = [["B-L", "O", "O"], ["B-L", "I-L", "O"], ["O", "O"], None]
    whole = part(*tags, words=words, findings=findings)
    assert whole.sentences.words == [["New_York", "is", "big"], ["10_000"], ["ok"]]
    assert whole.sentences.tags == [["B-L", "O", "O"], ["I-L"], None]
    assert whole.texts == ["New_York is big", "10_000", "ok"]
    assert whole.sentences.rows == [1, 2, 4]
    assert {finding.code: finding.count for finding in findings} == {
        "empty_word": 4,
        "space_in_word": 2,
        "empty_text": 1,
    }


def test_rows_carry_tags_where_there_is_gold():
    whole = part(["O", "B-A", "I-A"], None, ["B-B"], words=[["a", "b", "c"], ["d", "e"], ["f"]])
    spans = spans_of(whole, Findings())
    rows = rows_of(whole, spans, ["A", "B"], languages=False)
    assert [own.tolist() for own in rows.tags] == [[0, 1, 2], [-1, -1], [3]]
    assert rows.labels.tolist() == [0, -1, 0] and rows.languages is None
    assert rows.texts == ["a b c", "d e", "f"] and rows.words == [["a", "b", "c"], ["d", "e"], ["f"]]
    other = rows_of(whole, spans, ["0", "A", "B"], languages=True)
    assert [own.tolist() for own in other.tags] == [[0, 3, 4], [-1, -1], [5]] and other.languages == ["", "", ""]
    bare = rows_of(without_gold(whole), None, ["A", "B"], languages=False)
    assert bare.labels.tolist() == [-1] * 3 and all((own == -1).all() for own in bare.tags)
    assert all(own.dtype == np.int64 for own in rows.tags)


def test_types_no_training_sentence_has_are_an_error():
    findings = Findings()
    whole = part(["O", "B-A"], ["B-Z", "I-Z"])
    report_unknown_types(whole, spans_of(whole, Findings()), ["A"], findings)
    [finding] = findings
    assert (finding.severity, finding.code, finding.rows) == (
        "error",
        "unknown_label",
        (2,),
    ) and "“Z”" in finding.message
    rows = rows_of(whole, spans_of(whole, Findings()), ["A"], languages=False)
    assert rows.tags[1].tolist() == [-1, -1]
