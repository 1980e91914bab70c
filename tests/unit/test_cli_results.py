"""`verdict`, `examine` and `calibrate` on a finished run."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest

from distill_core.cli.main import main
from distill_core.layout import TEMPERATURE, RunFolder
from tests.finished_run import finished_run


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    run = finished_run(tmp_path_factory.mktemp("runs") / "made")
    run.student.mkdir(parents=True)
    return run


def test_thresholds_decide_are_kept_and_forgotten(made: RunFolder, capsys: pytest.CaptureFixture[str]) -> None:
    folder = str(made.path)
    assert main(["verdict", folder]) == 1
    said = capsys.readouterr().out
    assert said.startswith("Do not ship it. 3.5× smaller") and "✗ 3.5× fewer parameters; at least 5×" in said
    assert "Thresholds (by default): keep 97, smaller 5, faster 2, slice_loss 5." in said
    assert (
        main(["verdict", folder, "--keep", "90", "--smaller", "off", "--mb", "2", "--latency-ms", "5", "--batch", "32"])
        == 0
    )
    said = capsys.readouterr().out
    assert said.startswith("Ship it.") and "✓ 4.43 ms a call at batch 32; at most 5 ms is wanted." in said
    assert main(["verdict", folder, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["own"] and found["thresholds"]["smaller"] is None and found["thresholds"]["batch"] == 32
    assert main(["verdict", folder, "--forget"]) == 1


def test_what_is_no_run_and_what_is_no_threshold_are_refused(
    made: RunFolder, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["verdict", str(tmp_path)]) == 2 and "holds no run" in capsys.readouterr().err
    assert main(["verdict", str(made.path), "--keep", "-3"]) == 2
    assert "thresholds.keep" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main(["verdict", str(made.path), "--keep", "much"])


def test_examine_prints_figures_rows_and_cost(made: RunFolder, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["examine", str(made.path), "--price", "1.8"]) == 0
    said = capsys.readouterr().out
    assert "expected calibration error" in said and "both wrong with support-roberta" in said
    assert "a million cost" in said and "0.0692" in said  # 1.80 / 3600 · 4.43 ms / 32 · 10⁶
    assert main(["examine", str(made.path), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["missing"] == ""
    assert main(["examine", str(made.path), "--csv", "--who", "teacher", "--against", "support-roberta"]) == 0
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert rows and {(row["student right"], row["support-roberta right"]) for row in rows} == {("0", "1")}
    assert main(["examine", str(made.path), "--csv", "--against", "nobody"]) == 2


def test_calibrate_sets_a_temperature_and_takes_it_away(made: RunFolder, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["calibrate", str(made.path)]) == 0
    value = json.loads((made.student / TEMPERATURE).read_text())["temperature"]
    assert f"divided by {value:.3f}" in capsys.readouterr().out
    assert main(["calibrate", str(made.path), "--off"]) == 0 and not (made.student / TEMPERATURE).exists()


def test_a_run_of_an_earlier_version_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = finished_run(tmp_path / "old", kept=False)
    assert main(["examine", str(run.path)]) == 0
    assert "before predictions were kept" in capsys.readouterr().out
