"""In step 3 of New run: the layers of teachers and student, drawn anew while the step is in sight.

The block's script asks a moment after the last change; the answer comes from small files alone, in milliseconds.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import gradio as gr

from distill_core.errors import StillroomError
from ui import drafts, drawing, markup
from ui.drafts import Typed

if TYPE_CHECKING:
    from ui.pages.new import NewRun

#: paths of the draft that the drawing depends on
_DECIDE = ("student.", "objective.", "training.stages", "teachers.", "data.task")
_LATER = "() => { window.StillroomDrawing?.later(); return []; }"
_TOLD = "() => { window.StillroomDrawing?.told(); return []; }"


@dataclass(frozen=True)
class DrawingBlock:
    """asks: has no looks; its script says when to draw (`wanted`)."""

    said: gr.HTML
    asks: gr.HTML


def build() -> DrawingBlock:
    return DrawingBlock(
        markup.still_html(drawing.drawing_html({}), elem_id="drawing"),
        markup.live_html("", "new_drawing", functions=[], elem_id="drawing-asks"),
    )


def wire(page: NewRun, services: Any) -> None:
    quiet: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
    block = page.student.drawing
    deciding = [binding.widget for binding in page.form.bindings if binding.path.startswith(_DECIDE)]
    gr.on(
        [widget.change for widget in [page.student.kind, page.data.source, page.data.task, *deciding]],
        None, None, None, js=_LATER, **quiet,
    )  # fmt: skip
    block.asks.wanted(
        lambda *typed: told(page, services, typed), page.inputs, block.said,
        trigger_mode="always_last", concurrency_limit=None, **quiet,
    ).then(None, None, None, js=_TOLD, **quiet)  # fmt: skip


def told(page: NewRun, services: Any, typed: tuple[Any, ...]) -> str:
    """The drawing of what is typed now."""
    draft, _ = drafts.draft_of(page.form, Typed(typed[0], typed[1], typed[2:]))
    try:
        return drawing.drawing_html(services.drawing(draft))
    except StillroomError as error:
        missing = [{"field": error.field or "", "message": error.message, "hint": error.hint}]
        return drawing.drawing_html({"missing": missing})
