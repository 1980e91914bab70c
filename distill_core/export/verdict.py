"""The conclusion: one headline and a few sentences that the figures allow, and no more than they allow. No torch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from distill_core.advice import gap_advice
from distill_core.catalogue import TASKS
from distill_core.tasks.base import build_task, known_task

SIGNIFICANCE = 0.05
#: how one seed's p was found
_TESTS = {"mcnemar": "McNemar ", "linearised": "paired over test sentences, "}
#: a test set whose 95% half-width is at least this much (a fraction) is called small, and the width is printed
WIDE = 0.01

_CONTROL = {
    "no_teacher": "the same student trained without teachers",
    "uniform": "the same student with constant teacher weights",
}
_SUBJECT = {"no_teacher": "distillation", "uniform": "weighting the teachers per example"}
_MISSING = {
    ("no_teacher", "not_requested"): "The control without teachers was not run, so this run cannot say whether the "
    "teachers helped.",
    ("uniform", "not_requested"): "The control with constant teacher weights was not run, so this run cannot say "
    "whether weighting per example helped.",
    ("uniform", "already_uniform"): "There is no control with constant weights: this run's teacher weights are "
    "constant already.",
    ("uniform", "constant_unused"): "There is no control with constant weights: soft labels are off, so the teacher "
    "weights are not used.",
    ("uniform", "single_teacher"): "There is no control with constant weights: with one teacher there is nothing to "
    "weigh.",
}


def outcome(difference: float, p: float) -> str:
    """ "better", "worse" or "no_difference" (none shown) at the 5% level; p is already adjusted."""
    if p >= SIGNIFICANCE or difference == 0:
        return "no_difference"
    return "better" if difference > 0 else "worse"


def conclude(report: Mapping[str, Any]) -> dict[str, Any]:
    """{"headline": str, "sentences": [str, …]} of a report (its fields as docs/report.md names them)."""
    rows = {row["against"]: row for row in report["comparisons"] if row["role"] == "control"}
    sentences = [_quality(report), _better_on_test(report), _perplexity(report), _languages(report)]
    sentences += [floor_sentence(report), _teacher(report), _pretrained(report)]
    sentences += [_control(name, rows[name], len(rows)) for name in _CONTROL if name in rows]
    sentences.append(_weak_teacher(report))
    sentences += [_missing(name, reason) for name, reason in report["missing_controls"].items()]
    if any(row["seeds"] == 1 for row in rows.values()):
        sentences.append("One seed cannot tell the method from luck: run several seeds to compare methods.")
    sentences.append(_test_size(report))
    return {"headline": headline(report), "sentences": [s for s in sentences if s]}


def finding(row: Mapping[str, Any]) -> str:
    """A comparison's outcome in words: about the method ("helped", "hurt") only for a control over several seeds."""
    if row["outcome"] == "no_difference":
        return "no difference shown"
    if row["role"] == "control" and row["seeds"] > 1:
        return "helped" if row["outcome"] == "better" else "hurt"
    return str(row["outcome"])


def metric_words(metric: str, task: str = "") -> str:
    """A metric's key as people say it: accuracy, entity F1; word accuracy where a tagger's words are counted.

    task: whose metric; "": any's that is measured by it.
    """
    tasks = [known_task(task)] if task else [one for one in map(build_task, TASKS) if one.metric == metric]
    named = tasks[0].measured_by(metric) if tasks else None
    own = named.words.metric if named is not None and named.metric == metric else ""
    return own or metric.replace("_", " ")


def headline(report: Mapping[str, Any]) -> str:
    """E.g. "10.2× smaller, 4.1× faster at batch 32, keeps 98.1% (97.0–99.2) of the best teacher's accuracy." """
    parts = [_size(float(report["compression"]["parameters"]))]
    rows = [row for row in report["latency"] if row.get("speedup")]
    if rows:
        row = max(rows, key=lambda r: r["batch"])
        parts.append(f"{_speed(float(row['speedup']))} at batch {row['batch']}")
    if report.get("quality_kept") is not None:
        parts.append(kept_words(report))
    text = ", ".join(parts)
    return text[:1].upper() + text[1:] + "."


def kept_words(report: Mapping[str, Any]) -> str:
    """ "keeps 98.1% (97.0–99.2) of the best teacher's accuracy"; quality_kept must be there."""
    kept = report["quality_kept"]
    verb = "reaches" if round(100 * kept, 1) > 100 else "keeps"
    owner = "best teacher's" if _answering(report) > 1 else "teacher's"
    return f"{verb} {_percent(kept, report.get('quality_kept_interval'))} of the {owner} {_metric(report)}"


def control_sentence(name: str, report: Mapping[str, Any]) -> str:
    """Main against one of its controls in words; "" where that was not run."""
    rows = {row["against"]: row for row in report["comparisons"] if row["role"] == "control"}
    return _control(name, rows[name], len(rows)) if name in rows else ""


def times(factor: float) -> str:
    """A factor for people: 4.1×, 28×, 120×."""
    text = f"{factor:.1f}" if factor < 99.95 else f"{factor:.0f}"
    return f"{text.removesuffix('.0')}×"


