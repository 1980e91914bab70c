from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from sklearn.calibration import calibration_curve
from sklearn.metrics import log_loss

from distill_core.analysis.calibration import (
    BINS,
    LEAST,
    calibration,
    confidence_at,
    fit_temperature,
    nll,
    reliability,
)
from tests.unit.analysis.kept_run import logits_for, write_examples, write_tagged


def own_error(confidence: np.ndarray, right: np.ndarray, bins: int) -> float:
    """Expected calibration error, row by row and bin by bin."""
    total = 0.0
    for number in range(bins):
        low, high = number / bins, (number + 1) / bins
        inside = [(c, r) for c, r in zip(confidence, right, strict=True) if low < c <= high or (number == 0 and c == 0)]
        if inside:
            sure, hit = (sum(column) / len(inside) for column in zip(*inside, strict=True))
            total += len(inside) / len(confidence) * abs(sure - hit)
    return total


def draws(count: int = 2000) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(3)
    confidence = rng.uniform(0.2, 1.0, count)
    return confidence, rng.random(count) < confidence**2


@pytest.mark.parametrize("bins", [1, 7, BINS])
def test_the_error_is_that_of_a_plain_loop(bins: int) -> None:
    confidence, right = draws()
    assert reliability(confidence, right, bins)["ece"] == pytest.approx(own_error(confidence, right, bins))


def test_the_diagram_is_sklearns() -> None:
    confidence, right = draws()
    found = [row for row in reliability(confidence, right, 10)["bins"] if row["count"]]
    accuracy, mean = calibration_curve(right, confidence, n_bins=10)
    assert [row["accuracy"] for row in found] == pytest.approx(accuracy.tolist())
    assert [row["confidence"] for row in found] == pytest.approx(mean.tolist())


def test_one_who_is_as_often_right_as_sure_has_no_error() -> None:
    confidence = np.repeat([0.25, 0.75], 400)
    right = np.concatenate([np.arange(400) < 100, np.arange(400) < 300])
    assert reliability(confidence, right)["ece"] == pytest.approx(0)
    assert reliability(np.ones(8), np.zeros(8, dtype=bool))["ece"] == 1
    with pytest.raises(ValueError, match="same units"):
        reliability(np.ones(3), np.ones(2, dtype=bool))


def test_a_temperature_that_was_put_in_is_found_again() -> None:
    rng = np.random.default_rng(5)
    logits = rng.normal(0, 2, (6000, 4))
    shares = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    gold = np.asarray([rng.choice(4, p=row) for row in shares])
    for true in (0.5, 1.0, 2.5):
        assert fit_temperature(true * logits, gold) == pytest.approx(true, rel=0.05)


def test_it_is_the_least_of_all_temperatures_by_sklearns_loss() -> None:
    rng = np.random.default_rng(6)
    logits, gold = rng.normal(0, 3, (300, 5)), rng.integers(0, 5, 300)
    gold[:150] = logits[:150].argmax(axis=1)

    def loss(temperature: float) -> float:
        scaled = logits / temperature
        shares = np.exp(scaled - scaled.max(axis=1, keepdims=True))
        return float(log_loss(gold, shares / shares.sum(axis=1, keepdims=True), labels=range(5)))

    best = fit_temperature(logits, gold)
    assert nll(logits, gold, best) == pytest.approx(loss(best))
    assert loss(best) <= min(loss(t) for t in np.geomspace(0.05, 20, 200)) + 1e-9


def test_too_few_rows_fit_nothing() -> None:
    with pytest.raises(ValueError, match=str(LEAST)):
        fit_temperature(np.zeros((LEAST - 1, 2)), np.zeros(LEAST - 1, dtype=int))


def test_confidence_under_a_temperature() -> None:
    logits = np.asarray([[2.0, 0.0], [0.0, 3.0]])
    assert confidence_at(logits, 2.0) == pytest.approx([1 / (1 + np.exp(-1)), 1 / (1 + np.exp(-1.5))])


def overconfident(folder: Path, split: str, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    gold = rng.integers(0, 3, 600)
    predicted = np.where(rng.random(600) < 0.7, gold, (gold + 1) % 3)
    sure = rng.uniform(0.9, 0.99, 600)
    write_examples(folder, gold, {"teacher:0": gold, "main:13": predicted}, split=split, confidence={"main:13": sure})
    return gold, predicted, sure


def test_a_students_temperature_is_fitted_on_validation_and_judged_on_test(tmp_path: Path) -> None:
    from distill_core.analysis.kept import open_split

    held, looked = overconfident(tmp_path, "validation", 1), overconfident(tmp_path, "test", 2)
    validation, test = open_split(tmp_path, "validation"), open_split(tmp_path, "test")
    assert test is not None
    found = calibration(validation, test, "main:13")
    assert found is not None
    fitted = found["temperature"]
    assert fitted["value"] == pytest.approx(fit_temperature(logits_for(held[1], held[2]), held[0]), rel=1e-4)
    assert fitted["value"] > 1 and not fitted["at_limit"]
    right = looked[1] == looked[0]
    assert found["ece"] == pytest.approx(own_error(looked[2], right, BINS), abs=1e-4)
    after = confidence_at(logits_for(looked[1], looked[2]), fitted["value"])
    assert fitted["ece_after"] == pytest.approx(own_error(after, right, BINS), abs=1e-6)
    assert fitted["ece_after"] < fitted["ece_before"] and fitted["nll_after"] < fitted["nll_before"]


def test_without_validation_or_where_no_answer_is_wrong_no_temperature_is_offered(tmp_path: Path) -> None:
    gold = np.arange(90) % 3
    test = write_examples(tmp_path, gold, {"teacher:0": gold, "main:13": gold})
    assert calibration(None, test, "main:13")["temperature"] is None
    # Never wrong on validation: the surer the better, without end.
    same = write_examples(tmp_path, gold, {"teacher:0": gold, "main:13": gold}, split="validation")
    assert calibration(same, test, "main:13")["temperature"] is None
    wrong = write_examples(tmp_path, (gold + 1) % 3, {"teacher:0": gold, "main:13": gold}, split="validation")
    assert calibration(wrong, test, "main:13")["temperature"]["at_limit"]


def test_words_have_a_reliability_too(tmp_path: Path) -> None:
    gold = [[1, 2, 0], [0, 3, 4]]
    split = write_tagged(tmp_path, gold, {"teacher:0": gold, "main:13": [[1, 0, 0], [0, 3, 4]]})
    found = calibration(None, split, "main:13")
    assert found["units"] == 6 and found["ece"] == pytest.approx(abs(5 / 6 - 0.8), abs=1e-4)
