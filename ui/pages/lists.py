"""Lists of runs: the last five on Home, all on the Runs page with its search, the archive and the trash."""

from __future__ import annotations

from typing import Any

import gradio as gr

from distill_core.errors import StillroomError
from ui import markup, text, text_compare
from ui import text_lists as words
from ui.markup import esc
from ui.pages.run_actions import asked_run, refused

LOST = f'<p class="sr-lost" hidden>{esc(words.LOST)}</p>'
RUNS = f"""<div class="sr-title"><h1>{esc(words.TITLE)}</h1>{LOST}</div>
<p id="runs-said" class="sr-note" role="status"></p>
<div class="sr-form" id="runs-filter" hidden>
  <label>{esc(words.SEARCH)} <input id="runs-search" type="search" autocomplete="off"></label>
  <label class="sr-check"><input id="runs-archived" type="checkbox"> {esc(words.ARCHIVED_TOO)}</label>
  <span class="sr-compare-bar"><button type="button" class="sr-button" id="runs-compare"
    disabled>{esc(text_compare.TITLE)}</button> <span class="sr-small">{esc(text_compare.TICK)}</span></span></div>
<div class="sr-list" id="runs-table"></div>
<details class="sr-details" id="runs-trash" hidden><summary>{esc(words.WORDS["trash"])}
  <span class="sr-tag" id="trash-count"></span></summary>
  <p class="sr-muted sr-small">{esc(words.WORDS["trash_about"])}</p>
  <ul class="sr-last" id="trash-list"></ul></details>"""
LAST = (
    '<p class="sr-muted" id="home-machine">&nbsp;</p>'
    f'<section class="sr-section"><h2>{esc(words.LAST)}</h2>{LOST}<div class="sr-list" id="last-runs"></div></section>'
)
#: runs on Home
FEW = 5


def build(services: Any, *, full: bool) -> gr.HTML:
    def runs(request: Any) -> dict[str, Any]:
        if isinstance(request, dict) and request.get("full"):
            return {"runs": markup.finite(services.runs()), "deleted": services.deleted()}
        # Archived runs are out of the way: the newest of the others stand on Home.
        shown = [row for row in services.runs() if not row["archived"]][:FEW]
        return {"runs": markup.finite(shown), "deleted": []}

    def restore(request: Any) -> dict[str, Any]:
        run_id = asked_run(request)
        if run_id is None:
            return {"error": text.UNKNOWN_RUN}
        try:
            services.restore(run_id)
        except StillroomError as error:
            return refused(error)
        return {"restored": run_id}

    said = {**words.WORDS, "pick": text_compare.WORDS["pick"]}
    return markup.live_html(RUNS if full else LAST, "lists", functions=[runs, restore], full=full, words=said)
