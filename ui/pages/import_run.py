"""A run made elsewhere, taken in from a zip; below the list of runs."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr

from distill_core.errors import StillroomError
from ui import markup, text_take_away

OPEN = '(id) => { if (id) location.assign(new URL("?run=" + encodeURIComponent(id), document.baseURI)); }'


@dataclass(frozen=True)
class Import:
    file: gr.UploadButton
    said: gr.HTML
    taken: gr.Textbox


def build() -> Import:
    with gr.Row(elem_id="import-row"):
        file = gr.UploadButton(
            text_take_away.IMPORT, file_types=[".zip"], elem_id="import-file", elem_classes=["sr-continue"], scale=0
        )
        said = markup.still_html(note(text_take_away.IMPORT_HELP), elem_id="import-said", padding=False)
    return Import(file, said, gr.Textbox(visible=False))


def note(words: str) -> str:
    return f'<p class="sr-muted sr-small">{markup.esc(words)}</p>'


def take_in(services: Any, path: object) -> tuple[str, str]:
    """(id of the run, or "", what is said beside the button)."""
    if not isinstance(path, str) or not path:
        return "", note(text_take_away.IMPORT_HELP)
    try:
        return services.import_run(path, Path(path).name), note(text_take_away.IMPORT_HELP)
    except StillroomError as error:
        said = markup.esc(f"{error.message} {error.hint}".strip())
        return "", f'<div class="sr-problem" role="alert"><p>{said}</p></div>'


def wire(part: Import, services: Any) -> None:
    def uploaded(path: str | None) -> tuple[str, str]:
        return take_in(services, path)

    part.file.upload(
        uploaded, part.file, [part.taken, part.said], api_visibility="private", show_progress_on=part.said
    ).then(None, part.taken, None, js=OPEN, api_visibility="private")
