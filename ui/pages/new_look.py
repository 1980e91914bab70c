"""In step 1 of New run: a look at the data as chosen, and remedies for what is found, each a press away.

The block's script asks while it is in sight, a moment after the last change. What there is to see comes from
`services.look`, which takes bounded time: of long files, and of data sets on the Hub, the first rows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import gradio as gr

from distill_core.config import Remedies
from distill_core.errors import StillroomError
from ui import drafts, filling, markup, preview
from ui import text_data as text
from ui.drafts import Typed

if TYPE_CHECKING:
    from ui.pages.new import NewRun

REMEDIES = tuple(Remedies.model_fields)
MOST_CLASSES, MOST_ROWS, MOST_FINDINGS = 12, 6, 20
_LATER = "() => { window.StillroomLook?.later(); return []; }"
_TOLD = "() => { window.StillroomLook?.told(); return []; }"


@dataclass(frozen=True)
class LookBlock:
    """asks: has no looks; its script says when to look (`wanted`) and which remedy was pressed (`remedy`)."""

    said: gr.HTML
    asks: gr.HTML


def build() -> LookBlock:
    return LookBlock(
        markup.still_html(elem_id="data-preview"),
        markup.live_html("", "new_look", functions=[], elem_id="look-asks"),
    )


def wire(page: NewRun, services: Any) -> None:
    quiet: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
    block = page.data.look
    assert block is not None
    paths = ("data.", "teachers.0.source", "teachers.0.revision")
    deciding = [binding.widget for binding in page.form.bindings if binding.path.startswith(paths)]
    gr.on([widget.change for widget in [page.data.source, *deciding]], None, None, None, js=_LATER, **quiet)
    block.asks.wanted(
        lambda *typed: told(page, services, typed), page.inputs, block.said,
        trigger_mode="always_last", concurrency_limit=None, **quiet,
    ).then(None, None, None, js=_TOLD, **quiet)  # fmt: skip
    boxes = [page.form.widget(f"data.remedies.{name}") for name in REMEDIES]
    # Nobody types here: that the draft has changed is told by `renewed`, as by a filling.
    block.asks.remedy(pressed, boxes, [*boxes, page.renewed], **quiet)
    page.review.asks.remedy(pressed_at_review, boxes, [*boxes, page.renewed, page.recheck], **quiet)


def pressed_at_review(event: gr.EventData, *on: bool) -> list[Any]:
    """The same at Review, where everything is then checked again."""
    updates = pressed(event, *on)
    return [*updates, gr.skip() if updates[-1] == gr.skip() else f"stay {filling.stamp()}"]


def pressed(event: gr.EventData, *on: bool) -> list[Any]:
    """Turns the remedy's checkbox over; what is none of them changes nothing. on: the checkboxes, as `REMEDIES`."""
    name = event._data.get("name") if isinstance(event._data, dict) else None
    if name not in REMEDIES:
        return [gr.skip()] * (len(REMEDIES) + 1)
    return [*((not value if name == own else gr.skip()) for own, value in zip(REMEDIES, on, strict=True)),
            filling.stamp()]  # fmt: skip


def told(page: NewRun, services: Any, typed: tuple[Any, ...]) -> str:
    """The block for what is typed now."""
    draft, _ = drafts.draft_of(page.form, Typed(typed[0], typed[1], typed[2:]))
    data = draft.get("data", {})
    if data.get("source") == "hub" and not data.get("name"):
        return _plain(text.HUB)
    if data.get("source") == "files" and not data.get("train"):
        return ""  # that no file is there yet is told where files are chosen
    try:
        found = services.look(draft)
    except StillroomError as error:
        found = {"error": f"{error.message} {error.hint}".strip()}
    return look_html(found)


def look_html(found: Mapping[str, Any]) -> str:
    """found: what `services.look` says of a draft."""
    if "error" in found:
        return _plain(text.NOT_YET.format(error=found["error"]))
    parts = [rows_html(found), _bars(found), findings_html(found)]
    return f'<section class="sr-look" aria-label="{markup.esc(text.TITLE)}">{"".join(parts)}</section>'


def _plain(said: str) -> str:
    return f'<p class="sr-muted sr-small">{markup.esc(said)}</p>'


# ---------------------------------------------------------------- rows


