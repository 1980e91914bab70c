"""A report as Markdown, for terminals and notes. No torch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from distill_core.export.reproduction import sentences as reproduction_words
from distill_core.export.verdict import finding, metric_words, points, times
from distill_core.measure.energy import words as energy_words
from distill_core.tasks.base import Task, known_task

ARM_NAMES = {"main": "student", "no_teacher": "control: no teacher", "uniform": "control: constant weights"}


def to_markdown(report: Mapping[str, Any], reproduction: Mapping[str, Any] | None = None) -> str:
    """The conclusion, whether it was reproduced, and a table each of models, comparisons, latency, languages, classes
    and time. reproduction: reproduction.json, or None while nobody did."""
    lines = [f"# {report['name']}", "", f"**{report['conclusion']['headline']}**", ""]
    lines += [f"- {sentence}" for sentence in report["conclusion"]["sentences"]]
    lines += [f"- {sentence}" for sentence in reproduction_words(reproduction)]
    lines += ["", "## Models", "", *_models(report)]
    compression = report["compression"]
    lines += [
        "",
        f"Compression: {times(compression['parameters'])} in parameters, {times(compression['bytes'])} in bytes.",
    ]
    header = ["student against", "difference", "95% interval", "p", "outcome"]
    lines += ["", "## Comparisons (test)", "", *table(header, comparison_rows(report))]
    if report["latency"]:
        lines += ["", "## Latency", "", *_latency(report)]
    languages = _languages(report)
    if languages:
        lines += ["", "## Languages (test)", "", *languages]
    classes = _classes(report)
    if classes:
        kind = _task(report).words.classes[0]
        lines += ["", f"## {kind} (student, test)", "", *classes]
    lines += ["", "## Time", "", *table(["stage", "seconds"], [[k, f"{v:.1f}"] for k, v in report["seconds"].items()])]
    if report.get("energy"):
        lines += ["", "## Energy", "", *(f"- {sentence}" for sentence in energy_words(report["energy"]))]
    return "\n".join(lines) + "\n"


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """A Markdown table with aligned columns: the first to the left, figures to the right."""
    cells = [[_cell(c) for c in row] for row in [header, *rows]]
    widths = [max(3, *(len(row[i]) for row in cells)) for i in range(len(header))]

    def line(row: Sequence[str]) -> str:
        first = row[0].ljust(widths[0])
        return "| " + " | ".join([first, *(c.rjust(w) for c, w in zip(row[1:], widths[1:], strict=True))]) + " |"

    rule = "|" + "|".join("-" * (w + 1) + ("-" if i == 0 else ":") for i, w in enumerate(widths)) + "|"
    return [line(cells[0]), rule, *(line(row) for row in cells[1:])]


def _cell(value: object) -> str:
    return " ".join(str(value).replace("|", "\\|").split())


def _percent(value: float | None) -> str:
    return "–" if value is None else f"{100 * value:.1f}%"


def _models(report: Mapping[str, Any]) -> list[str]:
    seeds = len(report["seeds"]) > 1
    rows = []
    for teacher in report["teachers"]:
        name = teacher["name"] + (" (reference)" if teacher["name"] == report["reference_teacher"] else "")
        rows.append([f"teacher: {name}", *_figures(teacher), "–"])
    for arm in report["arms"]:
        name = ARM_NAMES.get(arm["name"], arm["name"]) + (f", seed {arm['seed']}" if seeds else "")
        rows.append([name, *_figures(arm), _percent(arm["agreement"])])
    metric = metric_words(report["metric"], report["task"])
    units = {"word": "agreement, words", "piece": "agreement, pieces"}
    agreement = units.get(str(report.get("unit")), "agreement")
    header = ["model", "parameters", "MB", f"validation {metric}", f"test {metric}", "95% interval", agreement]
    entries = [*report["teachers"], *report["arms"]]
    if any(entry.get("perplexity") for entry in entries):
        header.append("test perplexity")
        for row, entry in zip(rows, entries, strict=True):
            row.append(_perplexity(entry))
    return table(header, rows)


def _perplexity(entry: Mapping[str, Any]) -> str:
    value = (entry.get("perplexity") or {}).get("test")
    return "–" if value is None else f"{value:,.2f}"


def _figures(entry: Mapping[str, Any]) -> list[str]:
    between = "–" if entry["interval"] is None else "{:.1f}–{:.1f}".format(*(100 * end for end in entry["interval"]))
    return [
        f"{entry['parameters']:,}",
        f"{entry['bytes'] / 1e6:.2f}",
        _percent(entry["quality"]["validation"]),
        _percent(entry["quality"]["test"]),
        between,
    ]


def _latency(report: Mapping[str, Any]) -> list[str]:
    rows = [
        [
            row["batch"],
            row["tokens"],
            row["threads"],
            f"{row['teacher_ms']['p50']:.2f} / {row['teacher_ms']['p95']:.2f}",
            f"{row['student_ms']['p50']:.2f} / {row['student_ms']['p95']:.2f}",
            "–" if row["speedup"] is None else times(row["speedup"]),
        ]
        for row in report["latency"]
    ]
    header = ["batch", "tokens", "threads", "teacher p50 / p95 ms", "student p50 / p95 ms", "speed-up"]
    runtime = report["latency"][0]["runtime"]
    device = report["device"].get("device_name") or report["device"].get("device") or ""
    return [*table(header, rows), "", f"Runtime: {runtime}" + (f" on {device}." if device else ".")]


def _task(report: Mapping[str, Any]) -> Task:
    return known_task(report["task"]).measured_by(report["metric"])


def _classes(report: Mapping[str, Any]) -> list[str]:
    main = next(arm for arm in report["arms"] if arm["name"] == "main")
    rows = [
        [row["label"], _percent(row["precision"]), _percent(row["recall"]), _percent(row["f1"]), row["support"]]
        for row in main["per_class"]
    ]
    _, each, counted = _task(report).words.classes
    return table([each, "precision", "recall", "F1", counted], rows) if rows else []


def _languages(report: Mapping[str, Any]) -> list[str]:
    """The reference teacher beside the student (mean over its seeds), a language a row and the mean over them."""
    teacher = next(t for t in report["teachers"] if t["name"] == report["reference_teacher"])
    mains = [arm for arm in report["arms"] if arm["name"] == "main"]
    if not all(entry.get("per_language") for entry in (teacher, *mains)):
        return []
    metric, words = report["metric"], metric_words(report["metric"], report["task"]).removeprefix("entity ")
    first = next(iter(teacher["per_language"].values()))
    counted = [name for name in ("examples", "sentences", "entities", "words") if name in first]
    rows = []
    for language, row in teacher["per_language"].items():
        own = [arm["per_language"][language][metric] for arm in mains if language in arm["per_language"]]
        student = sum(own) / len(own) if own else None
        rows.append([language, *(row[name] for name in counted), _percent(row[metric]), _percent(student)])
    over = f"macro_language_{metric}"
    means = [arm[over]["test"] for arm in mains]
    mean = None if any(value is None for value in means) else sum(means) / len(means)
    rows.append(["mean over languages", *("" for _ in counted), _percent(teacher[over]["test"]), _percent(mean)])
    return table(["language", *counted, f"teacher {words}", f"student {words}"], rows)


def comparison_rows(report: Mapping[str, Any]) -> list[list[str]]:
    """[against, difference, 95% interval, p, outcome] of every paired comparison, as text."""
    rows = []
    for row in report["comparisons"]:
        low, high = row["interval"]
        name = ARM_NAMES.get(row["against"], f"teacher: {row['against']}")
        rows.append(
            [
                name,
                points(row["difference"], signed=True),
                f"{100 * low:.1f} to {100 * high:.1f}".replace("-", "−"),
                f"{row['p_adjusted']:.3g}",
                finding(row),
            ]
        )
    return rows
