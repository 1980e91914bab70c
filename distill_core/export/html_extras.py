"""What was measured on request, in the offline report: labels' worth, and what each teacher adds. No torch."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from distill_core.export import html_charts as charts
from distill_core.export import html_template as html
from distill_core.export.formats import FORMATS
from distill_core.export.html_charts import NARROW, WIDE, Model
from distill_core.export.verdict import metric_words, p_value, points, times
from distill_core.extras.words import left_out_words, worth_words


def section(measured: Mapping[str, Mapping[str, Any]], models: Sequence[Model]) -> str:
    """measured: kind (`extras.state.KINDS`) → its figures, of those that are done. "" where nothing was asked for."""
    parts = []
    if measured.get("curve"):
        parts.append(_worth(measured["curve"], models))
    if measured.get("without"):
        parts.append(_left_out(measured["without"]))
    return "\n".join(parts)


def _worth(found: Mapping[str, Any], models: Sequence[Model]) -> str:
    metric = metric_words(found["metric"], found["task"])
    means = _means(found)
    said = "; ".join(f"{labels:,} labels: {100 * value:.1f}%" for labels, value in means)
    title = f"Test {metric} by number of labels"
    drawn = charts.drawn("worth-chart", title, said, *(curve(found, models, width) for width in (WIDE, NARROW)))
    shown = [model for model in models if model.role in ("main", "no_teacher")]
    caption = (
        f"{title}, of the same student without teachers (squares; a dot for each seed); the horizontal line is the "
        "distilled student. The horizontal axis is logarithmic, the other does not begin at 0."
    )
    rows = []
    for point, (labels, value) in zip(found["worth"]["points"], means, strict=True):
        low, high = (points(end, signed=True).partition(" ")[0] for end in point["interval"])
        better = points(point["difference"], signed=True)
        rows.append([f"{labels:,}", f"{100 * value:.1f}%", better, f"{low} to {high}"])
    protocol = (
        "Nested, stratified sets of the run's own labelled rows, and beyond them rows whose labels the run did not "
        "use; the run's validation and test rows. Those students start from the checkpoint before it learnt from "
        "labels here. Test was evaluated once for each trained student; the curve is read between its points alone."
    )
    legend = charts.legend([m for m in shown if m.role == "main"], {})
    return html.section(
        "worth",
        "How many labels it is worth",
        html.bullets(worth_words(found["worth"], found["unit"])),
        f"<figure>{legend}{drawn}<figcaption>{escape(caption)}</figcaption></figure>",
        html.table(
            "The same student without teachers", ["Labels", f"Test {metric}", "Student better by", "95% interval"], rows
        ),
        html.paragraph(protocol, "muted small"),
    )


def _means(found: Mapping[str, Any]) -> list[tuple[int, float]]:
    by: dict[int, list[float]] = {}
    for point in found["points"]:
        by.setdefault(int(point["labels"]), []).append(float(point["test"]))
    return [(labels, sum(values) / len(values)) for labels, values in sorted(by.items())]


def curve(found: Mapping[str, Any], models: Sequence[Model], width: int) -> str:
    """Test quality by the number of labels, its axis logarithmic; the student's level as a horizontal line."""
    height, left = (270, 46) if width == WIDE else (230, 40)
    right, bottom = width - 22.0, height - 42.0
    means = _means(found)
    student = next(model for model in models if model.role == "main")
    level = float(student.test or 0.0)
    values = [100 * value for value in [level, *(point["test"] for point in found["points"])]]
    marks = charts.ticks(min(values), min(max(values), 100))
    low, high = marks[0], max(marks[-1], marks[0] + 1)
    first, last = math.log(means[0][0]), math.log(means[-1][0])

    def x(labels: float) -> float:
        return left + 20 + (math.log(labels) - first) / max(last - first, 1e-9) * (right - left - 20)

    def y(value: float) -> float:
        return bottom - (100 * value - low) / (high - low) * (bottom - 8)

    parts = charts.levels_of(marks, y, left, right)
    parts += [
        f'<text class="a" x="{x(labels):.1f}" y="{bottom + 17:.1f}" text-anchor="middle">{labels:,}</text>'
        for labels, _ in means
    ]
    middle = (left + right) / 2
    parts.append(f'<text class="a" x="{middle:.1f}" y="{height - 4}" text-anchor="middle">labels</text>')
    colour = "var(--control-1)"
    parts.append(f'<path d="M{left} {y(level):.1f}H{right:.1f}" stroke="var(--student)" stroke-width="2.4"/>')
    path = "".join(f"{'L' if n else 'M'}{x(a):.1f} {y(b):.1f}" for n, (a, b) in enumerate(means))
    parts.append(f'<path d="{path}" fill="none" stroke="{colour}" stroke-width="1.8"/>')
    if len(found["seeds"]) > 1:
        parts += [
            f'<circle cx="{x(point["labels"]):.1f}" cy="{y(point["test"]):.1f}" r="2" fill="{colour}"/>'
            for point in found["points"]
        ]
    for labels, value in means:
        parts.append(
            f'<rect x="{x(labels) - 4.5:.1f}" y="{y(value) - 4.5:.1f}" width="9" height="9" fill="{colour}" class="m"/>'
        )
    at = found["worth"]["labels"]
    if at is not None:
        parts.append(
            f'<path d="M{x(at):.1f} {y(level):.1f}V{bottom:.1f}" stroke="var(--student)" stroke-width="1.6" '
            'stroke-dasharray="2 3"/>'
            f'<circle cx="{x(at):.1f}" cy="{y(level):.1f}" r="5.5" fill="var(--student)" class="m"/>'
        )
    return f"{width} {height}|" + "".join(parts)


