"""Examples on Home: opened at the first start, looked at, and never changed."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from distill_core.layout import EXAMPLES, RunFolder
from distill_core.services import results
from tests.e2e.conftest import App, Watched

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    opened = App(tmp_path_factory.mktemp("examples") / "home").start()
    yield opened
    opened.close()


def contents() -> dict[str, bytes]:
    return {str(p): p.read_bytes() for p in EXAMPLES.rglob("*") if p.is_file() and p.suffix != ".pyc"}


@pytest.mark.parametrize("name", ["support-demo", "multilingual-ner", "agnews-bilstm"])
def test_an_example_opens_from_home_and_stays_as_it_is(fresh: App, watch: Callable[..., Watched], name: str) -> None:
    before, page = contents(), watch().page
    page.goto(fresh.address)
    page.click(f"#home-examples a[href='?run={name}']")
    page.wait_for_selector("#verdict-checks li")
    found = results.verdict(RunFolder(EXAMPLES / name))
    assert page.text_content("#verdict .sr-verdict") == found["words"]
    assert "Example: stays as it is" in page.inner_text("#run-tags")
    page.click("#run-menu > summary")
    for action in ("stop-run", "resume-run", "describe-run", "archive-run", "delete-run", "run-description"):
        assert not page.is_visible(f"#{action}"), action
    page.click("#verdict-thresholds > summary")
    page.fill("#verdict-thresholds [name=keep]", "10")
    page.wait_for_function(
        "document.querySelector('#thresholds-said').textContent.includes('an example keeps nothing')"
    )
    assert contents() == before
    if not page.is_visible("#duplicate-run"):
        page.click("#run-menu > summary")
    page.click("#duplicate-run")
    page.wait_for_url(re.compile(rf"view=new&from={name}"))
    assert Path(fresh.home / "runs").is_dir() and not list((fresh.home / "runs").iterdir())
