"""The result page of a masked language model: the same parts as of other results, told of hidden pieces."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest

from distill_core.layout import RunFolder
from distill_core.services import result_details, results
from tests.e2e.conftest import App, Watched
from tests.e2e.results import app_with, opened
from tests.finished_masked import finished_masked

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    """An app with a finished masked LM run, and with one of an earlier version."""
    home = tmp_path_factory.mktemp("masked") / "home"
    yield from app_with(home, finished_masked, partial(finished_masked, name="old", single=False))


def test_every_part_is_told_of_hidden_pieces(shown: App, watch: Callable[..., Watched], tmp_path: Any) -> None:
    watched = opened(shown, watch, "made-1")
    page, run = watched.page, RunFolder(shown.home / "runs" / "made-1")
    found = result_details.details(run)
    lost = results.lost(run)
    assert lost is not None and lost["losses"][0]["title"] in page.inner_text("#verdict-lost")

    page.click("#result-groups > summary")
    page.wait_for_selector("#result-groups tbody td")
    names = page.locator("#result-groups tbody th[scope=row]").all_inner_texts()
    assert sorted(names) == sorted(row["name"] for row in found["groups"])
    page.click("#result-confusion > summary")
    page.wait_for_selector("#result-confusion tbody td")
    pairs = found["mistakes"]["student"]["pairs"]
    first = page.locator("#result-confusion section").first.locator("tbody tr").first
    cells = first.locator("th, td").all_inner_texts()
    assert cells == [pairs[0]["gold"], pairs[0]["said"], str(pairs[0]["count"]), str(pairs[0]["of"])]
    page.click("#result-calibration > summary")
    page.wait_for_selector(".sr-reliability")
    assert page.locator(".sr-reliability").count() == 2
    said = page.inner_text("#result-calibration")
    assert f"{100 * found['calibration']['student']['ece']:.2f} points" in said and "No temperature is offered" in said
    page.click("#result-teachers > summary")
    page.wait_for_selector("#result-teachers table")
    assert f"{100 * found['teachers']['oracle']:.1f}% of the hidden pieces" in page.inner_text("#result-teachers")

    differing = result_details.disagreements(run, {})
    page.click("#result-examples > summary")
    page.wait_for_selector(".sr-text")
    counted = f"{differing['pieces']:,} hidden pieces in {differing['total']} texts"
    assert page.inner_text("#examples-found").startswith(counted)
    first = page.locator(".sr-text").first
    row = differing["rows"][0]
    marks = first.locator("mark").evaluate_all("nodes => nodes.map(node => node.firstChild.textContent)")
    assert marks == [part for part, number in row["parts"] if number]
    wrong = sum(place["chosen"] for place in row["places"])
    assert first.locator("mark.sr-hidden-chosen").count() == wrong
    assert first.locator(".sr-places").first.locator("tbody tr").count() == wrong
    kind = "punctuation and other signs"
    page.select_option("#result-examples [name=gold]", kind)
    fewer = result_details.disagreements(run, {"gold": kind})
    said = f"{fewer['pieces']} hidden"
    page.wait_for_function(f"document.querySelector('#examples-found').textContent.startsWith('{said}')")
    with page.expect_download() as download:
        page.click("#examples-csv")
    saved = tmp_path / "pieces.csv"
    download.value.save_as(saved)
    with open(saved, newline="", encoding="utf-8") as file:
        assert len(list(csv.reader(file))) == fewer["pieces"] + 1
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    watched.assert_clean()


def test_a_run_of_an_earlier_version_says_what_it_lacks(shown: App, watch: Callable[..., Watched]) -> None:
    watched = opened(shown, watch, "old-1")
    page = watched.page
    page.click("#result-confusion > summary")
    page.wait_for_selector("#result-confusion p")
    said = "rows alone were counted"
    page.wait_for_function(f"document.querySelector('#result-confusion').textContent.includes('{said}')")
    watched.assert_clean()
