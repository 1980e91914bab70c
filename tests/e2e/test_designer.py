"""The student designer in a real browser: sliders, numbers beyond them, and the drawing that follows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.e2e.conftest import App, Watched
from tests.e2e.test_new_run import go_to, opened

pytestmark = pytest.mark.browser

LONG = 90_000
TABLE_HOLDS = "words => document.querySelector('#drawing table')?.textContent.includes(words)"
DRAWN = "#drawing:not(.sr-stale) [data-drawing=drawn]"


def student_step(app: App, watched: Watched) -> Any:
    page = opened(app, watched)
    go_to(page, "student")
    page.wait_for_selector(DRAWN, timeout=LONG)
    return page


def slide(page: Any, name: str, to: int) -> None:
    """As a hand does it: the slider takes the nearest place it has."""
    page.locator(f"#slide-student-{name}").evaluate(
        "(node, to) => { node.value = to; node.dispatchEvent(new Event('input', {bubbles: true})); }", to
    )


def number(page: Any, name: str) -> str:
    return str(page.locator(f"#field-student-{name} input").input_value())


def layers(page: Any, side: str) -> int:
    """Boxes called “Layer …” of the first teacher (left) or the student (right)."""
    found: int = page.evaluate(
        "left => [...document.querySelectorAll('#drawing svg[viewBox]')[0].querySelectorAll('.sr-box')].filter(box => "
        "box.textContent.startsWith('Layer') && (+box.querySelector('rect').getAttribute('x') < 100) === left).length",
        side == "teacher",
    )
    return found


def test_the_drawing_follows_sliders_and_numbers(app: App, watch: Callable[..., Watched]) -> None:
    watched = watch()
    page = student_step(app, watched)
    page.click("#field-student-kind label:has-text('Transformer')")
    page.wait_for_function(TABLE_HOLDS, arg="Layer 4", timeout=LONG)
    assert layers(page, "teacher") == 4 and layers(page, "student") == 4
    assert "Hidden states, by token: layer 4" in str(page.locator("#drawing table").text_content())

    slide(page, "layers", 6)
    assert number(page, "layers") == "6"
    page.wait_for_function(TABLE_HOLDS, arg="Layer 6", timeout=LONG)
    assert layers(page, "student") == 6
    page.wait_for_selector("#summary:has-text('6 layers')", timeout=LONG)

    heads, width = int(number(page, "heads")), int(number(page, "hidden"))
    slide(page, "hidden", width + heads + 1)
    assert int(number(page, "hidden")) % heads == 0 and int(number(page, "hidden")) > width
    slide(page, "heads", 1)  # the second of the width's divisors
    assert number(page, "heads") == "2" and heads != 2 and int(number(page, "hidden")) % 2 == 0

    page.fill("#field-student-layers input", "20")  # beyond the slider
    page.wait_for_selector("#summary:has-text('20 layers')", timeout=LONG)
    page.wait_for_function(TABLE_HOLDS, arg="Layer 20", timeout=LONG)
    assert number(page, "layers") == "20" and page.input_value("#slide-student-layers") == "12"
    watched.leave(f"{app.address}/?view=new")
    page.wait_for_selector("#summary:has-text('20 layers')", timeout=LONG)
    watched.assert_clean()


def test_what_is_missing_is_said_and_the_room_is_kept(app: App, watch: Callable[..., Watched]) -> None:
    watched = watch()
    page = student_step(app, watched)
    assert page.locator("#drawing svg[viewBox]").count() == 2
    before = page.locator("#drawing").bounding_box()["height"]
    page.fill("#field-student-embedding input", "900")
    page.wait_for_selector(
        "#drawing [data-drawing=missing]:has-text('embedding gives at most 128 units')", timeout=LONG
    )
    assert page.locator("#drawing svg[viewBox]").count() == 0
    assert page.locator("#drawing").bounding_box()["height"] == before
    page.fill("#field-student-embedding input", "48")
    page.wait_for_function(TABLE_HOLDS, arg="Embedding, 48", timeout=LONG)
    watched.assert_clean()


def test_the_drawing_fits_a_phone(app: App, watch: Callable[..., Watched]) -> None:
    watched = watch(390, 844, color_scheme="dark")
    page = student_step(app, watched)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    right = page.evaluate(
        "Math.max(...[...document.querySelectorAll('#drawing svg rect')].map(r => r.getBoundingClientRect().right))"
    )
    assert right <= 390
    watched.assert_clean()


def test_a_greyed_recipe_says_why_and_can_be_taken_all_the_same(app: App, watch: Callable[..., Watched]) -> None:
    watched = watch()
    page = opened(app, watched)
    go_to(page, "method")
    greyed = page.locator("#field-recipe label[data-unfit]")
    greyed.first.wait_for(timeout=LONG)
    ner = page.locator("#field-recipe label:has-text('XtremeDistil')")
    assert (
        ner.get_attribute("data-unfit") is not None and "Not now: it is made for the task “Tagging”" in ner.inner_text()
    )
    assert page.locator("#field-recipe label[data-unfit]:has-text('MT-BERT')").count() == 0
    chosen = page.locator("#field-recipe label:has(input:checked)").inner_text()

    ner.click()
    page.wait_for_selector("#recipe-about:has-text('was not filled in') [data-recipe]")
    assert page.locator("#field-recipe label:has(input:checked)").inner_text() == chosen
    page.click("#recipe-about [data-recipe]")
    page.wait_for_selector("#formula li:has-text('on the transfer set')", timeout=LONG)
    page.wait_for_selector("#field-recipe label[data-unfit]:has-text('MT-BERT')", timeout=LONG)
    assert page.locator("#field-recipe label[data-unfit]:has-text('XtremeDistil')").count() == 0
    watched.assert_clean()
