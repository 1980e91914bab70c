"""Is a model as often right as it is sure? Reliability, expected calibration error, and a temperature. No torch.

Guo et al. 2017 (1706.04599): §2 for the error over equally wide bins, §4.2 for the one temperature that divides all
logits; it changes no prediction. It is fitted on validation and judged on test.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from distill_core.analysis.kept import Split

BINS = 15
#: a temperature is looked for between these
LOWEST, HIGHEST = 0.05, 20.0
#: units that a fit needs
LEAST = 30


def reliability(confidence: np.ndarray, right: np.ndarray, bins: int = BINS) -> dict[str, Any]:
    """Confidence [U] in [0, 1] against right [U] bool, in equally wide bins ((k−1)/bins, k/bins].

    {"ece": Σ share · |accuracy − confidence|, "bins": [{low, high, count, confidence, accuracy}] (None in empty ones),
    "confidence", "accuracy": means, "units"}.

    Raises:
        ValueError: shapes differ, or there are no units.
    """
    sure, hit = np.asarray(confidence, dtype=np.float64), np.asarray(right, dtype=np.float64)
    if sure.shape != hit.shape or sure.ndim != 1 or not sure.size:
        raise ValueError(f"confidences and outcomes of the same units are needed: shapes {sure.shape}, {hit.shape}")
    place = np.clip(np.ceil(sure * bins).astype(np.int64) - 1, 0, bins - 1)
    counts = np.bincount(place, minlength=bins)
    sums, hits = np.bincount(place, weights=sure, minlength=bins), np.bincount(place, weights=hit, minlength=bins)
    rows = []
    for number, count in enumerate(counts.tolist()):
        rows.append(
            {
                "low": number / bins,
                "high": (number + 1) / bins,
                "count": count,
                "confidence": sums[number] / count if count else None,
                "accuracy": hits[number] / count if count else None,
            }
        )
    return {
        "ece": float(np.abs(hits - sums).sum() / len(sure)),
        "bins": rows,
        "confidence": float(sure.mean()),
        "accuracy": float(hit.mean()),
        "units": len(sure),
    }


def nll(logits: np.ndarray, gold: np.ndarray, temperature: float = 1.0) -> float:
    """Mean −log p of gold [K], nats, under softmax(logits [K, C] / temperature)."""
    scaled = np.asarray(logits, dtype=np.float64) / temperature
    top = scaled.max(axis=1)
    whole = top + np.log(np.exp(scaled - top[:, None]).sum(axis=1))
    return float((whole - scaled[np.arange(len(gold)), gold]).mean())


def fit_temperature(logits: np.ndarray, gold: np.ndarray) -> float:
    """The temperature in [LOWEST, HIGHEST] with the least `nll`: convex in 1/T, so there is one minimum.

    Raises:
        ValueError: fewer than `LEAST` units.
    """
    from scipy.optimize import minimize_scalar

    if len(gold) < LEAST:
        raise ValueError(f"{len(gold)} units are too few to fit a temperature; {LEAST} are needed")
    ends = (math.log(LOWEST), math.log(HIGHEST))
    found = minimize_scalar(
        lambda x: nll(logits, gold, math.exp(x)), bounds=ends, method="bounded", options={"xatol": 1e-5}
    )
    return float(math.exp(found.x))


def confidence_at(logits: np.ndarray, temperature: float) -> np.ndarray:
    """[K] probability of the most probable class of each row under a temperature."""
    scaled = np.asarray(logits, dtype=np.float64) / temperature
    found: np.ndarray = 1 / np.exp(scaled - scaled.max(axis=1, keepdims=True)).sum(axis=1)
    return found


def calibration(validation: Split | None, test: Split, key: str) -> dict[str, Any] | None:
    """`reliability` of a model on test, and what a temperature would make of it; None where no confidences were kept.
    In masked LM no temperature is fitted: that takes the scores of the whole vocabulary at every place.

    "temperature": {"value", "fitted_on": units of validation, "units": of test whose logits were kept, on which are
    "ece_before", "ece_after", "bins_after", "nll_before" and "nll_after", "at_limit": bool}, or None where they are
    too few, or none of validation's answers is wrong.
    """
    sure = test.confidence(key) if test.single else None
    if sure is None:
        return None
    seen = test.predicted(key) >= 0
    found = reliability(sure[seen], test.right(key)[seen])
    return {**found, "temperature": _temperature(validation, test, key)}


def _temperature(validation: Split | None, test: Split, key: str) -> dict[str, Any] | None:
    held, looked = (None if part is None else _logits(part, key) for part in (validation, test))
    if held is None or looked is None or len(held[1]) < LEAST or not len(looked[1]):
        return None
    if (held[0].argmax(axis=1) == held[1]).all():
        return None  # the surer the better, without end: nothing says how sure is right
    value = fit_temperature(*held)
    logits, gold = looked
    right = logits.argmax(axis=1) == gold
    before, after = (reliability(confidence_at(logits, t), right) for t in (1.0, value))
    return {
        "value": value,
        "fitted_on": len(held[1]),
        "units": len(gold),
        "ece_before": before["ece"],
        "ece_after": after["ece"],
        "bins_after": after["bins"],
        "nll_before": nll(logits, gold),
        "nll_after": nll(logits, gold, value),
        "at_limit": bool(value < 1.01 * LOWEST or value > 0.99 * HIGHEST),
    }


def _logits(split: Split, key: str) -> tuple[np.ndarray, np.ndarray] | None:
    """(logits [K, C], gold [K]) of the kept units that were seen and have gold."""
    logits = split.logits(key)
    if logits is None:
        return None
    gold = split.gold[split.units].astype(np.int64)
    kept = (gold >= 0) & logits.any(axis=1)
    return logits[kept], gold[kept]
