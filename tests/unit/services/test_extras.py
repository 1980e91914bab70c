"""What is told of measurements on request: offered or not and why, how long, the sentences; reports that hold them."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from distill_core.analysis.kept import split_path
from distill_core.cli.main import main
from distill_core.config import load
from distill_core.errors import ConfigError, JobError
from distill_core.export.formats import latency_rows
from distill_core.export.formats import read_state as read_export
from distill_core.export.formats import write_state as write_export
from distill_core.extras.state import ExtraState, read_state, write_state
from distill_core.extras.words import left_out_words, worth_words
from distill_core.layout import RunFolder
from distill_core.services import extras
from distill_core.services.offline_report import offline_report
from distill_core.storage import write_json, write_text
from tests.finished_run import exported, finished_run, measured


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    made = finished_run(tmp_path / "run")
    write_json(made.artifacts / "models.json", {})
    return made


def changed(run: RunFolder, **changes: Any) -> None:
    config = load(run.config)
    write_text(run.config, config.model_copy(update=changes).to_yaml())


def test_both_are_offered_with_an_expected_time(run: RunFolder) -> None:
    found = extras.rows(run)
    assert {kind: row["missing"] for kind, row in found.items()} == {"curve": "", "without": ""}
    report = json.loads(run.report.read_text())
    config = load(run.config)
    mains = [arm for arm in report["arms"] if arm["name"] == "main"]
    expected = 10 + report["seconds"].get("prepare", 0) + 2 * len(config.seeds) * mains[0]["seconds"]
    assert found["without"]["about_s"] == pytest.approx(expected)
    assert found["curve"]["about_s"] > 10 and found["curve"]["words"] == []


def test_more_labels_take_longer(run: RunFolder) -> None:
    config, report = load(run.config), json.loads(run.report.read_text())
    few = config.model_copy(update={"data": config.data.model_copy(update={"labelled_per_class": 8})})
    whole = config.model_copy(update={"data": config.data.model_copy(update={"labelled_per_class": None})})
    times = [extras._expected(report, few, "curve", most) for most in (1, 4)]
    assert times[0] is not None and times[1] is not None and times[0] < times[1]
    assert extras._expected(report, whole, "curve", 4) == extras._expected(report, whole, "curve", 1) == times[0]


def test_what_is_not_to_be_had_says_why(run: RunFolder) -> None:
    changed(run, teachers=load(run.config).teachers[:1])
    assert extras.rows(run)["without"]["missing"] == "one_teacher"
    with pytest.raises(JobError, match="two teachers"):
        extras.start(run, "without", 4)
    changed(run, teachers=2 * load(run.config).teachers)
    (run.artifacts / "models.json").unlink()  # how its teachers are found again
    assert {kind: row["missing"] for kind, row in extras.rows(run).items()} == {"curve": "", "without": "nothing_kept"}
    split_path(run.artifacts, "test").unlink()
    assert extras.rows(run)["curve"]["missing"] == "nothing_kept"
    for kind, most in (("other", 4), ("curve", 0), ("curve", 65), ("curve", True), ("curve", None)):
        with pytest.raises(ConfigError):
            extras.start(run, kind, most)  # type: ignore[arg-type]


def test_finished_ones_are_told_in_sentences_and_stand_in_every_report(run: RunFolder, capsys) -> None:
    before = run.report.read_bytes()
    measured(run)
    found = extras.rows(run)
    curve, without = found["curve"]["figures"], found["without"]["figures"]
    assert found["curve"]["words"] == worth_words(curve["worth"])
    assert found["without"]["words"] == [left_out_words(row) for row in without["rows"]]
    _, html = offline_report(run)
    assert main(["report", str(run.path)]) == 0
    said = capsys.readouterr().out
    for sentence in found["curve"]["words"] + found["without"]["words"]:
        assert sentence in said and sentence.replace("'", "&#x27;") in html
    for point in curve["points"]:
        assert f"{100 * point['test']:.1f}%" in said and f"{100 * point['test']:.1f}%" in html
    assert 'id="worth"' in html and 'id="without"' in html and html.count('class="m"') > 6
    assert run.report.read_bytes() == before


def test_reports_of_runs_without_them_say_nothing(run: RunFolder, capsys) -> None:
    write_state(run, ExtraState("curve", "stopped", figures={"points": [], "worth": None}))
    _, html = offline_report(run)
    assert 'id="worth"' not in html
    assert main(["report", str(run.path)]) == 0 and "How many labels" not in capsys.readouterr().out
    assert read_state(run, "curve").state == "stopped"


def test_a_run_that_is_measured_is_not_deleted(run: RunFolder) -> None:
    import os

    from distill_core.jobs.process import ProcessInfo

    me = ProcessInfo.of(os.getpid(), attempt=1)
    extras.refuse_busy(run)
    write_state(run, ExtraState("curve", "running", pid=me.pid, started=me.started))
    with pytest.raises(JobError, match="being measured"):
        extras.refuse_busy(run)


def test_the_report_for_others_has_the_exports_beside_the_teacher(run: RunFolder) -> None:
    assert "Exports, timed when they were built" not in offline_report(run)[1]
    exported(run)
    _, html = offline_report(run)
    for row in latency_rows(run):
        assert f"{row['student_ms']['p50']:.2f} / {row['student_ms']['p95']:.2f}" in html
        assert f"{row['teacher_ms']['p50']:.2f} / {row['teacher_ms']['p95']:.2f}" in html
    assert "ONNX, int8 (onnxruntime int8)" in html


def cells(html: str, caption: str) -> list[list[str]]:
    """The body of the table whose caption begins so."""
    found = html.partition(f"<caption>{caption}")[2].partition("</table>")[0].partition("<tbody>")[2]
    rows = re.findall(r"<tr>(.*?)</tr>", found, re.S)
    return [
        [re.sub("<[^>]+>", "", cell).strip() for cell in re.findall(r"<t[dh][^>]*>(.*?)</t[dh]>", row)] for row in rows
    ]


def test_the_report_for_others_says_what_exports_kept(run: RunFolder) -> None:
    caption = "Exports, measured again after they were built"
    assert caption not in offline_report(run)[1]
    exported(run)
    small = read_export(run, "onnx-int8")
    assert cells(offline_report(run)[1], caption) == [
        ["ONNX, fp32", "4.00", "93.0%", "0.00", "100.0%"],
        ["ONNX, int8", "1.10", "92.8%", "0.20", "100.0%"],
    ]
    figures = {name: value for name, value in small.figures.items() if name not in ("latency", "device")}
    refused = {**figures, "lost_points": 2.5, "agreement": 0.957, "quality": {"student": 0.93, "export": 0.905}}
    write_export(run, replace(small, state="refused", figures=refused))
    html = offline_report(run)[1]
    assert cells(html, caption)[1] == [
        "ONNX, int8 (refused: more than 0.5 points lost)", "1.10", "90.5%", "2.50", "95.7%",
    ]  # fmt: skip
    assert "ONNX, int8 (onnxruntime int8)" not in html and "on 120 validation rows" in html
