"""Compare's server functions: what they ask services for, also of requests that no page would send."""

from __future__ import annotations

from typing import Any

import pytest

from distill_core.errors import JobError
from distill_core.services.leaderboard import Filters
from ui import text_compare
from ui.build import page_of
from ui.pages.compare import runs_of, server_functions


class Asked:
    """Keeps what it was asked for."""

    def __init__(self) -> None:
        self.calls: list[tuple[Any, ...]] = []

    def compare(self, runs: list[str], batch: int | None, runtime: str | None) -> dict[str, Any]:
        self.calls.append((runs, batch, runtime))
        if not runs:
            raise JobError("No run was chosen.", hint="Choose.", field="runs")
        return {"points": [float("nan")]}

    def compare_curves(self, runs: list[str]) -> list[Any]:
        return runs

    def leaderboard(self, filters: Filters, order: str, batch: int | None, runtime: str | None) -> dict[str, Any]:
        self.calls.append((filters, order, batch, runtime))
        return {}


@pytest.fixture
def asked() -> Asked:
    return Asked()


@pytest.fixture
def functions(asked: Asked) -> dict[str, Any]:
    return {fn.__name__: fn for fn in server_functions(asked)}


@pytest.mark.parametrize("request_", [None, 3, "x", [], {}, {"runs": "a"}, {"runs": [5, "../../etc", None]}])
def test_any_request_is_survived(functions: dict[str, Any], asked: Asked, request_: Any) -> None:
    assert functions["compare"](request_)["error"] == "No run was chosen. Choose."
    assert functions["overlaid"](request_) == {"runs": []}
    assert functions["board"](request_) == {}
    assert asked.calls[-1] == (Filters(), "kept", None, None)


def test_what_is_asked_for_is_passed_on(functions: dict[str, Any], asked: Asked) -> None:
    found = functions["compare"]({"runs": ["a-1", "../b"], "batch": 32, "runtime": "torch"})
    assert asked.calls == [(["a-1"], 32, "torch")] and found == {"points": [None]}
    functions["board"]({"data": "x", "tag": 5, "archived": 1, "sort": "size", "batch": True})
    assert asked.calls[-1] == (Filters(data="x"), "size", None, None)
    functions["board"]({"archived": True, "sort": "drop table"})
    assert asked.calls[-1] == (Filters(archived=True), "kept", None, None)
    for given, wanted in ((True, True), (False, False), (None, None), (1, None), ("yes", None)):
        functions["board"]({"examples": given})
        assert asked.calls[-1] == (Filters(examples=wanted), "kept", None, None)
    assert len(runs_of({"runs": ["a-1"] * 1000})) < 1000


def test_compare_has_an_address_and_words_for_every_choice() -> None:
    from distill_core.services.compare import COSTS
    from distill_core.services.leaderboard import ORDERS

    assert page_of({"view": "compare", "runs": "a,b"}) == "compare"
    assert list(text_compare.WORDS["costs"]) == list(text_compare.WORDS["axes"]) == list(COSTS)
    assert list(text_compare.WORDS["orders"]) == list(ORDERS)
