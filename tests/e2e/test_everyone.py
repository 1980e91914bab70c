"""The pages for whoever uses the keyboard alone, or listens: axe on every page, Tab's way, stories without a mouse."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import TimeoutError as NotInTime

from tests.e2e.conftest import App, FakeApp, Watched
from tests.e2e.everyone import FROM_THE_TOP, assert_good, open_all, tab_to, walk
from tests.e2e.test_demo import wait_status
from tests.e2e.test_new_run import go_to, opened, write_csv

pytestmark = pytest.mark.browser
STEPS = ("data", "teachers", "student", "method", "review")


@pytest.fixture
def at_work(fake_app: FakeApp) -> Iterator[FakeApp]:
    """An app with a run that has curves and goes on, and one that waits."""
    fake_app.begin("goes on", "waits here", steps=10**6, pause_s=0.5, burst=300, curves=True)
    yield fake_app


def to_run(page: Any, app: App, name: str) -> None:
    page.goto(f"{app.address}/?view=runs")
    page.click(f"#runs-table a:text-is('{name}') >> nth=0")
    page.wait_for_selector("#run-status:not(:empty)")


def test_lists_and_a_run_at_work(at_work: FakeApp, watch: Callable[..., Watched]) -> None:
    watched = watch()
    page = watched.page
    page.goto(at_work.address)
    page.wait_for_selector("#last-runs a:text-is('goes on')")
    assert_good(page)
    walk(page)
    watched.leave(f"{at_work.address}/?view=runs")
    page.wait_for_selector("#runs-table a")
    assert_good(page)
    walk(page)
    to_run(page, at_work, "goes on")
    page.wait_for_selector("[data-chart=loss] .js-plotly-plot")
    page.wait_for_selector("#run-stage:not(:empty)")
    open_all(page, "#run-page")
    assert_good(page)
    walk(page)
    watched.assert_clean()


def test_a_failed_run(fake_app: FakeApp, watch: Callable[..., Watched]) -> None:
    watched = watch()
    fake_app.begin("too large", steps=3, fail="memory", fits=16)
    page = watched.page
    to_run(page, fake_app, "too large")
    wait_status(page, "failed")
    page.wait_for_selector("#run-steps button")
    assert_good(page)
    watched.assert_clean()


@pytest.mark.timeout(900)
def test_every_step_of_new_run(app: App, watch: Callable[..., Watched]) -> None:
    watched = watch()
    page = opened(app, watched)
    page.wait_for_selector("#data-preview .sr-look")
    before = "data"
    for step in STEPS:
        go_to(page, step)
        if step != before:  # one step at a time: what is long is not looked at five times
            page.click(f"#step-{before} > button.label-wrap")
        before = step
        page.wait_for_selector(f"#step-{step} > button.label-wrap.open")
        if step == "review":
            page.wait_for_selector("#review .sr-done")
        open_all(page, f"#step-{step}")
        page.wait_for_timeout(500)
        assert_good(page)
        walk(page)
    watched.assert_clean()


def choose_file(page: Any, button: str, tries: int = 3) -> Any:
    """The file chooser that Enter opens on a button; a field that was drawn anew meanwhile is gone back to."""
    for left in reversed(range(tries)):
        tab_to(page, button)
        try:
            with page.expect_file_chooser(timeout=10_000) as chooser:
                page.keyboard.press("Enter")
            return chooser.value
        except NotInTime:
            if not left:
                raise
            page.evaluate(FROM_THE_TOP)


def test_the_demo_is_started_by_keys(fake_app: FakeApp, watch: Callable[..., Watched]) -> None:
    fake_app.behave(steps=3)
    watched = watch()
    page = watched.page
    page.goto(fake_app.address)
    page.wait_for_selector("#run-demo")
    page.evaluate(FROM_THE_TOP)
    tab_to(page, "#run-demo")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(r"\?run="))
    page.wait_for_function("() => document.activeElement.id === 'run-name'")
    wait_status(page, "done")
    tab_to(page, "#run-menu > summary")
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.id") == "describe-run"
    page.keyboard.press("Escape")
    assert page.evaluate("document.activeElement.matches('#run-menu:not([open]) > summary')")
    watched.assert_clean()


def test_a_run_is_set_up_and_started_by_keys(fake_app: FakeApp, watch: Callable[..., Watched], tmp_path: Path) -> None:
    fake_app.behave(steps=3)
    watched = watch()
    page = watched.page
    # From the start: asked for at the moment of the key, the browser may open its own window first.
    page.on("filechooser", lambda chooser: None)
    page.goto(f"{fake_app.address}/?view=runs")
    page.wait_for_selector("#runs-page")
    page.evaluate(FROM_THE_TOP)
    tab_to(page, "a[data-page=new]")
    page.keyboard.press("Enter")
    page.wait_for_selector("#continue-data")
    page.wait_for_selector("#data-preview:has-text('voucher')")
    one_group = (
        "() => new Set([...document.querySelectorAll('#field-data-source input')].map(one => one.name)).size === 1"
    )
    page.wait_for_function(one_group)
    page.evaluate(FROM_THE_TOP)
    tab_to(page, "#field-data-source input:checked")
    page.keyboard.press("ArrowRight")
    page.wait_for_selector("#field-data-source label.selected:has-text('My files')")
    page.wait_for_selector("#data-preview:not(:has-text('voucher'))")
    chooser = choose_file(page, "#field-data-train button")
    chooser.set_files(write_csv(tmp_path / "reviews.csv"))
    page.wait_for_selector("#data-preview th:has-text('review') .sr-role:text('used as text')")
    tab_to(page, "#continue-data")
    page.keyboard.press("Enter")
    for step, onward in itertools.pairwise(STEPS):
        # The step that opens has the focus; its fields come next.
        page.wait_for_function("s => document.activeElement.matches(`#step-${s} > button.label-wrap.open`)", arg=onward)
        assert step == "data" or not page.is_visible(f"#continue-{step}")
        if onward == "student":
            tab_to(page, "#field-student-lstm_hidden input")
            page.keyboard.press("Control+A")
            page.keyboard.type("41")
            page.wait_for_selector("#summary:has-text('41 units')")
        if onward != "review":
            tab_to(page, f"#continue-{onward}")
            page.keyboard.press("Enter")
    page.wait_for_selector("#review .sr-done")
    tab_to(page, "#start-run")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(r"\?run="))
    page.wait_for_function("() => document.activeElement.id === 'run-name'")
    wait_status(page, "done")
    watched.assert_clean()
