"""Plain text as data: files, held-out rows, more text from a transfer file."""

from __future__ import annotations

import pytest

from distill_core.config import BundledData, FileData
from distill_core.data.prepare import check, prepare
from distill_core.errors import DataError


def lines(count: int, start: int = 0) -> list[str]:
    return [f"text number {n} of the file" for n in range(start, start + count)]


def write(path, rows):
    path.write_text("\n".join(rows) + "\n", encoding="utf-8")
    return str(path)


def config_of(**values) -> FileData:
    return FileData(task="masked_lm", **values)


def test_lines_become_texts_and_some_are_held_out(tmp_path):
    rows = lines(100)
    path = write(tmp_path / "train.txt", [rows[0], "", "   ", *rows[1:]])
    data = prepare(config_of(train=path), seed=3)
    assert data.sizes == {"train": 72, "validation": 8, "test": 20, "transfer": 0}
    assert sorted(data.train.texts + data.validation.texts + data.test.texts) == sorted(rows)
    # Numbered as the lines of the file, blank ones included.
    for text, number in zip(data.test.texts, data.test.source_rows, strict=True):
        place = rows.index(text)
        assert number == (1 if place == 0 else place + 3)
    assert data.labels == [] and not data.train.labels.any()
    assert prepare(config_of(train=path), seed=4).test.texts != data.test.texts


def test_a_transfer_file_is_more_text_and_test_texts_are_left_out(tmp_path):
    paths = {
        "train": write(tmp_path / "train.txt", lines(30)),
        "transfer": write(tmp_path / "more.txt", lines(30, 100)),
        "test": write(tmp_path / "test.txt", [*lines(20, 200), *lines(2), *lines(1, 100)]),
    }
    data = prepare(config_of(**paths), seed=1)
    assert len(data.test) == 23
    assert len(data.train) + len(data.validation) == 57
    assert not set(data.train.texts) & set(data.test.texts)


@pytest.mark.parametrize("ending", ["csv", "jsonl"])
def test_tables_need_no_label_column(tmp_path, ending):
    if ending == "csv":
        rows = ["number,text", *(f"{n},{text}" for n, text in enumerate(lines(40)))]
    else:
        rows = [f'{{"text": "{text}"}}' for text in lines(40)]
    data = prepare(config_of(train=write(tmp_path / f"train.{ending}", rows)), seed=1)
    assert sum(data.sizes.values()) == 40


def test_a_missing_text_column_is_named(tmp_path):
    path = write(tmp_path / "train.csv", ["number,body", *(f"{n},{text}" for n, text in enumerate(lines(40)))])
    found = check(config_of(train=path))
    assert [finding.code for finding in found.findings if finding.severity == "error"] == ["column_missing"]


def test_lines_are_no_rows_for_other_tasks(tmp_path):
    path = write(tmp_path / "train.txt", lines(40))
    with pytest.raises(DataError, match="says nothing about its format"):
        prepare(FileData(train=path), seed=1)


def test_bundled_sets_are_made_for_one_task():
    for name, task in (("support-desk", "masked_lm"), ("support-text", "classification")):
        found = check(BundledData(name=name, task=task))
        assert [finding.code for finding in found.findings] == ["wrong_task"]


def test_what_a_check_says(tmp_path):
    found = check(config_of(train=write(tmp_path / "train.txt", [*lines(60), *lines(2)])))
    assert found.ok
    assert found.labels == [] and found.balance == {}
    assert found.preview[0] == {"text": "text number 0 of the file"}
    assert "duplicate_text" in [finding.code for finding in found.findings]
