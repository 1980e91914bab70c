"""Pages on scripted services: what their server functions answer, also to requests that no page would send."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import gradio as gr
import pytest

from tests.unit.ui.fake_services import FakeServices
from ui import markup
from ui.build import build_app, page_of
from ui.pages import header, new, new_data, new_words, run

EVIL = '<img src=x onerror="alert(1)">'


@pytest.fixture
def services(tmp_path: Path) -> FakeServices:
    found = FakeServices(tmp_path, seconds=5)
    found.add("one", "done", ago=100, run_id="done-1")
    found.add(EVIL, "running", run_id="now-1")
    return found


@pytest.fixture
def functions(services: FakeServices) -> dict[str, Any]:
    return {fn.__name__: fn for fn in run.server_functions(services)}


@pytest.mark.parametrize("request_", [None, 3, "x", [], {}, {"run": 5}, {"run": "../../etc"}, {"run": "a" * 99}])
def test_any_request_is_survived(functions: dict[str, Any], request_: Any) -> None:
    assert functions["live"](request_)["unknown"] is True
    for name in ("stop", "resume", "settings"):
        assert "error" in functions[name](request_)


@pytest.mark.parametrize("cursor", ["7", -1, 2.5, None, True, [1]])
def test_a_bad_cursor_counts_as_the_start(functions: dict[str, Any], cursor: Any) -> None:
    assert functions["live"]({"run": "done-1", "cursor": cursor})["rows"][0]["seq"] == 1


def test_live_gives_only_what_is_new_and_only_json(functions: dict[str, Any]) -> None:
    first = functions["live"]({"run": "done-1", "cursor": 0})
    json.dumps(first, allow_nan=False)
    assert any(row["value"] is None for row in first["rows"])
    assert functions["live"]({"run": "done-1", "cursor": first["cursor"]})["rows"] == []


def test_refusals_are_told_in_words(functions: dict[str, Any]) -> None:
    assert functions["resume"]({"run": "done-1"})["error"] == "This run is done; there is nothing to resume."


def test_settings_give_file_and_command(functions: dict[str, Any]) -> None:
    answer = functions["settings"]({"run": "done-1"})
    assert "support-desk" in answer["yaml"] and answer["command"].startswith("python -m distill_core run")


@pytest.mark.parametrize(
    ("query", "page"),
    [
        ({}, "home"),
        ({"run": "x"}, "run"),
        ({"view": "new"}, "new"),
        ({"view": "runs"}, "runs"),
        ({"view": "?"}, "home"),
    ],
)
def test_the_query_string_chooses_the_page(query: dict[str, str], page: str) -> None:
    assert page_of(query) == page


def test_app_is_built_from_services_alone(services: FakeServices, tmp_path: Path) -> None:
    app = build_app(services, tmp_path / "students")
    ids = {block.elem_id for block in app.blocks.values() if getattr(block, "elem_id", None)}
    assert {"run-demo", "start-run", "download-student", "field-data-train", "error-data-train"} <= ids
    skeleton = run.TOP + run.BOTTOM
    for wanted in ("run-status", "live-charts", "stop-run", "resume-run", "result"):
        assert f'id="{wanted}"' in skeleton
    assert not [fn.api_name for fn in app.fns.values() if fn.api_visibility == "public"]


def test_machine_in_words() -> None:
    machine = {"device": "cpu", "device_name": "CPU", "cores": 2, "memory_gb": 15.6, "offline": False, "ready": True}
    said = header.describe(machine)
    assert said == {"short": "CPU · 2", "long": "CPU · 2 cores · 16 GB memory", "ready": True}
    assert not header.describe({"device": "checking…", "ready": False, "offline": None})["ready"]


@pytest.fixture
def page(services: FakeServices) -> new.NewRun:
    with gr.Blocks():
        return new.build(services)


def typed_of(page: new.NewRun, **changes: Any) -> tuple[Any, ...]:
    values = [page.data.source.value, page.kind.value]
    for binding in page.form.bindings:
        key = binding.path.replace(".", "__")
        values.append(changes[key] if key in changes and binding.counts({"data": "bundled", "student": "bilstm"})
                      else binding.widget.value)  # fmt: skip
    return tuple(values)


def test_untouched_page_can_start(page: new.NewRun, services: FakeServices) -> None:
    run_id, updates = new.start(page, services, "token", typed_of(page))
    assert run_id in services.store and len(updates) == len(page.checked)
    assert [t.source for t in services.started[0].teachers] == ["bundled:support-bert", "bundled:support-roberta"]
    again, _ = new.start(page, services, "token", typed_of(page))
    assert again == run_id and len(services.started) == 1


def test_start_with_errors_starts_nothing_and_opens_the_step(page: new.NewRun, services: FakeServices) -> None:
    typed = typed_of(page, teachers__1__source="/nowhere/x", training__epochs=0)
    run_id, updates = new.start(page, services, "token", typed)
    assert run_id == "" and services.started == []
    assert [step["open"] for step in updates[:5]] == [False, False, False, True, False]
    at = 5 + [binding.path for binding in page.form.bindings].index("training.epochs")
    assert updates[at]["visible"] and "greater than or equal to 1" in updates[at]["value"]


def test_a_refused_start_is_told(page: new.NewRun, services: FakeServices) -> None:
    run_id, updates = new.start(page, services, "token", typed_of(page, name="queue full"))
    assert run_id == "" and "The queue is full" in updates[-3]


def test_a_recipe_fills_in_and_resets(page: new.NewRun, services: FakeServices) -> None:
    recipe = next(item for item in services.recipes() if item["name"] == "mt_bert")
    said, kind, *updates = new.fill_recipe(page, recipe)
    assert recipe["paper"] in said and kind["value"] == "transformer"
    by_path = {
        binding.path: update
        for binding, update in zip(page.form.bindings, updates, strict=True)
        if binding.counts({"student": "transformer", "data": "bundled"})
    }
    assert by_path["student.layers"]["value"] == recipe["config"]["student"]["layers"]
    assert "value" not in by_path["teachers.0.source"]


def test_what_people_typed_is_escaped_everywhere(services: FakeServices) -> None:
    draft = {"data": {"name": EVIL}, "teachers": [{"source": EVIL}], "student": {"kind": EVIL, "layers": EVIL}}
    pages = [
        new_words.summary_html(draft, {"error": EVIL}),
        new_words.review_html([], [], [{"severity": "error", "message": EVIL, "rows": [EVIL], "count": 1}]),
        new_words.recipe_html({"summary": EVIL, "paper": EVIL}),
        markup.table([{EVIL: EVIL}]),
    ]
    assert not [html for html in pages if "<img" in html]
    assert "<img" not in new_data.store(services, None)[1]


def test_not_a_number_becomes_none() -> None:
    assert markup.finite({"a": [math.nan, 1.0, (math.inf,)]}) == {"a": [None, 1.0, [None]]}
