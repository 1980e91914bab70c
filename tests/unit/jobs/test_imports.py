"""Runs taken in from elsewhere: whole ones come in under a free name, everything else is refused in words."""

from __future__ import annotations

import json
import stat
import zipfile
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from distill_core import recipes
from distill_core.cli.main import main
from distill_core.errors import DataError, JobError, StillroomError
from distill_core.events import EventLog
from distill_core.export.report import write_report
from distill_core.jobs import imports
from distill_core.jobs.imports import import_run
from distill_core.jobs.process import RunLock
from distill_core.jobs.reconcile import import_folder
from distill_core.jobs.store import Store
from distill_core.layout import DataHome, RunFolder
from tests.samples import sample_report


@pytest.fixture
def home(tmp_path: Path) -> DataHome:
    return DataHome(tmp_path / "home").create()


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    """A finished run, as another machine left it."""
    folder = RunFolder(tmp_path / "elsewhere" / "news-20261101-ab12").create()
    folder.config.write_text(recipes.load("demo").config.to_yaml(), encoding="utf-8")
    folder.meta.write_text(json.dumps({"name": "News", "created": 1000.0, "tags": ["shared"]}))
    log = EventLog(folder.events)
    log.emit("started", config={}, device="cpu")
    log.emit("done", seconds=1.0)
    log.close()
    folder.student.mkdir()
    save_file({"weight": np.zeros((2, 2), np.float32)}, folder.student / "model.safetensors")
    write_report(folder.report, sample_report())
    folder.process.write_text(json.dumps({"pid": 1, "started": 1.0, "attempt": 1}))
    (folder.artifacts / ".making.x").mkdir()
    return folder


def zipped(run: RunFolder, target: Path, *, top: str = "news-20261101-ab12/") -> Path:
    with zipfile.ZipFile(target, "w") as archive:
        for path in sorted(p for p in run.path.rglob("*") if p.is_file()):
            archive.write(path, top + path.relative_to(run.path).as_posix())
    return target


def same(first: Path, second: Path) -> bool:
    return first.read_bytes() == second.read_bytes()


def test_a_folder_comes_in_whole_and_is_listed(run: RunFolder, home: DataHome) -> None:
    taken = import_run(home, run.path)
    assert taken.path == home.runs / "news-20261101-ab12"
    for name in ("config.yaml", "events.jsonl", "report.json", "artifacts/student/model.safetensors"):
        assert same(taken.path / name, run.path / name)
    assert not taken.process.exists() and not (taken.artifacts / ".making.x").exists()
    store = Store(home)
    import_folder(store, taken)
    (row,) = store.runs()
    assert (row.status, row.name, row.tags) == ("done", "News", ["shared"])
    store.close()


@pytest.mark.parametrize("top", ["news-20261101-ab12/", ""])
def test_so_does_an_archive(run: RunFolder, home: DataHome, tmp_path: Path, top: str) -> None:
    taken = import_run(home, zipped(run, tmp_path / "My Run.zip", top=top), name="My Run.zip")
    assert taken.run_id == ("news-20261101-ab12" if top else "my-run")
    assert same(taken.events, run.events)
    assert not list(home.cache.glob("import.*")) and not list(home.runs.glob(".import*"))


def test_the_same_run_is_not_taken_twice(run: RunFolder, home: DataHome) -> None:
    import_run(home, run.path)
    with pytest.raises(JobError, match="is here already, as news-20261101-ab12"):
        import_run(home, run.path)
    events = run.events.read_text().replace('"cpu"', '"cuda"')
    run.events.write_text(events)
    assert import_run(home, run.path).run_id == "news-20261101-ab12-2"


def test_the_command_line_takes_runs_in(
    run: RunFolder, home: DataHome, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("STILLROOM_HOME", str(home.root))
    assert main(["import", str(run.path)]) == 0
    assert "Imported as news-20261101-ab12" in capsys.readouterr().out
    assert main(["import", str(run.path)]) == 2
    assert "is here already" in capsys.readouterr().err


def lose_config(run: RunFolder) -> None:
    run.config.unlink()


def spoil_config(run: RunFolder) -> None:
    run.config.write_text("data: [")


def lose_events(run: RunFolder) -> None:
    run.events.write_text("{half")


def lose_report(run: RunFolder) -> None:
    run.report.unlink()


def spoil_report(run: RunFolder) -> None:
    run.report.write_text('{"schema_version": 99}')


def cut_weights(run: RunFolder) -> None:
    weights = run.student / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:20])


def add_pickle(run: RunFolder) -> None:
    (run.checkpoints / "rng_state.PTH").write_bytes(b"\x80\x04.")


def add_link(run: RunFolder) -> None:
    (run.artifacts / "secret").symlink_to("/etc/passwd")


BROKEN = {
    lose_config: "config.yaml is missing",
    spoil_config: "config.yaml cannot be read",
    lose_events: "events.jsonl is missing or damaged",
    lose_report: "report.json is missing",
    spoil_report: "newer version",
    cut_weights: "student in it is damaged",
    add_pickle: "can run code when it is read",
    add_link: "is a link",
}


@pytest.mark.parametrize("damage", BROKEN, ids=lambda damage: damage.__name__)
def test_broken_runs_are_refused_and_nothing_stays(run: RunFolder, home: DataHome, damage) -> None:
    damage(run)
    with pytest.raises(StillroomError, match=BROKEN[damage]) as caught:
        import_run(home, run.path)
    assert caught.value.hint
    assert not list(home.runs.iterdir())


def test_a_run_at_work_is_left_alone(run: RunFolder, home: DataHome) -> None:
    lock = RunLock.take(run)
    assert lock is not None
    with pytest.raises(JobError, match="A process is working"):
        import_run(home, run.path)
    lock.release()


def test_what_is_no_run_is_told(home: DataHome, tmp_path: Path) -> None:
    with pytest.raises(JobError, match="no folder or file"):
        import_run(home, tmp_path / "nowhere")
    (tmp_path / "text.zip").write_text("no archive")
    with pytest.raises(DataError, match="no sound zip"):
        import_run(home, tmp_path / "text.zip")


@pytest.mark.parametrize("name", ["../outside.txt", "/etc/outside.txt", "run/../../outside.txt", "C:/outside.txt"])
def test_paths_that_lead_outside_are_not_written(home: DataHome, tmp_path: Path, name: str) -> None:
    path = tmp_path / "evil.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("run/config.yaml", "x")
        archive.writestr(name, "out")
    with pytest.raises(DataError, match="leads outside"):
        import_run(home, path)
    assert not list(tmp_path.rglob("outside.txt"))


def test_links_in_archives_are_refused(home: DataHome, tmp_path: Path) -> None:
    entry = zipfile.ZipInfo("run/config.yaml")
    entry.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(tmp_path / "evil.zip", "w") as archive:
        archive.writestr(entry, "/etc/passwd")
    with pytest.raises(DataError, match="is a link"):
        import_run(home, tmp_path / "evil.zip")


def test_archives_that_swell_are_stopped(
    run: RunFolder, home: DataHome, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(imports, "MOST_MB", 1)
    with zipfile.ZipFile(tmp_path / "bomb.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("run/zeros.txt", bytes(3_000_000))
    with pytest.raises(DataError, match="more than 1 MB"):
        import_run(home, tmp_path / "bomb.zip")
    monkeypatch.setattr(imports, "MOST_FILES", 3)
    with pytest.raises(DataError, match="at most 3"):
        import_run(home, zipped(run, tmp_path / "many.zip"))
    assert not list(home.cache.glob("import.*"))
