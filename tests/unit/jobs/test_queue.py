from __future__ import annotations

import threading
from pathlib import Path

import pytest

from distill_core import config as configs
from distill_core.errors import DiskError, JobError
from distill_core.jobs.queue import QueueFile, RunQueue, config_summary, new_run_id, slug
from distill_core.jobs.store import Store
from distill_core.layout import DataHome, is_run_id
from distill_core.storage import read_json
from tests.fake_run import config


@pytest.fixture
def queue(store: Store, home: DataHome) -> RunQueue:
    return RunQueue(store, home, limit=3)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Größe Ä/1", "grosse-a-1"),
        ("../../etc/passwd", "etc-passwd"),
        ("日本", "run"),
        ("--", "run"),
        ("x" * 100, "x" * 40),
        ("a" * 39 + " b", "a" * 39),
    ],
)
def test_slug(name: str, expected: str) -> None:
    assert slug(name) == expected
    assert is_run_id(new_run_id(name))


def test_add_writes_the_folder_before_the_row(queue: RunQueue, home: DataHome) -> None:
    run_id = queue.add(config("My run"), token="t")
    folder = home.run(run_id)
    assert configs.load(folder.config).name == "My run"
    meta = read_json(folder.meta)
    assert meta["name"] == "My run" and meta["token"] == "t" and meta["archived"] is False
    assert QueueFile.read(folder) == 1.0
    row = queue.store.run(run_id)
    assert row is not None and (row.status, row.position, row.attempt) == ("queued", 1.0, 1)
    assert row.config == {
        "data": "support-desk",
        "task": "classification",
        "teachers": ["support-bert"],
        "student": "BiLSTM 1×128",
        "device": "auto",
    }
    assert not list(folder.path.glob("*.tmp")) and not list(folder.path.glob(".*"))


def test_token_from_many_tabs_at_once_is_one_run(queue: RunQueue) -> None:
    found: list[str] = []
    threads = [threading.Thread(target=lambda: found.append(queue.add(config(), token="t"))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8 and len(set(found)) == 1 and len(queue.store.runs()) == 1


def test_full(queue: RunQueue) -> None:
    ids = [queue.add(config(f"r{n}")) for n in range(3)]
    with pytest.raises(JobError, match="3 runs are waiting already"):
        queue.add(config())
    assert len(list(queue.home.runs.iterdir())) == 3
    assert queue.claim(lambda row: True, "cpu").id == ids[0]  # type: ignore[union-attr]
    queue.add(config())


def test_claim_takes_the_first_it_may(queue: RunQueue) -> None:
    first, second = queue.add(config("a")), queue.add(config("b"))
    row = queue.claim(lambda r: r.id == second, "cuda:0")
    assert row is not None and (row.id, row.status, row.lane) == (second, "running", "cuda:0")
    assert queue.claim(lambda r: False, "cpu") is None
    assert queue.claim(lambda r: True, "cpu").id == first  # type: ignore[union-attr]
    assert queue.claim(lambda r: True, "cpu") is None


def test_stop_in_every_status(queue: RunQueue, home: DataHome) -> None:
    run_id = queue.add(config())
    assert queue.stop(run_id) == "stopped" and QueueFile.read(home.run(run_id)) is None
    for status in ("stopped", "interrupted", "failed", "done"):
        queue.store.update(run_id, status=status)
        assert queue.stop(run_id) == status
    queue.store.update(run_id, status="running")
    assert queue.stop(run_id) == "stopping"
    row = queue.store.run(run_id)
    assert row is not None and row.stop_requested is not None
    assert queue.stop(run_id) == "stopping"
    assert queue.store.run(run_id) == row, "a second press changes nothing"
    with pytest.raises(JobError):
        queue.stop("nobody")


def test_resume_in_every_status(queue: RunQueue, home: DataHome) -> None:
    run_id = queue.add(config())
    other = queue.add(config())
    for status in ("running", "stopping"):
        queue.store.update(run_id, status=status, position=None)
        assert queue.resume(run_id) == status
    for status in ("stopped", "interrupted", "failed"):
        queue.store.update(run_id, status=status, position=None, error={"kind": "x"}, term_sent=1.0)
        assert queue.resume(run_id) == "queued"
        row = queue.store.run(run_id)
        assert row is not None and row.error is None and row.term_sent is None
        assert [r.id for r in queue.store.queued()] == [other, run_id], "it queues up at the end"
        assert QueueFile.read(home.run(run_id)) == row.position
    queue.store.update(run_id, status="done")
    with pytest.raises(JobError, match="finished"):
        queue.resume(run_id)


def test_front(queue: RunQueue) -> None:
    a, b = queue.add(config("a")), queue.add(config("b"))
    queue.store.update(b, status="running", position=None)
    assert queue.put_back(b, ("running",), front=True)
    assert [r.id for r in queue.store.queued()] == [b, a]
    assert not queue.put_back(b, ("running",)), "not in the expected status any more"


def test_a_folder_that_cannot_be_written_is_said(queue: RunQueue, home: DataHome) -> None:
    home.runs.rmdir()
    home.runs.write_text("in the way")
    with pytest.raises(DiskError, match="could not be written"):
        queue.add(config())
    assert queue.store.runs() == []


def test_local_paths_become_absolute(queue: RunQueue, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "mine.csv").write_text("text,label\n")
    monkeypatch.chdir(tmp_path)
    made = config(data={"source": "files", "train": "mine.csv"})
    assert config_summary(made)["data"] == "mine.csv"
    stored = configs.load(queue.home.run(queue.add(made)).config)
    assert stored.data.train == str(tmp_path / "mine.csv")  # type: ignore[union-attr]
