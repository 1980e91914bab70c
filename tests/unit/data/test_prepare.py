"""From a config to splits: counts, overlaps, findings; what is wrong is said, by row and by field."""

import subprocess
import sys
import types

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from distill_core import layout
from distill_core.config import BundledData, Columns, FileData, HubData
from distill_core.data.prepare import check, prepare
from distill_core.errors import DataError, NetworkError


def many(number, labels="ab", start=0):
    return [(f"text number {i}", labels[i % len(labels)]) for i in range(start, start + number)]


def by_code(result, code):
    return [finding for finding in result.findings if finding.code == code]


def only(result, code):
    [finding] = by_code(result, code)
    return finding


# ---- splits


def test_all_four_files(write):
    config = FileData(
        train=write("train", many(40)),
        validation=write("validation", many(20, start=100)),
        test=write("test", many(30, start=200)),
        transfer=write("transfer", [(f"free {i}",) for i in range(15)], "text"),
    )
    data = prepare(config, seed=1)
    assert data.sizes == {"train": 40, "validation": 20, "test": 30, "transfer": 15}
    assert data.labels == ["a", "b"] and data.name == "train" and not data.paired
    assert data.train.labels.tolist() == [0, 1] * 20
    assert set(data.transfer.labels.tolist()) == {-1}
    assert data.test.source_rows == list(range(1, 31))


def test_validation_comes_out_of_the_labelled_budget_and_the_rest_is_transfer(write):
    config = FileData(
        train=write("train", many(200)),
        test=write("test", many(50, start=500)),
        labelled_per_class=30,
        validation_share=0.2,
    )
    data = prepare(config, seed=1)
    assert data.sizes == {"train": 48, "validation": 12, "test": 50, "transfer": 140}
    assert np.bincount(data.train.labels).tolist() == [24, 24]
    assert np.bincount(data.validation.labels).tolist() == [6, 6]
    assert set(data.transfer.labels.tolist()) == {-1}
    together = sorted([*data.train.source_rows, *data.validation.source_rows, *data.transfer.source_rows])
    assert together == list(range(1, 201))


def test_a_validation_file_leaves_the_budget_to_training(write):
    config = FileData(
        train=write("train", many(100)), validation=write("val", many(40, start=300)), labelled_per_class=10
    )
    assert prepare(config, seed=1).sizes == {"train": 20, "validation": 40, "test": 20, "transfer": 60}


def test_the_same_seed_gives_the_same_data_and_another_one_others(write):
    config = FileData(train=write("train", many(100)))
    first, again, other = prepare(config, seed=1), prepare(config, seed=1), prepare(config, seed=2)
    assert first.fingerprint == again.fingerprint != other.fingerprint
    assert first.sizes == other.sizes == {"train": 72, "validation": 8, "test": 20, "transfer": 0}


def test_max_transfer_takes_a_nested_choice(write):
    files = {"train": write("train", many(40)), "transfer": write("free", [(f"free {i}",) for i in range(50)], "text")}
    small, large = (prepare(FileData(**files, max_transfer=n), seed=3).transfer for n in (10, 20))
    assert (len(small), len(large)) == (10, 20)
    assert set(small.texts) < set(large.texts)
    assert large.source_rows == sorted(large.source_rows)


def test_a_budget_beyond_a_class_is_said(write):
    rows = many(60) + [(f"rare {i}", "c") for i in range(5)]
    result = check(FileData(train=write("train", rows), test=write("test", many(30, start=900)), labelled_per_class=20))
    finding = only(result, "small_budget")
    assert finding.severity == "warning" and "“c” (5)" in finding.message
    assert result.sizes["train"] + result.sizes["validation"] == 45


