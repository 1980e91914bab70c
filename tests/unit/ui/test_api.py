"""The public API's functions on real services: typed answers, words for what is refused, untrusted inputs."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import gradio as gr
import pytest
import yaml

from distill_core.errors import StillroomError
from distill_core.layout import RECIPES, DataHome
from distill_core.services import Services, api_services
from distill_core.services.warm import Answer
from distill_core.settings import Settings
from tests.fake_run import config
from tests.finished_run import finished_run
from ui import api
from ui.build import build_app

DEMO = (RECIPES / "demo.yaml").read_text(encoding="utf-8")
Functions = dict[str, Callable[..., Any]]


def services_on(home: Path, **more: Any) -> Services:
    return Services(Settings(DataHome(home), device="cpu", **more))


@pytest.fixture
def services(tmp_path: Path) -> Iterator[Services]:
    """Nothing is started in the background: runs stay queued."""
    finished_run(tmp_path / "home" / "runs" / "made-1")
    found = services_on(tmp_path / "home")
    found.supervisor.start()
    found.supervisor.close()
    yield found
    found.close()


@pytest.fixture
def called(services: Services) -> Functions:
    return {function.__name__: function for function in api.functions(services)}


def test_only_these_are_public(services: Services, tmp_path: Path) -> None:
    app = build_app(services, tmp_path / "downloads")
    public = {fn.api_name: fn for fn in app.fns.values() if fn.api_visibility != "private"}
    assert list(public) == list(api.NAMES)
    types = app.get_api_info()["named_endpoints"]
    assert types["/start"]["returns"][0]["type"] == {"type": "string"}
    assert types["/status"]["returns"][0]["type"]["type"] == "object"
    texts = next(one for one in types["/predict"]["parameters"] if one["parameter_name"] == "texts")
    assert texts["type"] == {"type": "array", "items": {"type": "string"}} and not texts["parameter_has_default"]


def test_a_config_is_checked_and_started_as_yaml_and_as_json(called: Functions) -> None:
    looked = called["check"](DEMO)
    assert looked["ok"] and looked["errors"] == [] and looked["summary"]["student"]["parameters"] > 0
    run = called["start"](DEMO, "press")
    assert called["start"](json.dumps(yaml.safe_load(DEMO)), "press") == run
    state = called["status"](run)
    assert state["status"] == "queued" and state["queue_position"] == 1 and state["error"] is None
    assert called["stop"](run) == "stopped"
    assert called["start"](yaml.safe_load(DEMO)) != run  # what a program gives instead of text
    rows = called["runs"]()
    assert {row["id"] for row in rows} >= {run, "made-1", "support-demo"}
    json.dumps(rows, allow_nan=False)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("data: [", "not valid YAML"),
        ("- a", "no run config"),
        (7, "must be text"),
        (None, "must be text"),
        ("a: &a [1]\nb: *a", "aliases"),
        ("a" * 300_000, "too long"),
        ("seeds: x", "seeds: input should be a valid list"),
        ("{}", "data: this setting is missing"),
    ],
)
def test_a_config_at_fault_is_refused_in_words(called: Functions, given: Any, said: str) -> None:
    with pytest.raises(gr.Error) as caught:
        called["start"](given)
    assert said in str(caught.value) and not caught.value.print_exception


@pytest.mark.parametrize("run", ["nobody", "", "../../etc", "a/b", None, 7, {"a": 1}])
def test_unknown_runs_are_refused_in_words(called: Functions, run: Any) -> None:
    for name in ("status", "result", "stop"):
        with pytest.raises(gr.Error, match="There is no"):
            called[name](run)
    with pytest.raises(gr.Error, match="There is no"):
        called["predict"](run, ["text"])


def test_the_result_is_the_folders(called: Functions, services: Services) -> None:
    found = called["result"]("made-1")
    report = services.report("made-1")
    assert report is not None
    assert found["headline"] == report["conclusion"]["headline"] and "report" not in found
    assert found["verdict"] == services.verdict("made-1")["verdict"] in ("ship", "no", "unsure")
    assert found["compression"] == pytest.approx(services.runs()[0]["compression"])
    assert called["result"]("made-1", True)["report"]["conclusion"] == report["conclusion"]
    with pytest.raises(gr.Error, match="no report yet"):
        called["result"](services.start(config("waits")))


def answer_with(services: Services, monkeypatch: pytest.MonkeyPatch, answer: Answer) -> list[dict[str, Any]]:
    asked: list[dict[str, Any]] = []

    def wait(key: str, request: Any, timeout_s: float) -> Answer:
        del key, timeout_s
        asked.append(request.payload)
        return answer

    monkeypatch.setattr(services._playground.child, "wait", wait)
    (services.home.run("made-1").student).mkdir(parents=True)
    return asked


def test_predictions_are_the_students(
    called: Functions, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:  # fmt: skip
    seats = [
        {"key": "t", "role": "teacher", "name": "bert", "seconds": 0.2, "answers": [{"label": "a"}]},
        {"key": "s", "role": "student", "name": "student", "seconds": 0.1, "answers": [{"label": "b"}]},
    ]
    table = {"unit": "example", "plain": False, "models": seats, "loaded_s": 1.0, "device": "cpu", "threads": 1}
    asked = answer_with(services, monkeypatch, Answer("ready", table))
    found = called["predict"]("made-1", ["one"])
    assert found["models"] == [{"role": "student", "name": "student", "seconds": 0.1, "answers": [{"label": "b"}]}]
    assert [model["role"] for model in called["predict"]("made-1", ["one"], ["two"], True)["models"]] == [
        "teacher",
        "student",
    ]
    assert asked[0]["pairs"] is None and asked[1]["pairs"] == ["two"]


def test_predictions_that_take_too_long_are_told(
    called: Functions, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:  # fmt: skip
    answer_with(services, monkeypatch, Answer("starting"))
    with pytest.raises(gr.Error, match="no answer within"):
        called["predict"]("made-1", ["one"])
    taken = [api_services._waiting.acquire(blocking=False) for _ in range(api_services.MOST_WAITING)]
    assert all(taken)
    try:
        with pytest.raises(gr.Error, match="others are waiting"):
            called["predict"]("made-1", ["one"])
    finally:
        for _ in taken:
            api_services._waiting.release()


@pytest.mark.parametrize(
    ("texts", "pairs", "said"),
    [
        ("one", None, "must be a list"),
        ([1], None, "must be a list"),
        (["a"], "b", "must be a list"),
        (["a"] * 201, None, "At most 200"),
        (["a", " "], None, "Text 2 is empty"),
        (["a", "b"], ["c"], "1 second texts"),
        (["a" * 5001], None, "more than 5,000"),
        ([], None, "no text"),
    ],
)
def test_texts_at_fault_are_refused_in_words(called: Functions, texts: Any, pairs: Any, said: str) -> None:
    with pytest.raises(gr.Error, match=said):
        called["predict"]("made-1", texts, pairs)


def test_an_examples_student_is_not_there_and_it_cannot_be_stopped(called: Functions) -> None:
    with pytest.raises(gr.Error, match="not kept here"):
        called["predict"]("support-demo", ["one"])
    with pytest.raises(gr.Error, match="example"):
        called["stop"]("support-demo")
    assert called["status"]("support-demo")["status"] == "done"


def test_strangers_may_name_no_files_of_this_machine(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("text,label\n")
    public = services_on(tmp_path / "home", host="0.0.0.0", allow_public=True)
    called = {function.__name__: function for function in api.functions(public)}
    raw = config().model_dump(mode="json")
    for change, field in (
        ({"data": {"source": "files", "train": str(tmp_path / "a.csv")}}, "data.train"),
        ({"teachers": [{"source": str(tmp_path)}]}, "teachers.0.source"),
        ({"teachers": [{"source": "/nowhere/at/all"}]}, "teachers.0.source"),
    ):
        given = json.dumps({**raw, **change})
        assert field in [error["field"] for error in called["check"](given)["errors"]]
        with pytest.raises(gr.Error, match=f"{field}: "):
            called["start"](given)
    assert public.runs() == []
    public.close()


def test_a_failure_of_ours_is_no_refusal(services: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    assert issubclass(api.Refused, gr.Error) and not issubclass(api.Refused, StillroomError)
    monkeypatch.setattr(services, "state", lambda run_id: 1 / 0)
    status = next(function for function in api.functions(services) if function.__name__ == "status")
    with pytest.raises(ZeroDivisionError):
        status("made-1")
