"""The page of a sweep: status, its Pareto front, what matters, every trial; and the list of sweeps on Runs."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from typing import Any

import gradio as gr

from distill_core.errors import StillroomError
from distill_core.layout import is_run_id
from ui import markup, text_sweep
from ui.markup import esc
from ui.pages.run import plotly_file
from ui.pages.run_actions import refused

FEWEST_FOR_IMPORTANCE = 4
#: what a person may write beside a sweep
KINDS = {"name": str, "archived": bool}
MENU = f"""<details class="sr-menu" id="sweep-menu"><summary class="sr-button">{esc(text_sweep.MENU)}</summary><div>
        <button type="button" id="rename-sweep">{esc(text_sweep.RENAME)}</button>
        <button type="button" id="archive-sweep"></button>
        <button type="button" id="delete-sweep">{esc(text_sweep.DELETE)}</button></div></details>"""
RENAMING = f"""<form id="sweep-words" class="sr-form" hidden>
      <label>{esc(text_sweep.NAME)} <input id="sweep-new-name" maxlength="120" autocomplete="off"></label>
      <div><button class="sr-button">{esc(text_sweep.SAVE)}</button> <button type="button" class="sr-button"
        id="sweep-keep-name">{esc(text_sweep.CANCEL)}</button></div></form>"""
SKELETON = f"""
<div class="sr-run sr-sweep">
  <p id="sweep-loading" class="sr-muted">{esc(text_sweep.OPENING)}</p>
  <div id="sweep-unknown" hidden><div class="sr-title"><h1>{esc(text_sweep.NO_SUCH)}</h1></div>
    <p>{esc(text_sweep.UNKNOWN)}</p><p><a href="?view=runs">{esc(text_sweep.ALL_RUNS)}</a></p></div>
  <div id="sweep-body" class="sr-run" hidden>
    <div class="sr-title">
      <h1 id="sweep-name" tabindex="-1"></h1><span id="sweep-status" class="sr-pill" role="status"></span>
      <span id="sweep-archived" class="sr-tag" hidden>{esc(text_sweep.WORDS["archived"])}</span>
      <span id="sweep-tried"></span><span id="sweep-left" class="sr-muted"></span>
      <span class="sr-lost" id="sweep-lost" hidden>{esc(text_sweep.LOST)}</span>
      <span class="sr-actions"><button type="button" class="sr-button" id="stop-sweep"
        hidden>{esc(text_sweep.STOP)}</button><button type="button" class="sr-button sr-button-main" id="resume-sweep"
        hidden>{esc(text_sweep.GO_ON)}</button>{MENU}</span>
    </div>
    {RENAMING}
    <div class="sr-progress" role="progressbar" aria-label="{esc(text_sweep.PROGRESS)}" aria-valuemin="0"
      aria-valuemax="100"><div id="sweep-bar"></div></div>
    <p class="sr-note"><span id="sweep-note"></span> <span id="sweep-said" role="status"></span></p>
    <div id="sweep-error" class="sr-problem" role="alert" hidden></div>
    <div class="sr-sweep-grid">
      <section class="sr-card"><div class="sr-card-head"><h2 id="sweep-front-title"></h2><span
        id="sweep-costs"></span></div>
        <div class="sr-plot-box sr-front"><div id="sweep-front" class="sr-plot"></div><p class="sr-plot-empty"
          id="sweep-front-empty"></p></div>
        <ul id="sweep-legend" class="sr-front-legend" aria-hidden="true"></ul>
        <p class="sr-small sr-muted">{esc(text_sweep.WORDS["choice_how"])}</p></section>
      <section class="sr-card"><div class="sr-card-head"><h2>{esc(text_sweep.MATTERS)}</h2></div>
        <div id="sweep-importance"></div></section>
    </div>
    <section class="sr-card"><div class="sr-card-head"><h2>{esc(text_sweep.PARALLEL)}</h2></div>
      <div class="sr-scroll"><div class="sr-plot-box sr-parallel"><div id="sweep-parallel" class="sr-plot"></div><p
        class="sr-plot-empty" id="sweep-parallel-empty"></p></div></div>
      <p class="sr-small sr-muted">{esc(text_sweep.WORDS["parallel_how"])}</p></section>
    <section class="sr-card"><div class="sr-card-head"><h2>{esc(text_sweep.CURVES)}</h2></div>
      <div class="sr-plot-box sr-curves"><div id="sweep-curves" class="sr-plot"></div><p class="sr-plot-empty"
        id="sweep-curves-empty">{esc(text_sweep.WORDS["no_curves"])}</p></div>
      <p class="sr-small sr-muted">{esc(text_sweep.WORDS["curves_how"])}</p></section>
    <section class="sr-card" id="sweep-trials"></section>
    <details class="sr-details" id="sweep-settings"><summary>{esc(text_sweep.SETTINGS)}</summary>
      <p class="sr-muted sr-small">{esc(text_sweep.COMMAND)}</p><pre id="sweep-command"></pre>
      <pre id="sweep-yaml" tabindex="0" role="region" aria-label="{esc(text_sweep.SETTINGS)}"></pre></details>
  </div>
