"""Rows, findings and fingerprints."""

import hashlib

import numpy as np
import pytest

from distill_core.data.types import Findings, PreparedData, Rows, data_fingerprint, example_id, rows_in_words


def rows(texts, labels, pairs=None):
    return Rows(list(texts), pairs, np.array(labels), list(range(1, len(texts) + 1)))


def test_ids_are_the_documented_hash():
    assert rows(["a"], [0]).ids == [hashlib.sha256(b"a\x1f").hexdigest()[:16]]
    assert rows(["a"], [0], ["b"]).ids == [hashlib.sha256(b"a\x1fb").hexdigest()[:16]]
    assert example_id("a", "bc") != example_id("ab", "c")
    assert len(example_id("\ud800")) == 16  # half a surrogate pair is still hashed


def test_take_and_concat_keep_rows_together():
    whole = rows(["a", "b", "c"], [0, 1, 2], ["x", "y", "z"])
    _ = whole.ids
    part = whole.take([2, 0])
    assert (part.texts, part.pairs, part.labels.tolist(), part.source_rows) == (["c", "a"], ["z", "x"], [2, 0], [3, 1])
    assert part.ids == [whole.ids[2], whole.ids[0]]
    joined = Rows.concat([part, whole.take([1]), Rows.empty(True)])
    assert joined.texts == ["c", "a", "b"]
    assert joined.ids == rows(joined.texts, [0, 0, 0], joined.pairs).ids
    assert joined.labels.dtype == np.int64


def test_taking_nothing_gives_no_rows():
    assert len(rows(["a"], [0]).take([])) == 0
    assert Rows.empty(False).pairs is None and Rows.empty(True).pairs == []


def test_without_labels_leaves_the_original_alone():
    whole = rows(["a", "b"], [0, 1])
    assert whole.without_labels().labels.tolist() == [-1, -1]
    assert whole.labels.tolist() == [0, 1]


def tagged(words, tags, languages=None, start=1):
    numbers = [np.array(own) for own in tags]
    labels = [0 if (own >= 0).all() else -1 for own in numbers]
    texts = [" ".join(own) for own in words]
    source = list(range(start, start + len(texts)))
    return Rows(texts, None, np.array(labels), source, words=words, tags=numbers, languages=languages)


def test_words_tags_and_languages_travel_with_their_rows():
    whole = tagged([["a", "b"], ["c"], ["d"]], [[1, 2], [0], [-1]], ["de", "en", "de"])
    part = whole.take([2, 0])
    assert part.words == [["d"], ["a", "b"]] and part.languages == ["de", "de"]
    assert [own.tolist() for own in part.tags] == [[-1], [1, 2]] and part.labels.tolist() == [-1, 0]
    joined = Rows.concat([part, tagged([["e"]], [[0]]), Rows.empty(False, tagged=True)])
    assert joined.words == [["d"], ["a", "b"], ["e"]] and joined.languages == ["de", "de", ""]
    assert [own.tolist() for own in joined.tags] == [[-1], [1, 2], [0]]
    bare = whole.without_labels()
    assert [own.tolist() for own in bare.tags] == [[-1, -1], [-1], [-1]] and bare.labels.tolist() == [-1] * 3
    assert bare.words == whole.words and bare.languages == whole.languages
    assert [own.tolist() for own in whole.tags] == [[1, 2], [0], [-1]]
    empty = Rows.empty(False, tagged=True, languages=True)
    assert (empty.words, empty.tags, empty.languages) == ([], [], [])
    assert Rows.concat([rows(["a"], [0]), rows(["b"], [1])]).languages is None


def test_words_and_tags_must_fit():
    for words, tags in (([["a", "b"]], [[0]]), ([["a"]], [[0], [0]])):
        with pytest.raises(ValueError, match=r"as many tags|length"):
            Rows(["a"], None, np.array([0]), [1], words=words, tags=[np.array(own) for own in tags])
    with pytest.raises(ValueError, match="together"):
        Rows(["a"], None, np.array([0]), [1], words=[["a"]])
    with pytest.raises(ValueError, match="words"):
        Rows.concat([rows(["a"], [0]), tagged([["a"]], [[0]])])


def test_rows_of_different_lengths_or_kinds_are_refused():
    with pytest.raises(ValueError, match="length"):
        Rows(["a"], None, np.array([0, 1]), [1])
    with pytest.raises(ValueError, match="second text"):
        Rows.concat([Rows.empty(True), Rows.empty(False)])
    with pytest.raises(ValueError, match="nothing"):
        Rows.concat([])


