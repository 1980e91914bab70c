"""From a config for tagging to splits: stratified by language, nothing shared, and findings in words."""

import json
import random
from pathlib import Path

import numpy as np
import pytest

from distill_core.config import Columns, FileData
from distill_core.data.prepare import check, prepare
from distill_core.errors import DataError

SHARED = Path(__file__).parents[3].parent / "shared" / "data"
CITIES, PEOPLE = ["Rom", "Ulm", "Bern", "Lyon"], ["Ada", "Max", "Eva"]


def sentences(number, language="", start=0, kinds=("LOC", "PER")):
    rows = []
    for i in range(start, start + number):
        random.seed(i)
        kind = kinds[i % len(kinds)]
        name = random.choice(CITIES if kind == "LOC" else PEOPLE)
        row = {"tokens": [f"{language}no{i}", name, "Neu", "."], "tags": ["O", f"B-{kind}", f"I-{kind}", "O"]}
        rows.append({**row, **({"language": language} if language else {})})
    return rows


@pytest.fixture
def write(tmp_path):
    def _write(name, rows):
        path = tmp_path / f"{name}.jsonl"
        path.write_text("\n".join(json.dumps(row) for row in rows), encoding="utf-8")
        return str(path)

    return _write


def config(**settings):
    return FileData(task="tagging", **settings)


def by_code(result):
    return {finding.code: finding for finding in result.findings}


MIXED = sentences(60, "de") + sentences(40, "en")
LANGUAGE = Columns(language="language")


def test_prepared_sentences(write):
    data = prepare(config(train=write("a", sentences(100)), test=write("t", sentences(40, start=500))), seed=1)
    assert data.task == "tagging" and data.labels == ["O", "B-LOC", "I-LOC", "B-PER", "I-PER"]
    assert data.sizes == {"train": 90, "validation": 10, "test": 40, "transfer": 0} and data.languages == []
    assert data.test.words[0] == ["no500", data.test.words[0][1], "Neu", "."]
    assert [data.labels[i] for i in data.test.tags[0]] == ["O", "B-LOC", "I-LOC", "O"]
    assert [data.labels[i] for i in data.test.tags[1]] == ["O", "B-PER", "I-PER", "O"]
    assert data.test.texts[0] == " ".join(data.test.words[0]) and set(data.test.labels.tolist()) == {0}


def test_every_language_gives_its_share(write):
    data = prepare(config(train=write("a", MIXED), columns=LANGUAGE, labelled_per_class=20), seed=1)
    assert data.languages == ["de", "en"]
    count = {
        name: (getattr(data, name).languages.count("de"), getattr(data, name).languages.count("en"))
        for name in ("train", "validation", "test", "transfer")
    }
    assert count == {"train": (18, 18), "validation": (2, 2), "test": (12, 8), "transfer": (28, 12)}
    assert set(data.transfer.labels.tolist()) == {-1}
    assert all((tags == -1).all() and len(tags) == 4 for tags in data.transfer.tags)
    texts = [set(getattr(data, name).texts) for name in count]
    assert sum(map(len, texts)) == len(set().union(*texts)) == 100


def test_without_languages_the_budget_is_for_all(write):
    result = check(config(train=write("a", sentences(100)), labelled_per_class=30))
    assert result.ok and result.sizes == {"train": 27, "validation": 3, "test": 20, "transfer": 50}
    small = by_code(check(config(train=write("a", sentences(100)), labelled_per_class=300)))["small_budget"]
    assert small.message == "Fewer than 300 labelled rows: all of them are used."
    named = check(config(train=write("b", MIXED), columns=LANGUAGE, labelled_per_class=40))
    assert "of “en” (32)" in by_code(named)["small_budget"].message


def test_the_same_seed_gives_the_same_data(write):
    path = write("a", MIXED)
    first, again, other = (prepare(config(train=path, columns=LANGUAGE), seed=seed).fingerprint for seed in (1, 1, 2))
    assert first == again != other
    assert prepare(config(train=path), seed=1).fingerprint != first  # the languages are part of the data


