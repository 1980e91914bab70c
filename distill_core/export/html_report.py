"""A finished run as one HTML file for others: verdict, charts, what was lost, protocol, limits, how to reproduce it.

The file is whole: it fetches nothing, runs no script and prints to A4. Whatever a person named is escaped. No torch.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from html import escape
from typing import Any

from distill_core.export import html_charts as charts
from distill_core.export import html_extras as extras
from distill_core.export import html_limits as limits
from distill_core.export import html_template as html
from distill_core.export.html_charts import NARROW, WIDE, Curve, Model
from distill_core.export.markdown import ARM_NAMES
from distill_core.export.reproduction import sentences as reproduction_words
from distill_core.export.verdict import finding, metric_words, p_value, points, times
from distill_core.measure.energy import words as energy_words

_SIGNS = {"met": ("✓", "met"), "missed": ("✗", "missed"), "unsure": ("?", "unsure"), "open": ("–", "not judged")}
_ORDER = ("main", "no_teacher", "uniform")


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """All that the file says.

    report: report.json. verdict: as `services.results.verdict` gives it. metrics: rows of `events.metric_rows`, of
    which validation quality is drawn. config_yaml: the run's config as it ran. name: as people call the run now.
    reproduction: reproduction.json, or None while nobody did. created: seconds since 1970. folder: the run
    folder's name. measured: what was measured on request, kind → figures (`extras.state`).
    exports: what was measured of them (`formats.measured`).
    """

    report: Mapping[str, Any]
    verdict: Mapping[str, Any]
    config_yaml: str
    name: str
    folder: str
    metrics: Sequence[Mapping[str, Any]] = ()
    reproduction: Mapping[str, Any] | None = None
    created: float | None = None
    measured: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    exports: Sequence[Mapping[str, Any]] = ()
    models: list[Model] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "models", models_of(self.report))


def to_html(evidence: Evidence) -> str:
    """The file's text."""
    parts = [
        _head(evidence),
        _decision(evidence),
        _quality(evidence),
        _size(evidence),
        _curve(evidence),
        _lost(evidence),
        extras.section(evidence.measured, evidence.models),
        _protocol(evidence),
        html.section("limits", "Limits", html.bullets(limits.sentences(evidence.report, evidence.verdict))),
        _reproduce(evidence),
        "<footer>Written by Stillroom from the run's own files; every figure stands in them.</footer>",
    ]
    return html.page(f"{evidence.name}: report", "\n".join(parts))


def models_of(report: Mapping[str, Any]) -> list[Model]:
    """Teachers in their order, then student and controls, each over its seeds."""
    found = []
    for number, teacher in enumerate(report["teachers"]):
        best = " (best)" if teacher["name"] == report["reference_teacher"] and len(report["teachers"]) > 1 else ""
        quality = teacher["quality"]
        between = None if teacher["interval"] is None else (teacher["interval"][0], teacher["interval"][1])
        found.append(
            Model(
                teacher["name"] + best, "teacher", number, teacher["parameters"], teacher["bytes"],
                quality["test"], quality["validation"], between,
            )
        )  # fmt: skip
    for name in _ORDER:
        arms = [arm for arm in report["arms"] if arm["name"] == name]
        if arms:
            found.append(_arm(name, arms))
    return found


def _arm(name: str, arms: Sequence[Mapping[str, Any]]) -> Model:
    test = tuple(float(arm["quality"]["test"]) for arm in arms)
    several = len(arms) > 1
    interval = arms[0]["interval"]
    return Model(
        label=ARM_NAMES[name].capitalize(),
        role=name,
        parameters=arms[0]["parameters"],
        bytes=arms[0]["bytes"],
        test=sum(test) / len(test),
        validation=sum(float(arm["quality"]["validation"]) for arm in arms) / len(arms),
        between=(min(test), max(test)) if several else (interval[0], interval[1]),
        each=test if several else (),
        agreement=sum(float(arm["agreement"]) for arm in arms) / len(arms),
    )


def _metric(report: Mapping[str, Any]) -> str:
    return metric_words(report["metric"], report["task"])


def _teacher(report: Mapping[str, Any]) -> str:
    """How the reference teacher is called: with one that answers nobody is the best of them."""
    return "best teacher" if sum(t["quality"]["test"] is not None for t in report["teachers"]) > 1 else "teacher"


def _day(seconds: float | None) -> str:
    return "" if seconds is None else f"{datetime.fromtimestamp(seconds, UTC):%d %B %Y}".lstrip("0")


# ---------------------------------------------------------------- verdict


