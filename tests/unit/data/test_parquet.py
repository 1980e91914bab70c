"""Parquet files: numbers that stand for classes are their names, where the file tells them."""

import json

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from datasets import ClassLabel, Dataset, Features, Sequence, Value

from distill_core.config import FileData
from distill_core.data.parquet import class_names, read_parquet
from distill_core.data.sources import read_table
from distill_core.data.tagging_load import load_tagged
from distill_core.data.types import Findings
from distill_core.errors import DataError

TAGS = ["O", "B-PER", "I-PER"]


@pytest.fixture
def classes(tmp_path):
    features = Features({"text": Value("string"), "label": ClassLabel(names=["bad", "good"]), "id": Value("int64")})
    rows = {"text": ["a", "b", "c", "d"], "label": [0, 1, None, -1], "id": [7, 1, 0, 1]}
    Dataset.from_dict(rows, features=features).to_parquet(tmp_path / "classes.parquet")
    return tmp_path / "classes.parquet"


@pytest.fixture
def tagged(tmp_path):
    features = Features({"tokens": Sequence(Value("string")), "ner_tags": Sequence(ClassLabel(names=TAGS))})
    rows = {"tokens": [["Ada", "King", "spoke"], ["so"], ["yes"]], "ner_tags": [[1, 2, 0], [0], None]}
    Dataset.from_dict(rows, features=features).to_parquet(tmp_path / "tagged.parquet")
    return tmp_path / "tagged.parquet"


def test_classes_have_their_names_and_other_numbers_stay(classes):
    assert read_parquet(classes, "data.train")["label"].tolist() == ["bad", "good", None, None]
    table = read_table(classes)
    assert table.columns == {"text": list("abcd"), "label": ["bad", "good", "", ""], "id": ["7", "1", "0", "1"]}


def test_lists_of_classes_are_lists_of_names(tagged):
    assert read_parquet(tagged, "data.train")["ner_tags"].tolist() == [["B-PER", "I-PER", "O"], ["O"], None]


def test_tagged_sentences_are_read_with_the_usual_columns(tagged):
    findings = Findings()
    source = load_tagged(FileData(task="tagging", train=str(tagged)), findings)
    assert source.complete and not [one for one in findings if one.severity == "error"]
    train = source.parts["train"]
    assert train.words == [["Ada", "King", "spoke"], ["so"], ["yes"]]
    assert train.tags == [["B-PER", "I-PER", "O"], ["O"], None]
    assert source.guessed["format"] == "parquet"


def test_numbers_without_names_are_refused_as_tags(tmp_path):
    frame = pd.DataFrame({"tokens": [["Ada", "spoke"]], "ner_tags": [[1, 0]]})
    frame.to_parquet(tmp_path / "bare.parquet")
    findings = Findings()
    assert not load_tagged(FileData(task="tagging", train=str(tmp_path / "bare.parquet")), findings).complete
    assert "numbers as tags" in " ".join(one.message for one in findings)


def schema(described):
    return pa.schema([("label", pa.int64())], metadata={b"huggingface": described})


@pytest.mark.parametrize(
    "described",
    [
        b"no json",
        b"[]",
        b"{}",
        b'{"info": null}',
        b'{"info": {"features": []}}',
        b'{"info": {"features": {"label": {"_type": "Value"}}}}',
        b'{"info": {"features": {"label": {"_type": "ClassLabel", "names": [1, 2]}}}}',
        b'{"info": {"features": {"label": "ClassLabel"}}}',
        b'{"info": {"features": {"gone": {"_type": "ClassLabel", "names": ["a"]}}}}',
    ],
)
def test_what_a_file_says_of_itself_otherwise_is_left_alone(described):
    assert class_names(schema(described)) == {}


@pytest.mark.parametrize("shape", [lambda one: one, lambda one: [one], lambda one: {"feature": one, "_type": "List"}])
def test_the_ways_in_which_names_are_written(shape):
    one = {"_type": "ClassLabel", "names": ["a", "b"]}
    described = json.dumps({"info": {"features": {"label": shape(one)}}}).encode()
    assert class_names(schema(described)) == {"label": ["a", "b"]}


def test_columns_that_hold_no_numbers_after_all(tmp_path):
    described = json.dumps({"info": {"features": {"label": {"_type": "ClassLabel", "names": ["a", "b"]}}}}).encode()
    for name, values in (("text", ["b", "x", None]), ("float", [1.0, float("nan"), 7.0])):
        table = pa.table({"label": values}).replace_schema_metadata({b"huggingface": described})
        pq.write_table(table, tmp_path / f"{name}.parquet")
    assert read_table(tmp_path / "text.parquet").columns["label"] == ["b", "x", ""]
    assert read_table(tmp_path / "float.parquet").columns["label"] == ["b", "", ""]


def test_what_is_no_parquet_is_said_at_its_field(tmp_path):
    (tmp_path / "a.parquet").write_bytes(np.arange(40).tobytes())
    with pytest.raises(DataError, match=r"a\.parquet cannot be read as Parquet") as caught:
        read_parquet(tmp_path / "a.parquet", "data.test")
    assert caught.value.field == "data.test"
