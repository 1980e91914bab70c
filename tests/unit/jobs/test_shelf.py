from __future__ import annotations

import json
import os
import time
from pathlib import Path

import pytest

from distill_core.errors import DiskError, JobError
from distill_core.events import EventLog
from distill_core.jobs.ingest import ingest
from distill_core.jobs.meta import LONGEST_NOTES, MOST_TAGS, Words, annotate
from distill_core.jobs.process import ProcessInfo
from distill_core.jobs.queue import RunQueue
from distill_core.jobs.reconcile import ended, reconcile_all
from distill_core.jobs.shelf import KEPT_S, Shelf
from distill_core.jobs.store import Store
from distill_core.layout import DataHome
from tests.fake_run import config


@pytest.fixture
def shelf(store: Store, home: DataHome) -> Shelf:
    return Shelf(store, home)


@pytest.fixture
def run_id(shelf: Shelf, home: DataHome) -> str:
    queue = RunQueue(shelf.store, home, limit=3)
    made = queue.add(config("old"), token="pressed")
    queue.stop(made)
    return made


def test_words_stand_in_the_folder_and_in_the_list(shelf: Shelf, home: DataHome, run_id: str) -> None:
    shelf.annotate(run_id, Words(name="  new \n name ", tags=[" a", "B", "", "A", "b c"], notes=" said\nso "))
    meta = json.loads(home.run(run_id).meta.read_text())
    row = shelf.store.run(run_id)
    assert row is not None
    assert (row.name, row.tags, row.notes, row.archived) == ("new name", ["a", "B", "b c"], "said\nso", 0)
    assert (meta["name"], meta["tags"], meta["notes"], meta["token"]) == (row.name, row.tags, row.notes, "pressed")
    shelf.annotate(run_id, Words(archived=True))
    row = shelf.store.run(run_id)
    assert row is not None and row.archived == 1 and row.name == "new name"  # what is not given stays


@pytest.mark.parametrize(
    ("words", "field"),
    [
        (Words(name=" \n"), "name"),
        (Words(name="x" * 121), "name"),
        (Words(tags=["x" * 41]), "tags"),
        (Words(tags=[str(n) for n in range(MOST_TAGS + 1)]), "tags"),
        (Words(notes="x" * (LONGEST_NOTES + 1)), "notes"),
    ],
)
def test_words_that_are_refused_change_nothing(
    shelf: Shelf, home: DataHome, run_id: str, words: Words, field: str
) -> None:
    before = home.run(run_id).meta.read_text()
    with pytest.raises(JobError) as caught:
        shelf.annotate(run_id, words)
    assert caught.value.field == field and caught.value.hint
    assert home.run(run_id).meta.read_text() == before


def test_words_written_while_the_app_is_away_are_read_at_its_start(shelf: Shelf, home: DataHome, run_id: str) -> None:
    annotate(home.run(run_id), Words(name="by hand", tags=["kept"], archived=True))
    reconcile_all(shelf.store, RunQueue(shelf.store, home, limit=3), home)
    row = shelf.store.run(run_id)
    assert row is not None and (row.name, row.tags, row.archived) == ("by hand", ["kept"], 1)


@pytest.mark.parametrize("broken", ["[]", "{", '{"name": 3, "tags": "x", "notes": null}', ""])
def test_a_damaged_meta_file_does_not_keep_a_run_from_being_named(
    shelf: Shelf, home: DataHome, run_id: str, broken: str
) -> None:
    home.run(run_id).meta.write_text(broken)
    shelf.annotate(run_id, Words(name="named again"))
    row = shelf.store.run(run_id)
    assert row is not None and row.name == "named again" and row.tags == []


