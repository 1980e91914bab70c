"""The main job in a real browser on the real app: press, watch, stop, resume, reload, restart, result; the result for
whoever uses the keyboard alone, or listens."""

from __future__ import annotations

import re
import time
import zipfile
from collections.abc import Callable
from typing import Any

import pytest

from distill_core import config as cfg
from tests.e2e.conftest import PROJECT, App, Watched
from tests.e2e.everyone import FROM_THE_TOP, assert_good, open_all, tab_to, walk

pytestmark = pytest.mark.browser
STATUSES = {"queued", "running", "stopping", "stopped", "interrupted", "failed", "done"}
DEMO_LIMIT_MS = 900_000  # a busy machine may be far slower than the two free cores the demo is made for


def status(page: Any) -> str:
    return str(page.text_content("#run-status"))


def wait_status(page: Any, wanted: str, timeout: int = 60_000) -> None:
    """Waits for a status; an end that was not wanted is told at once, with the run's own words."""
    end = time.time() + timeout / 1000
    while status(page) != wanted:
        bad = status(page) in ("failed", "interrupted") or time.time() > end
        assert not bad, f"{status(page)}: {page.inner_text('#run-page')}"
        page.wait_for_timeout(100)


def points(page: Any) -> int:
    """How many points are drawn in all charts."""
    return int(
        page.evaluate(
            "() => [...document.querySelectorAll('#live-charts .js-plotly-plot')]"
            ".reduce((n, p) => n + p.data.reduce((m, t) => m + t.x.length, 0), 0)"
        )
    )


def wait_points(page: Any, at_least: int, timeout: int = 120_000) -> None:
    end = time.time() + timeout / 1000
    while points(page) < at_least:
        assert time.time() < end, f"{points(page)} points; {status(page)}; {page.text_content('#run-log')}"
        page.wait_for_timeout(250)


def start_demo(page: Any, app: App) -> str:
    page.goto(app.address)
    page.wait_for_selector("#run-demo")
    page.click("#run-demo")
    page.wait_for_url(re.compile(r"\?run="))
    page.wait_for_selector("#run-status:not(:empty)")
    return str(page.url)


def test_stop_reload_resume_and_a_killed_app(app: App, watch: Callable[..., Watched]) -> None:
    """Before the demo that is run to its end: teachers that are in the store already would leave little to stop."""
    watched, before = watch(), set(app.home.glob("runs/*"))
    page = watched.page
    page.goto(app.address)
    page.wait_for_selector("#run-demo")
    page.dblclick("#run-demo")
    page.wait_for_selector("#run-status:not(:empty)")
    wait_points(page, 5)
    assert len(set(app.home.glob("runs/*")) - before) == 1, "pressed twice, it is one run"
    page.click("#stop-run")
    assert page.is_disabled("#stop-run")
    wait_status(page, "stopped", 120_000)
    drawn = points(page)
    watched.assert_clean()

    page.reload()
    wait_status(page, "stopped")
    wait_points(page, drawn)
    page.click("#resume-run")
    wait_status(page, "running", 60_000)
    wait_points(page, drawn + 1)

    app.kill()
    page.wait_for_selector("#run-lost:not([hidden])", timeout=20_000)
    assert points(page) >= drawn
    seen = points(page)
    app.start()
    page.wait_for_selector("#run-lost", state="hidden", timeout=60_000)
    wait_points(page, seen + 1)
    assert status(page) in ("running", "done")
    page.click("#stop-run")
    wait_status(page, "stopped", 120_000)
    assert watched.foreign == []  # its errors are of the app that was killed


@pytest.mark.timeout(1200)
def test_demo_from_press_to_result(app: App, watch: Callable[..., Watched], tmp_path: Any) -> None:
    watched = watch()
    page = watched.page
    address = start_demo(page, app)
    started = app.home / "runs" / address.split("run=")[1] / "config.yaml"
    demo = PROJECT / "assets" / "recipes" / "demo.yaml"
    assert cfg.from_yaml(started.read_text()) == cfg.from_yaml(demo.read_text()), "what the command line would run"
    assert status(page) in STATUSES
    wait_points(page, 5)
    before = points(page)

    page.reload()
    wait_points(page, before)
    assert page.url == address

    second = watch()
    second.page.goto(address)
    wait_points(second.page, before)
    second.assert_clean()
    second.page.close()

    wait_status(page, "done", DEMO_LIMIT_MS)
    page.wait_for_selector("#result:not([hidden])")
    text = page.inner_text("#result")
    for wanted in ("support-bert", "support-roberta", "Student", "Batch 1", "Batch 32", "smaller", "Agreement"):
        assert wanted in text
    assert page.text_content("#run-percent") == ""
    page.wait_for_selector("#download-student")
    with page.expect_download() as download:
        page.click("#download-student")
    saved = tmp_path / "student.zip"
    download.value.save_as(saved)
    with zipfile.ZipFile(saved) as archive:
        names = {name.rsplit("/", 1)[-1] for name in archive.namelist()}
    assert {"model.safetensors", "stillroom.json"} <= names
    watched.assert_clean()

    page.goto(f"{app.address}/?view=runs")
    page.click(f"#runs-table tbody tr:has(a[href*='{address.split('run=')[1]}']) td:nth-child(3)")
    page.wait_for_selector("#result:not([hidden])")
    assert page.url == address


def test_unknown_run_says_so(app: App, watch: Callable[..., Watched]) -> None:
    for run_id in ("no-such-run", "../../etc/passwd", "<img src=x>"):
        watched = watch()
        watched.page.goto(f"{app.address}/?run={run_id}")
        watched.page.wait_for_selector("#run-unknown:not([hidden])")
        assert "no run with this name" in watched.page.inner_text("#run-unknown")
        watched.assert_clean()


@pytest.fixture
def finished(app: App, watch: Callable[..., Watched]) -> str:
    """The address of a finished demo: the one above, or, where that was left out, one of its own."""
    done = sorted(app.home.glob("runs/support-demo-*/report.json"))
    if done:
        return f"{app.address}/?run={done[0].parent.name}"
    page = watch().page
    address = start_demo(page, app)
    wait_status(page, "done", DEMO_LIMIT_MS)
    page.close()
    return address


@pytest.mark.timeout(1200)
def test_a_result(finished: str, watch: Callable[..., Watched]) -> None:
    watched = watch()
    page = watched.page
    page.goto(finished)
    page.wait_for_selector("#result:not([hidden])")
    page.wait_for_selector("#download-student")
    open_all(page, "#run-page")
    assert_good(page)
    walk(page)
    watched.assert_clean()


@pytest.mark.timeout(1200)
def test_a_result_is_opened_by_keys(finished: str, app: App, watch: Callable[..., Watched]) -> None:
    watched = watch()
    page = watched.page
    page.goto(f"{app.address}/?view=runs")
    page.wait_for_selector("#runs-table a")
    page.evaluate(FROM_THE_TOP)
    tab_to(page, f"#runs-table a[href$='{finished.split('run=')[1]}']")
    page.keyboard.press("Enter")
    page.wait_for_selector("#result:not([hidden])")
    page.evaluate(FROM_THE_TOP)
    tab_to(page, "#result .sr-how > summary")
    page.keyboard.press("Enter")
    page.wait_for_selector("#result .sr-how[open] p")
    tab_to(page, "#download-student, #download-student button, #download-student a")
    with page.expect_download():
        page.keyboard.press("Enter")
    watched.assert_clean()
