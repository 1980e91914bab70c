"""Greyed recipe cards: what they say, and what happens when one is pressed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gradio as gr
import pytest

from tests.unit.ui.fake_services import FakeServices
from ui.pages import new, new_estimate, new_fits, new_recipes

REASON = {"field": "objective.teacher_weighting", "message": "it chooses among <several>.", "hint": "Add a teacher."}
ESTIMATE = {"seconds": 180.0, "low": 120.0, "high": 300.0}


class Picky(FakeServices):
    measuring = False

    def recipe_fits(self, draft: dict[str, Any]) -> list[dict[str, Any]]:
        self.draft = draft
        rows = super().recipe_fits(draft)
        for row in rows:
            if row["name"] == "skdbert":
                row["reason"] = REASON
            if row["name"] == "mt_bert":
                row["estimate"] = ESTIMATE
            if row["name"] == "tinybert" and self.measuring:
                row["estimate"] = {"state": "measuring"}
        return rows


@pytest.fixture
def page(tmp_path: Path) -> tuple[new.NewRun, Picky]:
    services = Picky(tmp_path)
    with gr.Blocks():
        built = new.build(services)
    return built, services


def typed(page: new.NewRun) -> tuple[Any, ...]:
    return ("bundled", "bilstm", *(binding.widget.value for binding in page.form.bindings))


def test_cards_say_why_not_and_how_long(page: tuple[new.NewRun, Picky]) -> None:
    built, services = page
    update, marks = new_fits.told(built, services, typed(built))
    cards = {name: words.split("\n") for words, name in update["choices"]}
    assert set(cards) == {item["name"] for item in built.method.recipes}
    assert cards["skdbert"][1] == "Not now: it chooses among <several>."
    assert cards["mt_bert"][-1] == "Takes about 3 min (2 min to 5 min) here"
    assert not any(line.startswith(("Not now", "Takes")) for line in cards["pkd"])
    place = [item["name"] for item in built.method.recipes].index("skdbert")
    assert marks == f'<span data-unfit="{place}"></span>'
    assert services.draft["teachers"][0]["source"] == "bundled:support-bert"


def test_a_time_under_way_is_told_and_asked_again(page: tuple[new.NewRun, Picky]) -> None:
    built, services = page
    services.measuring = True
    update, marks = new_fits.told(built, services, typed(built))
    cards = {name: words.split("\n") for words, name in update["choices"]}
    assert cards["tinybert"][-1] == "Measuring how long it takes here …"
    assert " data-pending" in marks


def test_a_greyed_card_explains_itself_and_changes_nothing(page: tuple[new.NewRun, Picky]) -> None:
    built, services = page
    updates = new_fits.pressed(built, services, "skdbert", "mt_bert", "classification", typed(built))
    outputs = new_recipes.filled(built)
    assert len(updates) == len(outputs)
    changed = {outputs[i]._id: update for i, update in enumerate(updates) if update != gr.skip()}
    assert changed.pop(built.method.recipe._id)["value"] == "mt_bert"
    said = changed.pop(built.method.said._id)
    assert changed == {}
    assert "It chooses among &lt;several&gt;. Add a teacher." in said and 'data-recipe="skdbert"' in said
    assert 'data-step="' not in said, "the reason lies in this step"


def test_a_reason_in_another_step_leads_there(page: tuple[new.NewRun, Picky], monkeypatch: pytest.MonkeyPatch) -> None:
    built, services = page
    monkeypatch.setitem(REASON, "field", "data.task")
    updates = new_fits.pressed(built, services, "skdbert", None, "classification", typed(built))
    said = updates[[c._id for c in new_recipes.filled(built)].index(built.method.said._id)]
    assert 'data-step="data"' in said and "Go to Data" in said


def test_a_card_that_suits_fills_in(page: tuple[new.NewRun, Picky]) -> None:
    built, services = page
    updates = new_fits.pressed(built, services, "pkd", "mt_bert", "classification", typed(built))
    ids = [component._id for component in new_recipes.filled(built)]
    assert updates[ids.index(built.method.last._id)] == "pkd"
    assert updates[ids.index(built.student.kind._id)]["value"] == "transformer"


class Event:
    def __init__(self, data: Any) -> None:
        self._data = data


@pytest.mark.parametrize("data", [None, {}, {"name": ["x"]}, "skdbert"])
def test_a_made_up_name_fills_nothing(page: tuple[new.NewRun, Picky], data: Any) -> None:
    built, _ = page
    name = new_fits._name(Event(data))  # type: ignore[arg-type]
    updates = new_recipes.fill(built, built.method.named(name), "classification")
    assert all(update == gr.skip() for update in updates)


@pytest.mark.parametrize(
    ("seconds", "low", "high", "words"),
    [
        (120, 68, 118, "about 2 min (1 min to 2 min)"),
        (60, 40, 85, "about 60 s (40 s to 85 s)"),
        (180, 120, 300, "about 3 min (2 min to 5 min)"),
        (100, 20, 200, "about 2 min (20 s to 3 min)"),
    ],
)
def test_a_span_is_told_in_one_unit(seconds: float, low: float, high: float, words: str) -> None:
    assert new_estimate.span({"seconds": seconds, "low": low, "high": high}) == words
