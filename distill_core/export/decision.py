"""Ship it, don't, or not enough evidence: a report's figures against the thresholds a person sets. No torch.

Every threshold is a check of its own: met, missed or unsure. A quality or a time is met when its whole 95% interval
lies on the good side, missed when it lies on the other, unsure in between. One that is missed says don't; else one that
is unsure says not enough evidence; else ship. As all of them have to be met at 5% each, the whole errs at most so often
(an intersection–union test: Berger 1982, Technometrics 24).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any

from distill_core.errors import ConfigError, FieldError
from distill_core.export.verdict import control_sentence, floor_sentence, kept_words, points, times

WORDS = {"ship": "Ship it.", "no": "Do not ship it.", "unsure": "Not enough evidence."}
#: what is looked at for losses, by the report's unit
WHERE = {
    "example": "class, language, length or rare slice",
    "piece": "kind or frequency of hidden pieces, language or length",
}
#: how many slices a sentence names
_NAMED = 3


@dataclass(frozen=True)
class Thresholds:
    """What a student has to reach; None: not asked for.

    keep: % of the reference teacher's test quality, in (0, 200]. smaller: × fewer parameters. megabytes: at most, as
    fp32 safetensors (10^6 bytes). latency_ms: median of one call at `batch`, at most. faster: × the reference
    teacher at `batch`. batch: examples a call; None: the smallest that was measured. slice_loss: points of quality
    that no class, language, length, rare slice or kind of hidden piece may lose where the loss is shown (None: look,
    but do not judge). gain: the teachers have to be shown to have helped, over several seeds.
    """

    keep: float | None = 97.0
    smaller: float | None = 5.0
    megabytes: float | None = None
    latency_ms: float | None = None
    faster: float | None = 2.0
    batch: int | None = None
    slice_loss: float | None = 5.0
    gain: bool = False

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> Thresholds:
        """Those given, the others as they are by default; "" counts as None. Raises ConfigError with each at fault."""
        errors: list[FieldError] = []
        values: dict[str, Any] = {}
        for field in fields(cls):
            if field.name not in given:
                continue
            value = None if given[field.name] == "" else given[field.name]
            wrong = _wrong(field.name, value)
            if wrong:
                errors.append(FieldError(f"thresholds.{field.name}", wrong))
            values[field.name] = value
        unknown = sorted(set(given) - {field.name for field in fields(cls)})
        errors += [FieldError(f"thresholds.{name}", "there is no such threshold.") for name in unknown]
        if errors:
            raise ConfigError(errors)
        if "batch" in values and values["batch"] is not None:
            values["batch"] = int(values["batch"])
        return cls(**values)

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


_MOST = {"keep": 200.0, "slice_loss": 100.0}


def _wrong(name: str, value: Any) -> str:
    if name == "gain":
        return "" if isinstance(value, bool) else "it is on or off."
    if value is None:
        return ""
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return "a number is needed."
    if name == "batch":
        return "" if value >= 1 and value == int(value) else "a whole number of at least 1 is needed."
    most = _MOST.get(name, 1e9)
    least = 0.0 if name == "slice_loss" else 1e-9
    return "" if least <= value <= most else f"it lies above 0 and is at most {most:g}."


def decide(report: Mapping[str, Any], thresholds: Thresholds, lost: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """{"verdict": "ship" | "no" | "unsure", "words", "checks": [{"name", "status": "met" | "missed" | "unsure" |
    "open" (not judged), "said"}], "thresholds"}. lost: `analysis.slices.find_losses` (None: no predictions were kept).
    """
    checks = [
        *_quality(report, thresholds),
        *_size(report, thresholds),
        *_latency(report, thresholds),
        *_control(report, thresholds),
        *_slices(thresholds, lost, WHERE.get(str(report.get("unit")), WHERE["example"])),
    ]
    states = {check["status"] for check in checks}
    verdict = "no" if "missed" in states else "unsure" if "unsure" in states else "ship"
    return {"verdict": verdict, "words": WORDS[verdict], "checks": checks, "thresholds": thresholds.as_dict()}


def _check(name: str, status: str, said: str) -> dict[str, str]:
    return {"name": name, "status": status, "said": said}


def _against(low: float, high: float, least: float) -> str:
    return "met" if low >= least else "missed" if high < least else "unsure"


def _quality(report: Mapping[str, Any], wanted: Thresholds) -> list[dict[str, str]]:
    floor = floor_sentence(report)
    checks = [_check("floor", "missed", floor)] if floor else []
    if wanted.keep is None:
        return checks
    between = report.get("quality_kept_interval")
    least = f"at least {wanted.keep:g}% is wanted"
    if report.get("quality_kept") is None or not between:
        return [*checks, _check("quality", "unsure", f"How much quality is kept cannot be told; {least}.")]
    status = _against(100 * between[0], 100 * between[1], wanted.keep)
    why = "; the interval lies on both sides of that" if status == "unsure" else ""
    words = kept_words(report)
    return [*checks, _check("quality", status, f"{words[:1].upper()}{words[1:]}; {least}{why}.")]


def _size(report: Mapping[str, Any], wanted: Thresholds) -> list[dict[str, str]]:
    checks = []
    if wanted.smaller is not None:
        factor = float(report["compression"]["parameters"])
        status = "met" if factor >= wanted.smaller else "missed"
        checks.append(
            _check("size", status, f"{times(factor)} fewer parameters; at least {wanted.smaller:g}× is wanted.")
        )
    if wanted.megabytes is not None:
        size = next(arm["bytes"] for arm in report["arms"] if arm["name"] == "main") / 1e6
        status = "met" if size <= wanted.megabytes else "missed"
        checks.append(_check("size", status, f"{size:.2f} MB; at most {wanted.megabytes:g} MB are wanted."))
    return checks


def _latency(report: Mapping[str, Any], wanted: Thresholds) -> list[dict[str, str]]:
    if wanted.latency_ms is None and wanted.faster is None:
        return []
    rows = report.get("latency_models") or []
    batches = sorted({row["batch"] for row in rows})
    batch = wanted.batch if wanted.batch is not None else (batches[0] if batches else 1)
    own = next((row for row in rows if row["role"] == "student" and row["batch"] == batch), None)
    other = next((row for row in rows if row["name"] == report["reference_teacher"] and row["batch"] == batch), None)
    if own is None or other is None:
        measured = f"; {' and '.join(map(str, batches))} were" if batches else ""
        return [_check("latency", "unsure", f"Latency at batch {batch} was not measured in this run{measured}.")]
    checks = []
    low, high = _median_interval(own)
    if wanted.latency_ms is not None:
        status = _against(-high, -low, -wanted.latency_ms)
        said = f"{own['p50']:.3g} ms a call at batch {batch}{_between(low, high)}"
        checks.append(_check("latency", status, f"{said}; at most {wanted.latency_ms:g} ms is wanted."))
    if wanted.faster is not None:
        slow, slowest = _median_interval(other)
        factor = other["p50"] / own["p50"]
        status = _against(slow / high, slowest / low, wanted.faster)
        said = f"{times(factor)} as fast at batch {batch}{_between(slow / high, slowest / low, '×')}"
        checks.append(_check("latency", status, f"{said}; at least {wanted.faster:g}× is wanted."))
    return checks


def _median_interval(row: Mapping[str, Any]) -> tuple[float, float]:
    """95% interval of the median; of reports that do not hold it, the median itself."""
    low, high = row.get("p50_interval") or (row["p50"], row["p50"])
    return float(low), float(high)


def _between(low: float, high: float, unit: str = "") -> str:
    return f" (95% interval {low:.3g}–{high:.3g}{unit})" if high > low else ""


def _control(report: Mapping[str, Any], wanted: Thresholds) -> list[dict[str, str]]:
    row = next((r for r in report["comparisons"] if r["against"] == "no_teacher"), None)
    if row is None:
        status = "unsure" if wanted.gain else "open"
        said = "The control without teachers was not run: whether the teachers helped is not known."
        return [_check("control", status, said)]
    said = control_sentence("no_teacher", report)
    if row["outcome"] == "worse":
        return [_check("control", "missed", f"{said} Take that one instead: it is as small and as fast.")]
    if not wanted.gain:
        return [_check("control", "met" if row["outcome"] == "better" else "open", said)]
    if row["seeds"] == 1:
        more = "That the teachers help is a claim about the method, and one seed cannot tell it from luck."
        return [_check("control", "unsure", f"{said} {more}")]
    return [_check("control", "met" if row["outcome"] == "better" else "unsure", said)]


def _slices(wanted: Thresholds, lost: Mapping[str, Any] | None, where: str) -> list[dict[str, str]]:
    if lost is None:
        said = "Where the student falls behind cannot be looked at: this run kept no predictions."
        return [_check("slices", "open", said)]
    found: Sequence[Mapping[str, Any]] = lost["losses"]
    looked = f"{lost['tests']} comparisons in {lost['slices']} slices, Holm"
    if not found:
        said = f"No {where} is shown to fall behind ({looked})."
        return [_check("slices", "met", said)]
    named = "; ".join(
        f"{row['title']}: {points(-row['difference'])} below {row['against_title']}" for row in found[:_NAMED]
    )
    more = f"; and {len(found) - _NAMED} more" if len(found) > _NAMED else ""
    said = f"{'Loses' if len(found) == 1 else f'Loses in {len(found)} places'}: {named}{more} ({looked})."
    if wanted.slice_loss is None:
        return [_check("slices", "open", said)]
    beyond = [row for row in found if -100 * row["difference"] > wanted.slice_loss]
    limit = f"{wanted.slice_loss:g} points are tolerated"
    if beyond:
        return [_check("slices", "missed", f"{said} At most {limit}.")]
    return [_check("slices", "met", f"{said} Up to {limit}.")]
