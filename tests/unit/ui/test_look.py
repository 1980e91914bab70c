"""What the Data step shows of a look: as HTML, and in answer to a press."""

from __future__ import annotations

import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import gradio as gr
import pytest

from distill_core.config import Remedies
from distill_core.errors import StillroomError
from tests.unit.ui.fake_services import FakeServices, sample_look
from ui import text_data
from ui.pages import new, new_look, new_words

EVIL = '<img src=x onerror="alert(1)">'


@pytest.fixture
def services(tmp_path: Path) -> FakeServices:
    return FakeServices(tmp_path)


@pytest.fixture
def page(services: FakeServices) -> new.NewRun:
    with gr.Blocks():
        return new.build(services)


def typed(page: new.NewRun, source: str, **changes: Any) -> tuple[Any, ...]:
    """changes: values by path, dots written as "__"."""
    values = [changes.get(b.path.replace(".", "__"), b.widget.value) for b in page.form.bindings]
    return (source, page.student.kind.value, *values)


def words_of(html: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", html).split())


def test_the_head_says_what_each_column_is_used_as() -> None:
    html = new_look.rows_html(sample_look())
    heads = [words_of(head) for head in re.findall(r"<th .*?</th>", html)]
    assert heads == ["id not used", "review used as text", "mood used as label"]
    assert "all &lt;b&gt;fine" in html
    assert "first 48 of about 12,000 training rows" in html


def test_sentences_are_marked_and_their_columns_named() -> None:
    rows = [{"words": "Ada spoke", "tags": "B-PER O"}]
    columns = [{"name": "tokens", "role": "text"}, {"name": "ner", "role": "label"}]
    html = new_look.rows_html(sample_look() | {"rows": rows, "columns": columns, "whole": True})
    assert "tokens: text, ner: label" in html and "<mark" in html


def test_balance_has_bars_and_figures_for_each_split() -> None:
    html = new_look.balance_html(sample_look())
    said = words_of(html)
    assert "Training 40 rows good 30 · 75% bad 10 · 25%" in said
    assert "Validation 8 rows good 4 · 50% bad 4 · 50%" in said, "classes stand in the same order everywhere"
    assert "Test" not in said and said.endswith("Transfer (no labels): 600 rows.")
    assert re.findall(r"width: ([\d.]+)%", html) == ["100.0", "33.3", "66.7", "66.7"], "one scale for all splits"
    assert html.count('aria-hidden="true"') == 4


def test_of_many_classes_the_rare_ones_are_told_as_a_sum() -> None:
    balance = [{"label": f"c{i}", "counts": {"train": 100 - i}} for i in range(15)]
    html = new_look.balance_html(sample_look() | {"balance": balance})
    assert html.count("sr-bar-row") == 12 and "and 3 more: 261 rows" in html
    assert new_look.balance_html(sample_look() | {"balance": []}) == ""


def test_lengths_are_bars_with_units() -> None:
    html = new_look.lengths_html(sample_look()["lengths"])
    said = words_of(html)
    assert re.findall(r"height: ([\d.]+)%", html) == ["50.0", "100.0", "50.0"]
    assert 'role="img" aria-label="648 inputs' in html and 'title="5 to 9 tokens: 324 · 50%"' in html
    assert "648 inputs in tokens: half have at most 7, 95% at most 19; the longest has 90." in said
    assert "At 64 tokens, <0.1% of them are cut." in said.replace("&lt;", "<")
    assert "4 tokens 162 · 25% 5 to 9 tokens 324 · 50% 10 or more tokens 162 · 25%" in said
    assert new_look.lengths_html(None) == ""
    words = sample_look()["lengths"] | {"unit": "words", "limit": None, "over": None}
    assert "cut" not in new_look.lengths_html(words)


def test_a_finding_has_its_remedy_and_an_undo() -> None:
    before, after = (new_look.findings_html(sample_look(on)) for on in ((), ("merge_label_spellings",)))
    press, undo = text_data.REMEDIES["merge_label_spellings"]
    assert 'data-remedy="merge_label_spellings"' in before and press in before and undo not in before
    assert undo in after and "Mended" in after and press not in after
    assert before.count("data-remedy") == 1, "what has no remedy has no button"
    assert "&lt;i&gt;good" in before


def test_a_remedy_that_finds_nothing_can_still_be_undone() -> None:
    html = new_look.findings_html(sample_look(("drop_duplicates",)))
    assert text_data.REMEDIES["drop_duplicates"][1] in html and "finds nothing to do" in html
    assert text_data.NOTHING_FOUND in new_look.findings_html(sample_look() | {"findings": []})


def test_every_remedy_has_words() -> None:
    assert tuple(text_data.REMEDIES) == new_look.REMEDIES == tuple(Remedies.model_fields)


def test_hostile_data_stay_text() -> None:
    found = sample_look()
    found["columns"] = [{"name": EVIL, "role": "text"}]
    found["rows"] = [{EVIL: EVIL}]
    found["balance"] = [{"label": EVIL, "counts": {"train": 1}}]
    found["findings"] = [{**found["findings"][0], "message": EVIL}]
    assert "<img" not in new_look.look_html(found)
    assert "<img" not in new_look.look_html({"error": EVIL, "field": "data"})


def test_a_press_turns_the_checkbox_over() -> None:
    def pressed(data: Any, *on: bool) -> list[Any]:
        return new_look.pressed(SimpleNamespace(_data=data), *on)  # type: ignore[arg-type]

    first = pressed({"name": "drop_duplicates"}, False, False, True)
    assert first[1] is True and first[0] == first[2] == gr.skip()
    again = pressed({"name": "drop_duplicates"}, False, True, True)
    assert again[1] is False and again[3] != first[3], "the page is told each time"
    for odd in ({"name": "train"}, {"name": None}, {}, None, "drop_duplicates"):
        assert pressed(odd, False, False, False) == [gr.skip()] * 4


def test_a_press_at_review_has_everything_checked_again() -> None:
    def pressed(data: Any) -> list[Any]:
        return new_look.pressed_at_review(SimpleNamespace(_data=data), False, False, False)  # type: ignore[arg-type]

    updates = pressed({"name": "drop_duplicates"})
    assert (
        updates[1] is True and updates[4].startswith("stay ") and updates[4] != pressed({"name": "drop_duplicates"})[4]
    )
    assert pressed({"name": "train"}) == [gr.skip()] * 5


def test_review_offers_the_same_remedies() -> None:
    spelling, applied = sample_look()["findings"][1], sample_look(("merge_label_spellings",))["findings"][1]
    html = new_words.review_html([], [], [spelling])
    assert 'data-remedy="merge_label_spellings">Merge the spellings' in html and "&lt;i&gt;" in html
    assert "Undo: keep the spellings apart" in new_words.review_html([], [], [applied])
    assert "data-remedy" not in new_words.review_html([], [], [{**spelling, "remedy": "<b>"}])


def test_the_look_follows_what_is_typed(
    page: new.NewRun, services: FakeServices, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "First rows" in new_look.told(page, services, typed(page, "bundled"))
    merged = new_look.told(page, services, typed(page, "bundled", data__remedies__merge_label_spellings=True))
    assert "Spellings merged" in merged
    assert new_look.told(page, services, typed(page, "files", data__train="")) == ""
    assert text_data.HUB in new_look.told(page, services, typed(page, "hub"))

    def broken(draft: dict[str, Any]) -> dict[str, Any]:
        raise StillroomError("The disk is gone.", hint="Look for it.")

    monkeypatch.setattr(services, "look", broken)
    assert "The disk is gone. Look for it." in new_look.told(page, services, typed(page, "bundled"))