ROWS = st.lists(st.tuples(st.integers(0, 40), st.sampled_from("abc")), min_size=12, max_size=80)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None)
@given(ROWS, ROWS, ROWS, st.integers(0, 5), st.sampled_from([None, 2, 5]), st.booleans())
def test_no_text_stands_in_two_splits_and_none_is_lost(write, train, test, free, seed, per_class, with_test):
    def named(rows):
        return [(f"text {number}", label) for number, label in rows]

    anchors = [(f"anchor {i}", "abc"[i % 3]) for i in range(18)]
    config = FileData(
        train=write("train", named(train) + anchors),
        test=write("test", named(test)) if with_test else None,
        transfer=write("free", named(free)),
        labelled_per_class=per_class,
    )
    result = check(config, seed=seed)
    if not result.ok:  # a class can lose all its rows to the test
        assert {f.code for f in result.findings if f.severity == "error"} <= {"class_without_rows", "no_rows"}
        return
    data = prepare(config, seed=seed)
    assert data.sizes == result.sizes
    sets = [set(rows.ids) for rows in (data.train, data.validation, data.test, data.transfer)]
    assert sum(map(len, sets)) == len(set.union(*sets))
    dropped = sum(f.count for f in data.findings if f.code.startswith("overlap"))
    given_rows = len(train) + len(anchors) + len(free) + (len(test) if with_test else 0)
    assert sum(data.sizes.values()) + dropped == given_rows
    truth = {(f"text {number}", label) for number, label in train + test} | set(anchors)
    for rows in (data.train, data.validation, data.test):
        pairs = {(text, data.labels[label]) for text, label in zip(rows.texts, rows.labels.tolist(), strict=True)}
        assert pairs <= truth


# ---- overlap, duplicates


def test_overlap_with_the_test_is_removed_counted_and_named(write):
    train = many(40)
    config = FileData(
        train=write("train", train),
        validation=write("validation", [*many(30, start=100), train[7]]),
        test=write("test", [*many(30, start=200), train[0], train[1], ("text number 100", "a")]),
        transfer=write("free", [("text number 0",), ("text number 2",), ("text number 101",), ("new",)], "text"),
    )
    data = prepare(config, seed=1)
    assert data.sizes == {"train": 37, "validation": 30, "test": 33, "transfer": 1}
    said = {(f.code, f.field): (f.severity, f.rows) for f in data.findings if f.code.startswith("overlap")}
    assert said == {
        ("overlap_train", "data.train"): ("warning", (8,)),
        ("overlap_validation", "data.validation"): ("warning", (1,)),
        ("overlap_transfer", "data.transfer"): ("info", (2, 3)),
    }
    rows = [f.rows for f in data.findings if f.code == "overlap_train"]
    assert rows == [(1, 2), (8,)]
    assert [f.rows for f in data.findings if f.code == "overlap_transfer"] == [(1,), (2, 3)]


def test_repeated_texts_and_contradictions(write):
    rows = [*many(30), ("text number 0", "a"), ("text number 1", "a"), ("  text number 2  ", "a")]
    result = check(FileData(train=write("train", rows), test=write("test", many(30, start=99))))
    assert only(result, "duplicate_text").rows == (31, 32, 33)
    torn = only(result, "conflicting_labels")
    assert (torn.severity, torn.rows) == ("warning", (2, 32))
    assert "“a”, “b”" in torn.message


def test_pairs_count_as_equal_only_with_both_texts(write):
    rows = [(f"first {i % 20}", f"second {i}", "yn"[i % 2]) for i in range(40)]
    config = FileData(train=write("train", rows, "s1,s2,label"), columns=Columns(text="s1", text_pair="s2"))
    data = prepare(config, seed=1)
    assert data.paired and not by_code(data, "duplicate_text")
    assert data.train.pairs is not None and all(pair.startswith("second") for pair in data.train.pairs)


# ---- labels


def test_labels_are_sorted_by_number_where_they_are_numbers(write):
    assert check(FileData(train=write("train", many(60, ["10", "9", "2"])))).labels == ["2", "9", "10"]
    assert check(FileData(train=write("train", many(60, ["10", "9", "x"])))).labels == ["10", "9", "x"]


def test_labels_written_as_floats_are_whole_numbers(write):
    rows = [*many(40, ["0.0", "1.0"]), ("free text", "")]
    result = check(FileData(train=write("train", rows), test=write("test", many(30, "01", start=99))))
    assert result.ok and result.labels == ["0", "1"]
    assert result.sizes["transfer"] == 1
    assert check(FileData(train=write("train", many(40, ["0.5", "1.0"])))).labels == ["0.5", "1.0"]


def test_rows_without_a_label_join_the_transfer_set(write):
    rows = [*many(40), ("no label here", ""), ("nor here", " ")]
    result = check(FileData(train=write("train", rows)))
    finding = only(result, "unlabelled_rows")
    assert (finding.severity, finding.rows) == ("info", (41, 42))
    assert result.sizes["transfer"] == 2


def test_rows_without_a_text_are_left_out(write):
    result = check(FileData(train=write("train", [*many(40), ("", "a"), (" ", "")])))
    finding = only(result, "empty_text")
    assert (finding.severity, finding.count, finding.rows) == ("warning", 2, (41, 42))
    assert "1 of them labelled" in finding.message
    assert sum(result.sizes.values()) == 40


