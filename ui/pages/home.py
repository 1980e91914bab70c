"""Home: what this is for, one large button, the last runs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import gradio as gr

from ui import markup, text
from ui.pages import lists


@dataclass(frozen=True)
class Home:
    column: gr.Column
    demo: gr.Button
    said: gr.HTML


def build(services: Any) -> Home:
    with gr.Column(visible=False, elem_id="home-page", elem_classes=["sr-page"]) as column:
        markup.still_html(
            f'<div class="sr-hero"><h1>{markup.esc(text.PURPOSE)}</h1><p>{markup.esc(text.PURPOSE_MORE)}</p></div>'
        )
        with gr.Row(elem_id="home-actions"):
            demo = gr.Button(text.RUN_DEMO, variant="primary", elem_id="run-demo", scale=0)
            markup.still_html(f'<a href="?view=new">{markup.esc(text.NEW_FROM_DATA)} →</a>', elem_id="home-new")
        said = markup.still_html(f'<p class="sr-muted sr-small">{markup.esc(text.DEMO_HINT)}</p>', elem_id="home-said")
        lists.build(services, full=False)
    return Home(column, demo, said)
