"""What is typed for a sweep comes back: as it was left, or as at first where it is odd or the draft was cleared."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import gradio as gr
import pytest

from tests.unit.ui.fake_services import FakeServices
from ui import filling
from ui.pages import new, new_fill, new_open
from ui.pages import new_sweep_kept as kept
from ui.pages.new_sweep import ROWS, SHOWN

LEFT = {
    "field.0": "training.learning_rate", "values.0": "0.01, 0.0", "field.3": "student.lstm_hidden",
    "values.3": "8 to 64", "values.4": "[unfinished", "sampler": "random", "trials": 7, "minutes": "an hour",
    "costs": ["latency"], "prune": False,
}  # fmt: skip


@pytest.fixture(scope="module")
def services(tmp_path_factory: pytest.TempPathFactory) -> FakeServices:
    return FakeServices(tmp_path_factory.mktemp("home"))


@pytest.fixture(scope="module")
def page(services: FakeServices) -> new.NewRun:
    with gr.Blocks():
        return new.build(services)


def shown(page: new.NewRun, left: Mapping[str, Any] | None, **more: Any) -> dict[int, Any]:
    parts = kept.restored(page.sweep)
    updates = kept.restore(page.sweep, left, **more)
    assert len(parts) == len(updates)
    return dict(zip(map(id, parts), updates, strict=True))


def test_it_comes_back_with_its_mistakes(page: new.NewRun) -> None:
    part, at = page.sweep, shown(page, LEFT)
    keys = dict(zip(kept.keys(part), part.typed, strict=True))
    assert {key: at[id(keys[key])]["value"] for key in LEFT} == LEFT
    assert at[id(keys["field.1"])]["value"] is None and at[id(keys["values.1"])]["value"] == ""
    assert at[id(part.prune)]["interactive"] is False, "against costs nothing is ended early"
    assert [at[id(row)]["visible"] for row in part.rows] == [True] * 5 + [False] * (ROWS - 5)
    assert at[id(part.seen)] == 5 and at[id(part.more)]["visible"] is True
    # A choice must be among what is offered, or the page would be told of an error for it.
    for path in part.paths:
        assert [value for _, value in at[id(path)]["choices"]] == ["training.learning_rate", "student.lstm_hidden"]


def test_settings_go_by_their_words_where_they_are_known(page: new.NewRun) -> None:
    choices = [("Learning rate (training.learning_rate)", "training.learning_rate"), ("Epochs", "training.epochs")]
    at = shown(page, {**LEFT, "open": True}, choices=choices)
    assert at[id(page.sweep.paths[0])]["choices"] == [*choices, ("student.lstm_hidden", "student.lstm_hidden")]
    assert at[id(page.sweep.box)]["open"] is True and shown(page, LEFT)[id(page.sweep.box)]["open"] is False
    assert shown(page, {"open": True})[id(page.sweep.box)]["open"] is False, "nothing is in it: opening fills it in"


@pytest.mark.parametrize(
    "odd",
    [
        {}, {"field.0": "../../x", "values.0": 5, "sampler": "x", "trials": "many", "costs": "latency", "prune": "yes"},
        {"field.0": ["a"], "values.0": "a\nb", "minutes": {"a": 1}, "costs": ["<b>"], "trials": 1e999, "prune": None},
        {"field.0": None, "values.0": "\ud800", "trials": True, "open": "yes", "other": 1}, {"values.0": "x" * 5000},
    ],
)  # fmt: skip
def test_what_is_odd_is_as_at_first(page: new.NewRun, services: FakeServices, odd: dict[str, Any]) -> None:
    assert kept.unpack(page.sweep, odd) == kept.first(page.sweep)
    assert shown(page, odd)[id(page.sweep.seen)] == SHOWN
    told = new_open.first_sight(page, services, {}, new_fill.read_kept(json.dumps({"sweep": odd})))
    assert len(told) == len(new_open.seen_first(page))


@pytest.mark.parametrize("said", [None, "", '{"sweep": 3}', '{"sweep": ["a"]}', '{"values": {}}'])
def test_where_nothing_was_kept_nothing_changes(page: new.NewRun, said: Any) -> None:
    found = new_fill.read_kept(said)
    assert found.sweep is None
    assert all(update == gr.skip() for update in kept.restore(page.sweep, found.sweep))


def opened(page: new.NewRun, updates: list[Any]) -> dict[int, Any]:
    return dict(zip(map(id, new_open.opened(page)), updates, strict=False))


def test_it_goes_with_the_draft_and_is_brought_back_with_it(page: new.NewRun, services: FakeServices) -> None:
    first = new_fill.typed(new_fill.first(page))
    typed = list(kept.unpack(page.sweep, LEFT).values())
    cleared = opened(page, new_open.again(page, "0,1", "pkd", "", *first, *typed))
    values = [cleared[id(widget)]["value"] for widget in page.sweep.typed]
    assert values == list(kept.first(page.sweep).values())
    undo = cleared[id(page.undo)]
    back = opened(page, new_open.bring_back(page, undo))
    assert [back[id(widget)]["value"] for widget in page.sweep.typed] == typed

    # A recipe of the address fills another draft: a sweep of the one before does not stay either.
    browser = new_fill.read_kept(json.dumps({"values": {"training.epochs": 3}, "visited": "0", "sweep": LEFT}))
    found = new_open.opening(page, services, {"recipe": "mt_bert"}, browser)
    assert found.sweep == {} and found.undo is not None and found.undo[new_open.SWEEP] == LEFT
    assert new_open.opening(page, services, {}, browser).sweep == LEFT
    assert new_open.opening(page, services, {"recipe": "nobody"}, browser).sweep == LEFT


def test_a_file_leaves_it_as_it_is(page: new.NewRun, services: FakeServices) -> None:
    given = ("0", None, "", *new_fill.typed(new_fill.first(page)))
    at = opened(page, new_open.take_file(page, services, ({"name": "x"}, None), given))
    assert all(at[id(part)] == gr.skip() for part in kept.restored(page.sweep))
    again = opened(page, new_open.bring_back(page, at[id(page.undo)]))
    assert all(again[id(part)] == gr.skip() for part in kept.restored(page.sweep))


def test_every_field_has_a_key(page: new.NewRun) -> None:
    assert len(kept.keys(page.sweep)) == len(page.sweep.typed) == len(set(kept.keys(page.sweep)))
    assert filling.Kept().sweep is None
