"""How sure the figures are: 95% intervals of accuracies, and paired comparisons of two predictors.

No torch in here. scipy.stats takes a second to import, so the functions that need it import it when called:
readers of reports never pay for it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import ArrayLike

CONFIDENCE = 0.95
SIGNIFICANCE = 0.05


@dataclass(frozen=True)
class Comparison:
    """Predictor A against predictor B on the same test examples.

    difference: accuracy of A − accuracy of B, a fraction in [−1, 1]; low, high: its 95% interval; p: two-sided;
    wins, losses: examples that only A, only B has right (summed over seeds); method: "mcnemar" or "t".
    """

    difference: float
    low: float
    high: float
    p: float
    wins: int
    losses: int
    seeds: int
    method: str


def _z(confidence: float) -> float:
    return NormalDist().inv_cdf(0.5 + confidence / 2)


def wilson(successes: int, total: int, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """Wilson's score interval of a proportion (Wilson 1927): (low, high), fractions in [0, 1].

    Raises:
        ValueError: total < 1, or successes outside [0, total].
    """
    if total < 1 or not 0 <= successes <= total:
        raise ValueError(f"{successes} successes of {total} is no proportion")
    z = _z(confidence)
    p, z2 = successes / total, z * z
    middle = (p + z2 / (2 * total)) / (1 + z2 / total)
    half = z / (1 + z2 / total) * math.sqrt(p * (1 - p) / total + z2 / (4 * total * total))
    # At 0 and 1 the bound is exact; rounding must not push it past the proportion itself.
    low = 0.0 if successes == 0 else max(0.0, middle - half)
    high = 1.0 if successes == total else min(1.0, middle + half)
    return low, high


def mcnemar(wins: int, losses: int) -> float:
    """Exact two-sided McNemar test (binomial on the discordant examples): p in (0, 1]; 1 when there are none."""
    from scipy.stats import binomtest

    return 1.0 if wins + losses == 0 else float(binomtest(wins, wins + losses, 0.5).pvalue)


def paired_interval(wins: int, losses: int, total: int, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """Interval of a difference of paired proportions: adjusted Wald (Bonett and Price 2012, J. Educ. Behav. Stat. 37).

    wins, losses: examples only the first, only the second predictor has right, of `total`. Fractions in [−1, 1].
    """
    if total < 1 or wins < 0 or losses < 0 or wins + losses > total:
        raise ValueError(f"{wins} wins and {losses} losses do not fit {total} examples")
    p, q = (wins + 1) / (total + 2), (losses + 1) / (total + 2)
    half = _z(confidence) * math.sqrt((p + q - (p - q) ** 2) / (total + 2))
    return max(-1.0, p - q - half), min(1.0, p - q + half)


def compare_one_seed(correct_a: ArrayLike, correct_b: ArrayLike) -> Comparison:
    """A against B, each one trained model: exact McNemar on the test examples. It says nothing about other seeds.

    Args:
        correct_a, correct_b: [N] bool, is example n right; the same examples in the same order, N ≥ 1.
    """
    a, b = np.asarray(correct_a, dtype=bool), np.asarray(correct_b, dtype=bool)
    if a.shape != b.shape or a.ndim != 1 or not a.size:
        raise ValueError(f"the same test examples are needed: shapes {a.shape} and {b.shape}")
    wins, losses = int(np.sum(a & ~b)), int(np.sum(b & ~a))
    low, high = paired_interval(wins, losses, a.size)
    return Comparison((wins - losses) / a.size, low, high, mcnemar(wins, losses), wins, losses, 1, "mcnemar")


def compare_seeds(correct_a: ArrayLike, correct_b: ArrayLike) -> Comparison:
    """A against B over several seeds: t interval of the mean paired difference, S − 1 degrees of freedom.

    Its variance is the seeds' (between the S differences, divided by S) plus the test examples' (between the N
    examples' mean differences, divided by N), so that neither few seeds nor a small test makes a difference look sure.

    Args:
        correct_a, correct_b: [S, N] bool, S ≥ 2 seeds in the same order. A predictor with one trained model
            for all seeds (a teacher) is repeated S times.
    """
    from scipy.stats import t

    a, b = np.asarray(correct_a, dtype=bool), np.asarray(correct_b, dtype=bool)
    if a.shape != b.shape or a.ndim != 2 or a.shape[0] < 2 or not a.shape[1]:
        raise ValueError(f"[seeds ≥ 2, examples] is needed for both: shapes {a.shape} and {b.shape}")
    seeds, examples = a.shape
    gaps = a.astype(float) - b.astype(float)
    mean = float(gaps.mean())
    seed_variance = float(gaps.mean(axis=1).var(ddof=1)) / seeds
    example_variance = float(gaps.mean(axis=0).var(ddof=1)) / examples if examples > 1 else 0.0
    error = math.sqrt(seed_variance + example_variance)
    half = float(t.ppf(0.5 + CONFIDENCE / 2, seeds - 1)) * error
    p = float(2 * t.sf(abs(mean) / error, seeds - 1)) if error > 0 else (1.0 if mean == 0 else 0.0)
    wins, losses = int(np.sum(a & ~b)), int(np.sum(b & ~a))
    return Comparison(mean, max(-1.0, mean - half), min(1.0, mean + half), p, wins, losses, seeds, "t")


def compare(correct_a: Sequence[ArrayLike], correct_b: Sequence[ArrayLike]) -> Comparison:
    """`compare_one_seed` for one trial each, else `compare_seeds`. Sequences run over the same seeds."""
    if len(correct_a) != len(correct_b) or not len(correct_a):
        raise ValueError(f"the same seeds are needed: {len(correct_a)} and {len(correct_b)}")
    if len(correct_a) == 1:
        return compare_one_seed(correct_a[0], correct_b[0])
    return compare_seeds(np.stack([np.asarray(c) for c in correct_a]), np.stack([np.asarray(c) for c in correct_b]))


def kept_interval(correct_student: Sequence[ArrayLike], correct_teacher: ArrayLike) -> tuple[float, float] | None:
    """95% interval of mean student accuracy / teacher accuracy on the same test examples (delta method, log scale).

    For one seed the variance is the classic (b + c) / ((a + b)(a + c)) of a ratio of paired proportions (a: both
    right, b: only the student, c: only the teacher). Over several seeds the variance of their log ratios, divided
    by their number, is added and the t quantile with S − 1 degrees of freedom is taken. None where the ratio is 0 or
    undefined.

    Args:
        correct_student: S ≥ 1 arrays [N] bool; correct_teacher: [N] bool.
    """
    students = np.stack([np.asarray(c, dtype=float) for c in correct_student])
    teacher = np.asarray(correct_teacher, dtype=float)
    if students.shape[1:] != teacher.shape or not teacher.size:
        raise ValueError(f"the same test examples are needed: shapes {students.shape} and {teacher.shape}")
    per_seed, reference = students.mean(axis=1), float(teacher.mean())
    if reference == 0 or float(per_seed.min()) == 0:
        return None
    influence = students.mean(axis=0) / float(per_seed.mean()) - teacher / reference
    variance, quantile = float(influence.var()) / teacher.size, _z(CONFIDENCE)
    if len(per_seed) > 1:
        from scipy.stats import t

        variance += float(np.log(per_seed).var(ddof=1)) / len(per_seed)
        quantile = float(t.ppf(0.5 + CONFIDENCE / 2, len(per_seed) - 1))
    middle, half = math.log(float(per_seed.mean()) / reference), quantile * math.sqrt(variance)
    return math.exp(middle - half), math.exp(middle + half)


def holm(p_values: Sequence[float]) -> list[float]:
    """Holm's step-down adjustment (Holm 1979) of p-values of one family, in the order given; each in [0, 1]."""
    if any(not 0 <= p <= 1 for p in p_values):
        raise ValueError(f"p-values lie in [0, 1]: {list(p_values)}")
    adjusted, running = [0.0] * len(p_values), 0.0
    for rank, index in enumerate(sorted(range(len(p_values)), key=lambda i: p_values[i])):
        running = max(running, min(1.0, (len(p_values) - rank) * p_values[index]))
        adjusted[index] = running
    return adjusted
