"""`reproduce` and `report --html` on finished runs; the second run is stood in for by a copy of the first."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest

from distill_core.cli import run as running
from distill_core.cli.main import main
from distill_core.layout import RunFolder
from distill_core.services import offline_report
from tests.finished_run import finished_run


@pytest.fixture
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> RunFolder:
    """A run with a fingerprint of its data; running its config again gives the same once more."""
    folder = finished_run(tmp_path / "made")
    report = json.loads(folder.report.read_text())
    report["data"]["fingerprint"], report["versions"] = "abc", {"torch": "2"}
    folder.report.write_text(json.dumps(report))

    def again(config: Path, out: Path) -> int:
        assert config == folder.config
        (out.parent / "homes").open("a").write(os.environ["STILLROOM_HOME"] + "\n")
        shutil.copytree(folder.path, out)
        return 0

    monkeypatch.setattr(running, "run", again)
    monkeypatch.setenv("STILLROOM_HOME", str(tmp_path / "home"))
    return folder


def test_a_run_that_comes_out_the_same_is_said_to_match(made: RunFolder, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["reproduce", str(made.path)]) == 0
    said = capsys.readouterr().out
    assert "Reproduced: matched." in said and "shown and not judged" in said
    kept = json.loads((made.path / "reproduction.json").read_text())
    assert kept["matched"] and kept["folder"] == "made-again" and kept["when"] > 1.7e9
    assert "Reproduced: matched." in offline_report.offline_report(made)[1]
    main(["report", str(made.path)])
    assert "- Reproduced: matched." in capsys.readouterr().out


def test_kept_teachers_and_signals_do_not_answer_for_the_second_run(made: RunFolder, tmp_path: Path) -> None:
    main(["reproduce", str(made.path), "--out", str(tmp_path / "second")])
    used = (tmp_path / "homes").read_text().split()
    assert used and used[0] != str(tmp_path / "home") and not Path(used[0]).exists()
    assert os.environ["STILLROOM_HOME"] == str(tmp_path / "home")


def test_each_reproduction_gets_a_folder_of_its_own(made: RunFolder) -> None:
    main(["reproduce", str(made.path)])
    main(["reproduce", str(made.path)])
    assert (made.path.parent / "made-again-2" / "report.json").is_file()


def test_what_is_no_finished_run_and_its_own_folder_are_refused(
    made: RunFolder, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["reproduce", str(tmp_path / "nothing")]) == 2
    assert "holds no finished run" in capsys.readouterr().err
    assert main(["reproduce", str(made.path), "--out", str(made.path)]) == 2
    assert "own folder" in capsys.readouterr().err
    assert not (made.path / "reproduction.json").exists()


def test_the_report_is_written_as_one_file(made: RunFolder, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    target = tmp_path / "out" / "report.html"
    assert main(["report", str(made.path), "--html", str(target)]) == 0
    assert str(target) in capsys.readouterr().out
    assert target.read_text() == offline_report.offline_report(made)[1]
    assert main(["report", str(tmp_path), "--html", str(target)]) == 2
