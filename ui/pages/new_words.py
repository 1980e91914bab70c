"""What the New run page says about a draft: one line a step, the summary at its side, the findings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from distill_core.catalogue import STUDENTS
from distill_core.errors import FieldError
from distill_core.layout import known_name
from distill_core.tasks.base import known_task
from ui import drafts, formula, markup, text, text_data
from ui.fields import slug
from ui.forms import error_html
from ui.pages import new_estimate

#: code of findings that are advice
ADVICE = "advice"


def step_label(number: int, words: str = "", at_fault: int = 0) -> str:
    """ "1 · Data", once visited "1 · Data: support-desk, 8 classes", or how many of its settings need attention."""
    if at_fault:
        words = text.ATTENTION.format(
            number=at_fault, s="" if at_fault == 1 else "s", need="s" if at_fault == 1 else ""
        )
    return f"{number + 1} · {text.STEPS[number]}" + (f": {words}" if words else "")


def step_words(draft: dict[str, Any], summary: dict[str, Any] | None = None) -> list[str]:
    """One line for each of the five steps."""
    summary, student = summary or {}, draft.get("student", {})
    return [
        data_words(draft.get("data", {}), summary),
        ", ".join(teacher_names(draft)) or text.NOTHING_YET,
        student_words(student),
        formula.short_words(draft),
        "",
    ]


def data_words(data: dict[str, Any], summary: dict[str, Any]) -> str:
    name = known_name(str(data.get("name") or data.get("train") or ""))
    parts = [name or text.NOTHING_YET]
    if summary.get("labels"):
        parts.append(classes_words(data, summary["labels"]))
    sizes = summary.get("sizes") or {}
    if sizes:
        parts.append(f"{sum(v for v in sizes.values() if isinstance(v, int)):,} rows")
    return ", ".join(parts)


def classes_words(data: dict[str, Any], labels: list[str]) -> str:
    """ "8 classes", or what the task calls them."""
    return known_task(data.get("task")).count_words(labels)


def teacher_names(draft: dict[str, Any]) -> list[str]:
    found = []
    for teacher in draft.get("teachers", []):
        source = str(teacher.get("source", "")).removeprefix("bundled:").rstrip("/\\")
        found.append(str(teacher.get("name") or source.replace("\\", "/").rsplit("/", 1)[-1]))
    return found


def student_words(student: dict[str, Any]) -> str:
    kind = student.get("kind")
    entry = STUDENTS[kind if kind in STUDENTS else next(iter(STUDENTS))]
    return str(entry.load().in_words({name: value for name, value in student.items() if value is not None}))


def summary_html(
    draft: dict[str, Any],
    sizes: dict[str, Any],
    summary: dict[str, Any] | None = None,
    estimate: dict[str, Any] | None = None,
) -> str:
    """The panel at the side. sizes: what `services.sizes` says of the student; estimate: see `new_estimate.ask`."""
    summary = summary or {}
    rows = [("Data", data_words(draft.get("data", {}), summary))]
    rows += [("Teachers" if i == 0 else "", name) for i, name in enumerate(teacher_names(draft))] or [
        ("Teachers", text.NOTHING_YET)
    ]
    rows.append(("Student", student_words(draft.get("student", {}))))
    rows.append(("Method", formula.short_words(draft)))
    most = "at most " if sizes.get("at_most") else ""
    rows.append(("Parameters", most + markup.count(sizes.get("parameters"))))
    rows.append(("On disk", most + markup.megabytes(sizes.get("bytes"))))
    body = "".join(f"<dt>{markup.esc(name)}</dt><dd>{markup.esc(value)}</dd>" for name, value in rows)
    body += (
        '<dt title="Parameters of the smallest teacher over the student\'s: which teacher is best is not known yet">'
        f'Compression</dt><dd class="sr-big" id="live-compression">'
        f"{'≥ ' if most else ''}{markup.times(sizes.get('compression'))}</dd>"
    )
    body += "".join(
        f"<dt>{markup.esc(name)}</dt><dd>{markup.esc(value)}</dd>" for name, value in new_estimate.rows(estimate)
    )
    problem = sizes.get("error")
    note = f'<p class="sr-muted sr-small">Not yet known: {markup.esc(problem)}</p>' if problem else ""
    return f'<section class="sr-card sr-summary"><h3>This run</h3><dl>{body}</dl>{note}</section>'


def missing_html(errors: Sequence[FieldError], names: Mapping[str, str], most: int = 4) -> str:
    """What keeps the run from starting, each with a way there. names: {path: what the field is called}."""
    if not errors:
        return f'<p class="sr-ready sr-small">{markup.esc(text.NOTHING_MISSING)}</p>'
    items = "".join(
        f'<li><a href="#step-{name.lower()}" data-step="{name.lower()}" data-field="{markup.esc(slug(error.field))}">'
        f"{markup.esc(name)}</a>: {markup.esc(_named(error, names))}</li>"
        for error in sorted(errors, key=lambda error: drafts.step_of(error.field))[:most]
        for name in [text.STEPS[drafts.step_of(error.field)]]
    )
    more = f"<li>{markup.esc(text.AND_MORE.format(number=len(errors) - most))}</li>" if len(errors) > most else ""
    return f'<div class="sr-missing sr-small"><b>{markup.esc(text.MISSING)}</b><ul>{items}{more}</ul></div>'


def _named(error: FieldError, names: Mapping[str, str]) -> str:
    name = names.get(error.field, error.field)
    message = error.message if len(error.message) <= 110 else error.message[:109] + "…"
    return message if error.field in ("config", "start") else f"{name} – {message}"


def plan_html(draft: dict[str, Any], estimate: dict[str, Any] | None) -> str:
    """How the teachers will be asked and why, and what the run will take where that is known."""
    chosen = str((estimate or {}).get("signals") or draft.get("signals") or "cached")
    said = text.SIGNALS.get(chosen, "")
    if chosen == "live" and draft.get("signals") == "live" and _mixes(draft):
        said += f" {text.SIGNALS_MIXED}"
    return f'<p id="review-signals" class="sr-small">{markup.esc(said)}</p>{new_estimate.html(estimate)}'


def _mixes(draft: dict[str, Any]) -> bool:
    matching = (draft.get("objective") or {}).get("matching")
    weight = matching.get("mixup") if isinstance(matching, dict) else None
    return isinstance(weight, int | float) and weight > 0


def refused_html(unplaced: Sequence[FieldError]) -> str:
    """What kept a run from starting that is no field's fault, for the side where the button is; else nothing."""
    said = "".join(f"<p>{markup.esc(f'{error.message} {error.hint}'.strip())}</p>" for error in unplaced)
    return f'<div class="sr-problem" id="start-refused" role="alert">{said}</div>' if said else ""


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
    for title, group in (
        ("What the data check found", [f for f in findings if f.get("code") != ADVICE]),
        ("Advice on what you chose", [f for f in findings if f.get("code") == ADVICE]),
    ):
        items = "".join(_finding(finding) for finding in group)
        if items:
            parts.append(f'<h4>{title}</h4><ul class="sr-findings">{items}</ul>')
    return "".join(parts)


