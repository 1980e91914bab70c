"""What the charts ask the server for, also with requests that no page would send; and their words."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from distill_core.catalogue import TERMS
from distill_core.jobs import usage
from tests.unit.ui.fake_services import FakeServices
from ui import markup, text_charts
from ui.pages import run, run_charts


class Services(FakeServices):
    asked: list[Any]

    def finer(self, run_id: str, curves: list[int], first: int, last: int) -> list[list[Any]]:
        self.asked = [run_id, curves, first, last]
        return super().finer(run_id, curves, first, last)

    def points_csv(self, run_id: str, curves: list[tuple[str, int, str]]) -> str:
        self.asked = [run_id, curves]
        return super().points_csv(run_id, curves)


@pytest.fixture
def services(tmp_path: Path) -> Services:
    found = Services(tmp_path, seconds=5)
    found.add("one", "done", ago=100, run_id="done-1")
    return found


@pytest.fixture
def functions(services: Services) -> dict[str, Any]:
    return {fn.__name__: fn for fn in run_charts.server_functions(services)}


@pytest.mark.parametrize("request_", [None, 3, "x", [], {}, {"run": 5}, {"run": "../../etc"}, {"run": "nobody"}])
def test_any_request_is_survived(functions: dict[str, Any], request_: Any) -> None:
    assert "error" in functions["finer"](request_) and "error" in functions["csv"](request_)


def test_finer_takes_whole_numbers_alone(functions: dict[str, Any], services: Services) -> None:
    answer = functions["finer"]({"run": "done-1", "curves": [0, True, "1", 1.5, None, 2], "first": 3, "last": 9})
    assert services.asked == ["done-1", [0, 2], 3, 9] and len(answer["points"]) == 2
    for bad in ("3", None, True, 1.5, 2**60):
        assert "error" in functions["finer"]({"run": "done-1", "curves": [0], "first": bad, "last": 9})
    functions["finer"]({"run": "done-1", "curves": list(range(5000)), "first": 0, "last": 9})
    assert len(services.asked[1]) == run_charts.MAX_CURVES


def test_a_table_of_the_curves_that_are_named(functions: dict[str, Any], services: Services) -> None:
    curves = [["main", 13, "loss_total"], ["main", 13], ["main", "13", "x"], "main", ["main", 13, None], [1, 1, "x"]]
    answer = functions["csv"]({"run": "done-1", "curves": curves})
    assert services.asked == ["done-1", [("main", 13, "loss_total")]] and "main,13,loss_total" in answer["csv"]
    assert functions["csv"]({"run": "done-1", "curves": "all"})["csv"].count("\n") == 0


@pytest.mark.parametrize("seen", [None, [], "x", {"log": 5, "x": None}])
def test_versions_that_are_none_count_as_not_seen(seen: Any) -> None:
    assert run_charts.seen_of({"seen": seen}) == {}
    assert run_charts.seen_of({"seen": {"log": "ab", 3: "c"}}) == {"log": "ab", "3": "c"}


def test_every_curve_that_is_drawn_has_words_and_a_colour_in_both_themes() -> None:
    described = {
        line.split()[0] for line in (usage.__doc__ or "").splitlines() if re.match(r"(cpu|memory|acc)\w+", line)
    }
    assert set(text_charts.DEVICE) == described
    style = (markup.HERE / "style.css").read_text(encoding="utf-8")
    names = [f"--sr-{name.replace('_', '-')}" for name in run.loss_words()] + [f"--sr-device-{n}" for n in (1, 2, 3)]
    assert len(run.loss_words()) == len(TERMS) + 1
    for name in names:
        assert len(re.findall(rf"{name}: #[0-9a-f]{{6}};", style)) == 2, f"{name}: light and dark"


def test_the_scripts_say_nothing_themselves() -> None:
    """Words of the charts come from the table; scripts hold only names of things."""
    board = (markup.HERE / "js" / "board.js").read_text(encoding="utf-8")
    for title, _ in text_charts.CHARTS.values():
        assert f'"{title}"' not in board
    for name in run.CHART_SCRIPTS:
        lines = (markup.HERE / "js" / f"{name}.js").read_text(encoding="utf-8").splitlines()
        assert len(lines) <= 400