@pytest.mark.parametrize("split", ["validation", "test"])
def test_unknown_labels_name_rows_and_labels(write, split):
    rows = [*many(30, start=99), ("odd", "c"), ("odder", "A")]
    result = check(FileData(**{"train": write("train", many(40)), split: write(split, rows)}))
    finding = only(result, "unknown_label")
    assert (finding.severity, finding.field, finding.rows) == ("error", f"data.{split}", (31, 32))
    assert "“A”, “c”" in finding.message and "“a”, “b”" in finding.message
    with pytest.raises(DataError, match="no training row has"):
        prepare(FileData(**{"train": write("train", many(40)), split: write(split, rows)}), seed=1)


def test_test_rows_without_labels(write):
    train = write("train", many(40))
    some = check(FileData(train=train, test=write("test", [*many(30, start=99), ("x", "")])))
    assert only(some, "missing_label").rows == (31,) and some.sizes["test"] == 30
    none = check(FileData(train=train, test=write("test", [("x", ""), ("y", "")])))
    assert only(none, "no_labels").field == "data.test"


def test_one_label_only(write):
    config = FileData(train=write("train", many(20, "a")))
    assert only(check(config), "one_label").field == "data.columns.label"
    with pytest.raises(DataError, match="“a”") as caught:
        prepare(config, seed=1)
    assert caught.value.field == "data.columns.label"


def test_no_label_at_all(write):
    assert only(check(FileData(train=write("train", [("x", ""), ("y", "")]))), "no_labels").severity == "error"


def test_a_label_column_that_holds_no_classes(write):
    result = check(FileData(train=write("train", [(f"t {i}", f"id {i}") for i in range(50)])))
    assert only(result, "too_many_labels").severity == "error"


def test_labels_that_differ_only_in_case_or_spaces(write):
    rows = [
        *many(40, ["good", "bad"]),
        *[(f"c {i}", "Good") for i in range(3)],
        *[(f"d {i}", "so  so") for i in range(4)],
    ]
    result = check(FileData(train=write("train", rows)))
    finding = only(result, "label_spelling")
    assert (finding.severity, finding.rows) == ("warning", (41, 42, 43))
    assert "“Good” (3 rows), “good” (20 rows)" in finding.message


def test_rare_classes_and_imbalance(write):
    rows = [*many(60, "a"), ("lone", "b"), ("two", "c"), ("three", "c")]
    result = check(FileData(train=write("train", rows)))
    error, warning = by_code(result, "rare_class")
    assert error.severity == "error" and "“b”" in error.message and "the test and the validation" in error.message
    assert warning.severity == "warning" and "“c”" in warning.message
    assert "60 times fewer" in only(result, "imbalance").message
    files = {"validation": write("v", many(40, "abc", start=100)), "test": write("t", many(40, "abc", start=200))}
    assert check(FileData(train=write("train", rows), **files)).ok  # nothing is held out, so one row is allowed


def test_small_splits_and_missing_classes(write):
    result = check(FileData(train=write("train", many(60, "abc")), test=write("test", many(10, "ab", start=99))))
    assert [f.field for f in by_code(result, "few_rows")] == ["data.validation_share", "data.test"]
    assert "“c”" in only(result, "class_without_rows").message


# ---- files and columns


def test_missing_columns_are_named_with_the_nearest(write):
    config = FileData(train=write("train", many(20), "Text,lable"), columns=Columns(text="text", label="label"))
    result = check(config)
    text, label = by_code(result, "column_missing")
    assert text.field == "data.columns.text" and "Did you mean 'Text'?" in text.message
    assert label.field == "data.columns.label" and "Its columns are 'Text', 'lable'" in label.message
    assert result.columns == ["Text", "lable"] and len(result.preview) == 8
    with pytest.raises(DataError, match="Did you mean") as caught:
        prepare(config, seed=1)
    assert caught.value.field == "data.columns.text" and "1 more problem" in caught.value.hint


def test_a_test_file_without_label_column(write):
    config = FileData(train=write("train", many(20)), test=write("test", [("x",), ("y",)], "text"))
    assert only(check(config), "column_missing").field == "data.test"


def test_one_column_cannot_be_text_and_label(write):
    config = FileData(train=write("train", many(20)), columns=Columns(text="text", label="text"))
    assert only(check(config), "same_column").severity == "error"


