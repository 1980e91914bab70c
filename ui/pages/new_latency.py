"""In step 3 of New run: how fast student and teachers are on this machine, as shapes, before anything is trained.

The block's script asks whenever it is in sight and something that decides latency has changed, a moment after the last
change, and again while the figures are not there. Nobody waits for a measurement; what nobody asks for any more is
dropped by the warm child.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import gradio as gr

from distill_core.errors import StillroomError
from ui import drafts, markup
from ui import text as text_parts
from ui import text_latency as text
from ui.drafts import Typed
from ui.pages import new_check, new_words

if TYPE_CHECKING:
    from ui.pages.new import NewRun

#: paths of the draft that latency depends on (`services.planning` says which)
_DECIDE = ("student.", "measure.", "teachers.", "teacher_training.mode", "data.task", "data.max_tokens", "device")
#: the script is there once the step has been open
_LATER = "() => { window.StillroomLatency?.later(); return []; }"
_TOLD = "() => { window.StillroomLatency?.told(); return []; }"
_TEACHERS_AT_FIRST = 2
#: number of the step from which on the helper is started
TEACHERS = text_parts.STEPS.index("Teachers")


@dataclass(frozen=True)
class LatencyBlock:
    """asks: has no looks; its script says when to ask (`wanted`)."""

    said: gr.HTML
    asks: gr.HTML


def build() -> LatencyBlock:
    said = markup.still_html(_block(_TEACHERS_AT_FIRST + 1, "", ""), elem_id="latency")
    asks = markup.live_html("", "new_latency", functions=[], elem_id="latency-asks")
    return LatencyBlock(said, asks)


def wire(page: NewRun, services: Any) -> None:
    quiet: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
    block = page.student.latency
    deciding = [binding.widget for binding in page.form.bindings if binding.path.startswith(_DECIDE)]
    gr.on(
        [widget.change for widget in [page.student.kind, page.data.source, page.data.task, *deciding]],
        None, None, None, js=_LATER, **quiet,
    )  # fmt: skip
    block.asks.wanted(
        lambda *typed: told(page, services, typed), page.inputs, block.said,
        trigger_mode="always_last", concurrency_limit=None, **quiet,
    ).then(None, None, None, js=_TOLD, **quiet)  # fmt: skip
    block.asks.again(
        lambda *typed: told(page, services, typed, anew=True), page.inputs, block.said, concurrency_limit=None, **quiet
    ).then(None, None, None, js=_TOLD, **quiet)
    page.visited.change(lambda visited: warm_up(services, visited), page.visited, None, **quiet)


def warm_up(services: Any, visited: str | None) -> None:
    """Whoever has come as far as the teachers will soon see the student step: the helper starts meanwhile."""
    if any(step >= TEACHERS for step in new_check.visited_steps(visited)):
        services.warm_up()


def told(page: NewRun, services: Any, typed: tuple[Any, ...], *, anew: bool = False) -> str:
    """The block for what is typed now. anew: also where it failed a moment ago."""
    draft, _ = drafts.draft_of(page.form, Typed(typed[0], typed[1], typed[2:]))
    try:
        found = services.latency_preview(draft, anew=anew)
    except StillroomError as error:
        found = {"state": "failed", "error": error.message, "hint": error.hint, "field": error.field}
    return latency_html(found, draft)


def latency_html(found: dict[str, Any], draft: dict[str, Any]) -> str:
    """found: what `services.latency_preview` says of the draft. As high in every state, so that nothing moves; without
    teachers there is nothing, and while the draft is not valid an empty room (its fields say what is wrong)."""
    names = _answering(draft)
    if not names:
        return ""
    state = str(found.get("state"))
    if state == "ready" and found.get("rows"):
        compared = str(found.get("compared"))
        said = {"teacher": found.get("against", ""), "figure": text.FIGURES.get(compared, compared)}
        return _block(len(names) + 1, state, _table(found), _how(found), **said)
    if state == "failed":
        if found.get("field"):
            return _block(len(names) + 1, "invalid", "")
        error = f"{found.get('error', '')} {found.get('hint', '')}".strip()
        problem = markup.esc(text.FAILED.format(error=error))
        again = f'<button type="button" class="sr-button" data-again>{markup.esc(text.AGAIN)}</button>'
        return _block(len(names) + 1, "failed", f'<p class="sr-muted" role="status">{problem}</p>{again}')
    return _block(len(names) + 1, state, _waiting(names, draft))


def _answering(draft: dict[str, Any]) -> list[str]:
    """Names of the teachers that are timed: one that stays as pre-trained answers nobody."""
    teachers = draft.get("teachers", [])
    names = zip(new_words.teacher_names(draft), teachers, strict=True)
    return [name for name, teacher in names if not teacher.get("pretrained_only")]


def _block(rows: int, state: str, inside: str, how: str = "", **words: str) -> str:
    """rows: models; so many lines are kept free. words: for the sentence below."""
    said = text.STATES.get(state, "").format(**words)
    under = f'<p class="sr-muted sr-small" role="status">{markup.esc(said)}</p>' if said else ""
    head = "" if state == "invalid" else f"<h4>{markup.esc(text.TITLE)}</h4>"
    return (
        f'<section class="sr-latency" data-state="{markup.esc(state)}" style="--rows: {rows}" '
        f'aria-label="{markup.esc(text.TITLE)}">{head}{inside}{under}{how}</section>'
    )


def _table(found: dict[str, Any]) -> str:
    """A column for the clock and, where speed-ups are made of CPU time, one for that, which they stand below."""
    rows, speedup = found["rows"], found.get("speedup", {})
    figures = _figures(str(found.get("compared")))
    batches = sorted({row["batch"] for row in rows})
    by_cell = {(row["role"], row["name"], row["batch"]): row for row in rows}
    body, teachers = [], 0
    for role, name in sorted(
        {(row["role"], row["name"]): None for row in rows}, key=lambda model: model[0] != "teacher"
    ):
        cells = [_cell(by_cell.get((role, name, batch)), figure) for batch in batches for figure in figures]
        body.append(_line(name if role == "teacher" else text.STUDENT, cells, teachers if role == "teacher" else None))
        teachers += role == "teacher"
    factors = []
    for batch in batches:
        factors += ["<td></td>"] * (len(figures) - 1)
        factors.append(f'<td class="sr-num"><b>{markup.times(speedup.get(str(batch)))}</b></td>')
    return _frame(batches, figures, [*body, _line(text.SPEEDUP, factors, None, swatch=False)])


def _figures(compared: str) -> list[str]:
    return ["p50", "cpu_ms"] if compared == "cpu_ms" else ["p50"]


def _how(found: dict[str, Any]) -> str:
    notes = [found.get("protocol"), text.FIGURE_SAID.get(str(found.get("compared"))), text.REPORT_SAID]
    said = "".join(f"<p>{markup.esc(note)}</p>" for note in notes if note)
    return f'<details class="sr-how"><summary>{markup.esc(text.HOW)}</summary>{said}</details>'


def _waiting(names: list[str], draft: dict[str, Any]) -> str:
    """The same table without figures."""
    measure = draft.get("measure", {})
    sizes = measure.get("batch_sizes")
    batches = sorted(set(sizes)) if isinstance(sizes, list) and all(isinstance(size, int) for size in sizes) else []
    # As it will be on a CPU; on an accelerator there are no columns for CPU time.
    figures = _figures("cpu_ms" if measure.get("threads") == 1 and draft.get("device") in (None, "auto", "cpu") else "")
    empty = [f'<td class="sr-num">{text.WAITING}</td>'] * (len(batches) * len(figures))
    body = [_line(name, empty, number) for number, name in enumerate(names)]
    last = [_line(text.STUDENT, empty, None), _line(text.SPEEDUP, empty, None, swatch=False)]
    return _frame(batches, figures, [*body, *last])


def _frame(batches: list[int], figures: list[str], body: list[str]) -> str:
    groups = "".join(
        f'<th scope="colgroup" class="sr-num" colspan="{len(figures)}">{markup.esc(text.BATCH.format(size=size))}</th>'
        for size in batches
    )
    columns = "".join(f'<th scope="col" class="sr-num">{markup.esc(text.COLUMNS[figure])}</th>' for figure in figures)
    return (
        f'<div class="sr-scroll" tabindex="0" role="group" aria-label="{markup.esc(text.TITLE)}">'
        f'<table class="sr-table"><caption class="sr-visually-hidden">{markup.esc(text.TITLE)}</caption><thead>'
        f'<tr><th scope="col" rowspan="2">{markup.esc(text.MODEL)}</th>{groups}</tr>'
        f"<tr>{columns * len(batches)}</tr></thead><tbody>{''.join(body)}</tbody></table></div>"
    )


def _line(name: str, cells: list[str], teacher: int | None, *, swatch: bool = True) -> str:
    """teacher: its number from 0, for its colour; None: the student, or (no swatch) what is no model."""
    colour = "sr-s" if teacher is None else f"sr-t{1 + teacher % 8}"
    mark = f'<span class="sr-swatch {colour}" aria-hidden="true"></span>' if swatch else ""
    return f'<tr><th scope="row">{mark}{markup.esc(name)}</th>{"".join(cells)}</tr>'


def _cell(row: dict[str, Any] | None, figure: str) -> str:
    row = row or {}
    p50, p95, cpu = (milliseconds(row.get(key)) for key in ("p50", "p95", "cpu_ms"))
    said = text.CELL.format(p50=p50, p95=p95, cpu=cpu, repeats=row.get("repeats", "–"))
    return f'<td class="sr-num" title="{markup.esc(said)}">{milliseconds(row.get(figure))}</td>'


def milliseconds(value: object) -> str:
    """Three figures, as everywhere on the page: "0.42", "12.3", "128"."""
    if not isinstance(value, int | float) or isinstance(value, bool):
        return "–"
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"
