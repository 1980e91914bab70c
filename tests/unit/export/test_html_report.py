"""The offline report: whole in one file, figures of the run folder, whatever people typed escaped."""

from __future__ import annotations

import html
import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from distill_core.events import EventLog, metric
from distill_core.export import html_charts
from distill_core.export.html_charts import NARROW, WIDE, Model
from distill_core.export.html_template import CSS
from distill_core.export.report import build_report
from distill_core.layout import RunFolder
from distill_core.services import offline_report, results
from tests.finished_run import finished_run
from tests.unit.export.tagging_run import tagging_parts

ROOT = Path(__file__).resolve().parents[3]
ATTACK = "<script>alert(1)</script>\"'&"


class Reader(HTMLParser):
    """Tags with their attributes, and all text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.said = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.said += data


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    folder = finished_run(tmp_path / "made-1")
    folder.events.unlink()
    log = EventLog(folder.events)
    for arm, rise in (("main", 0.02), ("no_teacher", 0.01)):
        for step in range(0, 40, 10):
            row = metric(arm, 13, "validation_quality", step, 0.8 + rise * step / 10, "share")
            log.emit("metric", rows=[row])
    log.close()
    return folder


def test_every_figure_is_the_run_folders(run: RunFolder) -> None:
    name, text = offline_report.offline_report(run)
    said, report = Reader(text).said, json.loads(run.report.read_text())
    found = results.verdict(run)
    assert name == "finished-report.html"
    assert found["words"] in said and found["headline"] in said
    assert all(check["said"] in said for check in found["checks"])
    assert all(sentence in said for sentence in report["conclusion"]["sentences"])
    for entry in [*report["teachers"], *report["arms"]]:
        low, high = entry["interval"]
        assert f"{100 * entry['quality']['test']:.1f}% ({100 * low:.1f}–{100 * high:.1f})" in said
        assert f"{entry['parameters']:,}" in said and f"{100 * entry['quality']['validation']:.1f}%" in said
    for row in report["latency"]:
        assert f"{row['student_ms']['p50']:.2f} / {row['student_ms']['p95']:.2f}" in said
    for row in report["latency_models"]:
        assert f"{row['p50']:.2f} ms" in said
    for row in found["lost"]["losses"]:
        assert row["title"] in said
    assert "Student, seed 13: highest 86.0% at step 30." in said
    assert html.escape(run.config.read_text()) in text
    assert "Not reproduced yet" in said


def test_it_is_one_small_file_that_asks_for_nothing_and_runs_nothing(run: RunFolder) -> None:
    _, text = offline_report.offline_report(run)
    tags = Reader(text).tags
    assert len(text.encode()) < 300_000
    assert not {tag for tag, _ in tags} & {"script", "link", "img", "iframe", "object", "embed", "base", "form", "use"}
    for _, attributes in tags:
        assert not [name for name in attributes if name in ("src", "href", "srcset") or name.startswith("on")]
    assert "url(" not in text and "@import" not in text
    policy = next(a["content"] for tag, a in tags if a.get("http-equiv") == "Content-Security-Policy")
    assert policy == "default-src 'none'; style-src 'unsafe-inline'"


def test_names_labels_and_texts_are_escaped(run: RunFolder) -> None:
    before = Reader(offline_report.offline_report(run)[1]).tags
    report: dict[str, Any] = json.loads(run.report.read_text())
    report["labels"][0] = report["data"]["name"] = report["teachers"][0]["name"] = ATTACK
    report["reference_teacher"] = report["comparisons"][-1]["against"] = ATTACK
    for row in report["latency_models"]:
        row["name"] = ATTACK if row["name"] == "support-bert" else row["name"]
    report["conclusion"]["sentences"].append(ATTACK)
    report["findings"] = [{"severity": "warning", "message": ATTACK}]
    run.report.write_text(json.dumps(report))
    run.meta.write_text(json.dumps({"name": ATTACK, "created": 1.0}))
    run.config.write_text(run.config.read_text() + f"# {ATTACK}\n")
    _, text = offline_report.offline_report(run)
    assert "<script" not in text and text.count(html.escape(ATTACK)) > 6
    kinds = {tag for tag, _ in Reader(text).tags}
    assert kinds <= {tag for tag, _ in before}


def test_charts_have_text_alternatives_and_unique_ids(run: RunFolder) -> None:
    _, text = offline_report.offline_report(run)
    tags = Reader(text).tags
    ids = [a["id"] for _, a in tags if a.get("id")]
    assert len(ids) == len(set(ids))
    charts = [a for tag, a in tags if tag == "svg" and a.get("role") == "img"]
    assert len(charts) == 6  # three, for a wide and a narrow screen each
    assert all(set(str(a["aria-labelledby"]).split()) <= set(ids) for a in charts)
    assert "support-bert (best) 94." in re.search(r'<desc id="quality-chart-wide-d">(.*?)</desc>', text)[1]


def test_colours_are_the_pages() -> None:
    style = (ROOT / "ui" / "style.css").read_text()
    page = [dict(re.findall(r"--sr-([\w-]+): (#\w+)", block)) for block in style.split("}")[:2]]
    ours = [dict(re.findall(r"--([\w-]+): (#\w+)", block)) for block in CSS.split("@media")[:2]]
    for mine, theirs in zip(ours, page, strict=True):
        assert len(mine) == 21
        assert {name: theirs[name] for name in mine} == mine


def test_without_predictions_and_curves_it_says_so(tmp_path: Path) -> None:
    folder = finished_run(tmp_path / "old", kept=False)
    folder.events.unlink()
    _, text = offline_report.offline_report(folder)
    said = Reader(text).said
    assert "kept no validation curve" in said and "kept no predictions" in said


def test_thresholds_kept_with_the_run_are_those_judged(run: RunFolder) -> None:
    results.verdict(run, {"smaller": 2, "keep": 90})
    assert "Judged against thresholds set for this run" in Reader(offline_report.offline_report(run)[1]).said


def test_several_seeds_are_shown_each(tmp_path: Path) -> None:
    models = [
        Model("Student", "main", test=0.9, validation=0.9, between=(0.88, 0.92), each=(0.88, 0.9, 0.92)),
        Model("t", "teacher", test=0.95, validation=0.94, between=(0.94, 0.96)),
    ]
    drawn = html_charts.quality(models, WIDE)
    assert drawn.count('r="2"') == 3 and drawn.startswith(f"{WIDE} ")
    spots = [float(x) for x in re.findall(r'<circle cx="([\d.]+)"[^>]*r="2"', drawn)]
    assert spots[1] - spots[0] == pytest.approx(spots[2] - spots[1], abs=0.11)
    assert html_charts.quality(models, NARROW).startswith(f"{NARROW} ")


def test_bars_are_as_long_as_their_figures() -> None:
    one, two = Model("a", "teacher"), Model("b", "main")
    drawn = html_charts.bars([("Size", [(one, 40.0, "40"), (two, 10.0, "10")])], WIDE)
    long, short = (float(w) for w in re.findall(r'<rect [^>]*width="([\d.]+)"', drawn))
    assert long == pytest.approx(4 * short, rel=0.01)


@pytest.mark.parametrize("low, high", [(0.0, 1.0), (89.7, 97.2), (3, 1150), (50, 50)])
def test_ticks_are_round_and_enclose(low: float, high: float) -> None:
    marks = html_charts.ticks(low, high)
    assert marks[0] <= low and marks[-1] >= high and 1 <= len(marks) <= 8


def test_long_curves_keep_their_ends_and_their_best() -> None:
    points = [(step, 0.5 + (0.4 if step == 4321 else step / 1e5)) for step in range(9000)]
    kept = html_charts.thinned(points)
    assert len(kept) <= html_charts.MOST_POINTS
    assert kept[0] == points[0] and kept[-1] == points[-1] and (4321, 0.9) in kept


def test_a_tagging_run_speaks_of_entities(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "tags").create()
    folder.report.write_text(json.dumps(build_report(tagging_parts((1, 2)))))
    folder.config.write_text("name: tags\n")
    said = Reader(offline_report.offline_report(folder)[1]).said
    assert "Test entity F1" in said and "linearised over test rows" in said


def test_one_teacher_is_not_the_best_of_one(tmp_path: Path) -> None:
    alone = finished_run(tmp_path / "alone", change=lambda parts: parts.teachers.pop() and None)
    _, text = offline_report.offline_report(alone)
    assert "best teacher" not in text.lower() and "Agreement with the teacher" in text
    _, several = offline_report.offline_report(finished_run(tmp_path / "several"))
    assert "Agreement with the best teacher" in several and "Best teacher p50 / p95, ms" in several
