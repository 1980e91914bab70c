"""The run's page: one element whose script polls `live` with a cursor; stop and resume are calls of the same kind."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr

from distill_core import config as cfg
from distill_core.catalogue import TERMS
from distill_core.errors import StillroomError
from distill_core.events import STAGES
from distill_core.layout import is_run_id
from ui import markup, text, text_actions, text_charts, text_lists, text_result, text_take_away
from ui import text_run as words
from ui.markup import esc
from ui.pages import run_actions, run_charts, run_extras, run_result, take_away
from ui.pages.files import lay_out

_STAGES = "".join(f'<li class="sr-stage sr-stage-waiting" data-stage="{stage}">{stage}</li>' for stage in STAGES)
TOP = f"""
<div class="sr-run">
  <p id="run-loading" class="sr-muted">{esc(words.OPENING)}</p>
  <div id="run-unknown" hidden><div class="sr-title"><h1>{esc(words.NO_SUCH_RUN)}</h1></div>
    <p id="run-unknown-text"></p>
    <p><a href="?view=runs">{esc(words.ALL_RUNS)}</a> · <a href="?">{esc(words.HOME)}</a></p></div>
  <div class="sr-title">
    <h1 id="run-name" tabindex="-1"></h1><span id="run-status" class="sr-pill" role="status"></span>
    <span id="run-tags"></span><span id="run-stage" class="sr-muted"></span><span id="run-percent"></span>
    <span id="run-left" class="sr-muted"></span>
    <span class="sr-lost" id="run-lost" hidden>{esc(words.LOST)}</span>
    <span class="sr-actions"><button type="button" class="sr-button" id="stop-run" hidden></button><button
      type="button" class="sr-button sr-button-main" id="resume-run"
      hidden>{esc(words.RESUME)}</button>{run_actions.MENU}</span>
  </div>
  <div class="sr-progress" role="progressbar" aria-label="{esc(words.PROGRESS)}" aria-valuemin="0" aria-valuemax="100">
    <div id="run-bar"></div></div>
  <ol class="sr-stages">{_STAGES}</ol>
  <p class="sr-note"><span id="run-note"></span> <span id="run-said" class="sr-lost" role="alert"></span></p>
  <div id="run-error" class="sr-problem" role="alert" hidden></div>
  <section id="result" class="sr-result" aria-label="{esc(words.RESULT)}" hidden></section>
</div>
"""
BOTTOM = f"""
<div class="sr-run" id="run-body">
  <h2 class="sr-curves-head">{esc(text_charts.HEAD)}</h2>
  <div id="live-charts" class="sr-charts"></div>
  <section class="sr-card"><div class="sr-card-head"><h3>{esc(words.BESIDE)}
    <span class="sr-muted" id="run-compression"></span></h3></div>
    <p id="run-shapes-empty" class="sr-muted sr-small">{esc(words.BESIDE_LATER)}</p>
    <div id="run-shapes" class="sr-shapes"></div></section>
  <details class="sr-details"><summary>{esc(words.FINDINGS)}
    <span class="sr-tag" id="run-findings-count">0</span></summary>
    <ul id="run-findings" class="sr-findings"></ul></details>
  <details class="sr-details" id="run-settings"><summary>{esc(words.SETTINGS)}</summary>
    <p class="sr-muted sr-small">{esc(words.COMMAND)}</p><pre id="run-command"></pre>
    <pre id="run-yaml" tabindex="0" role="region" aria-label="{esc(words.SETTINGS)}"></pre>
    {run_actions.COMPARISON}</details>
  {run_actions.DESCRIPTION}{run_actions.LOG}
</div>
"""

CHART_SCRIPTS = ("points", "roles", "plot", "board_tools", "board")


@dataclass(frozen=True)
class RunPage:
    column: gr.Column
    view: gr.HTML
    download: gr.DownloadButton


def plotly_file() -> Path:
    """Plotly's own script, from the installed package: no content delivery network."""
    found = importlib.util.find_spec("plotly")
    assert found is not None and found.origin is not None, "plotly is a requirement"
    return Path(found.origin).parent / "package_data" / "plotly.min.js"


