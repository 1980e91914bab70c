"""What page and command line show of a finished masked LM run: from its folder, equal to its report."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import numpy as np
import pytest

from distill_core.cli.main import main
from distill_core.errors import JobError
from distill_core.layout import RunFolder
from distill_core.services import result_details, results
from distill_core.services.offline_report import offline_report
from tests.finished_masked import ROWS, finished_masked

SIGNS = "punctuation and other signs"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    return finished_masked(tmp_path_factory.mktemp("runs") / "masked")


def test_details_equal_the_report(made: RunFolder) -> None:
    report, found = json.loads(made.report.read_text()), result_details.details(made)
    arm = {one["name"]: one for one in report["arms"]}
    assert (found["missing"], found["unit"], found["temperature"]) == ("", "piece", None)
    student, teacher = found["mistakes"]["student"], found["mistakes"]["teacher"]
    assert 1 - student["wrong"] / student["units"] == pytest.approx(arm["main"]["quality"]["test"])
    assert 1 - teacher["wrong"] / teacher["units"] == pytest.approx(report["teachers"][0]["quality"]["test"])
    assert found["confusion"] == {"student": None, "teacher": None}
    kinds = [row for row in found["groups"] if row["kind"] == "hidden"]
    assert sum(row["pieces"] for row in kinds) == student["units"]
    whole = sum(row["pieces"] * row["control"] for row in kinds) / student["units"]
    assert whole == pytest.approx(arm["no_teacher"]["quality"]["test"])
    loss = sum(row["pieces"] * row["student_loss"] for row in kinds) / student["units"]
    assert loss == pytest.approx(arm["main"]["loss"]["test"], rel=1e-3)
    assert found["calibration"]["student"]["temperature"] is None
    assert found["teachers"]["accuracy"] == pytest.approx([t["quality"]["test"] for t in report["teachers"]])
    assert found["classes"] == [row["name"] for row in found["groups"]]


def test_disagreements_have_their_texts_with_what_was_hidden(made: RunFolder) -> None:
    report = json.loads(made.report.read_text())
    found = result_details.disagreements(made, {})
    units = result_details.details(made)["mistakes"]["student"]["units"]
    main_arm = next(one for one in report["arms"] if one["name"] == "main")
    assert found["pieces"] == round((1 - main_arm["agreement"]) * units) > found["total"]
    assert found["texts_missing"] == "" and len(found["rows"]) == 20
    for row in found["rows"]:
        assert "".join(part for part, _ in row["parts"]) == row["text"]
        assert [part for part, number in row["parts"] if number] == [place["gold"] for place in row["places"]]
        assert any(place["chosen"] for place in row["places"])
    fewer = result_details.disagreements(made, {"who": "teacher", "gold": SIGNS, "order": "student"})
    lines = list(csv.reader(io.StringIO(result_details.disagreements_csv(made, {"who": "teacher", "gold": SIGNS}))))
    assert 0 < len(lines) - 1 == fewer["pieces"] < found["pieces"]
    assert {line[5] for line in lines[1:]} == {"sign"}


def test_the_verdict_judges_what_was_lost(made: RunFolder) -> None:
    found = results.verdict(made, keep=False)
    check = next(check for check in found["checks"] if check["name"] == "slices")
    assert found["lost"]["losses"] and check["status"] == "missed" and "pieces" in check["said"]
    assert {row["kind"] for row in results.lost(made)["rows"]} == {"piece", "frequency", "length"}
    assert "pieces that" in offline_report(made)[1] or "whole words" in offline_report(made)[1]
    assert "kinds and frequencies of hidden pieces" in offline_report(made)[1]


def test_a_temperature_is_refused(made: RunFolder) -> None:
    with pytest.raises(JobError, match="no temperature"):
        result_details.set_temperature(made, True)


def test_the_command_line_has_the_same(made: RunFolder, capsys: pytest.CaptureFixture[str]) -> None:
    found = result_details.details(made)
    assert main(["examine", str(made.path)]) == 0
    said = capsys.readouterr().out
    first = found["mistakes"]["student"]["pairs"][0]
    assert f"| {first['gold']} " in said and "whole words" in said and "calibration error" in said
    assert f"{100 * found['teachers']['oracle']:.1f}%" in said
    assert main(["examine", str(made.path), "--csv", "--class", SIGNS]) == 0
    lines = list(csv.reader(io.StringIO(capsys.readouterr().out)))
    assert lines[0][4] == "gold" and {line[5] for line in lines[1:]} == {"sign"}
    assert main(["examine", str(made.path), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["groups"] == found["groups"]


def test_runs_that_counted_texts_alone_say_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    old = finished_masked(tmp_path / "old", single=False)
    assert result_details.details(old) == {"missing": "single_answers"}
    assert {row["kind"] for row in results.lost(old)["rows"]} == {"length"}
    assert results.split_of(old).scores("main:13").denominator.sum() > ROWS
    assert main(["examine", str(old.path)]) == 0
    assert "single answers of masked LM" in capsys.readouterr().out


def test_more_pieces_than_are_kept_say_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old = finished_masked(tmp_path / "large", single=False)
    monkeypatch.setattr(result_details, "MOST_PIECES", 10)
    assert result_details.details(old) == {"missing": "too_many"}
    assert np.isfinite(results.verdict(old, keep=False)["lost"]["tests"])
