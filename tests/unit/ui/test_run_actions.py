from __future__ import annotations

from typing import Any

import pytest

from distill_core.errors import JobError
from ui.pages.run_actions import server_functions, words_of


class Recorder:
    """Answers like `Services`; every call is kept."""

    def __init__(self) -> None:
        self.calls: list[tuple[Any, ...]] = []

    def annotate(self, run_id: str, **words: Any) -> None:
        self.calls.append(("annotate", run_id, words))

    def delete(self, run_id: str) -> None:
        raise JobError("It runs.", hint="Stop it.", field="status")

    def retry(self, run_id: str, *, token: str | None) -> str:
        self.calls.append(("retry", run_id, token))
        return "new-1"

    def log(self, run_id: str, search: str) -> dict[str, Any]:
        self.calls.append(("log", run_id, search))
        return {"lines": [], "found": 0, "total": 0}

    def differences(self, run_id: str, other: str) -> list[dict[str, Any]]:
        return [{"field": "x", "here": float("nan"), "there": 1}]

    def runs(self) -> list[dict[str, Any]]:
        return [{"id": "a-1", "name": "this"}, {"id": "b-1", "name": "other"}]


@pytest.fixture
def services() -> Recorder:
    return Recorder()


@pytest.fixture
def functions(services: Recorder) -> dict[str, Any]:
    return {function.__name__: function for function in server_functions(services)}


@pytest.mark.parametrize("request_", [None, [], {}, {"run": "../etc"}, {"run": 7}, {"run": "a-1", "other": "../x"}])
def test_requests_from_outside_are_not_believed(functions: dict[str, Any], request_: Any) -> None:
    known = isinstance(request_, dict) and request_.get("run") == "a-1"
    for name, function in functions.items():
        if not known or name == "differences":
            assert "no run with this name" in function(request_)["error"]


def test_what_is_of_another_kind_is_left_out() -> None:
    given = {"name": 7, "tags": ["a"], "notes": None, "archived": "yes", "id": "x"}
    assert words_of(given) == {}
    assert words_of({"name": "n", "tags": "a, b", "archived": False}) == {
        "name": "n",
        "tags": ["a", " b"],
        "archived": False,
    }


def test_answers_and_refusals(services: Recorder, functions: dict[str, Any]) -> None:
    assert functions["annotate"]({"run": "a-1", "name": "n"}) == {"saved": True}
    assert functions["remove"]({"run": "a-1"}) == {"error": "It runs. Stop it.", "field": "status"}
    assert functions["retry"]({"run": "a-1", "token": "t" * 100}) == {"run": "new-1"}
    assert functions["log"]({"run": "a-1", "search": ["x"]})["total"] == 0
    assert functions["others"]({"run": "a-1"}) == {"runs": [{"id": "b-1", "name": "other"}]}
    assert functions["differences"]({"run": "a-1", "other": "b-1"})["rows"][0]["here"] is None
    assert services.calls == [("annotate", "a-1", {"name": "n"}), ("retry", "a-1", "t" * 64), ("log", "a-1", "")]
