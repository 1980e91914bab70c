"""What was measured on request, in sentences. No torch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from distill_core.export.verdict import p_value, points

_UNIT = {"word": "labelled sentences"}


def worth_words(found: Mapping[str, Any], unit: str = "example") -> list[str]:
    """`worth.worth` as sentences. unit: of the task."""
    rows = _UNIT.get(unit, "labelled rows")
    said = [_estimate(found, rows), _interval(found, rows)]
    if found["seeds"] == 1:
        said.append(
            "With one seed this is about this student on this test set, not about the method: run several seeds for "
            "that."
        )
    return said


def _estimate(found: Mapping[str, Any], rows: str) -> str:
    own, largest, smallest = found["own"], found["largest"], found["smallest"]
    if found["where"] == "beyond":
        return (
            f"The student is better than the same student without teachers on {largest:,} {rows} "
            f"({_of(largest / own)} the run's {own:,}), the most that were measured: distillation is worth more than "
            f"what {largest:,} labels reach; more labelled data would be needed to tell how much."
        )
    if found["where"] == "before":
        return (
            f"The student is not as good as the same student without teachers on {smallest:,} {rows} "
            f"({_of(smallest / own)} the run's {own:,}), the fewest that were measured."
        )
    return (
        f"As good as {_number(found['times'])} times the labels: the same student without teachers needs about "
        f"{_rough(found['labels'])} {rows} for it, and the run used {own:,}."
    )


def _interval(found: Mapping[str, Any], rows: str) -> str:
    own = found["own"]
    if found["low_where"] == "beyond":
        return f"That it is better than the largest set reaches is sure (95%): {rows} beyond it were not measured."
    low = None if found["low"] is None else _number(found["low"] / own)
    high = None if found["high"] is None else _number(found["high"] / own)
    if low and high:
        said = f"95% interval: {low} to {high} times the labels."
    elif low:
        said = f"95% interval: at least {low} times the labels; where it ends lies beyond the largest set."
    elif high and found["low_where"] == "before":
        said = f"95% interval: at most {high} times the labels; where it begins lies below the smallest set."
    elif found["high_where"] == "before":
        said = "That it is not as good as the smallest set reaches is sure (95%)."
    else:
        said = "The 95% interval holds the whole curve: this test set cannot tell how many labels it is worth."
    one_within = (found["low"] is None or found["low"] <= own) and (found["high"] is None or found["high"] >= own)
    if one_within and found["high_where"] != "before":
        said += " It holds 1, so that any labels are saved is not shown."
    return said


def _number(factor: float) -> str:
    """3.2, 0.62; whole numbers without a point."""
    text = f"{factor:.2f}" if factor < 0.95 else f"{factor:.1f}"
    return text.removesuffix(".0")


def _of(factor: float) -> str:
    """What stands before "the run's labels": 4 times, 1/8 of."""
    share = 1 / factor
    return f"1/{share:.0f} of" if share > 1 and abs(share - round(share)) < 0.05 * share else f"{_number(factor)} times"


def _rough(number: float) -> str:
    """Two digits say as much as is known."""
    whole = round(number)
    digits = len(str(whole))
    return f"{round(whole, 2 - digits) if digits > 2 else whole:,}"


def left_out_words(row: Mapping[str, Any]) -> str:
    """One of `left_out.differences` as a sentence."""
    low, high = (points(end, signed=True).partition(" ")[0] for end in row["interval"])
    figures = f"{points(row['difference'], signed=True)} (95% {low} to {high}; {p_value(row['p_adjusted'])})"
    name = row["teacher"]
    if row["outcome"] == "no_difference":
        end = f"{name} adds nothing that can be shown."
    elif row["seeds"] == 1:
        side = "worse" if row["outcome"] == "worse" else "better"
        end = f"on this test set the student is {side} without {name}."
    else:
        end = f"{name} helps." if row["outcome"] == "worse" else f"{name} hurts: the student is better without it."
    return f"Without {name}: {figures}: {end}"
