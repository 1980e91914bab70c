"""What a look shows: columns by their use, classes by split, lengths in bins that hold every input."""

import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from distill_core.config import Columns, FileData
from distill_core.data.heads import heads_of, is_long
from distill_core.data.look import MOST_BINS, histogram
from distill_core.data.prepare import check, prepare
from distill_core.data.sources import ReadOptions, read_table


@given(st.lists(st.integers(0, 10_000), min_size=1, max_size=200))
def test_bins_follow_each_other_and_hold_every_input(values):
    found = histogram(np.array(values), "words")
    assert sum(count for *_, count in found.bins) == len(values) == found.rows
    assert 1 <= len(found.bins) <= MOST_BINS
    for (_, last, _), (first, _, _) in zip(found.bins, found.bins[1:], strict=False):
        assert last is not None and first == last + 1
    for first, last, count in found.bins:
        assert count == sum(first <= value and (last is None or value <= last) for value in values)
    assert found.bins[0][0] <= min(values) and found.longest == max(values)
    assert sum(value <= found.median for value in values) >= len(values) / 2
    assert sum(value <= found.high for value in values) >= 0.95 * len(values)


@pytest.fixture
def reviews(tmp_path):
    frame = pd.DataFrame(
        {
            "id": range(200),
            "review": [f"review number {i} " + "very " * (i % 7) + "good" for i in range(200)],
            "stars": ["good" if i % 4 else "bad" for i in range(200)],
        }
    )
    frame.to_parquet(tmp_path / "reviews.parquet")
    frame.to_csv(tmp_path / "reviews.csv", index=False)
    return tmp_path


COLUMNS = Columns(text="review", label="stars")


@pytest.mark.parametrize("ending", ["parquet", "csv"])
def test_a_file_with_columns(reviews, ending):
    config = FileData(train=str(reviews / f"reviews.{ending}"), columns=COLUMNS)
    look, data = check(config, seed=1).look, prepare(config, seed=1)
    assert look.columns == (("id", None), ("review", "text"), ("stars", "label"))
    assert look.rows[0] == {"id": "0", "review": "review number 0 good", "stars": "bad"}
    assert look.counted == "rows" and look.read == 200 and look.sizes == data.sizes
    for number, label in enumerate(data.labels):
        assert look.balance[label] == {
            split: int((getattr(data, split).labels == number).sum()) for split in ("train", "validation", "test")
        }
    assert (look.lengths.unit, look.lengths.rows, look.lengths.longest) == ("words", 200, 10)


def test_tokens_are_counted_where_there_is_a_tokeniser(reviews):
    config = FileData(train=str(reviews / "reviews.csv"), columns=COLUMNS, max_tokens=8)
    look = check(config, seed=1, piece_counter=lambda texts: [len(text.split()) + 2 for text in texts]).look
    assert look.lengths.unit == "tokens" and look.lengths.limit == 8
    assert look.lengths.over == pytest.approx(sum(4 + i % 7 + 2 > 8 for i in range(200)) / 200)


def test_characters_are_counted_where_words_are_not_apart(tmp_path):
    rows = [f"这是第{i}条评论它写得很长而且没有任何空格,{'ab'[i % 2]}" for i in range(60)]
    (tmp_path / "a.csv").write_text("text,label\n" + "\n".join(rows), encoding="utf-8")
    assert check(FileData(train=str(tmp_path / "a.csv"))).look.lengths.unit == "characters"


def test_a_wrong_column_still_shows_what_there_is(reviews):
    config = FileData(train=str(reviews / "reviews.csv"), columns=Columns(text="stars", label="review"))
    result = check(config)
    assert not result.ok
    assert dict(result.look.columns)["stars"] == "text" and len(result.look.rows) == 8
    assert result.look.lengths.longest == 1