def test_a_deleted_run_comes_back_as_it_was(shelf: Shelf, home: DataHome, run_id: str) -> None:
    shelf.annotate(run_id, Words(notes="kept", tags=["one"]))
    before = shelf.store.run(run_id)
    files = sorted(path.relative_to(home.run(run_id).path) for path in home.run(run_id).path.rglob("*"))
    shelf.delete(run_id)
    assert shelf.store.run(run_id) is None and not home.run(run_id).path.exists()
    (row,) = shelf.deleted()
    assert row["id"] == run_id and row["name"] == "old" and time.time() - row["deleted"] < 60 and row["bytes"] > 0
    shelf.restore(run_id)
    assert shelf.store.run(run_id) == before and shelf.store.token("pressed") == run_id
    assert sorted(path.relative_to(home.run(run_id).path) for path in home.run(run_id).path.rglob("*")) == files
    shelf.restore(run_id)  # pressed twice
    assert shelf.deleted() == []


@pytest.mark.parametrize("terminal", ["done", "stopped", "failed", None])
def test_a_run_that_worked_comes_back_in_the_status_it_rested_in(
    shelf: Shelf, home: DataHome, run_id: str, terminal: str | None
) -> None:
    folder = home.run(run_id)
    ProcessInfo.of(os.getpid(), attempt=1, by="app", lane="cpu").write(folder)
    log = EventLog(folder.events)
    log.emit("log", level="info", message="starting")
    if terminal:
        log.emit(terminal, **({"message": "It broke.", "error_kind": "data"} if terminal == "failed" else {}))
    log.close()
    row = ingest(shelf.store, folder)
    assert row is not None
    assert ended(shelf.store, folder, row) is bool(terminal)
    before = shelf.store.run(run_id)
    shelf.delete(run_id)
    shelf.restore(run_id)
    after = shelf.store.run(run_id)
    assert before is not None and after is not None
    assert (after.status, after.error, after.state) == (before.status, before.error, before.state)


@pytest.mark.parametrize("status", ["queued", "running", "stopping"])
def test_a_run_at_work_is_not_deleted(shelf: Shelf, home: DataHome, run_id: str, status: str) -> None:
    shelf.store.update(run_id, status=status)
    with pytest.raises(JobError, match=status):
        shelf.delete(run_id)
    assert home.run(run_id).config.exists() and shelf.store.run(run_id) is not None


def test_killed_between_the_folder_and_the_list(shelf: Shelf, home: DataHome, run_id: str) -> None:
    """The folder is moved first: a list that still knows the run forgets it at the next start."""
    home.trash.mkdir()
    home.run(run_id).path.rename(home.trash / run_id)
    reconcile_all(shelf.store, RunQueue(shelf.store, home, limit=3), home)
    assert shelf.store.run(run_id) is None
    shelf.restore(run_id)
    assert shelf.store.run(run_id) is not None


def test_the_trash_is_thrown_away_after_its_days(shelf: Shelf, home: DataHome, run_id: str) -> None:
    shelf.delete(run_id)
    (home.trash / "not a run").mkdir()
    assert shelf.throw_away(now=time.time() + KEPT_S - 60) == []
    assert shelf.throw_away(now=time.time() + KEPT_S + 60) == [run_id]
    assert shelf.deleted() == [] and (home.trash / "not a run").exists()
    with pytest.raises(JobError, match="no longer"):
        shelf.restore(run_id)


def test_deleting_counts_from_the_press_and_not_from_the_run(shelf: Shelf, home: DataHome, run_id: str) -> None:
    long_ago = time.time() - 100 * 86400
    os.utime(home.run(run_id).path, (long_ago, long_ago))
    shelf.delete(run_id)
    assert shelf.throw_away() == []


def test_a_disk_that_refuses_is_told_in_words(
    shelf: Shelf, home: DataHome, run_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("distill_core.jobs.meta.write_text", refuse)
    with pytest.raises(DiskError, match="No space"):
        shelf.annotate(run_id, Words(name="x"))
    monkeypatch.setattr(Path, "rename", refuse)
    with pytest.raises(DiskError):
        shelf.delete(run_id)
    assert shelf.store.run(run_id) is not None
