"""The checks' own parts; how they work together stands in test_prepare."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from distill_core.data.checks import (
    LENGTH_SAMPLE,
    Overlap,
    check_class_sizes,
    check_duplicates,
    check_lengths,
    count_tokens,
    drop_overlap,
    label_list,
    names_in_words,
    sorted_labels,
    spread_inputs,
)
from distill_core.data.load import Examples
from distill_core.data.types import Findings, Rows

OVERLAP = Overlap(
    "warning", "overlap_train", "data.train", "of a.csv with the text of a test row: left out of training"
)


def rows(texts, pairs=None, labels=None):
    numbers = np.zeros(len(texts)) if labels is None else np.array(labels)
    return Rows(list(texts), pairs, numbers, list(range(1, len(texts) + 1)))


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        (["b", "a", "b", ""], ["a", "b"]),
        (["10", "9", "-1"], ["-1", "9", "10"]),
        (["1.5", "10", "2"], ["1.5", "2", "10"]),
        (["nan", "2", "10"], ["10", "2", "nan"]),
        (["inf", "1"], ["1", "inf"]),
        ([], []),
    ],
)
def test_sorted_labels(labels, expected):
    assert sorted_labels(labels) == expected


def test_long_lists_of_names_are_cut():
    assert names_in_words(["a", "b"]) == "“a”, “b”"
    assert names_in_words([str(i) for i in range(13)]).endswith("“9” and 3 more")


@given(st.lists(st.sampled_from("abcdef")), st.sets(st.sampled_from("abcdef")))
def test_overlap_is_removed_and_nothing_else(texts, known):
    findings = Findings()
    whole = rows(texts)
    left = drop_overlap(whole, set(rows(sorted(known)).ids), OVERLAP, findings)
    assert left.texts == [text for text in texts if text not in known]
    assert left.source_rows == [i for i, text in enumerate(texts, start=1) if text not in known]
    assert sum(finding.count for finding in findings) == len(texts) - len(left)
    assert len(findings) == (len(left) < len(texts))


def test_an_overlap_reads_as_a_sentence():
    findings = Findings()
    drop_overlap(rows(["a", "b"]), set(rows(["b"]).ids), OVERLAP, findings)
    assert findings[0].message == "1 row of a.csv with the text of a test row: left out of training. Row 2."


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 1))))
def test_duplicates_and_contradictions_are_counted(pairs):
    findings = Findings()
    part = rows([text for text, _ in pairs], labels=[label for _, label in pairs])
    check_duplicates(part, "a.csv", "data.train", ["x", "y"], findings)
    counts = {finding.code: finding.count for finding in findings}
    torn = [text for text in "abc" if len({label for t, label in pairs if t == text}) > 1]
    assert counts.get("duplicate_text", 0) == len(pairs) - len({text for text, _ in pairs})
    assert counts.get("conflicting_labels", 0) == sum(text in torn for text, _ in pairs)


def test_single_rows_are_an_error_only_where_rows_are_held_out():
    for held_out, severity in (([], "warning"), (["validation"], "error")):
        findings = Findings()
        check_class_sizes({"a": 5, "b": 1}, held_out, findings)
        assert [finding.severity for finding in findings] == [severity]


def test_lengths_of_pairs_share_the_special_pieces():
    findings = Findings()
    splits = {"train": rows(["a b"], ["c d e"]), "test": Rows.empty(True)}
    lengths = count_tokens(*spread_inputs(splits), lambda texts: [len(text.split()) + 2 for text in texts])
    check_lengths(lengths, 7, findings)
    assert "the longest 8" in findings[0].message  # [CLS] a b [SEP] c d e [SEP]
    assert "100.0% are longer than 7" in findings[0].message


def test_lengths_are_taken_from_a_sample_of_large_sets():
    texts, pairs = spread_inputs({"train": rows(["a"] * 20_000), "transfer": rows(["b"] * 3)})
    assert LENGTH_SAMPLE - 1 <= len(texts) <= LENGTH_SAMPLE + 1 and "b" in texts and pairs == []


def test_several_labels_in_one_row_are_refused_with_their_rows():
    findings = Findings()
    labels = ["x", '["x", "y"]', "[not a list]", '{"a": 1}', "y"]
    label_list(Examples(list("abcde"), None, labels, [1, 2, 3, 4, 5], "a.jsonl", "data.train"), findings)
    assert [(one.severity, one.code, one.rows) for one in findings] == [("error", "several_labels", (2, 4))]
