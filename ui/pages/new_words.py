"""What the New run page says about a draft: one line a step, the summary at its side, the findings."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from distill_core.errors import FieldError
from ui import markup, text
from ui.forms import error_html

#: Stored uploads carry the start of their content's hash before the name people know.
_STORED = re.compile(r"^[0-9a-f]{8,16}-(?=.)")


def step_label(number: int, words: str = "") -> str:
    """ "1 · Data", or, folded, "1 · Data: support-desk, 8 classes"."""
    return f"{number + 1} · {text.STEPS[number]}" + (f": {words}" if words else "")


def step_words(draft: dict[str, Any], summary: dict[str, Any] | None = None) -> list[str]:
    """One line for each of the five steps."""
    summary, student = summary or {}, draft.get("student", {})
    objective, training = draft.get("objective", {}), draft.get("training", {})
    terms = [
        name
        for name, key in (("hard labels", "hard_label"), ("soft labels", "soft_label"), ("hidden states", "hidden"))
        if objective.get(f"{key}_weight")
    ]
    return [
        data_words(draft.get("data", {}), summary),
        ", ".join(teacher_names(draft)) or text.NOTHING_YET,
        student_words(student),
        f"{' + '.join(terms) or 'no loss'}, {training.get('epochs', '–')} epochs",
        "",
    ]


def data_words(data: dict[str, Any], summary: dict[str, Any]) -> str:
    name = str(data.get("name") or data.get("train") or "").replace("\\", "/").rsplit("/", 1)[-1]
    name = _STORED.sub("", name)
    parts = [name or text.NOTHING_YET]
    if summary.get("labels"):
        parts.append(f"{len(summary['labels'])} classes")
    sizes = summary.get("sizes") or {}
    if sizes:
        parts.append(f"{sum(v for v in sizes.values() if isinstance(v, int)):,} rows")
    return ", ".join(parts)


def teacher_names(draft: dict[str, Any]) -> list[str]:
    found = []
    for teacher in draft.get("teachers", []):
        source = str(teacher.get("source", "")).removeprefix("bundled:").rstrip("/\\")
        found.append(str(teacher.get("name") or source.replace("\\", "/").rsplit("/", 1)[-1]))
    return found


def student_words(student: dict[str, Any]) -> str:
    if student.get("kind") == "bilstm":
        return (
            f"BiLSTM, {student.get('lstm_layers', '–')} × {student.get('lstm_hidden', '–')} units, "
            f"embedding {student.get('embedding', '–')}"
        )
    copied = " of a teacher" if student.get("initialise") == "teacher_layers" else f" × {student.get('hidden', '–')}"
    return f"Transformer, {student.get('layers', '–')} layers{copied}"


def summary_html(draft: dict[str, Any], sizes: dict[str, Any], summary: dict[str, Any] | None = None) -> str:
    """The panel at the side. sizes: what `services.sizes` says of the student as typed."""
    summary = summary or {}
    rows = [("Data", data_words(draft.get("data", {}), summary))]
    rows += [("Teachers" if i == 0 else "", name) for i, name in enumerate(teacher_names(draft))] or [
        ("Teachers", text.NOTHING_YET)
    ]
    rows.append(("Student", student_words(draft.get("student", {}))))
    rows.append(("Parameters", markup.count(sizes.get("parameters"))))
    rows.append(("On disk", markup.megabytes(sizes.get("bytes"))))
    body = "".join(f"<dt>{markup.esc(name)}</dt><dd>{markup.esc(value)}</dd>" for name, value in rows)
    body += (
        '<dt title="Parameters of the smallest teacher over the student\'s: which teacher is best is not known yet">'
        f'Compression</dt><dd class="sr-big" id="live-compression">{markup.times(sizes.get("compression"))}</dd>'
    )
    problem = sizes.get("error")
    note = f'<p class="sr-muted sr-small">Not yet known: {markup.esc(problem)}</p>' if problem else ""
    return f'<section class="sr-card sr-summary"><h3>This run</h3><dl>{body}</dl>{note}</section>'


def review_html(errors: Sequence[FieldError], unplaced: Sequence[FieldError], findings: list[dict[str, Any]]) -> str:
    """How the check went: how many fields need attention, errors with no field of their own, findings in words."""
    parts = []
    if errors:
        steps = "one setting needs" if len(errors) == 1 else f"{len(errors)} settings need"
        parts.append(
            f'<div class="sr-problem" role="alert"><h3>Not ready: {steps} attention</h3>'
            + error_html([FieldError(e.field, f"{e.field}: {e.message}", e.hint) for e in unplaced])
            + '<p class="sr-muted">What is wrong stands at each field; nothing you typed is lost.</p></div>'
        )
    else:
        parts.append('<p class="sr-done"><b>Checked: this run can start.</b></p>')
    items = "".join(
        f'<li class="sr-finding sr-finding-{markup.esc(f["severity"])}"><b>{markup.esc(f["severity"])}</b> '
        f"{markup.esc(f['message'])}{_rows(f)}</li>"
        for f in findings
    )
    if items:
        parts.append(f'<h4>What the data check found</h4><ul class="sr-findings">{items}</ul>')
    return "".join(parts)


def _rows(finding: dict[str, Any]) -> str:
    rows = [str(row) for row in (finding.get("rows") or [])[:10]]
    more = " …" if (finding.get("count") or 0) > len(rows) else ""
    return f' <span class="sr-muted">Rows {markup.esc(", ".join(rows))}{more}.</span>' if rows else ""


def recipe_html(recipe: dict[str, Any] | None) -> str:
    if not recipe:
        return '<p class="sr-muted">The settings below are yours.</p>'
    lines = [f"<p>{markup.esc(recipe.get('summary') or '')}</p>"]
    for name, key in (("When", "when"), ("Needs", "needs"), ("Paper", "paper")):
        if recipe.get(key):
            lines.append(f'<p class="sr-small"><span class="sr-muted">{name}:</span> {markup.esc(recipe[key])}</p>')
    return "".join(lines)
