"""What is said, case by case, and what is never said."""

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from distill_core.export.verdict import (
    conclude,
    finding,
    headline,
    metric_words,
    outcome,
    p_value,
    points,
    times,
)


def row(against: str, difference: float, p: float, seeds: int = 1, **more: Any) -> dict[str, Any]:
    """A comparison whose interval is ±1 point around the difference."""
    return {
        "against": against,
        "role": "control" if against in ("no_teacher", "uniform") else "teacher",
        "difference": difference,
        "interval": [difference - 0.01, difference + 0.01],
        "p": p,
        "p_adjusted": p,
        "seeds": seeds,
        "method": "mcnemar" if seeds == 1 else "t",
        "outcome": outcome(difference, p),
        **more,
    }


def case(*comparisons: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """A report cut down to what the conclusion reads."""
    seeds = changes.pop("seeds", [13])
    report: dict[str, Any] = {
        "metric": "accuracy",
        "seeds": seeds,
        "data": {"sizes": {"test": 20_000}},
        "reference_teacher": "a",
        "teachers": [{"name": n, "quality": {"test": 0.93}, "interval": [0.92, 0.94]} for n in ("a", "b")],
        "arms": [{"name": "main", "quality": {"test": 0.912}, "interval": [0.9, 0.92]} for _ in seeds],
        "compression": {"parameters": 10.2, "bytes": 10.1},
        "latency": [{"batch": 1, "speedup": 2.0}, {"batch": 32, "speedup": 4.12}],
        "quality_kept": 0.981,
        "quality_kept_interval": [0.9702, 0.9921],
        "test_half_width": 0.004,
        "comparisons": list(comparisons),
        "missing_controls": {},
    }
    return {**report, **changes}


def said(*comparisons: dict[str, Any], **changes: Any) -> str:
    return " ".join(conclude(case(*comparisons, **changes))["sentences"])


# ---------------------------------------------------------------- headline


def test_the_headline_of_a_good_run() -> None:
    assert headline(case()) == (
        "10.2× smaller, 4.1× faster at batch 32, keeps 98.1% (97.0–99.2) of the best teacher's accuracy."
    )


@pytest.mark.parametrize(
    ("factor", "words"),
    [
        (28.04, "28× smaller"),
        (0.77, "1.3× larger"),
        (1.0, "The same size"),
        (1.04, "The same size"),
        (0.97, "The same size"),
        (131.4, "131× smaller"),
        (0.1, "10× larger"),
    ],
)
def test_the_size_in_words(factor: float, words: str) -> None:
    assert headline(case(compression={"parameters": factor})).startswith(f"{words}, ")


@pytest.mark.parametrize(
    ("factor", "words"), [(4.0, "4× faster"), (0.5, "2× slower"), (1.02, "the same speed"), (0.98, "the same speed")]
)
def test_the_speed_in_words(factor: float, words: str) -> None:
    assert f", {words} at batch 8," in headline(case(latency=[{"batch": 8, "speedup": factor}]))


def test_what_was_not_measured_is_not_mentioned() -> None:
    text = headline(case(latency=[], quality_kept=None))
    assert text == "10.2× smaller."
    assert headline(case(latency=[{"batch": 1, "speedup": None}], quality_kept=None)) == text


def test_a_student_above_its_teacher_reaches_instead_of_keeps() -> None:
    assert "reaches 101.2% (97.0–99.2) of the best teacher's" in headline(case(quality_kept=1.012))
    assert "keeps 100.0%" in headline(case(quality_kept=1.0001))


def test_one_teacher_is_not_called_the_best() -> None:
    report = case(row("a", -0.02, 0.001), teachers=[{"name": "a", "quality": {"test": 0.93}}])
    text = headline(report) + " ".join(conclude(report)["sentences"])
    assert "of the teacher's accuracy" in text and "best" not in text


def test_another_metric_is_called_by_its_name() -> None:
    assert "of the best teacher's macro f1." in headline(case(metric="macro_f1"))


# ---------------------------------------------------------------- one seed


def test_one_seed_better() -> None:
    assert (
        "With one seed, this student beats the same student trained without teachers on this test set by 3.2 points "
        "(McNemar p < 0.001)."
    ) in said(row("no_teacher", 0.032, 0.0004))


def test_one_seed_no_difference() -> None:
    assert (
        "With one seed, no difference between this student and the same student trained without teachers is shown on "
        "this test set (+0.4 points, McNemar p = 0.52)."
    ) in said(row("no_teacher", 0.004, 0.52))


def test_one_seed_worse() -> None:
    text = said(row("no_teacher", -0.012, 0.013))
    assert (
        "With one seed, the same student trained without teachers beats this student on this test set by 1.2 points "
        "(McNemar p = 0.013)."
    ) in text


def test_one_seed_uniform() -> None:
    assert "this student beats the same student with constant teacher weights on this test set by 2.0 points" in said(
        row("uniform", 0.02, 0.01)
    )
    assert "the same student with constant teacher weights beats this student" in said(row("uniform", -0.02, 0.01))


@given(st.floats(-0.3, 0.3), st.floats(0, 1), st.sampled_from(["no_teacher", "uniform"]))
def test_one_seed_never_praises_the_method(difference: float, p: float, control: str) -> None:
    text = said(row(control, difference, p))
    assert not re.search(r"helped|did not help|hurt|[Dd]istillation", text)
    assert "One seed cannot tell the method from luck" in text


def test_two_controls_name_the_correction() -> None:
    text = said(row("no_teacher", 0.03, 0.001), row("uniform", 0.001, 0.9))
    assert text.count("Holm over 2 controls") == 2
    assert "Holm" not in said(row("no_teacher", 0.03, 0.001))


# ---------------------------------------------------------------- several seeds


def test_several_seeds_helped() -> None:
    assert (
        "Over 3 seeds, distillation helped: 3.2 points above the same student trained without teachers "
        "(95% interval 2.2 to 4.2, p = 0.020)."
    ) in said(row("no_teacher", 0.032, 0.02, 3), seeds=[1, 2, 3])


def test_several_seeds_hurt_with_the_interval_of_the_loss() -> None:
    assert (
        "Over 3 seeds, distillation hurt: 3.2 points below the same student trained without teachers "
        "(95% interval 2.2 to 4.2, p = 0.020)."
    ) in said(row("no_teacher", -0.032, 0.02, 3), seeds=[1, 2, 3])


def test_several_seeds_no_difference() -> None:
    text = said(row("uniform", -0.003, 0.4, 2), seeds=[1, 2])
    assert (
        "Over 2 seeds, no difference between the student and the same student with constant teacher weights is shown "
        "(−0.3 points; 95% interval −1.3 to 0.7, p = 0.40)."
    ) in text
    assert "One seed" not in text and "91.2% over 2 seeds" in text


def test_a_correction_decides_not_the_interval() -> None:
    """The interval of one control alone may leave 0 out while Holm over both shows nothing."""
    text = said(
        row("no_teacher", 0.02, 0.06, 3),
        row("uniform", 0.02, 0.06, 3),
        seeds=[1, 2, 3],
    )
    assert text.count("is shown (+2.0 points; 95% interval 1.0 to 3.0, p = 0.060, Holm over 2 controls)") == 2
    assert "helped" not in text


def test_a_control_with_one_finished_pair_is_worded_as_one_seed() -> None:
    text = said(row("no_teacher", 0.03, 0.001, 1), seeds=[1, 2, 3])
    assert "With one seed, this student beats" in text and "One seed cannot tell the method from luck" in text


@pytest.mark.parametrize(
    ("against", "difference", "p", "seeds", "words"),
    [
        ("no_teacher", 0.03, 0.01, 3, "helped"),
        ("uniform", -0.03, 0.01, 3, "hurt"),
        ("no_teacher", 0.03, 0.06, 3, "no difference shown"),
        ("no_teacher", 0.03, 0.01, 1, "better"),
        ("no_teacher", -0.03, 0.01, 1, "worse"),
        ("a", 0.03, 0.01, 3, "better"),
        ("a", 0.0, 1.0, 1, "no difference shown"),
    ],
)
def test_the_outcome_in_words(against: str, difference: float, p: float, seeds: int, words: str) -> None:
    assert finding(row(against, difference, p, seeds)) == words


# ---------------------------------------------------------------- F1


def tagged(*comparisons: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return case(*comparisons, **{"task": "tagging", "metric": "f1", "majority": None, **changes})


def spoken(**f1: float) -> dict[str, Any]:
    return {language: {"f1": value, "entities": 10, "sentences": 5} for language, value in f1.items()}


def in_languages(teacher: dict[str, Any], *students: dict[str, Any]) -> str:
    report = tagged(seeds=list(range(len(students))))
    report["teachers"][0]["per_language"] = teacher
    for arm, rows in zip(report["arms"], students, strict=True):
        arm["per_language"] = rows
    return " ".join(conclude(report)["sentences"])


def test_f1_is_called_entity_f1() -> None:
    assert metric_words("f1") == "entity F1" and metric_words("accuracy") == "accuracy"
    assert headline(tagged()).endswith("keeps 98.1% (97.0–99.2) of the best teacher's entity F1.")
    sentences = conclude(tagged())["sentences"]
    assert sentences[0] == "Test entity F1: student 91.2% (90.0–92.0), best teacher a 93.0% (92.0–94.0)."


def test_one_seed_of_f1_names_its_test() -> None:
    def worded(difference: float, p: float) -> str:
        rows = [row("no_teacher", difference, p, method="linearised"), row("uniform", 0.0, 1.0, method="linearised")]
        return " ".join(conclude(tagged(*rows))["sentences"])

    assert (
        "With one seed, this student beats the same student trained without teachers on this test set by 3.2 points "
        "(paired over test sentences, p < 0.001, Holm over 2 controls)."
    ) in worded(0.032, 0.0004)
    assert (
        "With one seed, the same student trained without teachers beats this student on this test set by 3.2 points "
        "(paired over test sentences, p = 0.010, Holm over 2 controls)."
    ) in worded(-0.032, 0.01)
    assert (
        "With one seed, no difference between this student and the same student trained without teachers is shown on "
        "this test set (+0.2 points, paired over test sentences, p = 0.50, Holm over 2 controls)."
    ) in worded(0.002, 0.5)
    assert "McNemar" not in worded(0.032, 0.0004)


def test_several_seeds_of_f1_speak_of_the_method() -> None:
    text = " ".join(conclude(tagged(row("no_teacher", 0.032, 0.02, 3), seeds=[1, 2, 3]))["sentences"])
    assert "Over 3 seeds, distillation helped: 3.2 points above" in text and "91.2% over 3 seeds" in text


def test_a_small_tagging_test_counts_sentences() -> None:
    text = " ".join(conclude(tagged(test_half_width=0.021, data={"sizes": {"test": 400}}))["sentences"])
    assert "With 400 test sentences, entity F1 is known to ±2.1 points." in text


def test_the_language_that_loses_most_is_named() -> None:
    teacher = spoken(en=0.9, pl=0.703, ru=0.8)
    assert "Largest loss: pl, 61.2% against 70.3%." in in_languages(teacher, spoken(en=0.88, pl=0.612, ru=0.75))
    # Over seeds it is the mean that counts.
    two = in_languages(teacher, spoken(en=0.7, pl=0.7, ru=0.8), spoken(en=0.9, pl=0.5, ru=0.8))
    assert "Largest loss: pl, 60.0% against 70.3%." in two


def test_no_language_is_named_without_a_loss_or_a_choice() -> None:
    teacher = spoken(en=0.9, pl=0.7)
    assert "Largest loss" not in in_languages(teacher, spoken(en=0.9, pl=0.75))
    assert "Largest loss" not in in_languages(spoken(en=0.9), spoken(en=0.5))
    assert "Largest loss" not in in_languages({}, {}) and "Largest loss" not in said()
    # Languages without entities have no F1 to lose.
    silent = {**spoken(en=0.9, pl=0.7), "xx": {"f1": 0.0, "entities": 0, "sentences": 3}}
    assert "Largest loss: en, 80.0% against 90.0%." in in_languages(silent, {**silent, **spoken(en=0.8, pl=0.7)})


# ---------------------------------------------------------------- teacher, missing controls, test size


def test_below_the_teacher() -> None:
    assert "The student is 1.8 points below the best teacher on this test set (95% interval 0.8 to 2.8)." in said(
        row("a", -0.018, 0.001)
    )


def test_above_the_teacher() -> None:
    assert "The student beats the best teacher on this test set by 1.8 points (95% interval 0.8 to 2.8)." in said(
        row("a", 0.018, 0.001)
    )


def test_as_good_as_the_teacher_is_only_no_difference_shown() -> None:
    text = said(row("a", -0.001, 0.7))
    assert "No difference between the student and the best teacher is shown on this test set" in text
    assert "−1.1 to 0.9 points" in text


def test_absolute_quality_stands_first() -> None:
    assert said().startswith("Test accuracy: student 91.2% (90.0–92.0), best teacher a 93.0% (92.0–94.0).")


def test_a_student_at_the_level_of_the_largest_class_is_called_that() -> None:
    text = said(majority={"label": "login", "share": 0.905})
    assert "not shown to be better than always answering “login” (90.5%)" in text
    assert "always answering" not in said(majority={"label": "login", "share": 0.4})


@pytest.mark.parametrize(
    ("control", "reason", "words"),
    [
        ("no_teacher", "not_requested", "cannot say whether the teachers helped"),
        ("uniform", "not_requested", "cannot say whether weighting per example helped"),
        ("uniform", "already_uniform", "constant already"),
        ("uniform", "single_teacher", "with one teacher there is nothing to weigh"),
        ("uniform", "constant_unused", "soft labels are off"),
        ("uniform", "The machine broke.", "The machine broke."),
    ],
)
def test_a_missing_control_is_explained(control: str, reason: str, words: str) -> None:
    assert words in said(missing_controls={control: reason})


def test_small_tests_print_their_half_width() -> None:
    text = said(test_half_width=0.056, data={"sizes": {"test": 277}})
    assert "With 277 test examples, accuracy is known to ±5.6 points." in text
    assert "With 1,500 test examples" in said(test_half_width=0.013, data={"sizes": {"test": 1500}})
    assert "With 1 test example," in said(test_half_width=0.4, data={"sizes": {"test": 1}})


def test_large_tests_do_not() -> None:
    assert "±" not in said()
    assert "±" not in said(test_half_width=0.05, data={})


# ---------------------------------------------------------------- words and numbers


@pytest.mark.parametrize(
    ("difference", "plain", "signed"),
    [
        (0.032, "3.2 points", "+3.2 points"),
        (-0.0001, "0.0 points", "0.0 points"),
        (0.0, "0.0 points", "0.0 points"),
        (0.01, "1 point", "+1 point"),
        (-0.01, "1 point", "−1 point"),
        (-0.114, "11.4 points", "−11.4 points"),
    ],
)
def test_points(difference: float, plain: str, signed: str) -> None:
    assert points(difference) == plain and points(difference, signed=True) == signed


@pytest.mark.parametrize(
    ("p", "text"),
    [(0, "p < 0.001"), (0.00099, "p < 0.001"), (0.0123, "p = 0.012"), (0.0996, "p = 0.10"), (1.0, "p = 1.00")],
)
def test_p_values(p: float, text: str) -> None:
    assert p_value(p) == text


def test_factors() -> None:
    assert [times(f) for f in (1.04, 4.12, 28.0, 99.94, 99.96, 1234)] == ["1×", "4.1×", "28×", "99.9×", "100×", "1234×"]


def test_the_outcome_needs_significance() -> None:
    assert outcome(0.1, 0.049) == "better" and outcome(-0.1, 0.049) == "worse"
    assert outcome(0.1, 0.05) == outcome(0.0, 0.0) == "no_difference"


@given(
    st.lists(st.tuples(st.floats(-1, 1), st.floats(0, 1)), min_size=3, max_size=3),
    st.integers(1, 4),
    st.floats(0.001, 1000),
    st.floats(0.001, 1000),
    st.floats(0.01, 3),
)
def test_the_grammar_holds_whatever_the_figures(
    found: list[tuple[float, float]], seeds: int, size: float, speed: float, kept: float
) -> None:
    rows = [row(name, d, p, seeds) for name, (d, p) in zip(("no_teacher", "uniform", "a"), found, strict=True)]
    report = case(
        *rows,
        seeds=list(range(seeds)),
        compression={"parameters": size},
        latency=[{"batch": 32, "speedup": speed}],
        quality_kept=kept,
        quality_kept_interval=[kept - 0.01, kept + 0.01],
    )
    conclusion = conclude(report)
    for sentence in [conclusion["headline"], *conclusion["sentences"]]:
        assert sentence[0] == sentence[0].upper() and sentence.endswith(".") and "  " not in sentence
        assert not re.search(r"[-−+]0\.0\b", sentence), sentence
        assert not re.search(r"(by|is|above|below|\() ?[+−]?1\.0 points|\b1 seeds\b|None|\bnan\b|\binf\b", sentence), (
            sentence
        )


@pytest.mark.parametrize(("alone", "words"), [(0.95, None), (0.965, "tends to hurt"), (0.99, "tends"), (1.0, "tends")])
def test_a_teacher_below_the_untaught_student_is_warned_of(alone: float, words: str | None) -> None:
    arms = [
        {"name": "main", "quality": {"test": 0.912}, "interval": [0.9, 0.92]},
        {"name": "no_teacher", "quality": {"test": alone}, "interval": [0.9, 0.92]},
    ]
    text = said(arms=arms)
    assert ("DWT" in text) == (words is not None)
    if words:
        assert words in text


def test_a_teacher_far_below_is_warned_of_strongly() -> None:
    arms = [
        {"name": "main", "quality": {"test": 0.5}, "interval": [0.4, 0.6]},
        {"name": "no_teacher", "quality": {"test": 0.7}, "interval": [0.6, 0.8]},
    ]
    weak = [{"name": "a", "quality": {"test": 0.55}, "interval": [0.5, 0.6]}]
    assert "do not distil" in said(arms=arms, teachers=weak)


def test_perplexity_is_told_where_it_was_measured() -> None:
    arms = [
        {"name": name, "quality": {"test": 0.4}, "interval": [0.3, 0.5], "perplexity": {"test": value}}
        for name, value in (("main", 12.0), ("main", 14.0), ("no_teacher", 20.04))
    ]
    teacher = {"name": "a", "quality": {"test": 0.45}, "interval": [0.4, 0.5], "perplexity": {"test": 9.96}}
    text = said(arms=arms, teachers=[teacher], seeds=[1, 2])
    assert "Test perplexity (lower is better): student 13.0, a 10.0, student without teachers 20.0." in text
    assert "perplexity" not in said()


def test_a_teacher_that_is_ahead_of_the_chosen_one_on_the_test_is_named():
    def teachers(*tests: float | None) -> list[dict[str, Any]]:
        return [{"name": n, "quality": {"test": q}, "interval": None} for n, q in zip("abc", tests, strict=False)]

    text = said(teachers=teachers(0.93, 0.95, 0.94))
    assert "best on validation; on the test b is ahead of it with 95.0%, of which the student has 96.0%." in text
    for none in (teachers(0.93, 0.93), teachers(0.93, 0.91, None), teachers(0.93)):
        assert "ahead of it" not in said(teachers=none)
