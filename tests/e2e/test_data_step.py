"""The Data step on the real app: untidy data are shown as they are, and mended by a press."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from tests.e2e.conftest import App, Watched
from tests.e2e.test_draft import reviewed
from tests.e2e.test_new_run import go_to, opened

pytestmark = pytest.mark.browser
REMEDIES = ("merge_label_spellings", "drop_duplicates", "drop_conflicting")


def untidy_rows() -> list[dict[str, str]]:
    """240 rows: 6 labels spelt otherwise, 8 rows that come twice, one text with two labels."""
    rows = []
    for i in range(230):
        said, mood = (("fine", "good"), ("poor", "bad"))[i % 2]
        rows.append({"id": str(i), "review": f"review number {i} of the shop was {said}", "mood": mood})
    for row in rows[0:12:2]:
        row["mood"] = "Good"
    rows += [dict(row) for row in rows[40:48]]
    rows += [{"id": "998", "review": "so so", "mood": "good"}, {"id": "999", "review": "so so", "mood": "bad"}]
    return rows


def use_file(page: Any, path: Path) -> None:
    page.click("#field-data-source label:has-text('My files')")
    page.set_input_files("#field-data-train input[type=file]", path)
    page.wait_for_selector("#data-preview th:has-text('review') .sr-role:text('used as text')")


def role_of(page: Any, column: str) -> str:
    return str(page.inner_text(f"#data-preview th:has-text('{column}') .sr-role")).split()[-1]


def test_untidy_data_are_mended_by_a_press(app: App, watch: Callable[..., Watched], tmp_path: Path) -> None:
    path = tmp_path / "untidy.csv"
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, ["id", "review", "mood"])
        writer.writeheader()
        writer.writerows(untidy_rows())
    watched = watch()
    page = opened(app, watched)
    page.wait_for_selector("#data-preview:has-text('voucher')")
    use_file(page, path)
    page.wait_for_selector("#data-preview .sr-look-bars:has-text('Good')")
    assert (role_of(page, "review"), role_of(page, "mood")) == ("text", "label")
    for remedy in REMEDIES:
        page.wait_for_selector(f"#data-preview .sr-button[data-remedy={remedy}]")
    for remedy in REMEDIES:
        page.locator(f"#data-preview .sr-button[data-remedy={remedy}]").first.click()
        page.wait_for_selector(f"#data-preview .sr-quiet[data-remedy={remedy}]")
        page.wait_for_selector("#data-preview:not(.sr-stale)")
    assert page.locator("#data-preview .sr-button[data-remedy]").count() == 0, "nothing is left to mend"
    left = page.locator("#data-preview .sr-finding-warning").all_inner_texts()
    assert all("Only" in said and "rows for validation" in said for said in left), "small data stay small"
    labels = page.locator("#data-preview .sr-look-splits .sr-bar-name").all_inner_texts()
    assert set(labels) == {"good", "bad"}
    # Taken back, and done again.
    page.click("#data-preview .sr-quiet[data-remedy=drop_conflicting]")
    page.wait_for_selector("#data-preview .sr-button[data-remedy=drop_conflicting]")
    page.click("#data-preview .sr-button[data-remedy=drop_conflicting]")
    page.wait_for_selector("#data-preview .sr-quiet[data-remedy=drop_conflicting]")
    page.wait_for_function(
        "names => { const kept = JSON.parse(localStorage.getItem('stillroom-draft')).values;"
        " return names.every(name => kept['data.remedies.' + name] === true); }",
        arg=list(REMEDIES),
    )
    go_to(page, "review")
    page.click("#check-run")
    page.wait_for_selector("#review .sr-done")
    assert page.locator("#review .sr-finding-warning:has-text('label')").count() == 0
    assert reviewed(page)["data"]["remedies"] == dict.fromkeys(REMEDIES, True)
    watched.assert_clean()


def test_a_parquet_file_is_shown_too(app: App, watch: Callable[..., Watched], tmp_path: Path) -> None:
    path = tmp_path / "reviews.parquet"
    pd.DataFrame(untidy_rows()).to_parquet(path)
    watched = watch(390, 844, color_scheme="dark")
    page = opened(app, watched)
    use_file(page, path)
    page.wait_for_selector("#data-preview .sr-look-bars:has-text('Good')")
    assert role_of(page, "review") == "text"
    assert "240 training rows" in page.inner_text("#data-preview")
    widths = page.eval_on_selector_all(
        "#data-preview .sr-look-lengths .sr-look-bar", "bars => bars.map(bar => parseFloat(bar.style.width))"
    )
    assert json.dumps(max(widths)) in ("100", "100.0")
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    watched.assert_clean()


def test_review_offers_the_remedies_and_checks_again(app: App, watch: Callable[..., Watched], tmp_path: Path) -> None:
    path = tmp_path / "untidy.csv"
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, ["id", "review", "mood"])
        writer.writeheader()
        writer.writerows(untidy_rows())
    watched = watch(390, 844)
    page = opened(app, watched)
    use_file(page, path)
    go_to(page, "review")
    button = "#review .sr-finding-warning [data-remedy=merge_label_spellings]"
    page.wait_for_selector(button, timeout=90_000)
    page.locator(button).first.click()
    page.wait_for_selector("#review .sr-finding-mended:has-text('spellings')", timeout=90_000)
    assert page.locator(button).count() == 0
    assert "merge_label_spellings: true" in page.inner_text("#review-yaml")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    watched.assert_clean()
