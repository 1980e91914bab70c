from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import numpy as np
import pytest

from distill_core.cli.main import main
from distill_core.errors import ConfigError, JobError
from distill_core.layout import TEMPERATURE, RunFolder
from distill_core.measure.energy import words as energy_words
from distill_core.predict import temperature_of
from distill_core.services import result_details
from distill_core.services.offline_report import offline_report
from distill_core.services.texts import texts_of
from tests.finished_run import energetic, finished_run


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    return finished_run(tmp_path_factory.mktemp("runs") / "made")


def test_details_equal_the_report(made: RunFolder) -> None:
    report, found = json.loads(made.report.read_text()), result_details.details(made)
    main = next(arm for arm in report["arms"] if arm["name"] == "main")
    assert found["missing"] == "" and found["reference"] == "teacher:0" and found["temperature"] is None
    counts = np.asarray(found["confusion"]["student"]["counts"])
    assert np.trace(counts) / counts.sum() == pytest.approx(main["quality"]["test"])
    for number, row in enumerate(main["per_class"]):
        assert counts[number].sum() == row["support"]
        assert counts[number, number] / counts[number].sum() == pytest.approx(row["recall"])
    assert found["calibration"]["student"]["accuracy"] == pytest.approx(main["quality"]["test"])
    teachers = [teacher["quality"]["test"] for teacher in report["teachers"]]
    assert found["teachers"]["accuracy"] == pytest.approx(teachers)


def test_a_page_of_disagreements_with_their_texts(made: RunFolder) -> None:
    report = json.loads(made.report.read_text())
    main = next(arm for arm in report["arms"] if arm["name"] == "main")
    found = result_details.disagreements(made, {})
    # As many rows as the report's agreement leaves.
    assert found["total"] == round((1 - main["agreement"]) * report["data"]["sizes"]["test"])
    assert len(found["rows"]) == 20 and found["pages"] == -(-found["total"] // 20) and not found["texts_missing"]
    texts, why = texts_of(made)
    assert not why and all(row["text"] == texts[int(row["id"], 16)] for row in found["rows"])
    last = result_details.disagreements(made, {"page": 10_000})
    assert last["page"] == last["pages"] - 1 and last["rows"]
    lines = list(csv.reader(io.StringIO(result_details.disagreements_csv(made, {}))))
    assert len(lines) == found["total"] + 1


def test_texts_that_may_not_be_read_are_left_out(made: RunFolder, tmp_path: Path) -> None:
    run = finished_run(tmp_path / "files")
    config = run.config.read_text().replace(
        "source: bundled\n  name: support-desk", "source: files\n  train: /etc/passwd"
    )
    assert "/etc/passwd" in config
    run.config.write_text(config)
    assert texts_of(run, tmp_path / "uploads") == ({}, "foreign")
    assert texts_of(run) == ({}, "unread")
    found = result_details.disagreements(run, {}, tmp_path / "uploads")
    assert found["texts_missing"] == "foreign" and found["rows"][0]["text"] is None


def test_a_temperature_is_written_beside_the_student_and_taken_away(tmp_path: Path) -> None:
    run = finished_run(tmp_path / "run")
    with pytest.raises(JobError, match="no student"):
        result_details.set_temperature(run, True)
    run.student.mkdir(parents=True)
    fitted = result_details.details(run)["calibration"]["student"]["temperature"]["value"]
    assert result_details.set_temperature(run, True) == {"temperature": fitted}
    assert temperature_of(run.student) == fitted == result_details.details(run)["temperature"]
    assert json.loads((run.student / TEMPERATURE).read_text())["fitted_on"] == "validation"
    assert result_details.set_temperature(run, False) == {"temperature": None} and temperature_of(run.student) == 1


def test_a_run_of_an_earlier_version_says_what_is_missing(tmp_path: Path) -> None:
    run = finished_run(tmp_path / "old", kept=False)
    assert result_details.details(run) == {"missing": "nothing_kept"}
    with pytest.raises(JobError, match="kept no predictions"):
        result_details.disagreements(run, {})
    with pytest.raises(JobError, match="no temperature"):
        result_details.set_temperature(run, True)


def test_cost_follows_from_the_measured_latency(made: RunFolder) -> None:
    assert result_details.cost(made)["price"] is None
    found = result_details.cost(made, 1.8)
    student = next(row for row in found["rows"] if row["role"] == "student" and row["batch"] == 32)
    # 4.43 ms for 32: 7223 a second; a million takes 138.4 s, of which an hour costs 1.80.
    assert student["per_second"] == pytest.approx(32 / 0.00443)
    assert student["cost"] == pytest.approx(1.8 * (1e6 * 0.00443 / 32) / 3600)
    assert result_details.cost(made)["price"] == 1.8
    for price in (-1, float("nan"), True, "much"):
        with pytest.raises(ConfigError):
            result_details.cost(made, price)


def test_the_energy_of_the_run_is_told_with_its_cost_and_in_every_report(tmp_path: Path, capsys) -> None:
    run = finished_run(tmp_path / "run", change=energetic)
    told = energy_words(json.loads(run.report.read_text())["energy"])
    assert result_details.cost(run)["energy"] == told and "4.2 Wh (processor 3.1 Wh, memory 1.1 Wh)" in told[0]
    assert main(["report", str(run.path)]) == 0
    said = capsys.readouterr().out
    assert all(f"- {line}" in said for line in told)
    assert told[0] in offline_report(run)[1]
    plain = finished_run(tmp_path / "plain")
    assert result_details.cost(plain)["energy"] == [] and "<dd>not measured</dd>" in offline_report(plain)[1]