def _head(evidence: Evidence) -> str:
    report = evidence.report
    made = _day(evidence.created)
    teachers = [teacher["name"] for teacher in report["teachers"]]
    many = "1 teacher" if len(teachers) == 1 else f"{len(teachers)} teachers"
    said = f"{many} ({', '.join(teachers)}) → one student, on {report['data'].get('name', '')}"
    kicker = " · ".join(part for part in ("Distillation report", made) if part)
    return (
        f'<header><p class="kicker">{escape(kicker)}</p><h1>{escape(evidence.name)}</h1>'
        f'<p class="muted">{escape(said)}</p></header>'
    )


def _decision(evidence: Evidence) -> str:
    found = evidence.verdict
    rows = []
    for check in found["checks"]:
        sign, word = _SIGNS[check["status"]]
        rows.append(
            f'<li class="{check["status"]}"><span class="sign" aria-hidden="true">{sign}</span>'
            f"<span><b>{word.capitalize()}:</b> {escape(check['said'])}</span></li>"
        )
    asked = "thresholds set for this run" if found["own"] else "the thresholds by default"
    told = {check["said"] for check in found["checks"]}
    more = [sentence for sentence in found["sentences"] if sentence not in told]
    first = reproduction_words(evidence.reproduction)[0]
    return (
        f'<section class="verdict {found["verdict"]}" aria-labelledby="verdict">'
        f'<h2 id="verdict">{escape(found["words"])}</h2>'
        f"<p><b>{escape(found['headline'])}</b></p>"
        f'<ul class="checks">{"".join(rows)}</ul>'
        f'<p class="muted small">Judged against {asked}. Intervals are 95%. {escape(first)}</p></section>'
        f"<h3>The figures in words</h3>{html.bullets(more)}"
    )


# ---------------------------------------------------------------- charts


def _quality(evidence: Evidence) -> str:
    report, models = evidence.report, evidence.models
    metric = _metric(report)
    title = f"Test {metric}"
    said = "; ".join(f"{m.label} {charts.figures(m)}" for m in models)
    answering = [m for m in models if m.test is not None]
    drawn = charts.drawn("quality-chart", title, said, *(charts.quality(answering, width) for width in (WIDE, NARROW)))
    seeds = len(report["seeds"])
    lines = "Lines are 95% intervals over the test set."
    if seeds > 1:
        lines = (
            f"Student and controls: mean over {seeds} seeds, a dot for each, the line from the lowest to the highest. "
            "Teachers: 95% interval over the test set."
        )
    caption = f"{title}. {lines} The axis does not begin at 0."
    head = ["Model", "Parameters", f"Validation {metric}", title, "Interval" if seeds == 1 else "Interval or seeds"]
    rows = [
        [m.label, f"{m.parameters:,}", _percent(m.validation), _percent(m.test), _between(m), _percent(m.agreement)]
        for m in models
    ]
    return html.section(
        "quality",
        "Quality",
        f"<figure>{drawn}<figcaption>{escape(caption)}</figcaption></figure>",
        html.table("Models", [*head, f"Agreement with the {_teacher(report)}"], rows),
        html.table(
            "The student against others, on the same test rows",
            ["Against", "Difference", "95% interval, points", "p", "Finding"],
            _comparisons(report),
        ),
    )


def _comparisons(report: Mapping[str, Any]) -> list[list[str]]:
    rows = []
    for row in report["comparisons"]:
        control = row["role"] == "control"
        name = ARM_NAMES[row["against"]].capitalize() if control else f"Teacher: {row['against']}"
        low, high = (points(end, signed=True).partition(" ")[0] for end in row["interval"])
        difference = points(row["difference"], signed=True)
        rows.append([name, difference, f"{low} to {high}", _p(row), finding(row)])
    return rows


def _p(row: Mapping[str, Any]) -> str:
    return p_value(row["p_adjusted"]).removeprefix("p ").removeprefix("= ")


def _percent(value: float | None) -> str:
    return "–" if value is None else f"{100 * value:.1f}%"


def _between(model: Model) -> str:
    return "–" if model.between is None else f"{100 * model.between[0]:.1f}–{100 * model.between[1]:.1f}"


