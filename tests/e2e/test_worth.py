"""Measured on request from the result's page: what stands there is the run folder's; a curve is measured, stopped, its
app killed, gone on with, and ends."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from distill_core import config as cfg
from distill_core.export.formats import latency_rows
from distill_core.extras.state import ExtraState, read_state, write_state
from distill_core.jobs.extras import states
from distill_core.layout import RunFolder
from distill_core.measure.energy import words
from distill_core.services import extras
from distill_core.storage import write_json
from tests import tiny
from tests.e2e.conftest import App, Watched
from tests.e2e.test_result import table
from tests.e2e.test_take_away import python
from tests.finished_run import energetic, exported, finished_run, measured

pytestmark = pytest.mark.browser
MEASURED_MS = 300_000  # torch starts, four tiny students: under a minute where nobody else works


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished tiny run, and one that is made up with everything measured."""
    root = tmp_path_factory.mktemp("worth")
    data = {**tiny.write_data(root / "data", train=80), "labelled_per_class": 16}
    raw = tiny.config_dict(data, [tiny.write_bert(root / "bert")], controls=["no_teacher"],
                           training={"epochs": 30, "batch_size": 16, "learning_rate": 0.01})  # fmt: skip
    (root / "tiny.yaml").write_text(cfg.from_dict(raw).to_yaml(), encoding="utf-8")
    folder = root / "home" / "runs" / "tiny-run"
    python(
        "-m", "distill_core", "run", str(root / "tiny.yaml"), "--out", str(folder), STILLROOM_HOME=str(root / "home")
    )
    made = finished_run(root / "home" / "runs" / "made-1", change=energetic)
    write_json(made.artifacts / "models.json", {})
    measured(made)
    return root / "home"


@pytest.fixture
def opened(home: Path) -> Iterator[App]:
    app = App(home).start()
    yield app
    app.close()


def test_what_was_measured_is_told_as_the_folder_has_it(opened: App, home: Path, watch: Callable[..., Watched]) -> None:
    watched, run = watch(), RunFolder(home / "runs" / "made-1")
    page = watched.page
    page.goto(f"{opened.address}/?run=made-1")
    page.wait_for_selector("#curve-words p")
    found = extras.rows(run)
    for kind in ("curve", "without"):
        assert page.locator(f"#{kind}-words p").all_inner_texts() == found[kind]["words"]
    points = found["curve"]["figures"]["worth"]["points"]
    shown = table(page, "How many labels is it worth?")
    assert [row[0] for row in shown] == [f"{point['labels']:,}" for point in points]
    assert [row[1] for row in shown] == ["1/8", "1/4", "1/2", "1×", "2×", "4×"]
    assert [row[3].replace("−", "-") for row in shown] == [f"{100 * point['difference']:+.1f}" for point in points]
    assert page.locator(".sr-worth-point").count() == len(points) and page.locator(".sr-worth-mark").count() == 1
    without = table(page, "What does each teacher add?")
    rows = found["without"]["figures"]["rows"]
    assert [(row[0], row[1]) for row in without] == [(row["teacher"], f"{100 * row['test']:.1f}") for row in rows]
    page.click("#result-cost > summary")
    page.wait_for_selector("#result-energy p")
    said = page.locator("#result-energy p").all_inner_texts()
    assert said == words(json.loads(run.report.read_text())["energy"]) and "estimated: 4.2 Wh" in said[0]
    watched.assert_clean()


def test_exports_stand_in_the_tables_of_size_and_latency(
    opened: App, home: Path, watch: Callable[..., Watched]
) -> None:
    watched, run = watch(), RunFolder(home / "runs" / "made-1")
    exported(run)
    page = watched.page
    page.goto(f"{opened.address}/?run=made-1")
    page.wait_for_selector("#result >> text=Latency of the exports")

    def ms(times: dict[str, float]) -> str:
        return " / ".join(f"{one:.1f}" if one >= 10 else f"{one:.2f}" for one in (times["p50"], times["p95"]))

    rows = latency_rows(run)
    shown = table(page, "Latency of the exports")
    assert [row[2:4] for row in shown] == [[ms(row["teacher_ms"]), ms(row["student_ms"])] for row in rows]
    assert [row[0] for row in shown] == ["ONNX, fp32", "ONNX, fp32", "ONNX, int8", "ONNX, int8"]
    assert [row[4] for row in shown] == [f"{row['speedup']:.1f}×" for row in rows]
    assert [row[0] for row in table(page, "Size")][-2:] == ["Student, ONNX, fp32", "Student, ONNX, int8"]
    assert table(page, "Size")[-1][2] == "1.10 MB"
    watched.assert_clean()


def test_a_curve_is_measured_stopped_and_gone_on_with_though_the_app_dies(
    opened: App, home: Path, watch: Callable[..., Watched]
) -> None:
    watched, run = watch(), RunFolder(home / "runs" / "tiny-run")
    page, report = watched.page, run.report.read_bytes()
    page.goto(f"{opened.address}/?run=tiny-run")
    page.wait_for_selector("#curve-start:has-text('Measure it: about')", timeout=60_000)
    assert page.locator("#without-start").count() == 0  # with one teacher there is nobody to leave out
    said = page.text_content("#result").lower()
    assert "best teacher" not in said, said[max(0, said.find("best teacher") - 80) :][
        :200
    ]  # nor is one the best of one
    page.select_option("#worth-most", "1")
    page.click("#curve-start")
    page.wait_for_selector("[data-kind=curve][data-state=running] .sr-worth-point", timeout=MEASURED_MS)
    page.click("#curve-stop")
    page.wait_for_selector("[data-kind=curve][data-state=stopped]", timeout=MEASURED_MS)
    kept = read_state(run, "curve").figures["points"]
    assert kept and states(run)["curve"].state == "stopped"
    page.click("#curve-start:has-text('Go on')")
    page.wait_for_selector("[data-kind=curve][data-state=running]")
    opened.kill()
    opened.start()
    page.goto(f"{opened.address}/?run=tiny-run")
    page.wait_for_selector("[data-kind=curve][data-state=done]", timeout=MEASURED_MS)
    state = read_state(run, "curve")
    assert state.figures["points"][: len(kept)] == kept and state.most == 1
    assert page.locator("#curve-words p").all_inner_texts() == extras.words("curve", state.figures)
    assert run.report.read_bytes() == report
    assert not [error for error in watched.errors if "ERR_CONNECTION" not in error and "Failed to" not in error]


def test_one_that_broke_off_says_so_and_offers_to_go_on(opened: App, home: Path, watch: Callable[..., Watched]) -> None:
    run = RunFolder(home / "runs" / "made-1")
    before = read_state(run, "without")
    write_state(run, ExtraState("without", "running", pid=1, started=1.0, at=1.0))
    watched = watch(400)
    page = watched.page
    page.goto(f"{opened.address}/?run=made-1")
    page.wait_for_selector("[data-kind=without][data-state=failed] >> text=broke off")
    assert page.inner_text("#without-start") == "Go on"
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    answer = page.evaluate("() => document.querySelector('#result-worth').textContent")
    assert "NaN" not in answer and "undefined" not in answer
    write_state(run, before)
    assert json.loads((run.artifacts / "extra" / "without_teachers.json").read_text())["state"] == "done"
    watched.assert_clean()
