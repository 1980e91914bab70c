"""How sure the figures are: 95% intervals of accuracies and F1, and paired comparisons of two predictors.

What is sampled are test examples (sentences), whatever a quality counts in them (entities). Ratios (`Scores`) are
linearised (delta method, e.g. Cochran 1977, Sampling Techniques, chapter 6).

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

from distill_core.measure.scores import Scores

CONFIDENCE = 0.95
SIGNIFICANCE = 0.05
#: a standard error below this is rounding: the examples do not differ
_NOTHING = 1e-12

#: what comparisons take: Scores, or for accuracy [N] bool
Scored = Scores | ArrayLike


def _scores(given: Scored) -> Scores:
    return given if isinstance(given, Scores) else Scores.of_correct(given)


@dataclass(frozen=True)
class Comparison:
    """Predictor A against predictor B on the same test examples.

    difference: quality of A − quality of B, a fraction in [−1, 1]; low, high: its 95% interval; p: two-sided;
    wins, losses: examples that only A, only B has (wholly) right, summed over seeds; method: "mcnemar" (accuracy)
    or "linearised" (other qualities) for one seed, "t" for several.
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


def compare_ratios(a: Scores, b: Scores) -> Comparison:
    """A against B, each one trained model, by any quality: t test on the linearised differences over the examples.

    Where these do not vary at all (equal predictors, or one without a fault against one without a hit) there is no
    variance to test with: exact McNemar and its interval over the examples with something to score stand in.
    It says nothing about other seeds.
    """
    from scipy.stats import t

    _same_examples(a, b)
    gaps, mean = a.values - b.values, a.quality - b.quality
    wins, losses = int(np.sum(a.right & ~b.right)), int(np.sum(b.right & ~a.right))
    error = _standard_error(gaps)
    if error < _NOTHING:
        scored = int(np.count_nonzero(a.denominator + b.denominator))
        low, high = paired_interval(wins, losses, max(1, scored))
        return Comparison(mean, min(low, mean), max(high, mean), mcnemar(wins, losses), wins, losses, 1, "linearised")
    half = float(t.ppf(0.5 + CONFIDENCE / 2, gaps.size - 1)) * error
    p = float(2 * t.sf(abs(mean) / error, gaps.size - 1))
    return Comparison(mean, max(-1.0, mean - half), min(1.0, mean + half), p, wins, losses, 1, "linearised")


def compare_seeds(scores_a: Sequence[Scored], scores_b: Sequence[Scored]) -> Comparison:
    """A against B over several seeds: t interval of the mean paired difference, S − 1 degrees of freedom.

    Its variance is the seeds' (between the S differences, divided by S) plus the test examples' (between the N
    examples' mean differences, linearised, divided by N), so that neither few seeds nor a small test makes a difference
    look sure.

    Args:
        scores_a, scores_b: S ≥ 2 Scores or [N] bool, or [S, N] bool; seeds in the same order. A predictor with one
            trained model for all seeds (a teacher) is repeated S times.
    """
    from scipy.stats import t

    a, b = [_scores(s) for s in scores_a], [_scores(s) for s in scores_b]
    if len(a) != len(b) or len(a) < 2:
        raise ValueError(f"the same two or more seeds are needed: {len(a)} and {len(b)}")
    _same_examples(*a, *b)
    seeds, examples = len(a), len(a[0])
    gaps = np.stack([s.values for s in a]) - np.stack([s.values for s in b])
    mean = float(gaps.mean())
    seed_variance = float(gaps.mean(axis=1).var(ddof=1)) / seeds
    example_variance = float(gaps.mean(axis=0).var(ddof=1)) / examples if examples > 1 else 0.0
    error = math.sqrt(seed_variance + example_variance)
    half = float(t.ppf(0.5 + CONFIDENCE / 2, seeds - 1)) * error
    p = float(2 * t.sf(abs(mean) / error, seeds - 1)) if error > 0 else (1.0 if mean == 0 else 0.0)
    pairs = list(zip(a, b, strict=True))
    wins = sum(int(np.sum(x.right & ~y.right)) for x, y in pairs)
    losses = sum(int(np.sum(y.right & ~x.right)) for x, y in pairs)
    return Comparison(mean, max(-1.0, mean - half), min(1.0, mean + half), p, wins, losses, seeds, "t")


def compare(scores_a: Sequence[Scored], scores_b: Sequence[Scored]) -> Comparison:
    """A against B on the same test examples; the sequences run over the same seeds.

    Several seeds: `compare_seeds`. One: `compare_one_seed` (McNemar) for accuracy, else `compare_ratios`.
    """
    if len(scores_a) != len(scores_b) or not len(scores_a):
        raise ValueError(f"the same seeds are needed: {len(scores_a)} and {len(scores_b)}")
    if len(scores_a) > 1:
        return compare_seeds(scores_a, scores_b)
    a, b = _scores(scores_a[0]), _scores(scores_b[0])
    if a.proportion and b.proportion:
        return compare_one_seed(a.right, b.right)
    return compare_ratios(a, b)


