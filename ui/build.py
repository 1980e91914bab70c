"""build_app(services): one page, one address; the query string says what is shown.

No query: Home. `?run=ID`: that run. `?view=new`: New run (`&from=RUN` or `&recipe=NAME` fill it in). `?view=runs`: all
runs. `?view=compare&runs=A,B`: runs side by side. `?sweep=ID`: that sweep. No Gradio event owns a run: a click adds a
row to the queue and returns.
"""

from __future__ import annotations

import uuid
from pathlib import Path
from typing import Any

import gradio as gr

from distill_core.errors import StillroomError
from ui import api, markup, text, visitors
from ui.pages import (
    compare,
    header,
    home,
    import_run,
    lists,
    new,
    new_drawing,
    new_fill,
    new_latency,
    new_open,
    new_sweep,
    run,
    sweep,
)


def page_of(query: dict[str, Any]) -> str:
    """home, run, sweep, new, runs or compare, from the query string; what is not known is Home.

    `view`, not `page`: Gradio itself reads `page` and answers 500 for one it does not know.
    """
    if query.get("run"):
        return "run"
    if query.get("sweep"):
        return "sweep"
    return str(query["view"]) if query.get("view") in ("new", "runs", "compare") else "home"


def build_app(services: Any, downloads: Path, settings: Any = None) -> gr.Blocks:
    """downloads: a folder under the data folder from which finished students are handed out. settings: with them, and
    on a Space, everybody but the owner only looks (`visitors`)."""
    services = services if settings is None else visitors.guarded(services, settings)
    with gr.Blocks(title=text.PRODUCT, fill_width=True, analytics_enabled=False, delete_cache=(3600, 86400)) as app:
        header.build(services)
        if settings is not None:
            visitors.build(app, settings)
        token, kept = gr.State(""), gr.Textbox(visible=False)
        opened = gr.Textbox(visible=False)
        home_page = home.build(services)
        run_page = run.build(services, downloads)
        sweep_column = sweep.build(services)
        new_page = new.build(services)
        with gr.Column(visible=False, elem_id="runs-page", elem_classes=["sr-page"]) as runs_column:
            lists.build(services, full=True)
            importing = import_run.build()
            sweep.build_list(services)
        with gr.Column(visible=False, elem_id="compare-page", elem_classes=["sr-page"]) as compare_column:
            compare.build(services)

        columns = {
            "home": home_page.column,
            "run": run_page.column,
            "sweep": sweep_column,
            "new": new_page.column,
            "runs": runs_column,
            "compare": compare_column,
        }
        run.wire(run_page, services, downloads)
        import_run.wire(importing, services)
        new.wire(new_page, services)
        new_latency.wire(new_page, services)
        new_drawing.wire(new_page, services)
        new_sweep.wire(new_page, services, token, columns)

        def route(said: str, request: gr.Request) -> list[Any]:
            query = dict(request.query_params)
            page, from_browser = page_of(query), new_fill.read_kept(said)
            first = [from_browser.token or uuid.uuid4().hex, *(gr.update(visible=name == page) for name in columns)]
            if page != "new":
                return [*first, *[gr.skip()] * (len(shown) - len(first))]
            return [*first, *new_open.first_sight(new_page, services, query, from_browser)]

        shown = [token, *columns.values(), *new_open.seen_first(new_page)]
        app.load(
            route,
            kept,
            shown,
            js="() => window.StillroomDraft.read()",
            show_progress="hidden",
            api_visibility="private",
            concurrency_limit=None,
        )
        _wire_starts(services, token, opened, home_page, new_page, columns)
        api.build(services)
    # Said outright, because on ZeroGPU Gradio would let one event wait and turn away all others: pages came up empty.
    app.queue(default_concurrency_limit=8, max_size=10_000)
    return app


def _wire_starts(
    services: Any,
    token: gr.State,
    opened: gr.Textbox,
    home_page: home.Home,
    new_page: new.NewRun,
    columns: dict[str, Any],
) -> None:
    """The two buttons that start a run, and what both do then."""

    def demo(seed: str) -> tuple[str, str]:
        try:
            return services.start_demo(seed or None), f'<p class="sr-muted">{markup.esc(text.STARTING)}</p>'
        except StillroomError as error:
            said = markup.esc(f"{error.message} {error.hint}".strip())
            return "", f'<div class="sr-problem" role="alert"><p>{said}</p></div>'

    def begin(seed: str, *typed: Any) -> list[Any]:
        run_id, updates = new.start(new_page, services, seed or uuid.uuid4().hex, typed)
        return [run_id, *updates]

    def show(run_id: str) -> list[Any]:
        if not run_id:
            return [gr.skip() for _ in columns]
        return [gr.update(visible=name == "run") for name in columns]

    pressed = [
        home_page.demo.click(demo, token, [opened, home_page.said], show_progress="hidden", api_visibility="private"),
        new_page.start.click(
            begin,
            [token, *new_page.inputs],
            [opened, *new_page.checked],
            api_visibility="private",
            show_progress_on=new_page.start,
        ),
    ]
    for event in pressed:
        event.then(
            show,
            opened,
            list(columns.values()),
            js=markup.open_script("run"),
            show_progress="hidden",
            api_visibility="private",
        )