def build(services: Any, downloads: Path) -> RunPage:
    script = plotly_file()
    gr.set_static_paths([script])
    with gr.Column(visible=False, elem_id="run-page", elem_classes=["sr-page"]) as column:
        view = markup.live_html(
            TOP + take_away.OPEN + "@children" + take_away.CLOSE + BOTTOM,
            *CHART_SCRIPTS,
            *run_result.SCRIPTS,
            "run_actions",
            "take_away",
            "run",
            functions=[
                *server_functions(services),
                *run_charts.server_functions(services),
                *run_actions.server_functions(services),
                *run_result.server_functions(services),
                *run_extras.server_functions(services),
                *take_away.server_functions(services, downloads),
            ],
            losses=loss_words(),
            words=text_charts.words(),
            said=words.WORDS,
            result=text_result.WORDS,
            actions=text_actions.WORDS,
            taking=text_take_away.WORDS,
            retries=text_actions.RETRY_WORDS,
            archived=text_lists.WORDS["archived"],
            plotly=f"gradio_api/file={script.as_posix()}",
        )
        with view:
            download = gr.DownloadButton(
                words.DOWNLOAD, elem_id="download-student", visible=False, variant="primary", size="md"
            )
    return RunPage(column, view, download)


def loss_words() -> dict[str, str]:
    """{metric: words} of the total and of every term of the catalogue, as the charts call them."""
    terms = {f"loss_{name}": entry.title[:1].lower() + entry.title[1:] for name, entry in TERMS.items()}
    return {"loss_total": "total", **terms}


def run_id_of(request: Any) -> str | None:
    """The run a page asks about, or None when that is no run id. Requests come from outside: nothing is assumed."""
    value = request.get("run") if isinstance(request, dict) else None
    return value if is_run_id(value) else None


def server_functions(services: Any) -> list[Callable[[Any], dict[str, Any]]]:
    def live(request: Any) -> dict[str, Any]:
        run_id = run_id_of(request)
        if run_id is None:
            return {"unknown": True, "message": text.UNKNOWN_RUN}
        cursor = request.get("cursor")
        cursor = cursor if isinstance(cursor, int) and not isinstance(cursor, bool) and cursor >= 0 else 0
        try:
            return markup.finite(services.live(run_id, cursor, run_charts.seen_of(request)))
        except StillroomError:
            return {"unknown": True, "message": text.UNKNOWN_RUN}

    def act(work: Callable[[str], str], request: Any) -> dict[str, Any]:
        run_id = run_id_of(request)
        if run_id is None:
            return {"error": text.UNKNOWN_RUN}
        try:
            return {"status": work(run_id)}
        except StillroomError as error:
            return {"error": f"{error.message} {error.hint}".strip()}

    def stop(request: Any) -> dict[str, Any]:
        return act(services.stop, request)

    def resume(request: Any) -> dict[str, Any]:
        return act(services.resume, request)

    def settings(request: Any) -> dict[str, Any]:
        run_id = run_id_of(request)
        if run_id is None:
            return {"error": text.UNKNOWN_RUN}
        try:
            yaml = services.config_yaml(run_id)
            return {"yaml": yaml, "command": services.command(cfg.from_yaml(yaml))}
        except (StillroomError, OSError) as error:
            return {"error": str(error)}

    return [live, stop, resume, settings]


def wire(page: RunPage, services: Any, downloads: Path) -> None:
    """When the page learns that the run is done, the finished student is laid out for one click."""

    def offer(event: gr.EventData) -> Any:
        run_id = run_id_of({"run": (getattr(event, "_data", None) or {}).get("run")})
        if run_id is None:
            return gr.update(visible=False)
        try:
            archive = Path(services.student_archive(run_id))
        except StillroomError:
            return gr.update(visible=False)
        return gr.update(value=str(lay_out(archive, downloads / run_id)), visible=True)

    page.view.finished(
        offer, None, page.download, show_progress="hidden", api_visibility="private", concurrency_limit=None
    )