def test_a_transfer_file_of_one_column_needs_no_name(write):
    config = FileData(
        train=write("train", many(40)), transfer=write("free", [("one more text",)], "a text as it stands")
    )
    assert check(config).sizes["transfer"] == 2


def test_the_same_file_twice(write):
    train = write("train", many(40))
    result = check(FileData(train=train, test=train))
    assert only(result, "same_file").field == "data.test"


def test_all_unreadable_files_are_said_at_once(tmp_path, write):
    (tmp_path / "empty.csv").write_text("")
    result = check(
        FileData(train=str(tmp_path / "none.csv"), validation=str(tmp_path), test=str(tmp_path / "empty.csv"))
    )
    assert [(f.severity, f.field) for f in result.findings] == [
        ("error", "data.train"),
        ("error", "data.validation"),
        ("error", "data.test"),
    ]
    assert result.sizes == {} and result.preview == [] and not result.ok


def test_a_check_shows_what_was_found(write):
    result = check(FileData(train=write("train", many(60))))
    assert result.ok and result.columns == ["text", "label"] and result.labels == ["a", "b"]
    assert result.preview[0] == {"text": "text number 0", "label": "a"} and len(result.preview) == 8
    assert result.balance == {"a": 30, "b": 30}
    assert result.guessed["format"] == "csv" and result.guessed["header"] is True


def test_lengths_are_compared_with_max_tokens(write):
    rows = [(" ".join(["w"] * (i + 1)), "ab"[i % 2]) for i in range(100)]

    def count(texts):
        return [len(text.split()) + 2 for text in texts]

    config = FileData(train=write("train", rows), test=write("t", many(30)), max_tokens=64)
    finding = only(check(config, piece_counter=count), "length")
    assert (finding.severity, finding.field) == ("warning", "data.max_tokens")
    assert "the longest 102" in finding.message and "29.2% are longer than 64" in finding.message  # 38 of 130
    short = only(check(config.model_copy(update={"max_tokens": 200}), piece_counter=count), "length")
    assert short.severity == "info" and "None is longer than 200" in short.message


# ---- languages in classification


def test_a_language_column_travels_along(write):
    rows = [(text, label, "de" if i % 3 else "en") for i, (text, label) in enumerate(many(60))]
    columns = Columns(language="lang")
    config = FileData(
        train=write("train", rows, "text,label,lang"),
        transfer=write("free", [(f"free {i}",) for i in range(5)], "text"),
        columns=columns,
    )
    data = prepare(config, seed=1)
    assert data.languages == ["de", "en"] and data.task == "classification"
    by_text = {text: language for text, _, language in rows}
    for part in (data.train, data.validation, data.test):
        assert part.languages == [by_text[text] for text in part.texts]
    assert data.transfer.languages == [""] * 5
    assert check(config).preview[0] == {"text": "text number 0", "label": "a", "lang": "en"}
    missing = only(check(FileData(train=write("t", many(60)), columns=columns)), "column_missing")
    assert missing.field == "data.columns.language"


def test_one_file_a_language(write, tmp_path):
    for language in ("de", "en"):
        lines = [f"{language} text number {i},{'ab'[i % 2]}" for i in range(60)]
        (tmp_path / f"{language}.csv").write_text("\n".join(["text,label", *lines]) + "\n")
    config = FileData(train=f"{tmp_path}/{{language}}.csv", languages=["de", "en"])
    assert check(config).ok
    data = prepare(config, seed=1)
    assert data.languages == ["de", "en"] and sum(data.sizes.values()) == 120
    for part in (data.train, data.test):
        assert part.languages == [text[:2] for text in part.texts]
    missing = only(check(FileData(train=f"{tmp_path}/{{language}}.csv", languages=["de", "fr"])), "unreadable")
    assert missing.field == "data.train" and "Language “fr”" in missing.message
    (tmp_path / "xx.csv").write_text("text,class\nother,a\n")
    other = only(check(FileData(train=f"{tmp_path}/{{language}}.csv", languages=["de", "xx"])), "unreadable")
    assert "Language “xx”" in other.message and "'label'" in other.message
    for languages in ([], ["../de"]):
        finding = only(check(FileData(train=f"{tmp_path}/{{language}}.csv", languages=languages)), "languages")
        assert (finding.severity, finding.field) == ("error", "data.languages")
    plain = only(check(FileData(task="masked_lm", train=f"{tmp_path}/{{language}}.txt", languages=["de"])), "languages")
    assert plain.severity == "error"


# ---- bundled and Hub