def test_unlabelled_sentences_and_files_join_the_transfer_set(write):
    bare = [{"tokens": [f"free{i}"]} for i in range(10)]
    free = write("f", [{"tokens": ["file", f"{i}"]} for i in range(7)])
    data = prepare(config(train=write("a", sentences(80) + bare), transfer=free, max_transfer=15), seed=1)
    assert data.sizes["transfer"] == 15 and set(data.transfer.labels.tolist()) == {-1}
    result = check(config(train=write("a", sentences(80) + bare), transfer=free))
    assert result.sizes["transfer"] == 17 and by_code(result)["unlabelled_rows"].count == 10


def test_what_the_check_shows(write):
    result = check(config(train=write("a", MIXED), columns=LANGUAGE), piece_counter=lambda texts: [70] * len(texts))
    assert result.ok and result.balance == {"LOC": 50, "PER": 50} and result.columns == ["tokens", "tags", "language"]
    assert result.guessed["tag column"] == "tags"
    assert [row["language"] for row in result.preview] == ["de"] * 4 + ["en"] * 4
    first = MIXED[0]
    assert result.preview[0]["words"] == " ".join(first["tokens"])
    assert result.preview[0]["tags"] == "O B-LOC I-LOC O"
    length = by_code(result)["length"]
    assert length.severity == "warning" and "100.0% are longer than 64" in length.message


def test_overlap_and_repeats(write):
    rows = sentences(60)
    other = {**rows[0], "tags": ["O", "O", "O", "O"]}
    result = check(
        config(train=write("a", [*rows, rows[1], other]), test=write("t", [*sentences(40, start=200), rows[2]]))
    )
    found = by_code(result)
    assert (found["duplicate_text"].count, found["duplicate_text"].rows) == (2, (61, 62))
    assert found["conflicting_labels"].rows == (1, 62)
    assert found["overlap_train"].count == 1 and found["overlap_train"].rows == (3,)
    assert result.sizes["train"] + result.sizes["validation"] == 61


def test_rows_of_several_files_are_not_numbered(tmp_path):
    for language in ("de", "en"):
        rows = sentences(50, language)
        (tmp_path / f"{language}.jsonl").write_text("\n".join(json.dumps(row) for row in [*rows, rows[0]]))
    result = check(config(train=f"{tmp_path}/{{language}}.jsonl", languages=["de", "en"]))
    repeats = by_code(result)["duplicate_text"]
    assert repeats.count == 2 and repeats.rows == () and "Row" not in repeats.message


def test_missing_types_and_languages(write):
    train = sentences(60, "de") + sentences(5, "en", kinds=("LOC",))
    test = sentences(40, "de", start=300, kinds=("LOC",)) + sentences(9, "fr", start=400, kinds=("LOC",))
    result = check(config(train=write("a", train), test=write("t", test), columns=LANGUAGE))
    said = {(finding.code, finding.field): finding for finding in result.findings}
    assert "“PER”" in said["class_without_rows", "data.test"].message
    assert "“fr”" in said["language_without_rows", "data.train"].message
    assert "“en”" in said["language_without_rows", "data.test"].message
    assert "“fr”" in said["few_rows", "data.test"].message
    assert result.ok


def errors(**settings):
    result = check(config(**settings))
    with pytest.raises(DataError):
        prepare(config(**settings), seed=1)
    return [(finding.code, finding.field) for finding in result.findings if finding.severity == "error"]


