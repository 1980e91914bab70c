"""Compare: finished runs side by side, their fronts, settings and curves, and the leaderboard they are chosen from."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gradio as gr

from distill_core.errors import StillroomError
from distill_core.layout import is_run_id
from distill_core.services.leaderboard import ORDERS, Filters
from ui import markup, text_compare
from ui.pages.run import plotly_file
from ui.pages.run_actions import refused

SKELETON = f"""
<div class="sr-compare">
  <div class="sr-title"><h1>{markup.esc(text_compare.TITLE)}</h1></div>
  <p class="sr-muted">{markup.esc(text_compare.INTRO)}</p>
  <p id="compare-said" class="sr-lost" role="alert"></p>
  <div id="compare-chosen"></div>
  <div id="compare-choices" class="sr-form" hidden></div>
  <div id="compare-notes"></div>
  <div id="compare-groups"></div>
  <section id="compare-settings" class="sr-card" hidden></section>
  <section id="compare-board" class="sr-section"></section>
</div>
"""
SCRIPTS = ("points", "roles", "plot", "compare_chart", "compare_tables", "compare")
#: runs and characters that a request may name
_MOST_IDS, _LONGEST = 40, 300


def build(services: Any) -> gr.HTML:
    script = plotly_file()
    return markup.live_html(
        SKELETON,
        *SCRIPTS,
        functions=server_functions(services),
        words=text_compare.WORDS,
        most=text_compare.MOST_RUNS,
        plotly=f"gradio_api/file={script.as_posix()}",
    )


def server_functions(services: Any) -> list[Callable[[Any], dict[str, Any]]]:
    """Requests come from outside: nothing is assumed."""

    def answer(work: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        try:
            found: dict[str, Any] = markup.finite(work())
            return found
        except StillroomError as error:
            return refused(error)

    def compare(request: Any) -> dict[str, Any]:
        return answer(lambda: services.compare(runs_of(request), *_latency_of(request)))

    def overlaid(request: Any) -> dict[str, Any]:
        return answer(lambda: {"runs": services.compare_curves(runs_of(request))})

    def board(request: Any) -> dict[str, Any]:
        given = request if isinstance(request, dict) else {}
        filters = Filters(
            **{name: _words(given.get(name)) for name in ("data", "task", "tag")},
            archived=given.get("archived") is True,
            examples=given["examples"] if isinstance(given.get("examples"), bool) else None,
        )
        order = given["sort"] if given.get("sort") in ORDERS else "kept"
        return answer(lambda: services.leaderboard(filters, order, *_latency_of(given)))

    return [compare, overlaid, board]


def runs_of(request: Any) -> list[str]:
    """The runs that a request names, without what is no run's id."""
    given = request.get("runs") if isinstance(request, dict) else None
    return [one for one in given[:_MOST_IDS] if is_run_id(one)] if isinstance(given, list) else []


def _latency_of(request: Any) -> tuple[int | None, str | None]:
    if not isinstance(request, dict):
        return None, None
    batch = request.get("batch")
    return (batch if isinstance(batch, int) and not isinstance(batch, bool) else None), _words(request.get("runtime"))


def _words(value: Any) -> str | None:
    return value[:_LONGEST] if isinstance(value, str) and value else None
