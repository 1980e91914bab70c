"""The report for others: downloaded from the page, opened from the disk, printed."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from distill_core.layout import RunFolder
from distill_core.services import results
from tests.e2e.conftest import App, Watched
from tests.finished_run import finished_run

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    home = tmp_path_factory.mktemp("offline") / "home"
    finished_run(home / "runs" / "made-1")
    opened = App(home).start()
    yield opened
    opened.close()


@pytest.fixture
def saved(shown: App, watch: Callable[..., Watched], tmp_path: Path) -> Path:
    """The file as the page gives it, once a threshold was moved."""
    results.verdict(RunFolder(shown.home / "runs" / "made-1"), {"smaller": 2, "keep": 90})
    page = watch().page
    page.goto(f"{shown.address}/?run=made-1")
    page.wait_for_selector("#verdict-checks li")
    assert "Not reproduced yet" in page.inner_text("#reproduction")
    with page.expect_download() as waiting:
        page.click("#offline-report")
    assert waiting.value.suggested_filename == "finished-report.html"
    target = tmp_path / "report.html"
    waiting.value.save_as(target)
    return target


def test_the_file_opens_offline_without_a_request_or_a_complaint(shown: App, saved: Path, browser: Any) -> None:
    run = RunFolder(shown.home / "runs" / "made-1")
    found, report = results.verdict(run), json.loads(run.report.read_text())
    for width, scheme, chart in ((1440, "light", "wide"), (390, "dark", "narrow")):
        context = browser.new_context(viewport={"width": width, "height": 844}, color_scheme=scheme, offline=True)
        page, asked, told = context.new_page(), [], []
        page.on("request", lambda request, asked=asked: asked.append(request.url))
        page.on("console", lambda message, told=told: told.append(message.text))
        page.on("pageerror", lambda error, told=told: told.append(str(error)))
        page.goto(saved.as_uri())
        assert page.text_content("#verdict") == found["words"] == "Ship it."
        assert page.locator(".checks li").count() == len(found["checks"])
        assert page.locator(f"svg.{chart}:visible").count() == 3
        assert page.evaluate("document.documentElement.scrollWidth") == width
        student = next(arm for arm in report["arms"] if arm["name"] == "main")
        assert f"{100 * student['quality']['test']:.1f}%" in page.inner_text("#quality + figure")
        page.click("summary")
        assert "name: finished" in page.inner_text("details pre")
        assert (asked, told) == ([saved.as_uri()], [])
        context.close()


def test_it_prints_on_light_paper_with_the_config_unfolded(saved: Path, browser: Any) -> None:
    context = browser.new_context(color_scheme="dark", offline=True)
    page = context.new_page()
    page.goto(saved.as_uri())
    page.emulate_media(media="print")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert page.evaluate("getComputedStyle(document.body).color") == "rgb(31, 35, 40)"
    assert page.locator("details pre").bounding_box()["height"] > 100
    printed = page.pdf(prefer_css_page_size=True)
    assert printed.startswith(b"%PDF") and 3 <= printed.count(b"/Type /Page\n") <= 12
    context.close()
