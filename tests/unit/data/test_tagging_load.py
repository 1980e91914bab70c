"""Files and data sets with tags: one for all or one a language, CoNLL or JSONL, and refusals with a way out."""

import json
import sys
import types

import numpy as np
import pandas as pd
import pytest

from distill_core import layout
from distill_core.config import BundledData, Columns, FileData, HubData
from distill_core.data.tagging_load import load_tagged
from distill_core.data.types import Findings

CONLL = "Rom\tB-LOC\nist\tO\n\nAda\tB-PER\n"
ROWS = [{"tokens": ["Rom", "ist"], "tags": ["B-LOC", "O"]}, {"tokens": ["Ada"], "tags": ["B-PER"]}]


@pytest.fixture
def write(tmp_path):
    def _write(name, content):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if not isinstance(content, str):
            content = "\n".join(json.dumps(row, ensure_ascii=False) for row in content)
        path.write_text(content, encoding="utf-8")
        return str(path)

    return _write


def load(**settings):
    findings = Findings()
    return load_tagged(FileData(task="tagging", **settings), findings), findings


def refused(**settings):
    source, findings = load(**settings)
    assert not source.complete
    [finding] = findings.errors
    return finding


WORDS, TAGS = [["Rom", "ist"], ["Ada"]], [["B-LOC", "O"], ["B-PER"]]


@pytest.mark.parametrize("name", ["a.conll", "a.tsv", "a.txt", "a.bio", "a.iob", "a.anything"])
def test_conll_by_ending_or_content(write, name):
    source, findings = load(train=write(name, "\ufeff" + CONLL))
    assert (source.parts["train"].words, source.parts["train"].tags) == (WORDS, TAGS)
    assert source.guessed["format"] == "conll" and source.columns == ["1", "2"] and findings == []


@pytest.mark.parametrize("name", ["a.jsonl", "a.json", "a.txt"])
def test_jsonl_by_ending_or_content(write, name):
    source, findings = load(train=write(name, ROWS))
    assert (source.parts["train"].words, source.parts["train"].tags) == (WORDS, TAGS)
    assert source.guessed["format"] == "jsonl" and source.columns == ["tokens", "tags"] and findings == []


def test_the_format_can_be_forced(write):
    source, _ = load(train=write("a.jsonl", CONLL), format="conll")
    assert source.parts["train"].words == WORDS
    source, _ = load(train=write("b.conll", ROWS), format="jsonl")
    assert source.parts["train"].words == WORDS


def test_csv_is_refused_with_a_way_out(write):
    finding = refused(train=write("a.csv", CONLL))
    assert finding.field == "data.train" and "JSONL" in finding.message and "CoNLL" in finding.message
    assert refused(train=write("a.conll", CONLL), format="csv").field == "data.format"
    assert "cannot be read as Parquet" in refused(train=write("b.conll", CONLL), format="parquet").message


# ---- languages


def test_one_file_a_language(write, tmp_path):
    for language in ("de", "fr"):
        write(f"{language}/train.tsv", CONLL.replace("Rom", f"Rom{language}"))
    write("fr/test.tsv", CONLL.replace("Rom", "fr:Rom").replace("ist", "fr:ist").replace("Ada", "fr:Ada"))
    write("de/test.tsv", CONLL)
    source, findings = load(
        train=f"{tmp_path}/{{language}}/train.tsv", test=f"{tmp_path}/{{language}}/test.tsv", languages=["fr", "de"]
    )
    train, test = source.parts["train"], source.parts["test"]
    assert train.languages == ["fr", "fr", "de", "de"] and train.rows == [1, 2, 1, 2]
    assert train.words[0] == ["Romfr", "ist"] and train.words[2] == ["Romde", "ist"]
    assert test.words == WORDS * 2 and source.several and source.name == "train"
    [finding] = findings
    assert (finding.severity, finding.code) == ("info", "word_prefix") and "“fr:” (fr/test.tsv)" in finding.message
    assert source.titles == {"train": "{language}/train.tsv", "test": "{language}/test.tsv"}


def test_a_missing_language_is_named(write, tmp_path):
    write("train.de.conll", CONLL)
    finding = refused(train=f"{tmp_path}/train.{{language}}.conll", languages=["de", "pl"])
    assert finding.field == "data.train" and "“pl”" in finding.message and "train.pl.conll" in finding.message


def test_languages_and_paths_must_fit(write, tmp_path):
    assert refused(train=f"{tmp_path}/{{language}}.conll").field == "data.languages"
    assert refused(train=f"{tmp_path}/{{language}}.conll", languages=["../de"]).field == "data.languages"
    _, findings = load(train=write("a.conll", CONLL), languages=["de"])
    assert [(finding.severity, finding.field) for finding in findings] == [("warning", "data.languages")]
    assert refused(train=write("b.conll", CONLL), test=write("b.conll", CONLL)).code == "same_file"