def interval(scores: Scored) -> tuple[float, float]:
    """95% interval of one predictor's quality: (low, high), fractions in [0, 1].

    Accuracy: Wilson's. Other ratios: linearised variance over the examples, t quantile, on the logit scale. Where the
    quality is 0 or 1, or the examples do not vary, that is void; Wilson's interval over the examples with something to
    score stands in (each counted as one answer: wide, which is right for what cannot be estimated), and (0, 1) where
    there is nothing to score.
    """
    found = _scores(scores)
    if found.proportion:
        return wilson(int(found.right.sum()), len(found))
    quality, error = found.quality, _standard_error(found.values)
    if not found.scored:
        return 0.0, 1.0
    if not 0 < quality < 1 or error < _NOTHING:
        low, high = wilson(round(quality * found.scored), found.scored)
        return min(low, quality), max(high, quality)
    from scipy.stats import t

    half = float(t.ppf(0.5 + CONFIDENCE / 2, len(found) - 1)) * error / (quality * (1 - quality))
    middle = math.log(quality / (1 - quality))
    return _expit(middle - half), _expit(middle + half)


def kept_interval(students: Sequence[Scored], teacher: Scored) -> tuple[float, float] | None:
    """95% interval of mean student quality / teacher quality on the same test examples (delta method, log scale).

    For accuracy and one seed the variance is the classic (b + c) / ((a + b)(a + c)) of a ratio of paired proportions
    (a: both right, b: only the student, c: only the teacher). Over several seeds the variance of their log ratios,
    divided by their number, is added and the t quantile with S − 1 degrees of freedom is taken. None where the ratio is
    0 or undefined.

    Args:
        students: S ≥ 1 Scores or [N] bool; teacher: Scores or [N] bool.
    """
    own, reference_scores = [_scores(s) for s in students], _scores(teacher)
    _same_examples(*own, reference_scores)
    values, ceiling = np.stack([s.values for s in own]), reference_scores.values
    per_seed, reference = values.mean(axis=1), float(ceiling.mean())
    if reference == 0 or float(per_seed.min()) == 0:
        return None
    influence = values.mean(axis=0) / float(per_seed.mean()) - ceiling / reference
    variance, quantile = float(influence.var()) / ceiling.size, _z(CONFIDENCE)
    if len(per_seed) > 1:
        from scipy.stats import t

        variance += float(np.log(per_seed).var(ddof=1)) / len(per_seed)
        quantile = float(t.ppf(0.5 + CONFIDENCE / 2, len(per_seed) - 1))
    middle, half = math.log(float(per_seed.mean()) / reference), quantile * math.sqrt(variance)
    return math.exp(middle - half), math.exp(middle + half)


def median_interval(values: Sequence[float], confidence: float = CONFIDENCE) -> tuple[float, float]:
    """Interval of a median from order statistics (e.g. Conover 1999, Practical Nonparametric Statistics, §3.2): no
    assumption on how the values are spread. With fewer than six values it is their whole range, which covers less.

    Raises:
        ValueError: there are no values.
    """
    ordered = sorted(values)
    if not ordered:
        raise ValueError("a median needs at least one value")
    count, below, rank = len(ordered), 0.0, 0
    while rank < count // 2:
        below += math.comb(count, rank) / 2**count
        if below > (1 - confidence) / 2:
            break
        rank += 1
    rank = max(1, rank)
    return ordered[rank - 1], ordered[count - rank]


def _same_examples(*scores: Scores) -> None:
    lengths = {len(s) for s in scores}
    if len(lengths) != 1:
        raise ValueError(f"the same test examples are needed: {sorted(lengths)}")


def _standard_error(values: np.ndarray) -> float:
    """Of the mean of [N] values; 0 for one value."""
    return math.sqrt(float(values.var(ddof=1)) / values.size) if values.size > 1 else 0.0


def _expit(x: float) -> float:
    """1 / (1 + e^−x), for any x."""
    return 1 / (1 + math.exp(-x)) if x >= 0 else math.exp(x) / (1 + math.exp(x))


def holm(p_values: Sequence[float]) -> list[float]:
    """Holm's step-down adjustment (Holm 1979) of p-values of one family, in the order given; each in [0, 1]."""
    if any(not 0 <= p <= 1 for p in p_values):
        raise ValueError(f"p-values lie in [0, 1]: {list(p_values)}")
    adjusted, running = [0.0] * len(p_values), 0.0
    for rank, index in enumerate(sorted(range(len(p_values)), key=lambda i: p_values[i])):
        running = max(running, min(1.0, (len(p_values) - rank) * p_values[index]))
        adjusted[index] = running
    return adjusted
