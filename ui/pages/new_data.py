"""Step 1 of New run: where the texts come from, which column is what, and the first rows."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import gradio as gr

from distill_core import config as cfg
from distill_core.errors import StillroomError
from ui import markup, text
from ui.drafts import section_fields
from ui.forms import Form, info_line, slug, spec_of

ROLES = ("train", "validation", "test", "transfer")
READING = ("format", "header", "quoting")


@dataclass
class DataStep:
    source: gr.Radio
    groups: dict[str, gr.Column]
    uploads: dict[str, gr.File] = field(default_factory=dict)
    stored: dict[str, gr.State] = field(default_factory=dict)
    said: dict[str, gr.HTML] = field(default_factory=dict)
    columns: dict[str, gr.Dropdown] = field(default_factory=dict)
    reading: dict[str, Any] = field(default_factory=dict)
    columns_box: gr.Column | None = None
    preview: gr.HTML | None = None


def build(form: Form, services: Any) -> DataStep:
    source = gr.Radio(
        list(text.SOURCES), value="bundled", label="Where the data come from", elem_id="field-data-source"
    )
    step = DataStep(source, {})
    with gr.Column(elem_classes=["sr-field"]) as step.groups["bundled"]:
        names = [item["name"] for item in services.bundled()["data"]]
        spec = spec_of("data.name", cfg.BundledData.model_fields["name"])
        widget = gr.Dropdown(names, value=names[0] if names else None, label=spec.label, elem_id="field-data-name")
        form.bind(spec, widget, ("bundled",))
    with gr.Column(visible=False) as step.groups["files"]:
        _files(form, step)
    with gr.Column(visible=False) as step.groups["hub"]:
        own = section_fields(cfg.HubData, "data.", leave_out=[*cfg.DataSection.model_fields, "columns"])
        form.fields(own, tags=("hub",))
    with gr.Column(visible=False, elem_classes=["sr-fields"]) as step.columns_box:
        for name, info in cfg.Columns.model_fields.items():
            spec = spec_of(f"data.columns.{name}", info)
            with gr.Column(elem_classes=["sr-field"], min_width=0):
                step.columns[name] = gr.Dropdown(
                    [],
                    value=spec.default or "",
                    allow_custom_value=True,
                    label=spec.label,
                    info=spec.help,
                    elem_id=f"field-{slug(spec.path)}",
                )
                form.bind(spec, step.columns[name], ("files", "hub"))
    form.fields(section_fields(cfg.DataSection, "data."))
    step.preview = markup.still_html(visible=False, elem_id="data-preview")
    return step


def _files(form: Form, step: DataStep) -> None:
    with gr.Column(elem_classes=["sr-fields"]):
        for role in ROLES:
            spec = spec_of(f"data.{role}", cfg.FileData.model_fields[role])
            with gr.Column(elem_classes=["sr-field"], min_width=0):
                step.uploads[role] = gr.File(
                    label=spec.label + ("" if role == "train" else " (optional)"),
                    file_types=[".csv", ".tsv", ".jsonl", ".parquet"],
                    file_count="single",
                    type="filepath",
                    height=148,
                    elem_id=f"field-{slug(spec.path)}",
                )
                step.said[role] = markup.still_html(f'<p class="sr-muted sr-small">{markup.esc(info_line(spec))}</p>')
                step.stored[role] = gr.State(None)
                form.bind(spec, step.stored[role], ("files",))
    with gr.Accordion(text.ALL_SETTINGS, open=False), gr.Column(elem_classes=["sr-fields"]):
        for name in READING:
            binding = form.add(f"data.{name}", cfg.FileData.model_fields[name], tags=("files",))
            step.reading[name] = binding.widget


def wire(step: DataStep, services: Any) -> None:
    assert step.columns_box is not None and step.preview is not None
    columns = list(step.columns.values())

    def choose(source: str) -> list[Any]:
        shown = [gr.update(visible=name == source) for name in step.groups]
        return [*shown, gr.update(visible=source != "bundled"), gr.update(visible=source == "files")]

    step.source.change(
        choose,
        step.source,
        [*step.groups.values(), step.columns_box, step.preview],
        show_progress="hidden",
        api_visibility="private",
    )

    def guess(stored: str | None, *reading: str) -> list[Any]:
        return _guess(stored, dict(zip(READING, reading, strict=True)))

    for role in ROLES:
        event = step.uploads[role].change(
            lambda path: store(services, path),
            step.uploads[role],
            [step.stored[role], step.said[role]],
            api_visibility="private",
        )
        if role == "train":
            event.then(
                guess,
                [step.stored[role], *step.reading.values()],
                [*columns, step.preview],
                api_visibility="private",
            )
    for widget in step.reading.values():
        widget.input(
            guess,
            [step.stored["train"], *step.reading.values()],
            [*columns, step.preview],
            api_visibility="private",
        )


def store(services: Any, path: str | None) -> tuple[str | None, str]:
    """An uploaded file goes into the data folder at once; the draft holds its path there."""
    if not path:
        return None, ""
    name = path.replace("\\", "/").rsplit("/", 1)[-1]
    try:
        kept = services.store_upload(path, name)
    except StillroomError as error:
        return None, f'<p class="sr-finding-error" role="alert"><b>{markup.esc(_words(error))}</b></p>'
    return kept, f'<p class="sr-muted sr-small">{markup.esc(name)} is stored.</p>'


def _words(error: StillroomError) -> str:
    return f"{error.message} {error.hint}".strip()


def _guess(stored: str | None, reading: dict[str, str]) -> list[Any]:
    if not stored:
        note = f'<p class="sr-muted">{markup.esc(text.NOTHING_UPLOADED)}</p>'
        return [gr.skip(), gr.skip(), gr.skip(), gr.update(value=note)]
    from distill_core.data.sources import guess_columns

    try:
        found = guess_columns(stored, **reading)
    except StillroomError as error:
        bad = f'<div class="sr-problem" role="alert"><p>{markup.esc(_words(error))}</p></div>'
        return [gr.skip(), gr.skip(), gr.skip(), gr.update(value=bad, visible=True)]
    said = "" if found.has_label else '<p class="sr-finding-warning"><b>No column looks like classes.</b></p>'
    return [
        gr.update(choices=found.names, value=found.columns.text),
        gr.update(choices=["", *found.names], value=found.columns.text_pair or ""),
        gr.update(choices=found.names, value=found.columns.label),
        gr.update(value=f"<h4>First rows</h4>{said}{markup.table(found.preview)}", visible=True),
    ]