def test_entities_are_counted_in_tagging(tmp_path):
    rows = [{"tokens": [f"no{i}", "Ada", "Rom"], "tags": ["O", "B-PER", "B-LOC" if i % 2 else "O"]} for i in range(100)]
    (tmp_path / "a.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    look = check(FileData(task="tagging", train=str(tmp_path / "a.jsonl")), seed=1).look
    assert look.columns == (("tokens", "text"), ("tags", "label"))
    assert look.counted == "entities" and sum(look.balance["PER"].values()) == 100
    assert sum(look.balance["LOC"].values()) == 50 and look.balance["PER"]["test"] == look.sizes["test"]


def test_plain_text_has_lengths_and_no_classes(tmp_path):
    (tmp_path / "a.txt").write_text("\n".join(f"line number {i}" for i in range(80)), encoding="utf-8")
    look = check(FileData(task="masked_lm", train=str(tmp_path / "a.txt"))).look
    assert look.columns == (("text", "text"),) and look.balance == {} and look.lengths.median == 3


# ---- heads of long files


def rows_in(path):
    return read_table(path, ReadOptions(format="auto")).columns


@pytest.mark.parametrize("ending", ["csv", "jsonl", "tsv"])
def test_a_head_holds_whole_rows_from_the_start(tmp_path, ending):
    frame = pd.DataFrame(
        {"text": [f'a "{i}"\nb, c' if i % 3 else f"row {i}" for i in range(500)], "label": list("ab") * 250}
    )
    path, out = tmp_path / f"a.{ending}", tmp_path / "heads"
    if ending == "jsonl":
        frame.to_json(path, orient="records", lines=True)
    else:
        frame.to_csv(path, index=False, sep="\t" if ending == "tsv" else ",")
    config = FileData(train=str(path))
    assert is_long(config, 3000) and not is_long(config, 10**6)
    heads = heads_of(config, out, 3000)
    kept, whole = rows_in(heads.data.train), rows_in(path)
    number = len(kept["text"])
    assert 50 < number < 450 and not heads.whole
    assert kept == {name: values[:number] for name, values in whole.items()}
    assert len(whole["text"]) == 500 and heads.share == pytest.approx(number / 500, rel=0.2)


def test_a_head_of_parquet(tmp_path):
    path = tmp_path / "a.parquet"
    pd.DataFrame({"text": [f"row {i}" for i in range(5000)], "label": list("ab") * 2500}).to_parquet(path)
    config = FileData(train=str(path))
    assert is_long(config, 20_000)
    heads = heads_of(config, tmp_path / "heads", 20_000)
    kept = rows_in(heads.data.train)
    assert 1000 <= len(kept["text"]) < 5000 and kept["text"][0] == "row 0"
    assert heads.share == len(kept["text"]) / 5000


def test_a_head_of_conll_ends_with_a_sentence(tmp_path):
    sentence = "Ada\tB-PER\nByron\tI-PER\nspoke\tO\n\n"
    (tmp_path / "en.conll").write_text(sentence * 200, encoding="utf-8")
    (tmp_path / "de.conll").write_text(sentence * 20, encoding="utf-8")
    config = FileData(task="tagging", train=str(tmp_path / "{language}.conll"), languages=["en", "de"])
    heads = heads_of(config, tmp_path / "heads", 1000)
    assert not heads.whole and 0.2 < heads.share < 0.5
    for language, most in (("en", 1000), ("de", 10**6)):
        text = (tmp_path / "heads" / "train" / f"{language}.conll").read_text(encoding="utf-8")
        assert text == sentence * (len(text) // len(sentence)) and 0 < len(text) <= most


def test_a_json_list_is_never_cut(tmp_path):
    path = tmp_path / "a.json"
    path.write_text(json.dumps([{"text": f"row {i}", "label": "a"} for i in range(300)]), encoding="utf-8")
    heads = heads_of(FileData(train=str(path)), tmp_path / "heads", 1000)
    assert heads.whole and len(rows_in(heads.data.train)["text"]) == 300
