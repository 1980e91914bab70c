from __future__ import annotations

import copy
import math
from typing import Any

import pytest

from distill_core.errors import ConfigError
from distill_core.export.decision import Thresholds, decide
from distill_core.export.report import build_report
from tests.samples import sample_parts, sample_report

#: what the sample run reaches: 3.5× smaller, 2.5× faster at batch 1, about 98.3% (97.x–99.x) kept
EASY = {"keep": 90, "smaller": 2, "faster": 2}


def verdict(report: dict[str, Any], lost: dict[str, Any] | None = None, **given: Any) -> dict[str, Any]:
    return decide(report, Thresholds.of({**EASY, **given}), lost)


def check(found: dict[str, Any], name: str) -> dict[str, str]:
    return next(row for row in found["checks"] if row["name"] == name)


@pytest.fixture
def report() -> dict[str, Any]:
    return sample_report()


def nothing_lost() -> dict[str, Any]:
    return {"losses": [], "slices": 12, "tests": 24}


def lost_class(difference: float) -> dict[str, Any]:
    row = {"title": "refund", "difference": difference, "against_title": "support-bert"}
    return {"losses": [row], "slices": 12, "tests": 24}


def test_all_met_is_ship(report: dict[str, Any]) -> None:
    found = verdict(report, nothing_lost())
    assert (found["verdict"], found["words"]) == ("ship", "Ship it.")
    assert {row["status"] for row in found["checks"]} == {"met"}


def test_quality_is_judged_by_its_whole_interval(report: dict[str, Any]) -> None:
    low, high = (100 * edge for edge in report["quality_kept_interval"])
    assert low < 100 * report["quality_kept"] < high
    for keep, status, said in (
        (low - 0.1, "met", "ship"),
        ((low + high) / 2, "unsure", "unsure"),
        (high + 0.1, "missed", "no"),
    ):
        found = verdict(report, nothing_lost(), keep=keep)
        assert check(found, "quality")["status"] == status and found["verdict"] == said
    assert not [row for row in verdict(report, keep=None)["checks"] if row["name"] == "quality"]


def test_size_in_times_and_in_megabytes(report: dict[str, Any]) -> None:
    factor, size = report["compression"]["parameters"], report["arms"][0]["bytes"] / 1e6
    assert check(verdict(report, smaller=factor - 0.01), "size")["status"] == "met"
    assert check(verdict(report, smaller=factor + 0.01), "size")["status"] == "missed"
    found = verdict(report, smaller=None, megabytes=size + 0.01)
    assert check(found, "size")["said"] == f"{size:.2f} MB; at most {size + 0.01:g} MB are wanted."
    assert verdict(report, smaller=None, megabytes=size - 0.01)["verdict"] == "no"


def with_intervals(report: dict[str, Any]) -> dict[str, Any]:
    changed = copy.deepcopy(report)
    for row in changed["latency_models"]:
        row["p50_interval"] = [0.9 * row["p50"], 1.1 * row["p50"]]
    return changed


def test_latency_at_the_batch_asked_for(report: dict[str, Any]) -> None:
    timed = with_intervals(report)  # the student's call: 0.91 ms (0.819–1.001) at batch 1, 4.43 at 32
    for limit, status in ((1.01, "met"), (0.95, "unsure"), (0.8, "missed")):
        assert check(verdict(timed, faster=None, latency_ms=limit), "latency")["status"] == status
    assert check(verdict(timed, faster=None, latency_ms=1.01, batch=32), "latency")["status"] == "missed"
    absent = check(verdict(timed, batch=8), "latency")
    assert absent["status"] == "unsure" and "1 and 32 were" in absent["said"]


def test_a_speed_up_is_unsure_where_both_medians_intervals_leave_it_open(report: dict[str, Any]) -> None:
    timed, factor = with_intervals(report), 2.31 / 0.91
    lowest = factor * 0.9 / 1.1
    for wanted, status in ((lowest - 0.01, "met"), (factor, "unsure"), (factor * 1.1 / 0.9 + 0.01, "missed")):
        assert check(verdict(timed, faster=wanted), "latency")["status"] == status
    # Reports from before medians had intervals are judged by the medians themselves.
    assert check(verdict(report, faster=factor - 0.01), "latency")["status"] == "met"


def test_one_seed_says_nothing_about_the_method(report: dict[str, Any]) -> None:
    row = next(row for row in report["comparisons"] if row["against"] == "no_teacher")
    assert row["outcome"] == "better" and row["seeds"] == 1
    assert check(verdict(report, nothing_lost()), "control")["status"] == "met"
    found = verdict(report, nothing_lost(), gain=True)
    assert found["verdict"] == "unsure" and "one seed cannot tell it from luck" in check(found, "control")["said"]
    assert verdict(sample_report((1, 2, 3, 4)), nothing_lost(), gain=True)["verdict"] == "ship"


def test_a_control_that_is_better_is_to_be_taken_instead() -> None:
    parts = sample_parts()
    main, control = (next(arm for arm in parts.arms if arm.name == name) for name in ("main", "no_teacher"))
    for name in ("predicted", "test", "validation"):
        mine, other = getattr(main, name), getattr(control, name)
        setattr(main, name, other), setattr(control, name, mine)
    found = verdict(build_report(parts), nothing_lost())
    assert found["verdict"] == "no" and check(found, "control")["status"] == "missed"
    assert "Take that one instead" in check(found, "control")["said"]


def test_without_the_control_nothing_is_claimed(report: dict[str, Any]) -> None:
    report["comparisons"] = [row for row in report["comparisons"] if row["against"] != "no_teacher"]
    assert check(verdict(report, nothing_lost()), "control")["status"] == "open"
    assert verdict(report, nothing_lost(), gain=True)["verdict"] == "unsure"


def test_a_slice_that_loses_more_than_is_tolerated_says_no(report: dict[str, Any]) -> None:
    found = verdict(report, lost_class(-0.12))
    assert found["verdict"] == "no"
    assert check(found, "slices")["said"].startswith("Loses: refund: 12.0 points below support-bert (24 comparisons")
    assert verdict(report, lost_class(-0.12), slice_loss=15)["verdict"] == "ship"
    assert verdict(report, lost_class(-0.12), slice_loss=None)["verdict"] == "ship"
    # A run that kept no predictions: told, and not judged.
    assert check(verdict(report), "slices")["status"] == "open" and verdict(report)["verdict"] == "ship"


def test_a_student_that_learnt_nothing_is_not_shipped(report: dict[str, Any]) -> None:
    report["majority"] = {"label": "refund", "share": 0.99}
    found = verdict(report, nothing_lost())
    assert found["verdict"] == "no" and "always answering “refund”" in check(found, "floor")["said"]


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"keep": -1}, "thresholds.keep"),
        ({"keep": 201}, "thresholds.keep"),
        ({"smaller": "ten"}, "thresholds.smaller"),
        ({"latency_ms": math.inf}, "thresholds.latency_ms"),
        ({"batch": 1.5}, "thresholds.batch"),
        ({"faster": True}, "thresholds.faster"),
        ({"gain": 1}, "thresholds.gain"),
        ({"colour": 3}, "thresholds.colour"),
    ],
)
def test_thresholds_that_cannot_be_are_refused(given: dict[str, Any], field: str) -> None:
    with pytest.raises(ConfigError) as refused:
        Thresholds.of(given)
    assert [error.field for error in refused.value.errors] == [field]


def test_empty_asks_for_nothing() -> None:
    assert Thresholds.of({"keep": "", "smaller": None}) == Thresholds(keep=None, smaller=None)