def rows_html(found: Mapping[str, Any]) -> str:
    """The first rows; the head of each column says what it is used as."""
    rows, columns = found["rows"], found["columns"]
    if not rows:
        return ""
    if preview.sentence_of(rows[0]) is None:
        body = markup.table(list(rows), limit=MOST_ROWS, marks=_marks(columns))
    else:
        used = ", ".join(f"{column['name']}: {_role(column)}" for column in columns if column["role"])
        body = (_plain(used) if used else "") + preview.rows_html(rows, limit=MOST_ROWS)
    form = text.WHOLE if found["whole"] else text.PART if found["about"] is not None else text.PART_OF_UNKNOWN
    counted = form.format(read=markup.count(found["read"]), about=markup.count(found["about"] or 0))
    return f"<div><h4>{markup.esc(text.FIRST_ROWS)}</h4>{_plain(counted)}{body}</div>"


def _role(column: Mapping[str, Any]) -> str:
    return text.ROLES.get(str(column["role"]), str(column["role"])) if column["role"] else text.UNUSED


def _marks(columns: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """{column: what stands beside its name}."""
    marks = {}
    for column in columns:
        kind = "sr-role" if column["role"] else "sr-role sr-role-none"
        spoken = f'<span class="sr-visually-hidden">{markup.esc(text.USED_AS)} </span>' if column["role"] else ""
        marks[str(column["name"])] = f'<span class="{kind}">{spoken}{markup.esc(_role(column))}</span>'
    return marks


# ---------------------------------------------------------------- bars


def _bars(found: Mapping[str, Any]) -> str:
    return "".join(part for part in (balance_html(found), lengths_html(found.get("lengths"))) if part)


def balance_html(found: Mapping[str, Any]) -> str:
    """One list of bars a split, the classes in the same order in each; bars are shares of their split."""
    balance, counted = list(found["balance"]), text.COUNTED[str(found["counted"])]
    if not balance:
        return ""
    balance.sort(key=lambda row: (-sum(row["counts"].values()), str(row["label"])))
    named = [name for name in text.SPLITS if any(name in row["counts"] for row in balance)]
    top = max(_share(row, balance, name) for row in balance for name in named) or 1.0
    blocks = []
    for name in named:
        total = sum(row["counts"].get(name, 0) for row in balance)
        lines = [
            bar_html(str(row["label"]), _said(row["counts"].get(name, 0), total), _share(row, balance, name) / top)
            for row in balance[:MOST_CLASSES]
        ]
        left = [row["counts"].get(name, 0) for row in balance[MOST_CLASSES:]]
        if left:
            more = text.AND_MORE_CLASSES.format(number=len(left), counted=markup.count(sum(left)), what=counted)
            lines.append(f'<li class="sr-muted sr-small">{markup.esc(more)}</li>')
        blocks.append(_split_html(name, total, counted, lines))
    return f'<div><h4>{markup.esc(text.CLASSES)}</h4><div class="sr-look-splits">{"".join(blocks)}</div></div>' + (
        _plain(f"{text.SPLITS['transfer']}: {_number(found['sizes']['transfer'], 'rows')}.")
        if found["sizes"].get("transfer") and "transfer" not in named
        else ""
    )


def _share(row: Mapping[str, Any], balance: Sequence[Mapping[str, Any]], split: str) -> float:
    total = sum(other["counts"].get(split, 0) for other in balance)
    return row["counts"].get(split, 0) / total if total else 0.0


def _said(number: int, total: int) -> str:
    return text.BAR_VALUE.format(number=f"{number:,}", share=_percent(number / total if total else 0.0))


def _percent(share: float) -> str:
    """0.0004 → "<0.1%": what is there is never said to be nothing."""
    if 0 < share < 0.001:
        return "<0.1%"
    return f"{100 * share:.1f}%" if share < 0.1 and share else f"{100 * share:.0f}%"


def _number(number: int, counted: str) -> str:
    return text.IN_SPLIT.format(number=f"{number:,}", counted=counted)


def _split_html(name: str, total: int, counted: str, lines: Sequence[str]) -> str:
    title = f'{markup.esc(text.SPLITS[name])} <span class="sr-muted">{markup.esc(_number(total, counted))}</span>'
    return f'<div><p class="sr-look-title">{title}</p><ul class="sr-look-bars">{"".join(lines)}</ul></div>'


def bar_html(name: str, value: str, share: float) -> str:
    """A name, a bar as long as its share in [0, 1], and the figure, which says it all without the bar."""
    width = f"{100 * min(1.0, max(0.0, share)):.1f}%"
    return (
        f'<li class="sr-bar-row"><span class="sr-bar-name" title="{markup.esc(name)}">{markup.esc(name)}</span>'
        f'<span class="sr-bar-track" aria-hidden="true"><span class="sr-bar sr-look-bar" style="width: {width}"></span>'
        f'</span><span class="sr-bar-value">{markup.esc(value)}</span></li>'
    )


def lengths_html(lengths: Mapping[str, Any] | None) -> str:
    """How many inputs are how long: a histogram, and the same as a list."""
    if not lengths or not lengths["bins"]:
        return ""
    unit, rows = text.UNITS[str(lengths["unit"])], lengths["rows"]
    most = max(item["count"] for item in lengths["bins"]) or 1
    bins = [(f"{_span(item)} {unit}", _said(item["count"], rows), item["count"] / most) for item in lengths["bins"]]
    figures = {name: f"{lengths[name]:,}" for name in ("rows", "median", "high", "longest")}
    said = text.LENGTH_SAID.format(unit=unit, **figures)
    if lengths["limit"] is not None and lengths["over"] is not None:
        form = text.CUT if lengths["over"] else text.NONE_CUT
        said += " " + form.format(limit=lengths["limit"], share=_percent(lengths["over"]))
    columns = "".join(
        f'<span title="{markup.esc(f"{name}: {value}")}"><span style="height: {100 * share:.1f}%"></span></span>'
        for name, value, share in bins
    )
    ends = "".join(f"<span>{markup.esc(name)}</span>" for name in dict.fromkeys((bins[0][0], bins[-1][0])))
    listed = "".join(bar_html(*one) for one in bins)
    return (
        f"<div><h4>{markup.esc(text.LENGTHS)}</h4>{_plain(said)}"
        f'<div class="sr-hist" role="img" aria-label="{markup.esc(said)}"><div>{columns}</div><p>{ends}</p></div>'
        f'<details class="sr-how"><summary>{markup.esc(text.AS_LIST)}</summary>'
        f'<ul class="sr-look-bars sr-look-lengths">{listed}</ul></details></div>'
    )


def _span(item: Mapping[str, Any]) -> str:
    if item["last"] is None:
        return text.OPEN.format(first=item["first"])
    form = text.SINGLE if item["first"] == item["last"] else text.SPAN
    return form.format(first=item["first"], last=item["last"])


# ---------------------------------------------------------------- findings


def findings_html(found: Mapping[str, Any]) -> str:
    """What was found, the gravest first, each with its remedy's button; then remedies that are on and find nothing."""
    order = list(text.SEVERITIES)
    # The lengths stand above, in full.
    listed = [finding for finding in found["findings"] if finding["code"] != "length" or finding["severity"] != "info"]
    listed.sort(key=lambda finding: (order.index(finding["severity"]), not finding.get("remedy")))
    items = [_finding(finding) for finding in listed[:MOST_FINDINGS]]
    told_of = {finding.get("remedy") for finding in listed if finding.get("applied")}
    items += [
        _item("info", text.MENDED, text.ON_WITHOUT.format(name=text.REMEDIES[name][0]), _button(name, on=True))
        for name in found["remedies"]
        if name not in told_of
    ]
    body = f'<ul class="sr-findings">{"".join(items)}</ul>' if items else _plain(text.NOTHING_FOUND)
    stays = _plain(text.FILES_STAY) if any("data-remedy" in item for item in items) else ""
    return f'<div class="sr-look-found" role="status"><h4>{markup.esc(text.FOUND)}</h4>{body}{stays}</div>'


def _finding(finding: Mapping[str, Any]) -> str:
    applied, remedy = bool(finding.get("applied")), finding.get("remedy")
    title = text.MENDED if applied else text.SEVERITIES[finding["severity"]]
    button = _button(str(remedy), on=applied) if remedy in text.REMEDIES else ""
    return _item(finding["severity"], title, finding["message"], button, mended=applied)


def _item(severity: str, title: str, message: str, button: str, *, mended: bool = False) -> str:
    kind = "mended" if mended else markup.esc(severity)
    return (
        f'<li class="sr-finding sr-finding-{kind}"><span><b>{markup.esc(title)}</b> {markup.esc(message)}</span>'
        f"{button}</li>"
    )


def _button(remedy: str, *, on: bool) -> str:
    said = text.REMEDIES[remedy][on]
    kind = "sr-quiet" if on else "sr-button"
    return f'<button type="button" class="{kind}" data-remedy="{remedy}">{markup.esc(said)}</button>'