def points(difference: float, *, signed: bool = False) -> str:
    """A difference of fractions in percentage points: "3.2 points", "1 point" for exactly one; never "-0.0"."""
    value = _rounded(100 * difference)
    text = f"{abs(value):.1f}" if value not in (1.0, -1.0) else "1"
    sign = ("+" if value > 0 else "−" if value < 0 else "") if signed else ""
    return f"{sign}{text} point" + ("" if text == "1" else "s")


def p_value(p: float) -> str:
    """ "p < 0.001", "p = 0.012", "p = 0.34"."""
    if p < 0.001:
        return "p < 0.001"
    return f"p = {p:.3f}" if p < 0.0995 else f"p = {min(p, 1.0):.2f}"


def _rounded(value: float) -> float:
    return round(value, 1) + 0.0  # −0.0 + 0.0 is 0.0


def _metric(report: Mapping[str, Any]) -> str:
    return metric_words(str(report["metric"]), str(report.get("task")))


def _size(factor: float) -> str:
    if times(factor) == "1×":
        return "the same size"
    return f"{times(factor)} smaller" if factor > 1 else f"{times(1 / factor)} larger"


def _speed(factor: float) -> str:
    if times(factor) == "1×":
        return "the same speed"
    return f"{times(factor)} faster" if factor > 1 else f"{times(1 / factor)} slower"


def _percent(value: float, interval: Any = None) -> str:
    between = f" ({100 * interval[0]:.1f}–{100 * interval[1]:.1f})" if interval else ""
    return f"{100 * value:.1f}%{between}"


def _signed(value: float) -> str:
    value = _rounded(100 * value)
    return f"−{abs(value):.1f}" if value < 0 else f"{value:.1f}"


def _quality(report: Mapping[str, Any]) -> str:
    mains = [arm for arm in report["arms"] if arm["name"] == "main"]
    teacher = next(t for t in report["teachers"] if t["name"] == report["reference_teacher"])
    mean = sum(arm["quality"]["test"] for arm in mains) / len(mains)
    student = _percent(mean, mains[0].get("interval")) if len(mains) == 1 else f"{_percent(mean)} over {_seeds(mains)}"
    best = "best teacher" if _answering(report) > 1 else "teacher"
    return (
        f"Test {_metric(report)}: student {student}, {best} {teacher['name']} "
        f"{_percent(teacher['quality']['test'], teacher.get('interval'))}."
    )


def _better_on_test(report: Mapping[str, Any]) -> str:
    """Where the best teacher on validation is not the one with the highest test quality."""
    chosen = next(t for t in report["teachers"] if t["name"] == report["reference_teacher"])
    answering = [t for t in report["teachers"] if t["quality"]["test"] is not None]
    highest = max(answering, key=lambda t: t["quality"]["test"], default=chosen)
    if highest is chosen or not highest["quality"]["test"] > (chosen["quality"]["test"] or 0.0):
        return ""
    mains = [arm["quality"]["test"] for arm in report["arms"] if arm["name"] == "main"]
    test = highest["quality"]["test"]
    return (
        f"The best teacher is the one that was best on validation; on the test {highest['name']} is ahead of it with "
        f"{_percent(test)}, of which the student has {_percent(sum(mains) / len(mains) / test)}."
    )


def _answering(report: Mapping[str, Any]) -> int:
    """How many teachers have a quality: one that stays as pre-trained answers nothing."""
    return sum(teacher["quality"]["test"] is not None for teacher in report["teachers"])


def _pretrained(report: Mapping[str, Any]) -> str:
    """Why some teachers have no figures."""
    names = [teacher["name"] for teacher in report["teachers"] if teacher["quality"]["test"] is None]
    if not names:
        return ""
    said = "stays as it was pre-trained" if len(names) == 1 else "stay as they were pre-trained"
    return f"{' and '.join(names)} {said}, without a prediction layer: there is no quality to measure."


def _perplexity(report: Mapping[str, Any]) -> str:
    """In masked LM: mean over seeds of main, the reference teacher's, and the untaught student's where it was run."""
    teacher = next(t for t in report["teachers"] if t["name"] == report["reference_teacher"])
    if "perplexity" not in teacher:
        return ""

    def mean(name: str) -> float | None:
        found = [arm["perplexity"]["test"] for arm in report["arms"] if arm["name"] == name]
        return sum(found) / len(found) if found else None

    alone, student = mean("no_teacher"), mean("main")
    control = f", student without teachers {alone:.1f}" if alone is not None else ""
    return (
        f"Test perplexity (lower is better): student {student:.1f}, {teacher['name']} "
        f"{teacher['perplexity']['test']:.1f}{control}."
    )


