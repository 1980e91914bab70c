"""Did the same config give the same result once more? Two finished runs compared figure by figure. No torch.

Which rule holds qualities to each other: `exact` where both ran on the same kind of machine with the same versions;
else `seeds`: a trial may lie as far from the first as one more trial would at 95%, by the spread of the seeds, and
where one seed was run (and for teachers) as far as the test set cannot tell two models apart.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from distill_core.export.verdict import metric_words

SCHEMA_VERSION = 1
EXACT, SEEDS = "exact", "seeds"
#: quality is a quotient of counts: equal ones differ by rounding alone
_TINY = 1e-12
#: versions that are no part of what is computed
_MACHINE = ("device", "device_name", "cores", "precision")


@dataclass(frozen=True)
class Side:
    """One of the two runs: its report, and its config without name and paths that only say where things lie."""

    report: Mapping[str, Any]
    config: Mapping[str, Any]


def compare(original: Side, again: Side, when: float) -> dict[str, Any]:
    """reproduction.json of the original; `docs/report.md` names its keys. when: seconds since 1970."""
    here, there = original.report, again.report
    different = _different_conditions(here, there)
    rule = SEEDS if different else EXACT
    rows = _quality(here, there, rule)
    sizes = _sizes(here, there)
    config = dict(original.config) == dict(again.config)
    data = _data(here, there)
    matched = config and data["equal"] and bool(rows) and all(row["equal"] for row in [*rows, *sizes])
    return {
        "schema_version": SCHEMA_VERSION,
        "when": when,
        "matched": matched,
        "rule": rule,
        "why": different,
        "config_equal": config,
        "data": data,
        "metric": here["metric"],
        "task": here.get("task", ""),
        "quality": rows,
        "sizes": sizes,
        "latency": _latency(here, there),
        "original_created": here.get("created"),
        "versions": dict(there.get("versions") or {}),
        "device": dict(there.get("device") or {}),
    }


def _different_conditions(here: Mapping[str, Any], there: Mapping[str, Any]) -> list[str]:
    """In what the two runs' circumstances differ; [] where their figures have to be equal."""
    found = []
    for name in _MACHINE:
        # Reports of earlier versions do not tell the precision: these knew fp32 alone.
        a, b = ({"precision": "fp32", **(report.get("device") or {})}.get(name) for report in (here, there))
        if a != b:
            found.append(f"{name.replace('_', ' ')}: {a} then, {b} now")
    one, other = (dict(report.get("versions") or {}) for report in (here, there))
    found += [
        f"{name}: {one.get(name, 'unknown')} then, {other.get(name, 'unknown')} now"
        for name in sorted(one.keys() | other.keys())
        if one.get(name) != other.get(name)
    ]
    if not one:
        found.append("the versions of the first run are not known")
    return found


def _data(here: Mapping[str, Any], there: Mapping[str, Any]) -> dict[str, Any]:
    """Fingerprint and split sizes; where the first run kept no fingerprint, sizes alone cannot show that data are
    equal."""
    prints = [(report.get("data") or {}).get("fingerprint") for report in (here, there)]
    sizes = [(report.get("data") or {}).get("sizes") for report in (here, there)]
    return {
        "equal": prints[0] is not None and prints[0] == prints[1] and sizes[0] == sizes[1],
        "fingerprint": prints[0],
        "fingerprint_now": prints[1],
    }


def _models(report: Mapping[str, Any]) -> dict[tuple[str, str, Any], Mapping[str, Any]]:
    """(role, name, seed) → entry, of every model that answers."""
    entries: dict[tuple[str, str, Any], Mapping[str, Any]] = {
        ("teacher", teacher["name"], None): teacher for teacher in report["teachers"]
    }
    entries.update({("arm", arm["name"], arm["seed"]): arm for arm in report["arms"]})
    return entries


def _quality(here: Mapping[str, Any], there: Mapping[str, Any], rule: str) -> list[dict[str, Any]]:
    """Every teacher, arm and seed on validation and test; a model that is missing on one side is not equal."""
    ours, theirs = _models(here), _models(there)
    rows = []
    for key in [*ours, *(key for key in theirs if key not in ours)]:
        role, name, seed = key
        for split in ("validation", "test"):
            a, b = ((side[key]["quality"][split] if key in side else None) for side in (ours, theirs))
            if a is None and b is None and key in ours and key in theirs:
                continue  # a teacher that answers nothing, in both
            row: dict[str, Any] = {"role": role, "name": name, "seed": seed, "split": split, "then": a, "now": b}
            if a is None or b is None:
                row["equal"] = False
            elif rule == EXACT:
                row["equal"] = abs(a - b) <= _TINY
            else:
                row.update(_within(key, split, (ours, theirs)))
            rows.append(row)
    return rows


