"""Two runs held to each other: which rule applies, what counts as equal, and the words for it."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from distill_core.export.report import build_report
from distill_core.export.reproduction import Side, compare, sentences
from tests.samples import sample_parts

CONFIG = {"name": "sample", "seeds": [1]}


def report(seeds: tuple[int, ...] = (1,), **versions: str) -> dict[str, Any]:
    parts = sample_parts(seeds)
    parts.versions = versions or {"torch": "2"}
    parts.data = {**parts.data, "fingerprint": "abc"}
    return build_report(parts)


def compared(here: dict[str, Any], there: dict[str, Any], config: dict[str, Any] = CONFIG) -> dict[str, Any]:
    return compare(Side(here, CONFIG), Side(there, config), 10.0)


def main_arm(found: dict[str, Any]) -> dict[str, Any]:
    return next(arm for arm in found["arms"] if arm["name"] == "main")


def test_equal_runs_match_exactly() -> None:
    found = compared(report(), report())
    assert (found["matched"], found["rule"], found["why"]) == (True, "exact", [])
    models = len(report()["teachers"]) + len(report()["arms"])
    assert len(found["quality"]) == len(found["sizes"]) == 2 * models
    assert sentences(found)[0].startswith("Reproduced: matched.") and len(sentences(found)) == 1


def test_on_the_same_machine_the_smallest_difference_is_one() -> None:
    there = report()
    main_arm(there)["quality"]["test"] -= 1e-4
    found = compared(report(), there)
    off = [row for row in found["quality"] if not row["equal"]]
    assert not found["matched"] and [(row["name"], row["split"]) for row in off] == [("main", "test")]
    assert any(line.startswith("main, seed 1, test: ") for line in sentences(found))


def test_other_versions_allow_what_the_test_set_cannot_tell_apart() -> None:
    here, near, far = report(torch="2"), report(torch="3"), report(torch="3")
    low, high = main_arm(here)["interval"]
    main_arm(near)["quality"]["test"] -= 0.5 * (high - low)
    main_arm(far)["quality"]["test"] -= 2 * (high - low)
    found = compared(here, near)
    assert found["matched"] and found["rule"] == "seeds" and found["why"] == ["torch: 2 then, 3 now"]
    assert not compared(here, far)["matched"]
    assert "Conditions: torch: 2 then, 3 now." in sentences(found)


def test_with_several_seeds_their_spread_decides() -> None:
    here, there = report((1, 2, 3), torch="2"), report((1, 2, 3), torch="3")
    for arms in (here["arms"], there["arms"]):
        for arm in arms:
            arm["quality"]["test"] = 0.9 + 0.001 * arm["seed"]
    main_arm(there)["quality"]["test"] += 0.004  # t(2) · √2 · 0.001 = 0.0061
    found = compared(here, there)
    row = next(r for r in found["quality"] if (r["name"], r["seed"], r["split"]) == ("main", 1, "test"))
    assert row["equal"] and row["by"] == "seeds" and row["margin"] == pytest.approx(4.3027 * 2**0.5 * 0.001, rel=1e-4)
    main_arm(there)["quality"]["test"] += 0.004
    assert not compared(here, there)["matched"]


@pytest.mark.parametrize("spoil", ["config", "data", "no_fingerprint", "size", "missing_arm"])
def test_what_else_has_to_be_equal(spoil: str) -> None:
    here, there, config = report(), report(), copy.deepcopy(CONFIG)
    if spoil == "config":
        config["seeds"] = [2]
    elif spoil == "data":
        there["data"]["fingerprint"] = "other"
    elif spoil == "no_fingerprint":
        del here["data"]["fingerprint"], there["data"]["fingerprint"]
    elif spoil == "size":
        main_arm(there)["parameters"] += 1
    else:
        there["arms"].pop()
    found = compared(here, there, config)
    assert not found["matched"] and sentences(found)[0].startswith("Reproduced: did not match.")


def test_latency_is_shown_and_never_judged() -> None:
    there = report()
    for row in there["latency_models"]:
        row["p50"] *= 3
    found = compared(report(), there)
    assert found["matched"]
    assert all(row["now"] == pytest.approx(3 * row["then"]) for row in found["latency"]) and found["latency"]


def test_before_anybody_did_it_says_so() -> None:
    assert sentences(None)[0].startswith("Not reproduced yet")