</div>
"""
LIST = f"""<section class="sr-section" id="sweeps" hidden><h2>{esc(text_sweep.LIST_TITLE)}</h2>
<p id="sweeps-said" class="sr-note" role="status"></p>
<div class="sr-form" id="sweeps-filter" hidden><label class="sr-check"><input id="sweeps-archived" type="checkbox">
  {esc(text_sweep.ARCHIVED_TOO)}</label></div>
<div id="sweeps-list"></div>
<details class="sr-details" id="sweeps-trash" hidden><summary>{esc(text_sweep.TRASH)}
  <span class="sr-tag" id="sweeps-trash-count"></span></summary>
  <p class="sr-muted sr-small">{esc(text_sweep.TRASH_ABOUT)}</p>
  <ul class="sr-last" id="sweeps-trash-list"></ul></details></section>"""
SCRIPTS = (
    "points",
    "roles",
    "plot",
    "compare_chart",
    "sweep_chart",
    "sweep_curves",
    "sweep_tables",
    "sweep_actions",
    "sweep",
)


def build(services: Any) -> gr.Column:
    with gr.Column(visible=False, elem_id="sweep-page", elem_classes=["sr-page"]) as column:
        markup.live_html(
            SKELETON,
            *SCRIPTS,
            functions=server_functions(services),
            words=text_sweep.WORDS,
            fewest=FEWEST_FOR_IMPORTANCE,
            plotly=f"gradio_api/file={plotly_file().as_posix()}",
        )
    return column


def build_list(services: Any) -> gr.HTML:
    """On Runs: all sweeps, newest first."""

    def sweeps(request: Any) -> dict[str, Any]:
        del request
        try:
            return {"sweeps": markup.finite(services.sweeps()), "deleted": services.deleted_sweeps()}
        except StillroomError as error:
            return refused(error)

    def restore(request: Any) -> dict[str, Any]:
        sweep_id = asked_sweep(request)
        if sweep_id is None:
            return {"error": text_sweep.UNKNOWN}
        try:
            services.restore_sweep(sweep_id)
        except StillroomError as error:
            return refused(error)
        return {"restored": sweep_id}

    return markup.live_html(LIST, "sweeps_list", functions=[sweeps, restore], words=text_sweep.LIST_WORDS)


def asked_sweep(request: Any) -> str | None:
    """A sweep's id out of a request, or None. Requests come from outside: nothing is assumed."""
    value = request.get("sweep") if isinstance(request, dict) else None
    return value if is_run_id(value) else None


def server_functions(services: Any) -> list[Callable[[Any], dict[str, Any]]]:
    def answer(request: Any, work: Callable[[str], dict[str, Any]]) -> dict[str, Any]:
        sweep_id = asked_sweep(request)
        if sweep_id is None:
            return {"error": text_sweep.UNKNOWN}
        try:
            found: dict[str, Any] = markup.finite(work(sweep_id))
            return found
        except StillroomError as error:
            return refused(error)

    def live(request: Any) -> dict[str, Any]:
        cursor = request.get("cursor") if isinstance(request, dict) else 0
        cursor = cursor if isinstance(cursor, int) and not isinstance(cursor, bool) and cursor >= 0 else 0
        found = answer(request, lambda sweep_id: services.sweep(sweep_id, cursor))
        return {"unknown": True} if "error" in found else found

    def stop(request: Any) -> dict[str, Any]:
        return answer(request, lambda sweep_id: {"status": services.stop_sweep(sweep_id)})

    def resume(request: Any) -> dict[str, Any]:
        return answer(request, lambda sweep_id: {"status": services.resume_sweep(sweep_id)})

    def promote(request: Any) -> dict[str, Any]:
        number = request.get("number") if isinstance(request, dict) else None
        number = number if isinstance(number, int) and not isinstance(number, bool) else 0
        return answer(request, lambda sweep_id: {"run": services.promote(sweep_id, number)})

    def settings(request: Any) -> dict[str, Any]:
        def told(sweep_id: str) -> dict[str, Any]:
            return {"yaml": services.sweep_yaml(sweep_id), "command": command(sweep_id)}

        return answer(request, told)

    def annotate(request: Any) -> dict[str, Any]:
        asked = request if isinstance(request, dict) else {}
        given = {key: asked[key] for key, kind in KINDS.items() if isinstance(asked.get(key), kind)}
        return answer(request, lambda sweep_id: {"saved": services.annotate_sweep(sweep_id, **given) is None})

    def remove(request: Any) -> dict[str, Any]:
        return answer(request, lambda sweep_id: {"deleted": services.delete_sweep(sweep_id) is None})

    return [live, stop, resume, promote, settings, annotate, remove]


def command(sweep_id: str) -> str:
    """The command that does the same without the page."""
    return f"python -m distill_core sweep sweep.yaml --out {shlex.quote('sweeps/' + sweep_id)}"
