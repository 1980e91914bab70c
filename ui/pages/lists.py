"""Lists of runs: the last five on Home, all on the Runs page."""

from __future__ import annotations

from typing import Any

import gradio as gr

from ui import markup

LOST = '<p class="sr-lost" hidden>Reconnecting … the app does not answer.</p>'
RUNS = f'<div class="sr-title"><h1>Runs</h1>{LOST}</div><div class="sr-list" id="runs-table"></div>'
LAST = (
    '<p class="sr-muted" id="home-machine">&nbsp;</p>'
    f'<section class="sr-section"><h2>Last runs</h2>{LOST}<div class="sr-list" id="last-runs"></div></section>'
)


def build(services: Any, *, full: bool) -> gr.HTML:
    def runs(request: Any) -> dict[str, Any]:
        everything = isinstance(request, dict) and bool(request.get("full"))
        return {"runs": markup.finite(services.runs(None if everything else 5))}

    return markup.live_html(RUNS if full else LAST, "lists", functions=[runs], full=full)