def test_a_bundled_set_is_a_folder_of_files(tmp_path, write, monkeypatch):
    write("train", many(60))
    write("transfer", [("free one",), ("free two",)], "text")
    write("test", many(40, start=300))
    monkeypatch.setitem(layout.BUNDLED_DATA, "toy", tmp_path)
    data = prepare(BundledData(name="toy"), seed=13)
    assert data.name == "toy"
    assert data.sizes == {"train": 54, "validation": 6, "test": 40, "transfer": 2}


def test_an_unknown_bundled_set_lists_those_there_are():
    finding = only(check(BundledData(name="nope")), "unknown_set")
    assert finding.field == "data.name" and "support-desk" in finding.message


def test_a_bundled_set_for_tagging_is_not_for_classification(tmp_path, monkeypatch):
    (tmp_path / "train.jsonl").write_text('{"tokens": ["a"], "tags": ["O"]}')
    monkeypatch.setitem(layout.BUNDLED_DATA, "toy", tmp_path)
    finding = only(check(BundledData(name="toy")), "wrong_task")
    assert finding.field == "data.task" and "Set the task to tagging" in finding.message


def hub_module(monkeypatch, load):
    monkeypatch.setitem(sys.modules, "distill_core.data.hub", types.SimpleNamespace(load_hub=load))


def test_a_hub_set(monkeypatch):
    frames = {
        "train": pd.DataFrame({"text": [f"t {i}" for i in range(60)], "label": ["neg", "pos"] * 30}),
        "test": pd.DataFrame({"text": [f"u {i}" for i in range(40)], "label": [None] * 40}),
    }
    hub_module(monkeypatch, lambda config: {"train": frames["train"]})
    config = HubData(name="owner/set")
    assert prepare(config, seed=1).sizes == {"train": 43, "validation": 5, "test": 12, "transfer": 0}
    hub_module(monkeypatch, lambda config: frames)
    result = check(HubData(name="owner/set", test_split="test"))
    finding = only(result, "no_labels")
    assert finding.field == "data.test_split" and "split 'test'" in finding.message


def test_the_hub_out_of_reach(monkeypatch):
    def fail(config):
        raise NetworkError("no network.", hint="Use files.", field="data.name")

    hub_module(monkeypatch, fail)
    finding = only(check(HubData(name="owner/set")), "network")
    assert (finding.severity, finding.field, finding.message) == ("error", "data.name", "no network. Use files.")
    with pytest.raises(NetworkError):
        prepare(HubData(name="owner/set"), seed=1)


def test_a_hub_set_that_cannot_be_used(monkeypatch):
    def fail(config):
        raise DataError("no such split.", field="data.train_split")

    hub_module(monkeypatch, fail)
    assert only(check(HubData(name="owner/set")), "unreadable").field == "data.train_split"
    with pytest.raises(DataError, match="no such split"):
        prepare(HubData(name="owner/set"), seed=1)


def test_reading_data_loads_no_framework():
    code = (
        "import sys, distill_core.data.prepare, distill_core.data.batching;"
        "print(sorted({'torch', 'transformers', 'datasets'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_validation_and_test_can_be_cut_and_a_larger_cut_holds_the_smaller(write):
    files = {
        "train": write("train", many(40)),
        "validation": write("validation", many(20, start=500)),
        "test": write("test", many(30, start=900)),
    }
    whole = prepare(FileData(**files), seed=3)
    small, large = (prepare(FileData(**files, max_validation=n, max_test=n + 1), seed=3) for n in (4, 8))
    assert [len(part) for part in (small.validation, small.test)] == [4, 5]
    for name in ("validation", "test"):
        assert set(getattr(small, name).ids) < set(getattr(large, name).ids) <= set(getattr(whole, name).ids)
    assert small.train.ids == whole.train.ids


def test_findings_speak_of_uploads_by_the_names_people_know(tmp_path):
    file = tmp_path / "uploads" / "0123456789ab-mine.csv"
    file.parent.mkdir()
    rows = [("the same text", "a"), ("the same text", "a"), *((f"text {n}", "ab"[n % 2]) for n in range(60)), ("", "a")]
    file.write_text("\n".join(["text,label", *(",".join(row) for row in rows)]) + "\n")
    found = check(FileData(train=str(file)), seed=1)
    said = " ".join(finding.message for finding in found.findings)
    assert "mine.csv" in said and "0123456789ab" not in said and found.sizes["train"]
    assert prepare(FileData(train=str(file)), seed=1).name == "mine"