def _finding(finding: dict[str, Any]) -> str:
    """A finding in words; with the button of its remedy, where it has one."""
    remedy, on = str(finding.get("remedy") or ""), bool(finding.get("applied"))
    title = text_data.MENDED if on else _severity(finding)
    said = f"<b>{markup.esc(title)}</b> {markup.esc(finding['message'])}"
    kind = "mended" if on else markup.esc(finding["severity"])
    if remedy not in text_data.REMEDIES:
        return f'<li class="sr-finding sr-finding-{kind}">{said}</li>'
    words, look = markup.esc(text_data.REMEDIES[remedy][on]), "sr-quiet" if on else "sr-button"
    button = f'<button type="button" class="{look}" data-remedy="{remedy}">{words}</button>'
    return f'<li class="sr-finding sr-finding-{kind} sr-with-remedy"><span>{said}</span>{button}</li>'


def _severity(finding: dict[str, Any]) -> str:
    words = text.ADVICE if finding.get("code") == ADVICE else {}
    return words.get(str(finding["severity"]), str(finding["severity"]))


def recipe_html(recipe: dict[str, Any] | None) -> str:
    """What a chosen recipe does; when to choose it and what it needs stands at the choice itself."""
    if not recipe:
        return '<p class="sr-muted">The settings below are yours.</p>'
    lines = [f"<p>{markup.esc(recipe.get('summary') or '')}</p>"]
    if recipe.get("paper"):
        lines.append(f'<p class="sr-small"><span class="sr-muted">Paper:</span> {markup.paper(recipe["paper"])}</p>')
    return "".join(lines)


def unfit_html(recipe: dict[str, Any], reason: Mapping[str, str]) -> str:
    """A recipe was pressed that does not suit what is chosen: why, what to do, and a button that fills it in anyway."""
    name, title = str(recipe["name"]), str(recipe.get("title") or recipe["name"])
    step = text.STEPS[drafts.step_of(reason["field"])].lower()
    said = f"{_capital(reason['message'])} {reason.get('hint') or ''}".strip()
    way = f' <a href="#step-{step}" data-step="{step}">{markup.esc(text.GO_TO.format(step=_capital(step)))}</a>'
    return (
        f'<div class="sr-unfit" role="status"><p><b>{markup.esc(text.NOT_FILLED.format(title=title))}</b> '
        f"{markup.esc(said)}{way if step != 'method' else ''}</p>"
        f'<button type="button" class="sr-button" data-recipe="{markup.esc(name)}">'
        f"{markup.esc(text.FILL_ANYWAY)}</button></div>"
    )


def _capital(sentence: str) -> str:
    return sentence[:1].upper() + sentence[1:]


def recipe_choice(recipe: dict[str, Any], fit: Mapping[str, Any] | None = None) -> str:
    """A recipe in the chooser: its title, when to choose it, what it needs; one line each. fit: as
    `services.recipe_fits` tells it, None before it is known: then why it does not suit, or how long it takes."""
    fit = fit or {}
    title, when = str(recipe.get("title") or recipe["name"]), str(recipe.get("when") or "")
    if fit.get("reason"):
        lines = [title, text.NOT_NOW.format(reason=fit["reason"]["message"]), when]
    else:
        needs = f"Needs: {_lower(str(recipe['needs']))}" if recipe.get("needs") else ""
        estimate = fit.get("estimate")
        if estimate and estimate.get("state") == "measuring":
            time = text.TAKES_MEASURING
        else:
            time = text.TAKES.format(span=new_estimate.span(estimate)) if estimate else ""
        lines = [title, when, needs, time]
    return "\n".join(" ".join(line.split()) for line in lines if line)


def _lower(sentence: str) -> str:
    """The first letter small, unless the first word is a name (ABC)."""
    return sentence if sentence[1:2].isupper() else sentence[:1].lower() + sentence[1:]