def _size(evidence: Evidence) -> str:
    report = evidence.report
    shown = [m for m in evidence.models if m.role in ("teacher", "main")]
    groups = [("Size, MB", [(m, m.bytes / 1e6, f"{m.bytes / 1e6:.2f} MB") for m in shown])]
    rows = report.get("latency_models") or []
    names = {teacher["name"]: number for number, teacher in enumerate(report["teachers"])}
    by_number = {m.number: m for m in shown if m.role == "teacher"}
    student = next(m for m in shown if m.role == "main")
    for batch in sorted({row["batch"] for row in rows}):
        bars = [
            (student if row["role"] == "student" else by_number[names[row["name"]]], row["p50"], f"{row['p50']:.2f} ms")
            for row in rows
            if row["batch"] == batch and (row["role"] == "student" or row["name"] in names)
        ]
        bars.sort(key=lambda bar: (bar[0].role == "main", bar[0].number))
        groups.append((f"Time of a call at batch {batch}, ms (median)", bars))
    said = "; ".join(f"{title}: {', '.join(f'{m.label} {text}' for m, _, text in of)}" for title, of in groups)
    drawn = charts.drawn("size-chart", "Size and latency", said, *(charts.bars(groups, w) for w in (WIDE, NARROW)))
    factor = report["compression"]
    caption = (
        f"The {_teacher(report)}'s parameters are {times(factor['parameters'])} and its bytes {times(factor['bytes'])} "
        "the student's. The controls have the student's size and speed. Every group has its own scale, from 0."
    )
    head = [
        "Batch",
        "Tokens",
        "Threads",
        f"{_teacher(report).capitalize()} p50 / p95, ms",
        "Student p50 / p95, ms",
        "Speed-up",
    ]
    table = [
        [
            *(str(row["batch"]), str(row["tokens"]), str(row["threads"])),
            f"{row['teacher_ms']['p50']:.2f} / {row['teacher_ms']['p95']:.2f}",
            f"{row['student_ms']['p50']:.2f} / {row['student_ms']['p95']:.2f}",
            "–" if row["speedup"] is None else times(row["speedup"]),
        ]
        for row in report["latency"]
    ]
    return html.section(
        "size",
        "Size and latency",
        f"<figure>{drawn}<figcaption>{escape(caption)}</figcaption></figure>",
        html.table("Latency of one call", head, table) if table else "",
        *extras.exports_tables(evidence.exports),
    )


def curves_of(evidence: Evidence) -> list[Curve]:
    """Validation quality of every trial of student and controls, as the events tell it."""
    by_role = {m.role: m for m in evidence.models if m.role != "teacher"}
    found: dict[tuple[str, int], list[tuple[int, float]]] = {}
    for row in evidence.metrics:
        if row["name"] == "validation_quality" and row["arm"] in by_role and row["value"] is not None:
            found.setdefault((row["arm"], row["seed"]), []).append((row["step"], float(row["value"])))
    order = sorted(found, key=lambda key: (_ORDER.index(key[0]), key[1]))
    return [Curve(by_role[arm], seed, tuple(sorted(found[arm, seed]))) for arm, seed in order]


def _curve(evidence: Evidence) -> str:
    trials, metric = curves_of(evidence), _metric(evidence.report)
    if not trials:
        return html.section("curve", "Training", html.paragraph("This run kept no validation curve.", "muted"))
    teachers = [m for m in evidence.models if m.role == "teacher" and m.validation is not None]
    ends = []
    for trial in trials:
        step, best = max(trial.points, key=lambda point: point[1])
        ends.append(f"{trial.model.label}, seed {trial.seed}: highest {100 * best:.1f}% at step {step:,}")
    levels = [f"{t.label} stands at {_percent(t.validation)}" for t in teachers]
    title = f"Validation {metric} while training"
    drawn = charts.drawn(
        "curve-chart", title, "; ".join([*ends, *levels]), *(charts.curves(trials, teachers, w) for w in (WIDE, NARROW))
    )
    drawn_models = [*{trial.model.label: trial.model for trial in trials}.values(), *teachers]
    notes = {t.label: f"level {_percent(t.validation)}" for t in teachers}
    many = " A line for each seed." if len(evidence.report["seeds"]) > 1 else ""
    caption = f"{title}; horizontal lines are the teachers' levels.{many} The state with the highest value was kept."
    return html.section(
        "curve",
        "Training",
        f"<figure>{charts.legend(drawn_models, notes)}{drawn}<figcaption>{escape(caption)}</figcaption></figure>",
        html.bullets([f"{line}." for line in ends]),
    )


# ---------------------------------------------------------------- what stands behind it


_SLICES = "classes, languages, lengths, rare ones"


