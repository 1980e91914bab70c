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
        markup.still_html(examples_html(services), elem_id="home-examples")
        markup.still_html(recipes_html(services), elem_id="home-recipes")
    return Home(column, demo, said)


def examples_html(services: Any) -> str:
    """The finished runs that ship with the project, each a link to its page."""
    items = "".join(
        f'<li><a href="?run={markup.esc(row["id"])}">{markup.esc(row["name"])}</a>'
        f'<span class="sr-muted">{markup.esc(row["conclusion"] or "")}</span></li>'
        for row in services.examples()
    )
    head, about = markup.esc(text.EXAMPLES_HEAD), markup.esc(text.EXAMPLES_ABOUT)
    lead = f'<p class="sr-muted sr-small">{about}</p>'
    return (
        f'<section class="sr-section"><h2>{head}</h2>{lead}<ul class="sr-last">{items}</ul></section>' if items else ""
    )


def recipes_html(services: Any) -> str:
    """The best known recipes, each a link to New run filled in with it."""
    titles = {item["name"]: item.get("title") or item["name"] for item in services.recipes()}
    items = "".join(
        f'<li><a href="?view=new&amp;recipe={markup.esc(name)}">{markup.esc(titles[name])}</a></li>'
        for name in text.FIRST_RECIPES
        if name in titles
    )
    head = markup.esc(text.RECIPES_HEAD)
    return f'<section class="sr-section"><h2>{head}</h2><ul class="sr-examples">{items}</ul></section>' if items else ""
