"""The backup beside the app: it takes back, copies, tells what goes wrong, and stops nothing."""

from __future__ import annotations

import shutil
import time
from pathlib import Path

import pytest

from distill_core.jobs.backup import Backup
from distill_core.layout import DataHome, RunFolder
from distill_core.services import Services, backups
from distill_core.services.backups import Backups
from distill_core.settings import Settings
from tests.fake_run import config
from tests.finished_run import finished_run


@pytest.fixture
def bucket(tmp_path: Path) -> Path:
    (tmp_path / "bucket").mkdir()
    return tmp_path / "bucket"


def app(home: Path, bucket: Path) -> Services:
    """An app on an empty disk; nothing is started but its backup, which each test steps through."""
    return Services(Settings(DataHome(home), device="cpu", backup=bucket))


def test_a_space_that_starts_anew_has_its_runs_again(tmp_path: Path, bucket: Path) -> None:
    finished_run(tmp_path / "first" / "runs" / "made-1")
    first = app(tmp_path / "first", bucket)
    first.supervisor.start()
    first.annotate("made-1", name="kept", tags=["a"])
    first._backups.once()
    state = first.machine()["backup"]
    assert state["error"] == "" and state["saved"] > 0 and state["restoring"] is False
    rows = first.runs()
    first.close()
    second = app(tmp_path / "second", bucket)
    assert second.runs() == [] and second.machine()["backup"]["restoring"] is True
    second._backups.once()
    assert second.runs() == rows and rows[0]["name"] == "kept" and rows[0]["quality_kept"] is not None
    assert second.verdict("made-1")["verdict"] in ("ship", "no", "unsure")
    second.close()


def test_a_bucket_that_is_gone_is_told_and_stops_nothing(tmp_path: Path, bucket: Path) -> None:
    services = app(tmp_path / "home", bucket)
    shutil.rmtree(bucket)
    services._backups.once()
    state = services.machine()["backup"]
    assert "is not there" in state["error"] and state["saved"] is None and not bucket.exists()
    run = services.start(config("goes on"))
    assert services.state(run)["status"] == "queued"
    bucket.mkdir()
    services._backups.once()
    assert services.machine()["backup"]["error"] == ""
    services.close()


def test_a_damaged_run_keeps_no_other_from_coming_back(tmp_path: Path, bucket: Path) -> None:
    finished_run(tmp_path / "first" / "runs" / "made-1")
    first = app(tmp_path / "first", bucket)
    first._backups.once()
    first.close()
    (bucket / "runs" / "a-broken-one").mkdir()
    second = app(tmp_path / "second", bucket)
    second._backups.once()
    assert [row["id"] for row in second.runs()] == ["made-1"]
    assert list(second.machine()["backup"]["refused"]) == ["a-broken-one"]
    second.close()


def test_a_run_that_was_cut_off_can_be_resumed(tmp_path: Path, bucket: Path) -> None:
    folder = finished_run(tmp_path / "first" / "runs" / "made-1")
    lines = folder.events.read_text().splitlines(keepends=True)
    folder.events.write_text("".join(line for line in lines if '"done"' not in line))
    folder.report.unlink()
    Backup(DataHome(tmp_path / "first").create(), bucket).save(folder)
    second = app(tmp_path / "second", bucket)
    second._backups.once()
    assert [row["status"] for row in second.runs()] == ["interrupted"]
    assert second.resume("made-1") == "queued"
    second.close()


class Hanging(Backup):
    def restore_uploads(self) -> int:
        time.sleep(3600)
        return 0


def test_a_bucket_that_hangs_holds_nobody_up(
    tmp_path: Path, bucket: Path, monkeypatch: pytest.MonkeyPatch
) -> None:  # fmt: skip
    monkeypatch.setattr(backups, "LAST_S", 0.1)
    monkeypatch.setattr(backups, "HANGS_S", 0.05)
    taken: list[RunFolder] = []
    beside = Backups(Hanging(DataHome(tmp_path / "home").create(), bucket), taken.append)
    began = time.monotonic()
    beside.start()
    while not (beside.state() or {})["error"]:
        time.sleep(0.01)
    assert "has not answered" in (beside.state() or {})["error"]
    beside.close()
    assert time.monotonic() - began < 10 and taken == []


def test_it_works_by_itself_and_copies_once_more_at_the_end(tmp_path: Path, bucket: Path) -> None:
    folder = finished_run(tmp_path / "home" / "runs" / "made-1")
    beside = Backups(Backup(DataHome(tmp_path / "home").create(), bucket), lambda folder: None, every_s=3600)
    beside.start()
    while (beside.state() or {})["saved"] is None:
        time.sleep(0.01)
    folder.log.write_text("written after the first look")
    beside.close()
    assert (bucket / "runs" / "made-1" / "log.txt").read_text() == "written after the first look"


def test_no_backup_by_default(tmp_path: Path) -> None:
    services = Services(Settings(DataHome(tmp_path), device="cpu"))
    assert services.machine()["backup"] is None and services._backups._thread is None
    services.close()
