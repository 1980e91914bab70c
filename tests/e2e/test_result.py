"""The result page of finished runs: every figure is the run folder's; thresholds flip the verdict."""

from __future__ import annotations

import csv
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest

from distill_core.layout import RunFolder
from distill_core.services import result_details, results
from tests.e2e.conftest import PROJECT, App, Watched
from tests.e2e.results import app_with, opened
from tests.finished_run import finished_run

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    """An app with a finished run, and with one of an earlier version."""
    home = tmp_path_factory.mktemp("results") / "home"
    yield from app_with(home, finished_run, partial(finished_run, name="old", kept=False))


def said(page: Any) -> str:
    return str(page.text_content("#verdict .sr-verdict"))


def table(page: Any, caption: str) -> list[list[str]]:
    """The cells of a table by its caption, without the empty ones of bars."""
    rows = page.locator(f"table:has(> caption:text-is('{caption}')) tbody tr")
    return [[cell for cell in row.locator("th, td").all_inner_texts() if cell] for row in rows.all()]


def test_the_verdict_flips_as_thresholds_move_and_is_kept(shown: App, watch: Callable[..., Watched]) -> None:
    watched = opened(shown, watch, "made-1")
    page, run = watched.page, RunFolder(shown.home / "runs" / "made-1")
    assert said(page) == "Do not ship it." == results.verdict(run)["words"]
    page.click("#verdict-thresholds > summary")
    page.fill("#verdict-thresholds [name=smaller]", "2")
    page.wait_for_function("document.querySelector('#verdict .sr-verdict').textContent === 'Not enough evidence.'")
    page.fill("#verdict-thresholds [name=keep]", "90")
    page.wait_for_function("document.querySelector('#verdict .sr-verdict').textContent === 'Ship it.'")
    page.wait_for_function("document.querySelector('#thresholds-said').textContent !== ''")
    assert json.loads(run.meta.read_text())["thresholds"]["keep"] == 90
    page.reload()
    page.wait_for_selector("#verdict-checks li")
    assert said(page) == "Ship it."
    page.click("#verdict-thresholds > summary")
    assert page.input_value("#verdict-thresholds [name=keep]") == "90"
    page.fill("#verdict-thresholds [name=keep]", "-4")
    page.wait_for_selector("#verdict-thresholds [name=keep][aria-invalid]")
    assert said(page) == "Ship it."
    page.click("#thresholds-back")
    page.wait_for_function("document.querySelector('#verdict .sr-verdict').textContent === 'Do not ship it.'")
    assert page.input_value("#verdict-thresholds [name=keep]") == "97"
    assert "thresholds" not in json.loads(run.meta.read_text())
    watched.assert_clean()


def test_every_figure_is_the_run_folders(shown: App, watch: Callable[..., Watched]) -> None:
    watched = opened(shown, watch, "made-1")
    page, run = watched.page, RunFolder(shown.home / "runs" / "made-1")
    report = json.loads(run.report.read_text())
    main, control = (next(arm for arm in report["arms"] if arm["name"] == name) for name in ("main", "no_teacher"))
    quality = table(page, "Quality")
    expected = [*report["teachers"], main]
    assert [row[1] for row in quality] == [f"{100 * one['quality']['test']:.1f}" for one in expected]
    assert quality[-1][3] == f"{100 * main['agreement']:.1f}%"
    assert [row[1] for row in table(page, "Controls")][:2] == [
        f"{100 * one['quality']['test']:.1f}" for one in (main, control)
    ]
    timed = [row for row in table(page, "Latency") if len(row) > 1]
    assert [row[1] for row in timed] == [
        f"{row['p50']:.1f}" if row["p50"] >= 10 else f"{row['p50']:.2f}"
        for row in sorted(report["latency_models"], key=lambda row: row["batch"])
    ]
    assert page.locator("#verdict-checks li").count() == len(results.verdict(run)["checks"])

    found = result_details.details(run)
    page.click("#result-confusion > summary")
    page.wait_for_selector(".sr-heat")
    shown_counts = page.locator(".sr-heat").first.locator("tbody tr").all()
    cells = [[int(c) if c.isdigit() else 0 for c in row.locator("td").all_inner_texts()] for row in shown_counts]
    assert cells == found["confusion"]["student"]["counts"]
    page.click("#result-calibration > summary")
    page.wait_for_selector(".sr-reliability")
    assert f"{100 * found['calibration']['student']['ece']:.2f} points" in page.inner_text("#result-calibration")
    page.click("#result-teachers > summary")
    page.wait_for_selector("#result-teachers table")
    assert f"{100 * found['teachers']['oracle']:.1f}%" in page.inner_text("#result-teachers")
    page.click("#result-cost > summary")
    page.fill("#cost-price", "3.6")
    page.wait_for_function("document.querySelector('#result-cost td:last-child').textContent !== '–'")
    costs = [f"{row['cost']:#.3g}" for row in result_details.cost(run)["rows"]]
    assert [row[-1] for row in table(page, "Cost")] == costs
    watched.assert_clean()