def _within(
    key: tuple[str, str, Any],
    split: str,
    sides: tuple[Mapping[Any, Mapping[str, Any]], Mapping[Any, Mapping[str, Any]]],
) -> dict[str, Any]:
    """May the two figures be one? {equal, margin}: by the seeds of this arm, or with one by the test set's interval."""
    role, name, _ = key
    each = [[entry["quality"][split] for (r, n, _), entry in side.items() if (r, n) == (role, name)] for side in sides]
    difference = abs(sides[0][key]["quality"][split] - sides[1][key]["quality"][split])
    if role == "arm" and min(map(len, each)) > 1:
        margin = _seeds_margin(each[0])
        return {"equal": difference <= margin + _TINY, "margin": margin, "by": "seeds"}
    between = [side[key]["interval"] for side in sides if side[key].get("interval")]
    if len(between) < len(sides):
        return {"equal": difference <= _TINY, "margin": 0.0, "by": "exact"}
    # The interval is the test set's; on the smaller validation set it is the stricter one.
    margin = math.hypot(*((high - low) / 2 for low, high in between))
    return {"equal": difference <= margin + _TINY, "margin": margin, "by": "test set"}


def _seeds_margin(values: Sequence[float]) -> float:
    """How far one more trial may lie from an earlier one, at 95%: t · √2 · the seeds' standard deviation."""
    from scipy.stats import t  # two seconds of import, which the page's start shall not pay

    mean = sum(values) / len(values)
    deviation = math.sqrt(sum((v - mean) ** 2 for v in values) / (len(values) - 1))
    return float(t.ppf(0.975, len(values) - 1)) * math.sqrt(2) * deviation


def _sizes(here: Mapping[str, Any], there: Mapping[str, Any]) -> list[dict[str, Any]]:
    ours, theirs = _models(here), _models(there)
    rows = []
    for key, entry in ours.items():
        other = theirs.get(key)
        for what in ("parameters", "bytes"):
            now = None if other is None else other[what]
            role, name, seed = key
            row = {"role": role, "name": name, "seed": seed, "what": what, "then": entry[what], "now": now}
            rows.append({**row, "equal": now == entry[what]})
    return rows


def _latency(here: Mapping[str, Any], there: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Shown beside each other and not judged: no two measurements of time are equal."""
    later = {(row["name"], row["batch"]): row["p50"] for row in there.get("latency_models") or []}
    return [
        {"name": row["name"], "batch": row["batch"], "then": row["p50"], "now": later.get((row["name"], row["batch"]))}
        for row in here.get("latency_models") or []
    ]


# ---------------------------------------------------------------- in words


def sentences(found: Mapping[str, Any] | None) -> list[str]:
    """What to say of it: whether it was done, whether it matched, by which rule, and what did not."""
    if not found:
        return ["Not reproduced yet: nobody has run this config a second time and compared."]
    metric = metric_words(found["metric"], found.get("task", ""))
    rows, sizes = found["quality"], found["sizes"]
    exact = found["rule"] == EXACT
    rule = (
        "exact, as machine and versions are the same"
        if exact
        else "within the spread of the seeds, or with one seed of the test set, as conditions differ"
    )
    head = "Reproduced: matched." if found["matched"] else "Reproduced: did not match."
    equal = sum(row["equal"] for row in rows)
    said = [f"{head} {equal} of {len(rows)} {metric} figures agree (rule: {rule}); {_sizes_said(sizes)}."]
    if not found["config_equal"]:
        said.append("The config differs.")
    if not found["data"]["equal"]:
        known = found["data"]["fingerprint"] is not None
        said.append(
            "The data differ." if known else "Whether the data are equal cannot be told: no fingerprint was kept."
        )
    said += [_off(row) for row in rows if not row["equal"]]
    if found["why"]:
        said.append(f"Conditions: {'; '.join(found['why'])}.")
    return said


def _sizes_said(sizes: Sequence[Mapping[str, Any]]) -> str:
    equal = sum(row["equal"] for row in sizes)
    return "all sizes are equal" if equal == len(sizes) else f"{equal} of {len(sizes)} sizes are equal"


def _off(row: Mapping[str, Any]) -> str:
    name = row["name"] if row["role"] == "teacher" else f"{row['name']}, seed {row['seed']}"
    then, now = (f"{100 * row[at]:.2f}%" if row[at] is not None else "none" for at in ("then", "now"))
    return f"{name}, {row['split']}: {then} then, {now} now."
