"""Columns in flat arrays say what the lists they stand for say, in memory and on disk."""

from __future__ import annotations

import io
import mmap
from contextlib import nullcontext

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from distill_core.data import ragged, sniff
from distill_core.data.ragged import Builder, Keys, Ragged, Texts, on_disk
from distill_core.data.types import Rows
from distill_core.errors import DiskError

ENTRIES = st.lists(st.lists(st.integers(-5, 5), max_size=4), max_size=12)
TEXTS = ["", "plain", "Zoë said “no”", "a\x1fb\x00", "half a pair \ud83d", "🙂" * 3]


@pytest.fixture(params=["memory", "disk"])
def place(request, tmp_path, monkeypatch):
    """Where columns go that are made inside: on disk from the first bytes."""
    monkeypatch.setattr(ragged, "KEPT_IN_MEMORY", 4)
    monkeypatch.setattr(ragged, "BLOCK", 3)
    return on_disk(tmp_path / "new" / "folder") if request.param == "disk" else nullcontext()


def mapped(flat: np.ndarray) -> bool:
    while isinstance(flat.base, np.ndarray):
        flat = flat.base
    return isinstance(flat.base, mmap.mmap)


@given(ENTRIES, st.data())
def test_entries_are_what_was_put_in(entries, data):
    column = Ragged.of(entries)
    assert len(column) == len(entries)
    assert [part.tolist() for part in column] == entries
    assert column.all().tolist() == [value for entry in entries for value in entry]
    assert column.distinct().tolist() == sorted({value for entry in entries for value in entry})
    drawn = data.draw(st.lists(st.integers(0, len(entries) - 1), max_size=6)) if entries else []
    rows = np.asarray(drawn, dtype=np.int64)
    wanted = [entries[row] for row in rows.tolist()]
    assert [part.tolist() for part in column.take(rows)] == wanted
    assert column.joined(rows).tolist() == [value for entry in wanted for value in entry]
    assert [part.tolist() for part in Ragged.concat([column.take(rows), column])] == [*wanted, *entries]


def test_columns_are_the_same_on_disk(place):
    entries = [[7, 8, 9], [], [1], [2, 3], [4, 5, 6, 7]]
    with place:
        column = Ragged.of(entries)
        builder = Builder(np.int32)
        builder.extend(np.arange(5), [2, 0, 3])
        builder.add(np.asarray([9]))
        doubled = column.take(np.asarray([3, 0])).mapped(lambda values: values * 2)
        other = Ragged.concat([column, doubled])
    assert mapped(column.flat) == (not isinstance(place, nullcontext))
    assert [part.tolist() for part in column] == entries
    assert [part.tolist() for part in builder.done()] == [[0, 1], [], [2, 3, 4], [9]]
    assert [part.tolist() for part in doubled] == [[4, 6], [14, 16, 18]]
    assert [part.tolist() for part in other] == [*entries, [4, 6], [14, 16, 18]]
    assert column[-1].tolist() == [4, 5, 6, 7] and column[1:3][1].tolist() == [1]
    assert not column.flat.flags.writeable or not mapped(column.flat)


def test_nothing_is_left_on_disk(tmp_path, monkeypatch):
    monkeypatch.setattr(ragged, "KEPT_IN_MEMORY", 0)
    with on_disk(tmp_path):
        column = Ragged.of([[1, 2], [3]])
    assert mapped(column.flat) and not list(tmp_path.iterdir())


def test_a_disk_that_cannot_be_written_is_told(tmp_path, monkeypatch):
    monkeypatch.setattr(ragged, "KEPT_IN_MEMORY", 0)
    with on_disk(tmp_path / "gone"):
        (tmp_path / "gone").rmdir()
        with pytest.raises(DiskError, match="could not be written"):
            Ragged.of([[1, 2]])


def test_texts_and_keys_read_like_lists(place):
    keys = [f"{number:016x}" for number in range(len(TEXTS))]
    with place:
        texts, packed = Texts.of(TEXTS), Keys.of(keys)
        joined = Texts.joined([texts, ["one more"], texts.take(np.asarray([1]))])
    assert list(texts) == TEXTS and texts == TEXTS and texts[2] == TEXTS[2] and texts[1:4] == TEXTS[1:4]
    assert joined == [*TEXTS, "one more", TEXTS[1]]
    assert list(packed) == keys and packed[-1] == keys[-1] and packed[2:4] == keys[2:4]
    assert Keys.joined([packed, ["00ff"]]) == [*keys, "00ff"]
    assert packed.take(np.asarray([3, 1])) == [keys[3], keys[1]]


def test_packed_rows_are_the_same_rows(place):
    rows = Rows(
        TEXTS, TEXTS[::-1], np.arange(len(TEXTS)), list(range(1, len(TEXTS) + 1)), languages=["en"] * len(TEXTS)
    )
    with place:
        packed = rows.packed()
        both = Rows.concat([packed, packed.take([0, 2]), Rows.empty(paired=True)])
    assert list(packed.ids) == list(rows.ids)
    some = packed.take([4, 1])
    assert (list(some.texts), list(some.pairs or [])) == ([TEXTS[4], TEXTS[1]], [TEXTS[1], TEXTS[4]])
    assert (some.labels.tolist(), list(some.source_rows), some.languages) == ([4, 1], [5, 2], ["en", "en"])
    assert list(some.ids) == [rows.ids[4], rows.ids[1]]
    assert list(both.texts) == [*TEXTS, TEXTS[0], TEXTS[2]] and list(both.ids)[-1] == rows.ids[2]
    assert list(both.source_rows) == [*range(1, len(TEXTS) + 1), 1, 3]
    assert packed.without_labels().texts == TEXTS


@given(st.text(alphabet='ab,"\r\n', max_size=60), st.integers(1, 7))
def test_lines_are_cut_alike_whatever_the_stretch(text, stretch):
    before = sniff.STRETCH
    sniff.STRETCH = stretch
    try:
        assert list(sniff._lines(text)) == list(io.StringIO(text, newline=""))
    finally:
        sniff.STRETCH = before