def _languages(report: Mapping[str, Any]) -> str:
    """The language in which the student (mean over seeds) loses most against the reference teacher, of several."""
    teacher = next(t for t in report["teachers"] if t["name"] == report["reference_teacher"]).get("per_language") or {}
    mains = [arm.get("per_language") or {} for arm in report["arms"] if arm["name"] == "main"]
    metric = report["metric"]
    losses: dict[str, tuple[float, float, float]] = {}
    for language, row in teacher.items():
        # Only where entities are counted can there be none of them.
        if row.get("entities", 1) and all(language in arm for arm in mains):
            own = sum(arm[language][metric] for arm in mains) / len(mains)
            losses[language] = (row[metric] - own, own, row[metric])
    if len(losses) < 2:
        return ""
    language, (loss, own, ceiling) = max(losses.items(), key=lambda item: item[1][0])
    return f"Largest loss: {language}, {_percent(own)} against {_percent(ceiling)}." if _rounded(100 * loss) > 0 else ""


def floor_sentence(report: Mapping[str, Any]) -> str:
    """A warning when the student is not clearly better than one that always says the same."""
    floor = report.get("majority")
    mains = [arm for arm in report["arms"] if arm["name"] == "main"]
    if not floor or all(arm["interval"][0] > floor["share"] for arm in mains):
        return ""
    return (
        f"The student is not shown to be better than always answering “{floor['label']}” "
        f"({_percent(floor['share'])}): it has learnt little or nothing."
    )


def _seeds(items: Any) -> str:
    count = items if isinstance(items, int) else len(items)
    return "1 seed" if count == 1 else f"{count} seeds"


def _interval(row: Mapping[str, Any]) -> str:
    """The interval in points; of the loss instead of the gain where the sentence speaks of a loss."""
    low, high = row["interval"]
    if row["outcome"] == "worse":
        low, high = -high, -low
    return f"95% interval {_signed(low)} to {_signed(high)}"


def _teacher(report: Mapping[str, Any]) -> str:
    row = next((r for r in report["comparisons"] if r["role"] == "teacher"), None)
    if row is None:
        return ""
    best = "the best teacher" if _answering(report) > 1 else "the teacher"
    if row["outcome"] == "no_difference":
        return f"No difference between the student and {best} is shown on this test set ({_interval(row)} points)."
    gap = points(abs(row["difference"]))
    if row["outcome"] == "better":
        return f"The student beats {best} on this test set by {gap} ({_interval(row)})."
    return f"The student is {gap} below {best} on this test set ({_interval(row)})."


def _control(name: str, row: Mapping[str, Any], controls: int) -> str:
    return _one_seed(name, row, controls) if row["seeds"] == 1 else _many_seeds(name, row, controls)


def _weak_teacher(report: Mapping[str, Any]) -> str:
    """DWT's warning, where the best teacher is far below the control without teachers."""
    alone = [arm["quality"]["test"] for arm in report["arms"] if arm["name"] == "no_teacher"]
    if not alone:
        return ""
    best = next(t for t in report["teachers"] if t["name"] == report["reference_teacher"])
    advice = gap_advice(best["quality"]["test"], sum(alone) / len(alone), teachers=_answering(report))
    return f"{advice}" if advice else ""


def _p(row: Mapping[str, Any], controls: int, test: str = "") -> str:
    corrected = f", Holm over {controls} controls" if controls > 1 else ""
    return f"{test}{p_value(row['p_adjusted'])}{corrected}"


def _one_seed(name: str, row: Mapping[str, Any], controls: int) -> str:
    """One trained student against one trained control: about these two models, not about the method."""
    control, p = _CONTROL[name], _p(row, controls, _TESTS.get(row["method"], ""))
    if row["outcome"] == "better":
        return f"With one seed, this student beats {control} on this test set by {points(row['difference'])} ({p})."
    if row["outcome"] == "worse":
        return f"With one seed, {control} beats this student on this test set by {points(-row['difference'])} ({p})."
    return (
        f"With one seed, no difference between this student and {control} is shown on this test set "
        f"({points(row['difference'], signed=True)}, {p})."
    )


def _many_seeds(name: str, row: Mapping[str, Any], controls: int) -> str:
    control, seeds = _CONTROL[name], _seeds(row["seeds"])
    detail = f"{_interval(row)}, {_p(row, controls)}"
    if row["outcome"] == "better":
        return f"Over {seeds}, {_SUBJECT[name]} helped: {points(row['difference'])} above {control} ({detail})."
    if row["outcome"] == "worse":
        return f"Over {seeds}, {_SUBJECT[name]} hurt: {points(-row['difference'])} below {control} ({detail})."
    return (
        f"Over {seeds}, no difference between the student and {control} is shown "
        f"({points(row['difference'], signed=True)}; {detail})."
    )


def _missing(name: str, reason: str) -> str:
    return _MISSING.get((name, reason), reason)


def _test_size(report: Mapping[str, Any]) -> str:
    half = report.get("test_half_width")
    size = (report["data"].get("sizes") or {}).get("test")
    if half is None or half < WIDE or not size:
        return ""
    noun = known_task(report.get("task")).words.row
    examples = f"1 {noun}" if size == 1 else f"{size:,} {noun}s"
    return f"With {examples}, {_metric(report)} is known to ±{points(half)}."