def test_a_language_column(write):
    rows = [dict(row, lang=language) for row, language in zip(ROWS, ("de", "en"), strict=True)]
    path = write("a.jsonl", rows)
    source, _ = load(train=path, columns=Columns(language="lang"))
    assert source.parts["train"].languages == ["de", "en"] and not source.several
    assert load(train=path)[0].parts["train"].languages == ["", ""]
    assert refused(train=path, columns=Columns(language="language")).field == "data.columns.language"
    free, findings = load(train=path, transfer=write("t.jsonl", ROWS), columns=Columns(language="lang"))
    assert free.parts["transfer"].languages == ["", ""] and findings == []
    assert refused(train=write("a.conll", CONLL), columns=Columns(language="3")).field == "data.columns.language"


# ---- rows with lists


def test_columns_of_lists_are_found(write):
    rows = [{"text": "Rom ist", "words": ["Rom", "ist"], "ner_tags": ["B-LOC", "O"], "label": "x"}]
    source, findings = load(train=write("a.jsonl", rows))
    assert source.parts["train"].words == [["Rom", "ist"]] and source.parts["train"].tags == [["B-LOC", "O"]]
    assert findings == [] and source.guessed["word column"] == "words"
    rows = [{"w": ["Rom"], "tokens": ["no"], "t": ["O"], "tags": ["B-X"]}]
    source, _ = load(train=write("b.jsonl", rows), columns=Columns(text="w", label="t"))
    assert (source.parts["train"].words, source.parts["train"].tags) == ([["Rom"]], [["O"]])


def test_rows_without_tags_are_unlabelled(write):
    none = [{"tokens": ["a", "b"], "tags": tags} for tags in (None, [], ["", ""], [None, None])] + [{"tokens": ["c"]}]
    source, findings = load(train=write("a.jsonl", [*ROWS, *none]))
    assert source.parts["train"].tags == [*TAGS, *[None] * 5] and findings == []
    source, _ = load(train=write("b.jsonl", ROWS), transfer=write("t.jsonl", [{"tokens": ["x"], "tags": ["B-X"]}]))
    assert source.parts["transfer"].tags == [None]


def test_rows_that_cannot_be_used(write):
    rows = [
        *ROWS,
        {"tokens": "Rom ist", "tags": ["O"]},
        {"tokens": ["a", 3], "tags": ["O", "O"]},
        {"tokens": ["a", "b"], "tags": ["O"]},
        {"tokens": ["a"], "tags": "O"},
    ]
    source, findings = load(train=write("a.jsonl", rows))
    assert [(finding.code, finding.rows) for finding in findings.errors] == [
        ("bad_row", (4,)),
        ("bad_row", (6,)),
        ("bad_row", (3, 5)),
    ]
    assert len(source.parts["train"]) == 2
    numbers = [{"tokens": ["a", "b"], "tags": [0, 3]}]
    finding = refused(train=write("b.jsonl", numbers))
    assert finding.field == "data.columns.label" and "numbers" in finding.message and "names" in finding.message
    assert refused(train=write("c.jsonl", [{"sentence": "x"}])).field == "data.columns.text"


def test_half_a_surrogate_pair_is_no_word(write):
    source, _ = load(train=write("a.jsonl", '{"tokens": ["a\\ud83d"], "tags": ["O"]}'))
    assert source.parts["train"].words == [["a?"]]


def test_pairs_are_refused(write):
    assert refused(train=write("a.conll", CONLL), columns=Columns(text_pair="b")).field == "data.columns.text_pair"


# ---- bundled sets and the Hub


def test_a_bundled_set_of_jsonl_files(write, tmp_path, monkeypatch):
    write("train.jsonl", [dict(row, language="de") for row in ROWS])
    write("transfer.jsonl", [{"tokens": ["x"], "language": "en"}])
    monkeypatch.setitem(layout.BUNDLED_DATA, "toy", tmp_path)
    findings = Findings()
    source = load_tagged(BundledData(task="tagging", name="toy"), findings)
    assert source.complete and sorted(source.parts) == ["train", "transfer"] and findings == []
    assert source.parts["train"].languages == ["de", "de"] and source.parts["transfer"].languages == ["en"]


def test_a_bundled_set_of_the_wrong_task_names_the_right_one():
    findings = Findings()
    assert not load_tagged(BundledData(task="tagging", name="support-desk"), findings).complete
    [finding] = findings
    assert finding.field == "data.task" and "Set the task to classification" in finding.message


def test_a_hub_set(monkeypatch):
    frame = pd.DataFrame({"tokens": [np.array(["Rom", "ist"], dtype=object), np.array(["Ada"], dtype=object)]})
    frame["ner_tags"] = pd.Series([["B-LOC", "O"], ["B-PER"]], dtype=object)
    frame["lang"] = ["de", "en"]
    numbers = frame.assign(ner_tags=pd.Series([np.array([1, 0]), np.array([3])], dtype=object))
    module = types.SimpleNamespace(load_hub=lambda config: {"train": frame, "test": numbers})
    monkeypatch.setitem(sys.modules, "distill_core.data.hub", module)
    findings = Findings()
    config = HubData(task="tagging", name="o/n", test_split="test", columns=Columns(language="lang"))
    source = load_tagged(config, findings)
    train = source.parts["train"]
    assert (train.words, train.tags, train.languages) == (WORDS, TAGS, ["de", "en"])
    [finding] = findings
    assert "split 'test' with numbers as tags" in finding.message and not source.complete
