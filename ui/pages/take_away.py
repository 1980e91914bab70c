"""Taking a finished run's student away: exports with their figures, downloads, the model card, the Hub."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

from distill_core.errors import StillroomError
from ui import markup, text, text_take_away
from ui.pages.files import lay_out
from ui.pages.run_actions import asked_run, refused

_T = text_take_away
#: before the download of the student as it is kept, which is a component of Gradio's: no element can stand around both
OPEN = f"""
<div id="take-head" class="sr-take-head" hidden>
  <h2>{markup.esc(_T.HEAD)}</h2>
  <p class="sr-muted sr-small">{markup.esc(_T.KEPT)}</p>
</div>
"""
CLOSE = f"""
<section id="take-section" class="sr-run sr-take" aria-label="{markup.esc(_T.HEAD)}" hidden>
  <div class="sr-form" id="take-options">
    <label>{markup.esc(_T.LOSS)} <input id="take-loss" type="number" min="0" max="100" step="0.1"
      value="{_T.DEFAULT_LOSS:g}"></label>
    <label>{markup.esc(_T.LICENCE)} <input id="take-licence" placeholder="apache-2.0" maxlength="60"
      autocomplete="off"></label>
    <label class="sr-check"><input id="take-teacher" type="checkbox" checked> {markup.esc(_T.TEACHER)}</label>
  </div>
  <p id="take-said" class="sr-note sr-lost" role="alert"></p>
  <div id="take-formats" class="sr-take-formats"></div>
  <details class="sr-details" id="take-card"><summary>{markup.esc(_T.CARD)}</summary>
    <div class="sr-form"><label>{markup.esc(_T.FORMAT)} <select id="card-format"></select></label></div>
    <pre id="card-text" tabindex="0"></pre></details>
  <details class="sr-details" id="take-push"><summary>{markup.esc(_T.PUSH)}</summary>
    <form class="sr-form" id="push-form">
      <label>{markup.esc(_T.FORMAT)} <select id="push-format"></select></label>
      <label>{markup.esc(_T.REPOSITORY)} <input id="push-name" placeholder="owner/name" maxlength="96"
        autocomplete="off"></label>
      <label>{markup.esc(_T.TOKEN)} <input id="push-token" type="password" maxlength="200" autocomplete="off"
        placeholder="hf_…, or the one of this machine"></label>
      <label class="sr-check"><input id="push-private" type="checkbox" checked> {markup.esc(_T.PRIVATE)}</label>
      <div><button class="sr-button" id="push-go"></button> <span id="push-said" role="status"></span></div>
    </form></details>
</section>
"""


def format_of(request: Any) -> str:
    """The format a request names, as text; what is none is refused further in."""
    value = request.get("format") if isinstance(request, dict) else None
    return value if isinstance(value, str) else ""


def number_of(request: dict[str, Any], key: str) -> float:
    """A number, or NaN, which no range holds."""
    value = request.get(key)
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else math.nan


def string_of(request: dict[str, Any], key: str, longest: int) -> str:
    value = request.get(key)
    return value[:longest].strip() if isinstance(value, str) else ""


def server_functions(services: Any, downloads: Path) -> list[Callable[[Any], dict[str, Any]]]:
    """downloads: the page's own folder, from which finished archives are handed out."""

    def answer(request: Any, work: Callable[[str], dict[str, Any]]) -> dict[str, Any]:
        run_id = asked_run(request)
        if run_id is None:
            return {"error": text.UNKNOWN_RUN}
        try:
            found: dict[str, Any] = markup.finite(work(run_id))
            return found
        except StillroomError as error:
            return refused(error)

    def exports(request: Any) -> dict[str, Any]:
        return answer(request, lambda run_id: {"rows": services.exports(run_id)})

    def build_export(request: Any) -> dict[str, Any]:
        def work(run_id: str) -> dict[str, Any]:
            services.build_export(
                run_id,
                [format_of(request)],
                number_of(request, "allow_loss"),
                teacher=request.get("teacher") is True,
                licence=string_of(request, "licence", 60),
            )
            return {"rows": services.exports(run_id)}

        return answer(request, work)

    def cancel_export(request: Any) -> dict[str, Any]:
        def work(run_id: str) -> dict[str, Any]:
            services.cancel_export(run_id, format_of(request))
            return {"rows": services.exports(run_id)}

        return answer(request, work)

    def export_file(request: Any) -> dict[str, Any]:
        """A finished export's archive, laid out for one download."""

        def work(run_id: str) -> dict[str, Any]:
            laid = lay_out(Path(services.export_archive(run_id, format_of(request))), downloads / run_id)
            return {"file": f"gradio_api/file={laid.as_posix()}", "name": laid.name}

        return answer(request, work)

    def export_card(request: Any) -> dict[str, Any]:
        return answer(request, lambda run_id: {"card": services.export_card(run_id, format_of(request))})

    def push_export(request: Any) -> dict[str, Any]:
        def work(run_id: str) -> dict[str, Any]:
            services.push_export(
                run_id,
                format_of(request),
                string_of(request, "repository", 96),
                token=string_of(request, "token", 200) or None,
                private=request.get("private") is not False,
            )
            return {"rows": services.exports(run_id)}

        return answer(request, work)

    return [exports, build_export, cancel_export, export_file, export_card, push_export]
