"""Inside the teachers step: students of finished runs, each one press away from teaching the next run."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gradio as gr

from distill_core.errors import StillroomError
from ui import markup, text_hub
from ui.pages import new_hub

LONGEST_PATH = 4096


def build(services: Any) -> gr.HTML:
    """Its event `chosen` brings {name}: the folder of a run."""
    skeleton = (
        f'<details class="sr-how sr-hub" id="own-students-list"><summary>{markup.esc(text_hub.OWN)}</summary>'
        f'<p class="sr-muted sr-small" role="status" data-said></p><ul class="sr-hub-found"></ul></details>'
    )
    words = text_hub.OWN_WORDS | {"use": text_hub.WORDS["use"], "lost": text_hub.WORDS["lost"]}
    functions = [server_function(services)]
    return markup.live_html(skeleton, "own_students", functions=functions, words=words, elem_id="own-students")


def server_function(services: Any) -> Callable[[Any], dict[str, Any]]:
    def students(request: Any) -> dict[str, Any]:
        del request
        try:
            return {"found": markup.finite(services.own_students())}
        except StillroomError as error:
            return {"error": f"{error.message} {error.hint}".strip()}

    return students


def use(event: gr.EventData, visible: list[bool], *sources: str | None) -> list[Any]:
    """The student goes into the first free slot, as what was found on the Hub does."""
    data = getattr(event, "_data", None)
    name = data.get("name") if isinstance(data, dict) else None
    fits = isinstance(name, str) and 0 < len(name) <= LONGEST_PATH
    return new_hub.put_teacher(name if fits else None, visible, list(sources))