def test_data_that_cannot_be_learnt_from(write):
    bare = [{"tokens": ["a", "b"]}]
    outside = [{"tokens": [f"{i}"], "tags": ["O"]} for i in range(50)]
    shapes = [{"tokens": ["a"], "tags": ["NOUN"]}]
    assert errors(train=write("a", bare)) == [("no_labels", "data.columns.label")]
    assert errors(train=write("b", outside)) == [("no_entities", "data.columns.label")]
    assert errors(train=write("c", shapes)) == [("one_label", "data.columns.label")]
    wild = [{"tokens": ["a", f"b{i}"], "tags": ["NOUN", f"x{i}"]} for i in range(80)]
    assert errors(train=write("i", wild)) == [("too_many_labels", "data.columns.label")]
    good = write("d", sentences(60))
    assert errors(train=good, test=write("e", bare)) == [("no_labels", "data.test")]
    assert errors(train=good, test=write("f", sentences(40, start=99, kinds=("MISC",)))) == [
        ("unknown_label", "data.test"),
        ("no_entities", "data.test"),
    ]
    assert errors(train=good, test=write("g", outside)) == [("no_entities", "data.test")]
    assert errors(train=write("h", [{"tokens": [" "], "tags": ["O"]}])) == [("no_rows", "data.train")]


def test_tags_without_prefixes_are_taken_as_they_are(write):
    rows = [{"tokens": ["we", f"go{i}", "home"], "tags": ["PRON", "VERB", "NOUN"]} for i in range(100)]
    result = check(config(train=write("a", rows)))
    assert result.ok and result.labels == ["NOUN", "PRON", "VERB"]
    assert result.balance == {"NOUN": 100, "PRON": 100, "VERB": 100}
    (said,) = [finding for finding in result.findings if finding.code == "plain_tags"]
    assert said.severity == "info" and "word accuracy" in said.message
    data = prepare(config(train=write("a", rows)), seed=1)
    assert data.labels == result.labels and all(tags.tolist() == [1, 2, 0] for tags in data.train.tags)
    assert errors(train=write("a", rows), test=write("b", sentences(40)))[0] == ("unknown_label", "data.test")
    iob = errors(train=write("c", sentences(60)), test=write("d", rows))
    assert ("no_iob_tags", "data.columns.label") in iob


def test_uneven_and_rare_types(write):
    rows = (
        sentences(120, kinds=("LOC",))
        + sentences(3, start=800, kinds=("PER",))
        + sentences(12, start=900, kinds=("loc",))
    )
    result = by_code(check(config(train=write("a", rows))))
    assert "“LOC” comes 120 times, “PER” 3 (40 times less)" in result["imbalance"].message
    assert "“PER”" in result["rare_class"].message
    assert "“LOC” (120), “loc” (12)" in result["label_spelling"].message


@pytest.mark.skipif(not (SHARED / "ner_wikiann").exists(), reason="the shared data sets are not there")
def test_wikiann_as_its_source_describes_it():
    result = check(
        config(
            train=f"{SHARED}/ner_wikiann/{{language}}/val.tsv",
            languages=["de", "fr"],
            labelled_per_class=100,
        )
    )
    assert result.ok and result.balance == {"LOC": 4968 + 4840, "ORG": 4281 + 3910, "PER": 4569 + 4406}
    assert 190 < result.sizes["train"] + result.sizes["validation"] <= 200  # a text may be in both, then it goes once


@pytest.mark.skipif(not (SHARED / "ner_wnut17").exists(), reason="the shared data sets are not there")
def test_wnut_as_its_source_describes_it():
    files = {name: f"{SHARED}/ner_wnut17/{file}.conll" for name, file in (("train", "train"), ("validation", "dev"))}
    data = prepare(config(**files, test=f"{SHARED}/ner_wnut17/test.conll"), seed=1)
    assert data.sizes == {"train": 3394, "validation": 1009, "test": 1287, "transfer": 0}
    begins = [i for i, name in enumerate(data.labels) if name.startswith("B-")]
    counts = np.bincount(np.concatenate(data.test.tags), minlength=len(data.labels))[begins].tolist()
    assert counts == [66, 142, 165, 150, 429, 127]
    assert sum(map(len, data.test.words)) == 23394
