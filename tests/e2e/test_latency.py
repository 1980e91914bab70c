"""Measured latency in the student step, by the real warm child, in a real browser."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.conftest import App, Watched
from tests.e2e.test_new_run import go_to, opened

pytestmark = pytest.mark.browser

LONG = 180_000
STUDENT = "#latency tr:has(th:text-is('Student')) td"
SHIFTS = """
window.shifts = [];
new PerformanceObserver(list => {
  for (const entry of list.getEntries()) window.shifts.push(entry.value);
}).observe({type: "layout-shift", buffered: false});
"""


def state(page: Any, wanted: str) -> None:
    page.wait_for_selector(f"#latency:not(.sr-stale) [data-state={wanted}]", timeout=LONG, state="attached")


def top_of(page: Any, selector: str) -> float:
    """In the document, wherever it is scrolled to."""
    top: float = page.evaluate("s => document.querySelector(s).getBoundingClientRect().top + scrollY", selector)
    return top


def figures(page: Any) -> list[str]:
    return [cell.inner_text() for cell in page.locator(STUDENT).all()]


def test_a_new_width_brings_new_figures_and_nothing_moves(app: App, watch: Callable[..., Watched]) -> None:
    assert app.process is not None
    watched = watch()
    page = opened(app, watched)
    go_to(page, "student")
    page.wait_for_selector("#field-student-lstm_hidden input")
    page.wait_for_selector("#drawing [data-drawing=drawn]")
    page.wait_for_timeout(500)
    page.evaluate(SHIFTS)
    place = top_of(page, "#field-student-lstm_hidden")
    state(page, "ready")
    before = figures(page)
    assert len(before) == 4 and all(float(cell) > 0 for cell in before)
    assert "by CPU time" in page.inner_text("#latency")

    page.fill("#field-student-lstm_hidden input", "0")
    state(page, "invalid")
    assert page.inner_text("#latency").strip() == ""
    page.fill("#field-student-lstm_hidden input", "700")
    state(page, "ready")
    after = figures(page)
    assert float(after[3]) > 2 * float(before[3]), "a much wider student takes more CPU time a batch"

    page.fill("#field-student-lstm_hidden input", "48")
    asked = time.monotonic()
    page.wait_for_function(
        "([selector, was]) => [...document.querySelectorAll(selector)].map(c => c.innerText).join() === was.join()",
        arg=["#latency tr:nth-last-child(2) td", before], timeout=LONG,
    )  # fmt: skip
    assert time.monotonic() - asked < 20, "what was measured once is remembered"
    assert top_of(page, "#field-student-lstm_hidden") == place
    assert page.evaluate("window.shifts.reduce((sum, shift) => sum + shift, 0)") < 0.001
    maps = Path(f"/proc/{app.process.pid}/maps")
    if maps.exists():
        assert "libtorch" not in maps.read_text()
    watched.assert_clean()


def test_a_closed_step_measures_nothing(app: App, watch: Callable[..., Watched]) -> None:
    watched = watch()
    page = opened(app, watched)
    page.click("#field-data-task label:has-text('Tagging')")
    page.wait_for_selector("#summary:has-text('office-notes')")
    page.wait_for_timeout(1500)
    assert page.locator("#latency [data-state]:not([data-state=''])").count() == 0
    watched.assert_clean()