def _left_out(found: Mapping[str, Any]) -> str:
    metric = metric_words(found["metric"], found["task"])
    rows = []
    for row in found["rows"]:
        low, high = (points(end, signed=True).partition(" ")[0] for end in row["interval"])
        rows.append(
            [
                *(row["teacher"], f"{100 * row['test']:.1f}%", points(row["difference"], signed=True)),
                *(f"{low} to {high}", p_value(row["p_adjusted"]).removeprefix("p ").removeprefix("= ")),
            ]
        )
    said = [left_out_words(row) for row in found["rows"]]
    said += [f"{one['teacher']} cannot be left out: {one['why']}" for one in found["kept_in"]]
    head = ["Without", f"Test {metric}", "Difference", "95% interval, points", "p (Holm)"]
    return html.section(
        "without",
        "What each teacher adds",
        html.bullets(said),
        html.table("The student trained again without one teacher", head, rows),
    )


def exports_tables(exports: Sequence[Mapping[str, Any]]) -> list[str]:
    """exports: `formats.measured`. What each is like beside the student it was made of, then how long a call takes;
    [] where nothing was exported."""
    if not exports:
        return []
    one = exports[0]
    head = ["Export", "Model file, MB", f"Validation {one['metric_words']}", "Lost, points", "Same answer as before"]
    caption = (
        f"Exports, measured again after they were built, on {one['rows']:,} validation rows; the student before: "
        f"{100 * one['quality']['student']:.1f}%, {one['bytes']['student'] / 1e6:.2f} MB as safetensors"
    )
    rows = [
        [
            FORMATS[found["format"]].title + _refused(found),
            f"{found['bytes']['export'] / 1e6:.2f}",
            f"{100 * found['quality']['export']:.1f}%",
            f"{found['lost_points']:.2f}",
            f"{100 * found['agreement']:.1f}%",
        ]
        for found in exports
    ]
    return [html.table(caption, head, rows), _export_times(exports)]


def _refused(found: Mapping[str, Any]) -> str:
    return f" (refused: more than {found['allowed']:g} points lost)" if found["state"] == "refused" else ""


def _export_times(exports: Sequence[Mapping[str, Any]]) -> str:
    """ "" where none was timed."""
    timed = [(found, row) for found in exports if found["state"] == "ready" for row in found.get("latency", [])]
    if not timed:
        return ""
    head = ["Export", "Batch", "Teacher p50 / p95, ms", "Student p50 / p95, ms", "Speed-up"]
    machine, first = timed[0][0].get("device") or {}, timed[0][1]
    caption = (
        f"Exports, timed when they were built: {first['tokens']} tokens, {first['threads']} thread(s) on "
        f"{machine.get('device_name') or machine.get('device', 'cpu')}; the teacher on the same runtime"
    )
    rows = [
        [
            *(f"{FORMATS[found['format']].title} ({row['runtime']})", str(row["batch"]), _ms(row["teacher_ms"])),
            *(_ms(row["student_ms"]), "–" if row["speedup"] is None else times(row["speedup"])),
        ]
        for found, row in timed
    ]
    return html.table(caption, head, rows)


def _ms(found: Mapping[str, Any] | None) -> str:
    return "–" if found is None else f"{found['p50']:.2f} / {found['p95']:.2f}"
