"""`sweep`, `trials` and `promote`, with trials that only count."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from distill_core.cli.main import main
from distill_core.config import load
from distill_core.layout import SweepFolder
from distill_core.sweeps import drive
from tests.unit.sweeps.made import Worker, sweep


@pytest.fixture(autouse=True)
def no_torch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STILLROOM_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setattr(drive.Sweep, "_worker", lambda self: Worker())


def test_a_sweep_is_started_shown_and_gone_on_with(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file, out = tmp_path / "sweep.yaml", tmp_path / "out"
    file.write_text(sweep(objectives=["quality", "parameters"], name="small").to_yaml())
    assert main(["sweep", str(file), "--out", str(out)]) == 0
    said = capsys.readouterr().out
    assert "trial 1 of 6: validation 90.70%  training.learning_rate 0.001; student.lstm_hidden 16" in said
    assert "The budget of trials is used up." in said and f"trials {out}" in said
    assert main(["sweep", str(out)]) == 0 and "trial 1" not in capsys.readouterr().out
    SweepFolder(out).process.unlink()  # it names the tests' own process, which lives on
    assert main(["trials", str(out)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "small: done, 6 of 6 trials, 12 s of work"
    assert [line.split()[1] for line in lines if line.startswith("*") and "validation" in line] == ["3", "4"]
    assert any(line.startswith("matters for quality: ") for line in lines)
    assert main(["trials", str(out), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["fronts"] == {"parameters": [3, 4]} and found["best"] == 4


def test_without_a_folder_it_goes_where_the_page_sees_it(tmp_path: Path) -> None:
    file = tmp_path / "sweep.yaml"
    file.write_text(sweep(name="Für die Seite").to_yaml())
    assert main(["sweep", str(file)]) == 0
    assert [path.name.startswith("fur-die-seite-") for path in (tmp_path / "home" / "sweeps").iterdir()] == [True]


def test_what_cannot_be_is_refused_in_words(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file, out = tmp_path / "sweep.yaml", tmp_path / "out"
    file.write_text(sweep().to_yaml().replace("student.lstm_hidden:", "student.lstm_hiden:"))
    assert main(["sweep", str(file), "--out", str(out)]) == 2
    assert "search.student.lstm_hiden: there is no such setting" in capsys.readouterr().err and not out.exists()
    assert main(["trials", str(tmp_path / "nothing")]) == 2 and "holds no sweep" in capsys.readouterr().err
    file.write_text(sweep().to_yaml())
    out.mkdir()
    (out / "mine.txt").touch()
    assert main(["sweep", str(file), "--out", str(out)]) == 2 and "is not empty" in capsys.readouterr().err
    assert main(["sweep", str(tmp_path / "none.yaml")]) == 2 and "cannot be read" in capsys.readouterr().err


def test_a_trial_is_promoted_to_a_whole_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file, out, started = tmp_path / "sweep.yaml", tmp_path / "out", []
    file.write_text(sweep(base={"seeds": [1, 2], "controls": ["no_teacher"]}, name="small").to_yaml())
    assert main(["sweep", str(file), "--out", str(out)]) == 0
    monkeypatch.setattr("distill_core.cli.sweep.start_run", lambda config, to: started.append((load(config), to)) or 0)
    assert main(["promote", str(out), "4", "--out", str(tmp_path / "run")]) == 0
    config, to = started[0]
    assert (config.name, config.seeds, config.controls, to) == (
        "small, trial 4",
        [1, 2],
        ["no_teacher"],
        tmp_path / "run",
    )
    assert config.training.learning_rate == 0.01 and config.student.lstm_hidden == 32
    assert main(["promote", str(out), "9", "--out", str(tmp_path / "other")]) == 2
    assert SweepFolder(out).config.is_file()


def test_a_sweep_is_renamed_deleted_and_taken_back(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "sweep.yaml"
    file.write_text(sweep(name="small").to_yaml())
    assert main(["sweep", str(file)]) == 0
    (path,) = (tmp_path / "home" / "sweeps").iterdir()
    assert main(["sweep", str(path), "--delete"]) != 0 and "is running; it is not deleted" in capsys.readouterr().err
    SweepFolder(path).process.unlink()  # it names the tests' own process, which lives on
    assert main(["note", str(path), "--name", "smaller", "--archived"]) == 0
    assert capsys.readouterr().out.startswith("name: smaller")
    assert main(["trials", str(path)]) == 0 and capsys.readouterr().out.startswith("smaller: done")
    assert main(["sweep", str(path), "--delete"]) == 0 and not path.exists()
    assert main(["sweep", str(path), "--take-back"]) == 0 and (path / "trials.jsonl").is_file()
    assert main(["sweep", str(path), "--take-back"]) == 0
    elsewhere = tmp_path / "out"
    assert main(["sweep", str(file), "--out", str(elsewhere)]) == 0
    assert main(["sweep", str(elsewhere), "--delete"]) == 2 and "no data folder" in capsys.readouterr().err
