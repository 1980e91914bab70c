"""`compare` and `leaderboard` on finished runs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from distill_core.cli.main import main
from tests.finished_run import finished_run, of_data


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("cli") / "home"
    finished_run(home / "runs" / "a-1", name="large", change=of_data("f" * 64, validation=0.935))
    small = of_data("f" * 64, validation=0.93, faster=2, size=0.5)
    finished_run(home / "runs" / "b-1", name="small", change=small, training={"epochs": 2})
    return home


@pytest.fixture(autouse=True)
def own_home(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STILLROOM_HOME", str(home))


def cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip().strip("|").split("|")]


def test_runs_are_compared_by_folder_or_id(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compare", str(home / "runs" / "a-1"), "b-1", "--batch", "32"]) == 0
    said = capsys.readouterr().out
    rows = [cells(line) for line in said.splitlines() if line.startswith("|")]
    students = {row[1]: row for row in rows if row[2:3] == ["student"]}
    assert students["large"][0] == students["small"][0] == "front"
    assert students["large"][6] == "4.43 (3.99–4.87)" and students["small"][7] == "0.81"
    assert students["large"][4] == "93.5%" and "support-desk (ffffffffffff), accuracy" in said
    assert next(row for row in rows if row[0] == "training.epochs")[2] == "2"
    assert "Latency: batch 32, torch eager fp32 · 1 thread" in said and "Test is shown; it chooses nothing." in said
    assert main(["compare", "a-1", "b-1", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["batch"] == 1


def test_training_time_has_no_teachers_on_its_front(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compare", "a-1", "b-1", "--x", "time"]) == 0
    rows = [cells(line) for line in capsys.readouterr().out.splitlines() if line.startswith("| front")]
    assert [row[1:3] for row in rows[1:]] == [] and rows[0][1:3] == ["large", "student"]


def test_examples_stand_beside_where_they_are_wanted(
    home: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert main(["compare", "a-1", "--examples"]) == 0
    said = capsys.readouterr().out
    rows = [cells(line) for line in said.splitlines() if line.startswith("|")]
    times = {row[1]: row[6] for row in rows if row[2:3] == ["student"]}
    assert times["large"] != "–" and times["support-demo (example)"] == "–", "theirs is not the same machine"
    assert "Measured on different machines: large on CPU, 2 cores" in said and "the examples' machine" in said
    assert main(["compare", "support-demo", "a-1", "--json"]) == 0
    assert [run["example"] for run in json.loads(capsys.readouterr().out)["runs"]] == [True, False]
    for given, examples in ((["leaderboard"], False), (["leaderboard", "--examples"], True)):
        assert main(given) == 0
        said = capsys.readouterr().out
        assert ("support-demo (example)" in said) is ("different machines" in said) is examples and "large" in said
    assert main(["leaderboard", "a-1", "support-demo"]) == 0
    assert "support-demo (example)" in capsys.readouterr().out, "one that is named is wanted"
    monkeypatch.setenv("STILLROOM_HOME", str(tmp_path / "fresh"))
    for given in (["compare"], ["leaderboard"]):
        assert main(given) == 0
        said = capsys.readouterr().out
        assert "support-demo (example)" in said and "different machines" not in said
    assert main(["compare", "--no-examples"]) == 2 and "No run was chosen" in capsys.readouterr().err
    assert main(["leaderboard", "--no-examples"]) == 0
    assert "There is no finished run yet." in capsys.readouterr().out


def test_what_is_not_there_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compare", "a-1", "nowhere"]) == 2 and "no run nowhere" in capsys.readouterr().err
    assert main(["compare", "a-1", "--batch", "5"]) == 2 and "Measured: 1, 32" in capsys.readouterr().err
    assert main(["compare", "a-1", "--runtime", "tpu"]) == 2 and "torch eager" in capsys.readouterr().err
    assert main(["leaderboard", "--data", "other"]) == 2 and "support-desk" in capsys.readouterr().err


def test_the_leaderboard_is_sorted_and_filtered(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["leaderboard", "--sort", "size", "--data", "support-desk"]) == 0
    said = capsys.readouterr().out
    rows = [cells(line) for line in said.splitlines() if line.startswith("|")][2:]
    assert [row[0] for row in rows] == ["small", "large"] and [row[-1] for row in rows] == ["b-1", "a-1"]
    assert main(["leaderboard", "--tag", "nothing"]) == 0
    assert "No finished run matches." in capsys.readouterr().out
    assert main(["leaderboard", "--data", "ffff", "--json"]) == 0
    assert len(json.loads(capsys.readouterr().out)["groups"][0]["rows"]) == 2
