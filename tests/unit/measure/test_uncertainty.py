"""Against independent values: textbook numbers, scipy's own routines, closed forms, and coverage by simulation."""

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from distill_core.measure.scores import Scores
from distill_core.measure.uncertainty import (
    compare,
    compare_one_seed,
    compare_ratios,
    compare_seeds,
    holm,
    interval,
    kept_interval,
    mcnemar,
    median_interval,
    paired_interval,
    wilson,
)


def test_wilson_has_the_textbook_value() -> None:
    assert wilson(8, 10) == pytest.approx((0.4901625, 0.9433178), abs=1e-6)


@given(st.integers(1, 3000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_wilson_equals_scipy(case: tuple[int, int]) -> None:
    expected = stats.binomtest(*case).proportion_ci(0.95, method="wilson")
    low, high = wilson(*case)
    assert (low, high) == pytest.approx((expected.low, expected.high), abs=1e-9)
    assert 0 <= low <= case[0] / case[1] <= high <= 1


@pytest.mark.parametrize("case", [(1, 0), (-1, 5), (6, 5)])
def test_wilson_refuses_what_is_no_proportion(case: tuple[int, int]) -> None:
    with pytest.raises(ValueError):
        wilson(*case)


def test_mcnemar_is_the_exact_binomial() -> None:
    assert mcnemar(10, 3) == pytest.approx(2 * (1 + 13 + 78 + 286) / 2**13)
    assert mcnemar(0, 0) == 1.0 and mcnemar(4, 4) == 1.0
    assert mcnemar(3, 10) == pytest.approx(mcnemar(10, 3))


def test_paired_interval_is_bonett_and_price() -> None:
    # By hand: n = 50, wins 9, losses 3: p = 10/52, q = 4/52.
    half = 1.959964 * math.sqrt((14 / 52 - (6 / 52) ** 2) / 52)
    assert paired_interval(9, 3, 50) == pytest.approx((6 / 52 - half, 6 / 52 + half), abs=1e-6)
    low, high = paired_interval(0, 0, 20)
    assert low < 0 < high and low == -high


def test_paired_interval_covers_about_95_percent() -> None:
    rng = np.random.default_rng(5)
    truth, n, hits = 0.08 - 0.03, 200, 0
    for _ in range(2000):
        wins, losses, _ = rng.multinomial(n, [0.08, 0.03, 0.89])
        low, high = paired_interval(int(wins), int(losses), n)
        hits += low <= truth <= high
    assert 0.93 <= hits / 2000 <= 0.985


def test_one_seed_counts_what_only_one_has_right() -> None:
    a = np.array([1, 1, 1, 1, 0, 0], dtype=bool)
    b = np.array([1, 0, 0, 0, 1, 0], dtype=bool)
    found = compare_one_seed(a, b)
    assert (found.wins, found.losses, found.seeds, found.method) == (3, 1, 1, "mcnemar")
    assert found.difference == pytest.approx(2 / 6)
    assert found.p == pytest.approx(stats.binomtest(3, 4).pvalue)


def test_swapping_the_two_turns_the_sign() -> None:
    rng = np.random.default_rng(1)
    a, b = rng.random((3, 90)) < 0.8, rng.random((3, 90)) < 0.7
    for one, other in ((compare(a[:1], b[:1]), compare(b[:1], a[:1])), (compare(a, b), compare(b, a))):
        assert one.difference == pytest.approx(-other.difference) and one.p == pytest.approx(other.p)
        assert (one.low, one.high) == pytest.approx((-other.high, -other.low))


def test_seeds_alone_give_the_one_sample_t_test() -> None:
    # Every example behaves alike, so only the seeds vary.
    a = np.repeat([[True], [False], [True], [True]], 30, axis=1)
    b = np.zeros_like(a)
    found, expected = compare_seeds(a, b), stats.ttest_1samp([1, 0, 1, 1], 0)
    assert found.p == pytest.approx(expected.pvalue)
    interval = expected.confidence_interval(0.95)
    assert (found.low, found.high) == pytest.approx((max(-1, interval.low), min(1, interval.high)))


def test_equal_seeds_leave_the_test_examples_variance() -> None:
    rng = np.random.default_rng(2)
    one, other = rng.random(400) < 0.9, rng.random(400) < 0.8
    gaps = one.astype(float) - other
    found = compare_seeds(np.stack([one] * 3), np.stack([other] * 3))
    half = stats.t.ppf(0.975, 2) * gaps.std(ddof=1) / math.sqrt(400)
    assert found.difference == pytest.approx(gaps.mean())
    assert (found.low, found.high) == pytest.approx((gaps.mean() - half, gaps.mean() + half))


def test_both_sources_of_variance_add_up() -> None:
    rng = np.random.default_rng(3)
    a, b = rng.random((5, 300)) < 0.85, rng.random((5, 300)) < 0.8
    gaps = a.astype(float) - b
    error = math.sqrt(gaps.mean(axis=1).var(ddof=1) / 5 + gaps.mean(axis=0).var(ddof=1) / 300)
    assert compare_seeds(a, b).p == pytest.approx(2 * stats.t.sf(abs(gaps.mean()) / error, 4))


def test_no_difference_at_all_is_p_1_and_a_constant_one_p_0() -> None:
    same = np.ones((3, 10), dtype=bool)
    assert compare_seeds(same, same).p == 1.0
    assert compare_seeds(same, ~same).p == 0.0


def test_what_is_not_paired_is_refused() -> None:
    yes = np.ones(4, dtype=bool)
    for one, other in (([yes], []), ([yes], [yes[:3]]), ([], [])):
        with pytest.raises(ValueError):
            compare(one, other)
    with pytest.raises(ValueError):
        compare_seeds(np.ones((1, 4)), np.ones((1, 4)))


def test_kept_interval_is_the_paired_ratio_for_one_seed() -> None:
    both, only_student, only_teacher, neither = 80, 5, 9, 6
    student = np.repeat([1, 1, 0, 0], [both, only_student, only_teacher, neither])
    teacher = np.repeat([1, 0, 1, 0], [both, only_student, only_teacher, neither])
    error = math.sqrt((only_student + only_teacher) / ((both + only_student) * (both + only_teacher)))
    ratio = 85 / 89
    expected = (ratio * math.exp(-1.959964 * error), ratio * math.exp(1.959964 * error))
    assert kept_interval([student], teacher) == pytest.approx(expected, rel=1e-6)


def test_kept_interval_grows_with_the_spread_of_seeds() -> None:
    rng = np.random.default_rng(4)
    teacher = rng.random(500) < 0.9
    calm = [rng.random(500) < 0.85 for _ in range(4)]
    wild = [rng.random(500) < share for share in (0.7, 0.8, 0.9, 0.99)]
    widths = [high - low for low, high in (kept_interval(c, teacher) or (0, 0) for c in (calm, wild))]
    assert 0 < widths[0] < widths[1]


def test_kept_of_nothing_is_none() -> None:
    assert kept_interval([np.ones(5)], np.zeros(5)) is None
    assert kept_interval([np.zeros(5)], np.ones(5)) is None


def test_holm_has_the_textbook_values() -> None:
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([]) == [] and holm([0.2]) == [0.2]
    with pytest.raises(ValueError):
        holm([1.2])


@given(st.lists(st.floats(0, 1), max_size=8))
def test_holm_never_lowers_and_keeps_the_order(values: list[float]) -> None:
    adjusted = holm(values)
    assert all(a >= p for a, p in zip(adjusted, values, strict=True)) and all(a <= 1 for a in adjusted)
    ranked = sorted(zip(values, adjusted, strict=True))
    assert all(x[1] <= y[1] for x, y in pairwise(ranked))


# ---------------------------------------------------------------- ratios: F1 over sentences


def tagged(rng: np.random.Generator, sentences: int, recall: float, *, hard: np.ndarray | None = None) -> Scores:
    """Scores of a tagger on sentences of 0 to 4 entities; it finds fewer in hard ones."""
    gold = np.random.default_rng(99).integers(0, 5, sentences)
    chance = np.clip(recall - (0 if hard is None else hard), 0, 1)
    right = rng.binomial(gold, chance)
    return Scores.of_entities(right, right + rng.binomial(gold - right, 0.5), gold)


def population(rng: np.random.Generator, sentences: int, quality: float) -> Scores:
    """Sentences drawn anew, errors clustered in sentences; the F1 of endlessly many is Σ right / Σ gold = quality."""
    gold = rng.integers(0, 5, sentences)
    right = rng.binomial(gold, rng.beta(3 * quality, 3 * (1 - quality), sentences))
    return Scores.of_entities(right, gold, gold)


def test_accuracy_as_scores_gives_exactly_what_booleans_give() -> None:
    rng = np.random.default_rng(11)
    a, b = rng.random((3, 70)) < 0.8, rng.random((3, 70)) < 0.7
    scores_a, scores_b = [Scores.of_correct(row) for row in a], [Scores.of_correct(row) for row in b]
    assert compare(scores_a, scores_b) == compare(a, b) and compare(scores_a[:1], scores_b[:1]) == compare(a[:1], b[:1])
    assert compare(scores_a[:1], scores_b[:1]).method == "mcnemar"
    assert kept_interval(scores_a, scores_b[0]) == kept_interval(list(a), b[0])
    assert interval(scores_a[0]) == wilson(int(a[0].sum()), 70)


def test_one_seed_of_a_ratio_is_the_t_test_on_linearised_values() -> None:
    rng = np.random.default_rng(12)
    a, b = tagged(rng, 120, 0.9), tagged(rng, 120, 0.8)
    za = (a.numerator - a.quality * a.denominator) / a.denominator.mean()
    zb = (b.numerator - b.quality * b.denominator) / b.denominator.mean()
    gap, error = a.quality - b.quality, (za - zb).std(ddof=1) / math.sqrt(120)
    found = compare([a], [b])
    assert (found.method, found.seeds) == ("linearised", 1)
    assert found.difference == pytest.approx(gap, abs=1e-12)
    assert found.p == pytest.approx(2 * stats.t.sf(gap / error, 119), rel=1e-9)
    half = stats.t.ppf(0.975, 119) * error
    assert (found.low, found.high) == pytest.approx((gap - half, gap + half))
    assert found.wins == np.sum(a.right & ~b.right) and found.losses == np.sum(b.right & ~a.right)


def test_several_seeds_of_a_ratio_add_seeds_and_sentences() -> None:
    rng = np.random.default_rng(13)
    a, b = [tagged(rng, 150, 0.9) for _ in range(4)], [tagged(rng, 150, 0.85) for _ in range(4)]
    gaps = np.array([x.quality - y.quality for x, y in zip(a, b, strict=True)])

    def centred(s: Scores) -> np.ndarray:
        return (s.numerator - s.quality * s.denominator) / s.denominator.mean()

    sentences = np.mean([centred(x) - centred(y) for x, y in zip(a, b, strict=True)], axis=0)
    error = math.sqrt(gaps.var(ddof=1) / 4 + sentences.var(ddof=1) / 150)
    found = compare(a, b)
    half = stats.t.ppf(0.975, 3) * error
    assert (found.method, found.seeds) == ("t", 4)
    assert found.difference == pytest.approx(gaps.mean())
    assert found.p == pytest.approx(2 * stats.t.sf(abs(gaps.mean()) / error, 3))
    assert (found.low, found.high) == pytest.approx((gaps.mean() - half, gaps.mean() + half))


def test_swapping_two_ratios_turns_the_sign() -> None:
    rng = np.random.default_rng(14)
    a, b = [tagged(rng, 60, 0.9) for _ in range(3)], [tagged(rng, 60, 0.7) for _ in range(3)]
    for one, other in ((compare(a[:1], b[:1]), compare(b[:1], a[:1])), (compare(a, b), compare(b, a))):
        assert one.difference == pytest.approx(-other.difference) and one.p == pytest.approx(other.p)
        assert (one.low, one.high) == pytest.approx((-other.high, -other.low))
        assert (one.wins, one.losses) == (other.losses, other.wins)


def test_the_linearised_error_is_the_bootstraps() -> None:
    rng = np.random.default_rng(15)
    hard = np.random.default_rng(98).random(400) * 0.4
    a, b = tagged(rng, 400, 0.95, hard=hard), tagged(rng, 400, 0.9, hard=hard)
    draws = rng.integers(0, 400, (3000, 400))
    gaps = a.numerator[draws].sum(1) / a.denominator[draws].sum(1) - b.numerator[draws].sum(1) / b.denominator[
        draws
    ].sum(1)
    found = compare_ratios(a, b)
    assert (found.high - found.low) / 2 / 1.966 == pytest.approx(gaps.std(), rel=0.06)


def test_the_test_of_a_ratio_errs_in_about_5_percent() -> None:
    rng, wrong = np.random.default_rng(16), 0
    for _ in range(800):
        gold = rng.integers(0, 5, 120)
        chance = rng.beta(6, 1.5, 120)  # shared: a hard sentence is hard for both
        a, b = (Scores.of_entities(right, gold, gold) for right in rng.binomial(gold, chance, (2, 120)))
        wrong += compare_ratios(a, b).p < 0.05
    assert 0.03 <= wrong / 800 <= 0.075


@pytest.mark.parametrize("quality", [0.6, 0.95])
def test_the_interval_of_an_f1_covers_about_95_percent(quality: float) -> None:
    rng, hits = np.random.default_rng(17), 0
    for _ in range(800):
        low, high = interval(population(rng, 120, quality))
        hits += low <= quality <= high
    assert 0.92 <= hits / 800 <= 0.985


def test_the_interval_of_an_f1_is_symmetric_in_logits_and_holds_it() -> None:
    scores = tagged(np.random.default_rng(18), 200, 0.9)
    low, high = interval(scores)
    q, error = scores.quality, scores.values.std(ddof=1) / math.sqrt(200)
    logits = [math.log(x / (1 - x)) for x in (low, q, high)]
    assert logits[1] - logits[0] == pytest.approx(logits[2] - logits[1])
    assert logits[2] - logits[1] == pytest.approx(stats.t.ppf(0.975, 199) * error / (q * (1 - q)))


def test_clustered_errors_widen_the_interval() -> None:
    gold = np.full(100, 10)
    spread, clustered = np.full(100, 9), np.repeat([10, 0], [90, 10])
    spread[:50], spread[50:] = 10, 8
    narrow, wide = (interval(Scores.of_entities(right, gold, gold)) for right in (spread, clustered))
    assert wide[1] - wide[0] > 2 * (narrow[1] - narrow[0])


def test_extremes_are_wide_and_never_sure() -> None:
    gold = np.array([0, 1, 2, 3, 1, 1])
    best, worst = Scores.of_entities(gold, gold, gold), Scores.of_entities(gold * 0, gold, gold)
    assert interval(best) == wilson(5, 5) and interval(worst) == wilson(0, 5)
    found = compare([best], [worst])
    assert (found.difference, found.wins, found.losses) == (1.0, 5, 0)
    assert found.p == pytest.approx(2 * 0.5**5) and found.low < 1.0 == found.high
    same = compare([best], [best])
    assert same.p == 1.0 and same.low < 0 < same.high and same.difference == 0
    empty = Scores.of_entities([0, 0], [0, 0], [0, 0])
    assert interval(empty) == (0.0, 1.0) and compare([empty], [empty]).p == 1.0


def test_one_sentence_says_nothing() -> None:
    a, b = Scores.of_entities([3], [4], [4]), Scores.of_entities([1], [4], [4])
    found = compare([a], [b])
    assert found.p == 1.0 and found.low < 0 and found.low <= found.difference <= found.high
    low, high = interval(a)
    assert low <= 0.75 <= high and high - low > 0.5


@given(
    st.lists(
        st.tuples(st.integers(0, 4), st.integers(0, 3), st.integers(0, 3), st.integers(0, 3), st.integers(0, 3)),
        min_size=1,
        max_size=10,
    )
)
def test_whatever_the_counts_the_figures_are_sane(rows: list[tuple[int, ...]]) -> None:
    gold, hit_a, wrong_a, hit_b, wrong_b = (np.array(column) for column in zip(*rows, strict=True))
    a = Scores.of_entities(np.minimum(gold, hit_a), np.minimum(gold, hit_a) + wrong_a, gold)
    b = Scores.of_entities(np.minimum(gold, hit_b), np.minimum(gold, hit_b) + wrong_b, gold)
    for found in (compare([a], [b]), compare([a, b], [b, b])):
        assert 0 <= found.p <= 1 and -1 <= found.low <= found.difference + 1e-9
        assert found.difference - 1e-9 <= found.high <= 1
    for scores in (a, b):
        low, high = interval(scores)
        assert 0 <= low <= scores.quality + 1e-12 and scores.quality - 1e-12 <= high <= 1


def test_kept_of_a_ratio_is_the_delta_method_on_its_log() -> None:
    rng = np.random.default_rng(19)
    student, teacher = tagged(rng, 300, 0.8), tagged(rng, 300, 0.9)

    def influence(s: Scores) -> np.ndarray:
        return s.numerator / s.numerator.sum() - s.denominator / s.denominator.sum()

    error = math.sqrt(np.sum((influence(student) - influence(teacher)) ** 2))
    ratio = student.quality / teacher.quality
    expected = (ratio * math.exp(-1.959964 * error), ratio * math.exp(1.959964 * error))
    assert kept_interval([student], teacher) == pytest.approx(expected, rel=1e-6)
    seeds = [tagged(rng, 300, recall) for recall in (0.7, 0.8, 0.9)]
    low, high = kept_interval(seeds, teacher) or (0, 0)
    assert high / low > expected[1] / expected[0]
    nothing = Scores.of_entities(np.zeros(300), np.ones(300), np.ones(300))
    assert kept_interval([nothing], teacher) is None and kept_interval([student], nothing) is None


def test_scores_of_other_examples_are_refused() -> None:
    rng = np.random.default_rng(20)
    a, b = tagged(rng, 30, 0.9), tagged(rng, 31, 0.9)
    for call in (
        lambda: compare([a], [b]),
        lambda: compare([a, a], [b, b]),
        lambda: compare([a, a], [a, b]),
        lambda: kept_interval([a], b),
    ):
        with pytest.raises(ValueError, match="same test examples"):
            call()


@pytest.mark.parametrize("count", [6, 15, 30, 101])
def test_the_interval_of_a_median_has_the_widest_ranks_that_still_cover(count: int) -> None:
    """By the binomial itself: fewer than `rank` of the values lie below the median with at most 2.5%, one more rank
    would be too many."""
    values = list(range(count))
    low, high = median_interval(values[::-1])
    assert low + high == count - 1
    assert stats.binom.cdf(low, count, 0.5) <= 0.025 < stats.binom.cdf(low + 1, count, 0.5)


def test_few_values_give_their_range_and_none_are_refused() -> None:
    assert median_interval([3.0, 1.0, 2.0]) == (1.0, 3.0) and median_interval([5.0]) == (5.0, 5.0)
    with pytest.raises(ValueError, match="at least one"):
        median_interval([])


def test_the_interval_of_a_median_holds_it_as_often_as_it_says() -> None:
    rng = np.random.default_rng(8)
    found = [median_interval(rng.exponential(size=30)) for _ in range(2000)]
    share = np.mean([low <= np.log(2) <= high for low, high in found])
    assert share >= 0.95 - 3 * np.sqrt(0.95 * 0.05 / 2000)