def test_disagreements_are_filtered_paged_and_saved(shown: App, watch: Callable[..., Watched], tmp_path: Any) -> None:
    watched = opened(shown, watch, "made-1")
    page, run = watched.page, RunFolder(shown.home / "runs" / "made-1")
    everything = result_details.disagreements(run, {})
    page.click("#result-examples > summary")
    page.wait_for_selector(".sr-examples-table")
    assert page.inner_text("#examples-found").startswith(f"{everything['total']} rows; page 1 of")
    assert everything["rows"][0]["text"] in page.inner_text(".sr-examples-table tbody tr:first-child")
    page.click("#result-examples button:text-is('Next')")
    page.wait_for_function("document.querySelector('#examples-found').textContent.includes('page 2 of')")
    page.select_option("#result-examples [name=who]", "student")
    right = result_details.disagreements(run, {"who": "student"})
    page.wait_for_function(f"document.querySelector('#examples-found').textContent.startsWith('{right['total']} rows')")
    assert page.locator(".sr-examples-table tbody td:nth-child(4).sr-says-wrong").count() == 0
    with page.expect_download() as download:
        page.click("#examples-csv")
    saved = tmp_path / "rows.csv"
    download.value.save_as(saved)
    assert re.fullmatch(r"finished-disagreements\.csv", download.value.suggested_filename)
    with open(saved, newline="", encoding="utf-8") as file:
        assert len(list(csv.reader(file))) == right["total"] + 1
    watched.assert_clean()


def test_a_run_of_an_earlier_version_opens_and_says_what_is_missing(shown: App, watch: Callable[..., Watched]) -> None:
    watched = opened(shown, watch, "old-1")
    page = watched.page
    assert "before predictions were kept" in page.inner_text("#verdict-lost")
    assert [len(row) for row in table(page, "Quality")] == [4, 4, 4]
    page.click("#result-confusion > summary")
    page.wait_for_selector("#result-confusion p")
    page.wait_for_function("document.querySelector('#result-confusion').textContent.includes('kept no predictions')")
    watched.assert_clean()


@pytest.fixture(scope="module")
def tried(tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    """An app with a run that has real models: tiny ones, trained here in seconds."""
    from distill_core import config as cfg
    from tests import tiny

    root = tmp_path_factory.mktemp("tried")
    raw = tiny.config_dict(tiny.write_data(root / "data"), [tiny.write_bert(root / "bert")], name="tiny")
    raw["teacher_training"] = {"mode": "separate", "epochs": 1, "batch_size": 16}
    raw["controls"] = ["no_teacher"]
    raw["objective"] = {"teacher_weighting": "uniform"}
    (root / "run.yaml").write_text(cfg.from_dict(raw).to_yaml())
    home = root / "home"
    command = [
        sys.executable,
        "-m",
        "distill_core",
        "run",
        str(root / "run.yaml"),
        "--out",
        str(home / "runs" / "tiny-1"),
    ]
    environment = {**os.environ, "STILLROOM_HOME": str(home), "HF_HUB_OFFLINE": "1", "CUDA_VISIBLE_DEVICES": ""}
    subprocess.run(command, cwd=PROJECT, env=environment, check=True, capture_output=True, timeout=400)
    opened = App(home).start()
    yield opened
    opened.close()


@pytest.mark.timeout(900)
def test_a_list_is_tried_on_every_model(tried: App, watch: Callable[..., Watched], tmp_path: Any) -> None:
    watched = opened(tried, watch, "tiny-1")
    page = watched.page
    page.set_default_timeout(120_000)
    page.click("#result-try > summary")
    page.fill("#try-text", "where is my parcel")
    page.click("#try-go")
    page.wait_for_selector(".sr-try-table tbody tr:nth-child(3)")
    names = [cell.split("\n")[0] for cell in page.locator(".sr-try-table tbody th").all_inner_texts()]
    assert names == ["bert", "Student", "Student, no teachers"]
    upload = tmp_path / "list.csv"
    upload.write_text("id,text\n1,where is my parcel\n2,my password is lost\n", encoding="utf-8")
    page.set_input_files("#try-file", str(upload))
    page.wait_for_selector(".sr-try-table thead")
    rows = page.locator(".sr-try-table tbody tr")
    assert rows.count() == 2 and rows.nth(1).locator("td").first.inner_text() == "my password is lost"
    with page.expect_download() as download:
        page.click("#try-csv")
    saved = tmp_path / "tried.csv"
    download.value.save_as(saved)
    with open(saved, newline="", encoding="utf-8") as file:
        lines = list(csv.DictReader(file))
    shown_labels = [cell.split(" ")[0].strip() for cell in rows.nth(0).locator("td b").all_inner_texts()]
    assert [lines[0][name] for name in ("bert", "student", "student without teachers")] == shown_labels

    page.fill("#try-text", "")
    page.click("#try-go")
    page.wait_for_function("document.querySelector('#try-said').textContent.includes('no text')")
    watched.assert_clean()
