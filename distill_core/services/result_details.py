"""Details of a finished run, from its kept predictions: confusion, calibration, disagreements, teachers, cost."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from distill_core.analysis.calibration import calibration
from distill_core.analysis.confusion import confusion
from distill_core.analysis.examples import MOST_ROWS, PAGE, Wanted, as_csv, choose, choose_pieces, describe, titles
from distill_core.analysis.kept import MOST_PIECES, Split
from distill_core.analysis.pieces import by_group, mistakes
from distill_core.analysis.teachers import examine
from distill_core.errors import ConfigError, FieldError, JobError
from distill_core.jobs.meta import keep_beside, read_meta
from distill_core.layout import TEMPERATURE, RunFolder
from distill_core.measure.energy import words as energy_words
from distill_core.services.results import NOTHING_KEPT, remembered, report_of, split_of
from distill_core.services.texts import texts_of
from distill_core.storage import write_text

#: why a part of a masked language model's result has nothing to show: an earlier version counted rows alone, or there
#: are more hidden pieces than are kept one by one
SINGLE_ANSWERS, TOO_MANY = "single_answers", "too_many"
PRICE = "price_per_hour"
MOST_PRICE = 1e6


def details(folder: RunFolder) -> dict[str, Any]:
    """{"missing": "" | "nothing_kept" | "single_answers" | "too_many", "kept": {split: rows}, "unit", "classes" (in
    masked LM: groups of hidden pieces), "against": {key: name of a teacher}, "reference", "confusion": {"student",
    "teacher"}, "mistakes": {"student", "teacher"} (`analysis.pieces.mistakes`), "groups": `analysis.pieces.by_group`,
    "calibration": {"student", "teacher"}, "temperature": in use | None, "teachers": `analysis.teachers.examine`}; parts
    that cannot be had are None."""
    test = split_of(folder)
    if test is None:
        return {"missing": NOTHING_KEPT}
    about = test.about
    if not test.single:
        return {"missing": SINGLE_ANSWERS if test.counts.sum() <= MOST_PIECES else TOO_MANY}
    sides = {"student": about.student, "teacher": about.reference}
    types = [label[2:] for label in about.labels if label.startswith("B-")]
    grouped = remembered(folder, "groups", by_group) if test.by_piece else None
    return {
        "missing": "",
        "kept": {"test": len(test)},
        "unit": about.unit,
        "classes": types or about.labels if grouped is None else [row["name"] for row in grouped],
        "against": {model.key: model.name for model in about.teachers},
        "reference": about.reference,
        "confusion": {side: _kept(folder, f"confusion {key}", key, confusion) for side, key in sides.items()},
        "mistakes": {side: _kept(folder, f"mistakes {key}", key, mistakes) for side, key in sides.items()}
        if test.by_piece
        else None,
        "groups": grouped,
        "calibration": {side: _calibrated(folder, key) for side, key in sides.items()},
        "temperature": temperature_in_use(folder),
        "teachers": remembered(folder, "teachers", examine),
    }


def _kept(folder: RunFolder, name: str, key: str, work: Any) -> Any:
    return remembered(folder, name, lambda split: work(split, key))


def _calibrated(folder: RunFolder, key: str) -> dict[str, Any] | None:
    validation = split_of(folder, "validation")
    return remembered(folder, f"calibration {key}", lambda test: calibration(validation, test, key))


# ---------------------------------------------------------------- disagreements


def disagreements(folder: RunFolder, given: Mapping[str, Any], uploads_only: Path | None = None) -> dict[str, Any]:
    """One page of the test rows on which student and teacher differ; see `analysis.examples`.

    {"total", "pieces" (in masked LM: hidden pieces on which they differ), "page", "pages", "rows": `describe`,
    "titles": {key: name}, "texts_missing": "" or why, as `services.texts` has it}. Raises JobError where nothing was
    kept, DataError for what is not there.
    """
    split, wanted = _needed(folder), Wanted.of(given)
    found = choose(split, wanted)
    pages = max(1, -(-len(found) // PAGE))
    page = min(wanted.page, pages - 1)
    texts, why = texts_of(folder, uploads_only)
    return {
        "total": len(found),
        "page": page,
        "pages": pages,
        "pieces": int(choose_pieces(split, wanted).sum()) if split.by_piece else None,
        "rows": describe(split, found[page * PAGE : (page + 1) * PAGE], texts, wanted),
        "titles": titles(split),
        "texts_missing": why,
    }


def disagreements_csv(folder: RunFolder, given: Mapping[str, Any], uploads_only: Path | None = None) -> str:
    """All of them (the first `MOST_ROWS`) as CSV."""
    split, wanted = _needed(folder), Wanted.of(given)
    rows = choose(split, wanted)[:MOST_ROWS]
    return as_csv(split, describe(split, rows, texts_of(folder, uploads_only)[0], wanted))


def _needed(folder: RunFolder) -> Split:
    split = split_of(folder)
    if split is None:
        raise JobError("This run kept no predictions.", hint="Run it again to have them.")
    return split


# ---------------------------------------------------------------- temperature


def temperature_in_use(folder: RunFolder) -> float | None:
    """What the saved student's logits are divided by; None: nothing was set."""
    try:
        value = json.loads((folder.student / TEMPERATURE).read_text(encoding="utf-8"))["temperature"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def set_temperature(folder: RunFolder, on: bool) -> dict[str, Any]:
    """Write the temperature fitted on validation beside the student, from where `predict` and exports take it, or take
    it away. {"temperature": float | None}. Raises JobError where there is none to be had."""
    path = folder.student / TEMPERATURE
    if not on:
        path.unlink(missing_ok=True)
        return {"temperature": None}
    split = split_of(folder)
    found = None if split is None else _calibrated(folder, split.about.student)
    fitted = (found or {}).get("temperature")
    if not fitted or fitted["at_limit"]:
        raise JobError(
            "There is no temperature for this student.", hint="It needs kept scores of all classes on validation."
        )
    if not folder.student.is_dir():
        raise JobError("This run has no student any more.", hint="Run it again.")
    said = {"temperature": fitted["value"], "fitted_on": "validation", "units": fitted["fitted_on"]}
    write_text(path, json.dumps(said, indent=1) + "\n")
    return {"temperature": fitted["value"]}


# ---------------------------------------------------------------- cost


def cost(folder: RunFolder, price: float | None = None) -> dict[str, Any]:
    """Cost of a million predictions at a price per hour of the machine, from the report's median latency: one call
    after the other, at full use.

    price: to be kept with the run; None: the one that is kept. {"price": float | None, "rows": [{name, role, batch,
    p50, per_second, cost (None without a price)}], "energy": sentences about the run's, empty where it was not
    measured}. Raises ConfigError, JobError.
    """
    if price is not None:
        if isinstance(price, bool) or not isinstance(price, int | float) or not 0 <= price <= MOST_PRICE:
            raise ConfigError([FieldError("price", f"a price per hour lies between 0 and {MOST_PRICE:g}.")])
        keep_beside(folder, PRICE, float(price))
    kept = read_meta(folder).get(PRICE)
    per_hour = float(kept) if isinstance(kept, int | float) and not isinstance(kept, bool) else None
    rows, report = [], report_of(folder)
    for row in report.get("latency_models") or []:
        seconds = row["p50"] / 1000 / row["batch"]
        rows.append(
            {
                **{name: row[name] for name in ("name", "role", "batch", "p50")},
                "per_second": 1 / seconds if seconds else None,
                "cost": None if per_hour is None else per_hour / 3600 * seconds * 1e6,
            }
        )
    energy = report.get("energy")
    return {"price": per_hour, "rows": rows, "energy": energy_words(energy) if energy else []}