@pytest.mark.parametrize(
    ("numbers", "count", "words"),
    [
        ([3], None, "Row 3"),
        ([3, 1200], None, "Rows 3 and 1,200"),
        (list(range(1, 11)), None, "Rows 1, 2, 3, 4, 5, 6, 7, 8, 9 and 10"),
        (list(range(1, 41)), None, "Rows 1, 2, 3, 4, 5, 6, 7, 8, 9, 10 and 30 more"),
        ([1, 2], 5, "Rows 1, 2 and 3 more"),
    ],
)
def test_rows_in_words(numbers, count, words):
    assert rows_in_words(numbers, count) == words


def test_findings_keep_fifty_rows_and_count_all():
    findings = Findings()
    findings.add("warning", "code", "data.train", "Something.", list(range(1, 101)))
    [finding] = findings
    assert (len(finding.rows), finding.count) == (50, 100)
    assert finding.message == "Something. Rows 1, 2, 3, 4, 5, 6, 7, 8, 9, 10 and 90 more."
    assert finding.as_dict() == {
        "severity": "warning",
        "code": "code",
        "field": "data.train",
        "message": finding.message,
        "rows": list(range(1, 51)),
        "count": 100,
    }
    assert findings.errors == []


def test_fingerprint_sees_every_change_and_nothing_else():
    def fingerprint(**change):
        parts = {
            "train": rows(["a", "b"], [0, 1]),
            "transfer": rows(["c"], [-1]),
            "validation": rows(["d"], [0]),
            "test": rows(["e"], [1]),
        }
        return data_fingerprint(["x", "y"], parts | change)

    same = fingerprint()
    assert fingerprint() == same
    assert fingerprint(train=Rows(["a", "b"], None, np.array([0, 1]), [7, 8])) == same  # where rows stood is no content
    others = [
        fingerprint(train=rows(["a", "b"], [1, 0])),
        fingerprint(train=rows(["b", "a"], [0, 1])),
        fingerprint(train=rows(["ab", ""], [0, 1])),
        fingerprint(train=rows(["a"], [0]), transfer=rows(["b", "c"], [-1, -1])),
        fingerprint(test=rows(["e"], [1], [""])),
    ]
    assert len({same, *others}) == len(others) + 1
    assert data_fingerprint(["y", "x"], {}) != data_fingerprint(["x", "y"], {})


def test_fingerprint_sees_tags_and_languages():
    def fingerprint(words, tags, languages=None):
        return data_fingerprint(["O", "B-X", "I-X"], {"train": tagged(words, tags, languages)})

    words = [["a", "b"], ["c"]]
    seen = [
        fingerprint(words, [[1, 2], [0]]),
        fingerprint(words, [[1, 1], [0]]),
        fingerprint(words, [[1, 2], [0]], ["de", "en"]),
        fingerprint(words, [[1, 2], [0]], ["de", "de"]),
        data_fingerprint(["O", "B-X", "I-X"], {"train": rows(["a b", "c"], [0, 0])}),
    ]
    assert len(set(seen)) == len(seen) and fingerprint(words, [[1, 2], [0]]) == seen[0]


def test_the_fingerprint_of_whole_texts_is_as_it_was():
    digest = hashlib.sha256()
    for value in ("1", "x", "train 1 single", "a"):
        digest.update(len(value).to_bytes(8, "little") + value.encode())
    digest.update(np.array([0], dtype="<i8").tobytes())
    assert data_fingerprint(["x"], {"train": rows(["a"], [0])}) == digest.hexdigest()


def test_findings_of_several_files_name_no_rows():
    findings = Findings()
    findings.name_rows = False
    findings.add("info", "code", "data.train", "Something.", [3, 4])
    assert (findings[0].message, findings[0].rows, findings[0].count) == ("Something.", (), 2)


def test_prepared_data_knows_its_languages():
    part = tagged([["a"], ["b"]], [[0], [0]], ["nl", ""])
    other = tagged([["a"]], [[0]], ["de"])
    empty = Rows.empty(False, tagged=True, languages=True)
    prepared = PreparedData("n", ["O"], part, other, part, empty, [], "f", "tagging")
    assert prepared.languages == ["de", "nl"] and prepared.task == "tagging"


def test_prepared_data_knows_pairs_and_sizes():
    part = rows(["a"], [0], ["b"])
    prepared = PreparedData("n", ["x"], part, Rows.empty(True), part, part, [], "f")
    assert prepared.paired and prepared.task == "classification" and prepared.languages == []
    assert prepared.sizes == {"train": 1, "validation": 1, "test": 1, "transfer": 0}