def _lost(evidence: Evidence) -> str:
    found = evidence.verdict.get("lost")
    if found is None:
        said = "This run kept no predictions, so single classes, languages and lengths cannot be compared."
        return html.section("lost", "What was lost", html.paragraph(said))
    by_piece = evidence.report.get("unit") == "piece"
    where = "kinds and frequencies of hidden pieces, languages, lengths" if by_piece else _SLICES
    looked = f"{found['tests']} paired comparisons in {found['slices']} slices ({where}), adjusted after Holm."
    if not found["losses"]:
        said = f"No slice is shown to fall behind the {_teacher(evidence.report)} or the control: {looked}"
        return html.section("lost", "What was lost", html.paragraph(said))
    rows = [
        [
            *(row["title"], str(row["rows"]), row["against_title"], _percent(row["student"]), _percent(row["other"])),
            *(points(row["difference"], signed=True), _p(row)),
        ]
        for row in found["losses"]
    ]
    head = ["Where", "Texts" if by_piece else "Rows", "Against", "Student", "Other", "Difference", "p (Holm)"]
    return html.section("lost", "What was lost", html.table(f"Where the student falls behind: {looked}", head, rows))


def _protocol(evidence: Evidence) -> str:
    report = evidence.report
    data, machine = report["data"], report.get("device") or {}
    sizes = ", ".join(f"{name} {count:,}" for name, count in (data.get("sizes") or {}).items())
    method = {"wilson": "Wilson score", "linearised": "linearised over test rows"}
    kind = method.get(report["protocol"].get("interval_method", ""), "")
    memory = f", {machine['memory_gb']:g} GB memory" if machine.get("memory_gb") else ""
    memory += ", bf16 while models learnt and were asked" if machine.get("precision") == "bf16" else ""
    rows = [
        ("Data", data.get("name", "")),
        ("Data's fingerprint", data.get("fingerprint") or ""),
        ("Rows", sizes),
        ("Seeds", ", ".join(map(str, report["seeds"]))),
        ("Measured by", _metric(report)),
        ("Chosen on", "validation only; test was evaluated once per trained model"),
        ("Intervals", f"95%, {kind}" if kind else "95%"),
        ("Latency", _timing(report)),
        ("Machine", f"{machine.get('device_name') or machine.get('device') or 'not known'}{memory}"),
        ("Versions", ", ".join(f"{name} {version}" for name, version in (report.get("versions") or {}).items())),
        ("Time taken", ", ".join(f"{stage} {seconds:,.0f} s" for stage, seconds in report["seconds"].items())),
        ("Energy", " ".join(energy_words(report["energy"])) if report.get("energy") else "not measured"),
    ]
    checks = [f"{one['severity']}: {one['message']}" for one in report.get("findings") or []]
    found = f"<h3>What the data checks found</h3>{html.bullets(checks)}" if checks else ""
    return html.section("protocol", "Protocol", html.facts(rows), found)


def _timing(report: Mapping[str, Any]) -> str:
    """How calls were timed, as far as the report tells it (earlier ones tell less)."""
    rows, found = report.get("latency_models") or [], report["protocol"].get("latency") or {}
    if not rows:
        return ""
    threads = rows[0]["threads"]
    said = [f"{rows[0]['runtime']}, {rows[0]['tokens']} tokens, {threads} thread{'' if threads == 1 else 's'}"]
    if "warmup" in found and "repeats" in found:
        said.append(f"{found['warmup']} warm-up calls, then {found['repeats']} timed ones")
    said += [str(found[name]) for name in ("order", "inputs") if found.get(name)]
    return "; ".join([*said, "tokenising not included"])


def _reproduce(evidence: Evidence) -> str:
    found = evidence.reproduction
    said = reproduction_words(found)
    done = f"Done on {_day(found['when'])}." if found else ""
    beside = ""
    if found and found["latency"]:
        rows = [
            [row["name"], str(row["batch"]), f"{row['then']:.2f}", "–" if row["now"] is None else f"{row['now']:.2f}"]
            for row in found["latency"]
        ]
        head = ["Model", "Batch", "Then, ms", "Now, ms"]
        beside = html.table("Latency (median) of both runs; shown, not judged", head, rows)
    out = shlex.quote(f"{evidence.folder}-again")
    compare = f"python -m distill_core reproduce {shlex.quote(evidence.folder)}"
    commands = f"# with the config below saved as config.yaml\npython -m distill_core run config.yaml --out {out}\n"
    commands += f"# or, with the run's folder at hand: run and compare\n{compare}"
    return html.section(
        "reproduce",
        "How to reproduce it",
        html.bullets([line for line in [*said, done] if line]),
        beside,
        f"<pre>{escape(commands)}</pre>",
        f"<details><summary>The config (YAML)</summary><pre>{escape(evidence.config_yaml)}</pre></details>",
    )
