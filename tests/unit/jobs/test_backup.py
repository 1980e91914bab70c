"""Run folders to a bucket and back: whole or not at all, nothing of this machine, no database there."""

from __future__ import annotations

import errno
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from distill_core.errors import DiskError, StillroomError
from distill_core.events import EventLog
from distill_core.jobs import backup as module
from distill_core.jobs.backup import Backup, state_of
from distill_core.jobs.sweep_shelf import SweepShelf
from distill_core.jobs.sweeps import Sweeps, read_state
from distill_core.layout import DataHome, RunFolder, SweepFolder
from distill_core.services import sweeps as views
from distill_core.sweeps.drive import run_sweep
from tests.finished_run import finished_run
from tests.unit.sweeps.made import Worker, sweep


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return finished_run(tmp_path_factory.mktemp("made") / "made-1").path


@pytest.fixture
def home(tmp_path: Path, done: Path) -> DataHome:
    found = DataHome(tmp_path / "home").create()
    shutil.copytree(done, found.runs / "made-1")
    return found


@pytest.fixture
def bucket(tmp_path: Path) -> Path:
    (tmp_path / "bucket").mkdir()
    return tmp_path / "bucket"


def contents(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def begun(home: DataHome, name: str, done: Path) -> RunFolder:
    """A run that has been cut off: events without an end, and a checkpoint."""
    folder = home.run(name).create()
    shutil.copyfile(done / "config.yaml", folder.config)
    log = EventLog(folder.events)
    log.emit("started", device="cpu", threads=1, versions={}, pid=1)
    log.close()
    (folder.checkpoints / "main-13").mkdir(parents=True)
    (folder.checkpoints / "main-13" / "model.safetensors").write_bytes(b"weights")
    return folder


def test_a_run_is_copied_when_it_changed_and_only_then(home: DataHome, bucket: Path) -> None:
    backup, run = Backup(home, bucket), home.run("made-1")
    (run.path / "process.json").write_text("{}")
    (run.path / ".half-made.tmp").write_text("x")
    (run.checkpoints / "main").mkdir(parents=True)
    (run.checkpoints / "main" / "state.safetensors").write_bytes(b"state")
    assert [folder.run_id for folder in backup.due(working=False)] == ["made-1"]
    assert backup.save(run) is True
    copied = contents(bucket / "runs" / "made-1")
    left = {"process.json", ".half-made.tmp", "checkpoints/main/state.safetensors"}
    assert copied == {name: data for name, data in contents(run.path).items() if name not in left}
    assert backup.due(working=True) == [] and Backup(home, bucket).due(working=True) == []
    run.meta.write_text(run.meta.read_text().replace("finished", "renamed"))
    assert len(backup.due(working=False)) == 1 and backup.save(run)
    assert "renamed" in (bucket / "runs" / "made-1" / "meta.json").read_text()
    assert [path.name for path in (bucket / "runs").iterdir()] == ["made-1"]
    shutil.rmtree(bucket / "runs" / "made-1")
    assert len(backup.due(working=False)) == 1, "what lies in the bucket counts, not what is remembered"
    assert not list(bucket.rglob("*.db*"))


def test_a_run_comes_back_equal_and_is_not_copied_again(home: DataHome, bucket: Path, tmp_path: Path) -> None:
    backup = Backup(home, bucket)
    (home.uploads / "0123456789abcdef-rows.csv").write_text("text,label\n")
    backup.save(home.run("made-1"))
    assert backup.save_uploads() == 1 and backup.save_uploads() == 0
    other = DataHome(tmp_path / "other").create()
    back = Backup(other, bucket)
    assert back.missing() == ["made-1"] and back.restore_uploads() == 1 and back.restore_uploads() == 0
    folder = back.restore("made-1")
    assert contents(folder.path) == contents(home.run("made-1").path)
    assert contents(other.uploads) == contents(home.uploads)
    assert back.missing() == [] and back.due(working=True) == []


def test_unfinished_runs_keep_their_checkpoints_and_those_at_work_can_wait(
    home: DataHome, bucket: Path, done: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    backup, run = Backup(home, bucket), begun(home, "begun-1", done)
    waiting = home.run("waiting-1").create()
    shutil.copyfile(done / "config.yaml", waiting.config)
    monkeypatch.setattr(module, "is_alive", lambda folder: folder.run_id == "begun-1")
    assert [folder.run_id for folder in backup.due(working=False)] == ["made-1"]
    assert [folder.run_id for folder in backup.due(working=True)] == ["begun-1", "made-1"]
    backup.save(run)
    assert (bucket / "runs/begun-1/checkpoints/main-13/model.safetensors").read_bytes() == b"weights"


def test_events_are_copied_after_checkpoints(home: DataHome, done: Path) -> None:
    order = [path.name for path in module.files_of(begun(home, "begun-1", done))]
    assert order[-1] == "events.jsonl" and order.index("model.safetensors") < order.index("config.yaml")


def test_a_run_that_changes_meanwhile_is_left_for_later(
    home: DataHome, bucket: Path, done: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    backup, run = Backup(home, bucket), begun(home, "begun-1", done)
    backup.save(run)
    first, copy = contents(bucket / "runs" / "begun-1"), shutil.copyfile
    run.meta.write_text("{}")

    def vanishing(source: Path, target: Path) -> None:
        if Path(source).name == "model.safetensors":
            raise FileNotFoundError(errno.ENOENT, "No such file")
        copy(source, target)

    monkeypatch.setattr(shutil, "copyfile", vanishing)
    assert backup.save(run) is False
    assert contents(bucket / "runs" / "begun-1") == first
    assert [path.name for path in (bucket / "runs").iterdir()] == ["begun-1"]


def failing(number: int) -> Callable[..., Any]:
    def fail(*given: Any, **named: Any) -> Any:
        raise OSError(number, {errno.ENOSPC: "No space left", errno.EIO: "Input/output error"}[number])

    return fail


@pytest.mark.parametrize(("number", "said"), [(errno.ENOSPC, "is full"), (errno.EIO, "Input/output error")])
def test_a_bucket_that_fails_keeps_the_copy_before(
    home: DataHome, bucket: Path, monkeypatch: pytest.MonkeyPatch, number: int, said: str
) -> None:
    backup, run = Backup(home, bucket), home.run("made-1")
    backup.save(run)
    before = contents(bucket)
    run.meta.write_text("{}")
    (home.uploads / "0123456789abcdef-rows.csv").write_text("text,label\n")
    for name in ("copyfile",):
        monkeypatch.setattr(shutil, name, failing(number))
    for work in (lambda: backup.save(run), backup.save_uploads):
        with pytest.raises(DiskError, match=said):
            work()
    assert contents(bucket) == before and len(backup.due(working=False)) == 1


def test_a_rename_that_fails_loses_nothing(home: DataHome, bucket: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    backup, run = Backup(home, bucket), home.run("made-1")
    backup.save(run)
    before = contents(bucket / "runs" / "made-1")
    run.meta.write_text("{}")
    rename = Path.rename

    def cut_off(self: Path, target: Path) -> Path:
        if self.name == ".new-made-1":
            raise OSError(errno.EIO, "Input/output error")
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", cut_off)
    with pytest.raises(DiskError):
        backup.save(run)
    monkeypatch.undo()
    other = DataHome(bucket.parent / "other").create()
    assert Backup(other, bucket).missing() == ["made-1"]
    assert contents(Backup(other, bucket).restore("made-1").path) == before


def test_a_bucket_that_is_not_mounted_is_told_and_never_made(home: DataHome, tmp_path: Path) -> None:
    backup = Backup(home, tmp_path / "nowhere")
    for work in (lambda: backup.due(working=False), backup.missing, backup.save_uploads, backup.drop_deleted):
        with pytest.raises(DiskError, match="is not there"):
            work()
    assert not (tmp_path / "nowhere").exists()


def test_deleted_runs_leave_the_bucket_and_do_not_come_back(home: DataHome, bucket: Path) -> None:
    backup = Backup(home, bucket)
    backup.save(home.run("made-1"))
    assert backup.drop_deleted() == []
    home.trash.mkdir()
    (home.runs / "made-1").rename(home.trash / "made-1")
    assert backup.missing() == [] and backup.drop_deleted() == ["made-1"]
    assert list((bucket / "runs").iterdir()) == []
    (home.trash / "made-1").rename(home.runs / "made-1")
    assert len(backup.due(working=False)) == 1


def test_what_is_no_sound_run_is_not_taken_back(home: DataHome, bucket: Path, done: Path, tmp_path: Path) -> None:
    other = DataHome(tmp_path / "other").create()
    (bucket / "runs" / "Not-An-Id").mkdir(parents=True)
    (bucket / "runs" / "half-1").mkdir()
    shutil.copytree(done, bucket / "runs" / "evil-1")
    (bucket / "runs" / "evil-1" / "weights.pkl").write_bytes(b"\x80")
    backup = Backup(other, bucket)
    assert backup.missing() == ["evil-1", "half-1"]
    for name in ("evil-1", "half-1"):
        with pytest.raises(StillroomError):
            backup.restore(name)
    assert list(other.runs.iterdir()) == []


def test_the_state_of_a_run_is_of_what_is_kept(home: DataHome) -> None:
    run = home.run("made-1")
    before = state_of(run)
    (run.path / "process.json").write_text("{}")
    assert state_of(run) == before
    run.log.write_text("a line")
    assert state_of(run) != before


# ---------------------------------------------------------------- sweeps


@pytest.fixture
def swept(tmp_path: Path) -> SweepFolder:
    """A sweep that is done, in a data folder without runs."""
    sweeps = Sweeps(DataHome(tmp_path / "swept").create())
    folder = sweeps.folder(sweeps.add(sweep(name="kept")))
    run_sweep(folder, home=sweeps.home, work=Worker())
    folder.process.unlink()  # it names the tests' own process, which lives on
    sweeps.settle(folder, 0, killed=False)
    return folder


def home_of(folder: SweepFolder) -> DataHome:
    return DataHome(folder.path.parent.parent)


def test_a_sweep_is_copied_when_it_changed_and_taken_back_whole(
    swept: SweepFolder, bucket: Path, tmp_path: Path
) -> None:
    backup = Backup(home_of(swept), bucket)
    (swept.path / "give-way").touch()
    assert backup.due(working=False) == [swept] and backup.save(swept) and backup.due(working=True) == []
    assert not (bucket / "sweeps" / swept.run_id / "give-way").exists()
    home = DataHome(tmp_path / "other").create()
    other = Backup(home, bucket)
    assert other.missing() == [] and other.missing_sweeps() == [swept.run_id]
    back = other.restore_sweep(swept.run_id)
    assert other.missing_sweeps() == []
    then, now = (views.view(Sweeps(where), one, {}) for where, one in ((home_of(swept), swept), (home, back)))
    assert {**then, "time": 0} == {**now, "time": 0} and now["sweep"]["status"] == "done" and now["curves"][6]


def test_a_sweep_that_worked_rests_when_it_is_back(swept: SweepFolder, bucket: Path, tmp_path: Path) -> None:
    log = EventLog(swept.events)
    log.emit("started", pid=1)
    log.close()
    swept.state.write_text('{"wanted": true, "since": 1.0}')
    assert Backup(home_of(swept), bucket).save(swept)
    home = DataHome(tmp_path / "other").create()
    back = Backup(home, bucket).restore_sweep(swept.run_id)
    sweeps = Sweeps(home)
    assert sweeps.status(back) == "interrupted" and sweeps.next(lambda device: True) is None
    assert "backup" in read_state(back)["error"]["message"]
    assert sweeps.go_on(back.run_id) == "queued"


def test_a_deleted_sweep_leaves_the_bucket_and_a_broken_one_is_refused(
    swept: SweepFolder, bucket: Path, tmp_path: Path
) -> None:
    home = home_of(swept)
    backup = Backup(home, bucket)
    backup.save(swept)
    other = Backup(DataHome(tmp_path / "other").create(), bucket)
    there = bucket / "sweeps" / swept.run_id
    (there / "trials" / "0001" / "weights.pkl").write_bytes(b"x")
    with pytest.raises(StillroomError, match="can run code"):
        other.restore_sweep(swept.run_id)
    (there / "trials" / "0001" / "weights.pkl").unlink()
    (there / "sweep.yaml").write_text("name: 1\nsearch: 3\n")
    with pytest.raises(StillroomError, match="cannot be read here"):
        other.restore_sweep(swept.run_id)
    assert not other.home.sweep(swept.run_id).path.exists()
    SweepShelf(Sweeps(home)).delete(swept.run_id)
    assert backup.drop_deleted() == [swept.run_id] and not there.exists() and backup.missing_sweeps() == []
