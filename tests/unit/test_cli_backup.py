"""`backup`: what the app does by itself, by hand."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from distill_core.cli.main import main
from tests.finished_run import finished_run


def test_runs_go_to_a_folder_and_come_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    bucket = tmp_path / "bucket"
    monkeypatch.setenv("STILLROOM_HOME", str(tmp_path / "first"))
    run = finished_run(tmp_path / "first" / "runs" / "made-1")
    assert main(["backup", str(bucket)]) == 2 and "is not there" in capsys.readouterr().err
    bucket.mkdir()
    assert main(["backup", str(bucket)]) == 0 and "copied: 1 runs" in capsys.readouterr().out
    assert main(["backup", str(bucket)]) == 0 and "copied: 0 runs" in capsys.readouterr().out
    monkeypatch.setenv("STILLROOM_HOME", str(tmp_path / "second"))
    assert main(["backup", str(bucket), "--restore"]) == 0 and "taken back: 1 runs" in capsys.readouterr().out
    assert (tmp_path / "second/runs/made-1/report.json").read_bytes() == run.report.read_bytes()
    shutil.rmtree(tmp_path / "second" / "runs" / "made-1")
    (bucket / "runs" / "made-1" / "config.yaml").unlink()
    assert main(["backup", str(bucket), "--restore"]) == 1
    said = capsys.readouterr()
    assert "taken back: 0 runs" in said.out and said.err.startswith("made-1: ")
