from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import gradio as gr
import pytest

from distill_core.errors import NetworkError
from distill_core.services.teacher_cards import cards
from tests.unit.services.test_teacher_cards import draft
from ui import text_hub
from ui.pages import new_own
from ui.pages.new_cards import card_html, cards_html
from ui.pages.new_hub import chosen, chosen_set, guessed_columns, put_teacher, server_functions


def event(data: Any) -> Any:
    return SimpleNamespace(_data=data)


class Hub:
    def search(self, kind: str, text: str) -> list[dict[str, Any]]:
        if text == "broken":
            raise NetworkError("The Hub did not answer.", hint="Try later.")
        return [{"name": f"{kind}/{text}"}]

    def hub_configurations(self, name: str) -> list[dict[str, Any]]:
        return [{"name": "default", "splits": {"train": 3}, "columns": {}}]


def test_search_answers_and_refuses_in_words() -> None:
    functions = {function.__name__: function for function in server_functions(Hub(), "dataset")}
    assert functions["search"]({"text": "x"}) == {"found": [{"name": "dataset/x"}]}
    assert functions["search"]({"text": "broken"}) == {"error": "The Hub did not answer. Try later."}
    assert functions["configurations"]({"name": "a/b"})["found"][0]["splits"] == {"train": 3}
    for request in (None, {}, {"text": 7}, {"text": " "}, {"name": ["x"]}):
        assert functions["search"](request) == {"found": []}
    assert [function.__name__ for function in server_functions(Hub(), "model")] == ["search"]


@pytest.mark.parametrize("data", [None, [], {}, {"name": 3}, {"name": ""}, {"name": "x" * 201}])
def test_events_from_outside_are_not_believed(data: Any) -> None:
    assert chosen(event(data)) is None and chosen_set(event(data)) == {}


def test_a_found_teacher_takes_the_first_free_slot() -> None:
    shown, *updates = put_teacher("a/b", [True, True, False], ["bundled:x", " ", None])
    assert shown == [True, True, False] and updates[3 + 1] == gr.update(value="a/b")
    shown, *updates = put_teacher("a/b", [True, True, False], ["x", "y", "left over"])
    assert shown == [True, True, True] and updates[3 + 2] == gr.update(value="a/b")
    full = put_teacher("a/b", [True, True], ["x", "y"])
    assert full == [gr.skip()] * 5 == put_teacher(None, [True, False], ["", ""])


def test_a_data_set_brings_its_splits_and_columns() -> None:
    told = chosen_set(
        event(
            {
                "name": "o/n",
                "config": "en",
                "splits": ["train", "dev", "unsupervised", 3],
                "columns": {"id": "string", "sentence": "string", "intent": "class_label"},
            }
        )
    )
    assert told == {
        "data.name": "o/n", "data.config": "en", "data.train_split": "train", "data.validation_split": "dev",
        "data.test_split": "", "data.transfer_split": "unsupervised", "data.columns.text": "sentence",
        "data.columns.label": "intent",
    }  # fmt: skip
    assert chosen_set(event({"name": "o/n", "config": "default", "splits": []})) == {
        "data.name": "o/n",
        "data.config": "",
    }
    assert chosen_set(event({"name": "o/n", "splits": ["all"]}))["data.train_split"] == "all"


def test_columns_are_guessed_by_name_and_then_by_kind() -> None:
    assert guessed_columns({"a": "int64", "b": "string", "c": "class_label"}) == {"text": "b", "label": "c"}
    assert guessed_columns({"tokens": "list", "ner_tags": "list"}) == {"text": "tokens", "label": "ner_tags"}
    assert guessed_columns({}) == {"text": None, "label": None}


def test_cards_say_what_the_light_means() -> None:
    bert, roberta = cards(draft("bundled:support-bert", "bundled:support-roberta"))
    own, other = card_html(bert), card_html(roberta)
    assert "Gives the student its vocabulary" in own and "sr-light-good" in own
    assert "Another tokeniser" in other and "support-bert" in other and "sr-light-warn" in other
    assert f"{roberta['parameters'] / 1e6:.2f} M parameters" in other and "bundled" in other
    assert cards_html([]) == ""


def test_names_and_errors_are_escaped() -> None:
    card = {"number": 0, "name": "<b>x</b>", "source": "", "error": {"message": "<i>no</i>", "hint": ""}}
    said = card_html(card)
    assert "<b>x</b>" not in said and "<i>no" not in said and text_hub.REFUSED in said


def test_a_finished_student_goes_into_the_first_free_slot() -> None:
    def use(data: object, visible: list[bool], *sources: str) -> list[Any]:
        return new_own.use(SimpleNamespace(_data=data), visible, *sources)  # type: ignore[arg-type]

    updates = use({"name": "/data/runs/good"}, [True, False], "bundled:support-bert", "")
    assert updates[0] == [True, True] and updates[-1]["value"] == "/data/runs/good"
    for odd in (None, {}, {"name": 3}, {"name": "x" * 5000}):
        assert all(update == gr.skip() for update in use(odd, [True], ""))
