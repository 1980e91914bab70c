"""Step 1 of New run: the task, where the rows come from, and which column is what."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import gradio as gr

from distill_core import config as cfg
from distill_core.catalogue import DEFAULT_TASK, TASKS
from distill_core.data.languages import PLACEHOLDER
from distill_core.data.sources import ENDINGS, TAGGED_ENDINGS
from distill_core.errors import StillroomError
from distill_core.layout import known_name
from distill_core.tasks.base import known_task
from ui import filling, markup, text
from ui.drafts import section_fields
from ui.fields import info_line, read, slug, spec_of
from ui.forms import Form
from ui.pages import new_hub, new_look

ROLES = ("train", "validation", "test", "transfer")
READING = ("format", "header", "quoting", "languages")
QUIET: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
_SEVERAL = re.compile(r"[0-9a-f]{8,16}-languages")


@dataclass
class DataStep:
    source: gr.Radio
    groups: dict[str, gr.Column]
    task: Any = None
    told: gr.HTML | None = None
    name: gr.Dropdown | None = None
    bundled: dict[str, list[str]] = field(default_factory=dict)
    uploads: dict[str, gr.File] = field(default_factory=dict)
    paths: dict[str, gr.Textbox] = field(default_factory=dict)
    stored: dict[str, gr.Textbox] = field(default_factory=dict)
    said: dict[str, gr.HTML] = field(default_factory=dict)
    columns: dict[str, gr.Dropdown] = field(default_factory=dict)
    reading: dict[str, Any] = field(default_factory=dict)
    columns_box: gr.Column | None = None
    pair_box: gr.Column | None = None
    problem: gr.HTML | None = None
    look: new_look.LookBlock | None = None
    search: gr.HTML | None = None
    settled: gr.Textbox | None = None

    @property
    def restores(self) -> list[Any]:
        return [
            *self.groups.values(), self.columns_box, self.problem, self.told, self.pair_box, *self.said.values(),
            *self.uploads.values(), *self.paths.values(), self.settled,
        ]  # fmt: skip

    def restore(self, values: Mapping[str, Any]) -> list[Any]:
        """Files stored earlier are told by name; columns stay as they are, and the rows are looked at once more."""
        source, task = values["data.source"], values.get("data.task")
        files = {role: str(values.get(f"data.{role}") or "") for role in ROLES}
        train, languages = files["train"] if source == "files" else "", str(values.get("data.languages") or "")
        return [
            *(gr.update(visible=name == source) for name in self.groups),
            gr.update(visible=source != "bundled"),
            gr.update(visible=source == "files", **({} if train else {"value": _nothing_yet()})),
            rows_html(str(task)),
            gr.update(visible=known_task(task).pairs),
            *(_used(files[role], languages) if files[role] else _role_html(role) for role in self.said),
            *(None for _ in self.uploads),
            *("" if _stored(files[role]) else files[role] for role in self.paths),
            filling.stamp() if train else gr.skip(),
        ]


def build(form: Form, services: Any) -> DataStep:
    task = form.add("data.task", cfg.DataSection.model_fields["task"]).widget
    source = gr.Radio(
        list(text.SOURCES), value="bundled", label="Where the data come from", elem_id="field-data-source"
    )
    step = DataStep(source, {}, task, bundled=bundled_sets(services))
    with gr.Column(elem_classes=["sr-field"]) as step.groups["bundled"]:
        spec = spec_of("data.name", cfg.BundledData.model_fields["name"])
        first = next(iter(step.bundled[DEFAULT_TASK]), None)
        # All of them, whatever the task: Gradio refuses values that are none of the choices it knows of.
        step.name = gr.Dropdown(set_choices(step.bundled), value=first, label=spec.label, elem_id="field-data-name")
        form.bind(spec, step.name, ("bundled",))
    with gr.Column(visible=False) as step.groups["files"]:
        step.told = markup.still_html(rows_html(DEFAULT_TASK), elem_id="rows-told", padding=False)
        _files(form, step)
    with gr.Column(visible=False) as step.groups["hub"]:
        own = section_fields(cfg.HubData, "data.", leave_out=[*cfg.DataSection.model_fields, "columns"])
        step.search = new_hub.build(services, "dataset")
        form.fields(own, tags=("hub",))
    with gr.Column(visible=False, elem_classes=["sr-fields"]) as step.columns_box:
        for name, info in cfg.Columns.model_fields.items():
            spec = spec_of(f"data.columns.{name}", info)
            with gr.Column(elem_classes=["sr-field"], min_width=0) as box:
                step.pair_box = box if name == "text_pair" else step.pair_box
                step.columns[name] = gr.Dropdown(
                    [],
                    value=spec.default or "",
                    allow_custom_value=True,
                    label=spec.label,
                    info=spec.help,
                    elem_id=f"field-{slug(spec.path)}",
                )
                form.bind(spec, step.columns[name], ("files", "hub"))
    form.fields(section_fields(cfg.DataSection, "data.", leave_out=["task"]))
    step.problem = markup.still_html(visible=False, elem_id="data-problem")
    step.look = new_look.build()
    step.settled = gr.Textbox("", visible=False)
    return step


def bundled_sets(services: Any) -> dict[str, list[str]]:
    """Task → names of the bundled sets for it; the recipes that use them tell their task."""
    tasks = {}
    for recipe in services.recipes():
        data = recipe["config"].get("data", {})
        if data.get("source") == "bundled":
            tasks[data.get("name")] = data.get("task", DEFAULT_TASK)
    found: dict[str, list[str]] = {task: [] for task in TASKS}
    for item in services.bundled()["data"]:
        found.setdefault(tasks.get(item["name"], DEFAULT_TASK), []).append(item["name"])
    return found


def set_choices(bundled: dict[str, list[str]]) -> list[tuple[str, str]]:
    """(words, name) of every bundled set; the words tell the task where it is not the usual one."""
    return [
        (name if task == DEFAULT_TASK else f"{name} ({TASKS[task].title.lower()})", name)
        for task, names in bundled.items()
        for name in names
    ]


def rows_html(task: str) -> str:
    said = known_task(task).words.files
    return f'<p class="sr-muted sr-small">{markup.esc(f"{said} {text.HELD_OUT}".strip())}</p>'


def _files(form: Form, step: DataStep) -> None:
    with gr.Column(elem_classes=["sr-fields"]):
        for role in ROLES:
            spec = spec_of(f"data.{role}", cfg.FileData.model_fields[role])
            with gr.Column(elem_classes=["sr-field"], min_width=0):
                step.uploads[role] = gr.File(
                    label=spec.label + ("" if role == "train" else " (optional)"),
                    file_types=sorted({*ENDINGS, *TAGGED_ENDINGS, ".txt"}),
                    file_count="multiple",
                    type="filepath",
                    height=148,
                    elem_id=f"field-{slug(spec.path)}",
                )
                step.said[role] = markup.still_html(_role_html(role))
                # Hidden, not a State: the browser keeps it with the rest of what is typed.
                step.stored[role] = gr.Textbox("", visible=False, max_lines=1)
                form.bind(spec, step.stored[role], ("files",))
    with gr.Accordion(text.ALL_SETTINGS, open=False):
        with gr.Column(elem_classes=["sr-fields"]):
            for name in READING:
                binding = form.add(f"data.{name}", cfg.FileData.model_fields[name], tags=("files",))
                step.reading[name] = binding.widget
        markup.still_html(
            f'<h4 class="sr-group">{markup.esc(text.PATHS)}</h4><p class="sr-muted sr-small">'
            f"{markup.esc(text.PATHS_HELP)}</p>"
        )
        with gr.Column(elem_classes=["sr-fields"]):
            for role in ROLES:
                label = spec_of(f"data.{role}", cfg.FileData.model_fields[role]).label
                step.paths[role] = gr.Textbox(label=label, max_lines=1, elem_id=f"path-data-{role}")


def wire(step: DataStep, services: Any) -> list[Any]:
    """Returns the events after which a person has chosen another task; a filling brings what fits its own."""
    assert step.columns_box is not None and step.problem is not None and step.look is not None
    step.source.change(
        lambda source: [
            *(gr.update(visible=name == source) for name in step.groups),
            gr.update(visible=source != "bundled"),
            gr.update(visible=source == "files"),
            "",  # what stands there is of other data
        ],
        step.source,
        [*step.groups.values(), step.columns_box, step.problem, step.look.said],
        **QUIET,
    )
    asked = [step.stored["train"], step.task, *step.reading.values()]
    told = [*step.columns.values(), step.problem]

    def look(stored: str | None, task: str, *reading: str) -> list[Any]:
        return guess(services, stored, task, dict(zip(READING, reading, strict=True)))

    def look_again(stored: str | None, task: str, *reading: str) -> list[Any]:
        return same_columns(look(stored, task, *reading))

    assert step.settled is not None
    step.settled.change(look_again, asked, told, api_visibility="private")
    for role in ROLES:
        # Not `change`: emptying the box because a draft comes back is no choice of the person's.
        upload = step.uploads[role]
        events = [
            gr.on(
                [upload.upload, upload.clear, upload.delete],
                lambda paths, role=role: store(services, paths, role),
                upload,
                [step.stored[role], step.said[role], step.reading["languages"]],
                api_visibility="private",
            ),
            gr.on(
                [step.paths[role].submit, step.paths[role].blur],
                take_path,
                [step.paths[role], step.stored[role]],
                [step.stored[role], step.said[role]],
                **QUIET,
            ),
        ]
        if role == "train":
            for event in events:
                event.then(look, asked, told, api_visibility="private")
    for name, widget in step.reading.items():
        event = widget.blur if name == "languages" else widget.input
        event(look, asked, told, api_visibility="private")
    of_set = {name: task for task, names in step.bundled.items() for name in names}
    assert step.name is not None
    named = step.name.input(lambda name: of_set.get(name, gr.skip()), step.name, step.task, **QUIET)
    tasked = []
    for event in (step.task.input, named.then):
        told_task = event(
            lambda task, name: retask(step, task, name),
            [step.task, step.name],
            [step.told, step.name, step.columns["text_pair"], step.pair_box],
            **QUIET,
        )
        told_task.then(look, asked, told, **QUIET)
        tasked.append(told_task)
    return tasked


def retask(step: DataStep, task: str, name: str | None) -> list[Any]:
    """The words for another task, and a bundled set for it; one that fits already stays."""
    names = step.bundled.get(task, [])
    value = name if name in names else (names[0] if names else None)
    # Sentences with tags come alone. A second text left over from before would be refused.
    paired = known_task(task).pairs
    pairs = gr.skip() if paired else gr.update(value="")
    shown = gr.update(visible=paired)
    return [rows_html(task), gr.skip() if value == name else gr.update(value=value), pairs, shown]


def _role_html(role: str) -> str:
    spec = spec_of(f"data.{role}", cfg.FileData.model_fields[role])
    return f'<p class="sr-muted sr-small">{markup.prose(info_line(spec))}</p>'


def _last(path: str) -> str:
    return path.replace("\\", "/").rsplit("/", 1)[-1]


def _stored(path: str) -> bool:
    """Was this file uploaded? Several of them, one a language, lie in a folder of their own."""
    folder = path.replace("\\", "/").split("/")[-2:-1]
    return known_name(path) != _last(path) or bool(folder and _SEVERAL.fullmatch(folder[0]))


def _used(path: str, languages: str = "") -> str:
    """Which file is used, by the name people know it by."""
    if _stored(path) and PLACEHOLDER in path:
        return f'<p class="sr-muted sr-small">{markup.esc(text.STORED_LANGUAGES.format(languages=languages))}</p>'
    known = known_name(path) if _stored(path) else path
    return f'<p class="sr-muted sr-small">{markup.esc(text.FILE_USED.format(name=known))}</p>'


def _nothing_yet() -> str:
    return f'<p class="sr-muted">{markup.esc(text.NOTHING_UPLOADED)}</p>'


def same_columns(told: list[Any]) -> list[Any]:
    """A look's updates without its guesses: the columns to choose from, and what is wrong."""
    *columns, problem = told
    return [{name: part for name, part in update.items() if name != "value"} for update in columns] + [problem]


def store(services: Any, paths: list[str] | None, role: str = "train") -> tuple[str, str, Any]:
    """Uploaded files go into the data folder at once; the draft holds their path there. Several are one a language."""
    if not paths:
        return "", _role_html(role), gr.skip()
    names = [_last(path) for path in paths]
    try:
        kept, languages = services.store_uploads(list(zip(paths, names, strict=True)))
    except StillroomError as error:
        return "", f'<p class="sr-finding-error" role="alert"><b>{markup.esc(_words(error))}</b></p>', gr.skip()
    said = text.STORED_LANGUAGES.format(languages=", ".join(languages)) if languages else f"{names[0]} is stored."
    shown = f'<p class="sr-muted sr-small">{markup.esc(said)}</p>'
    return kept, shown, gr.update(value=", ".join(languages)) if languages else gr.skip()


def take_path(typed: str | None, stored: str | None) -> list[Any]:
    """A path instead of an upload; an empty one leaves things as they are. Whether it may be read, the check says."""
    path = (typed or "").strip()
    if not path or path == stored:
        return [gr.skip(), gr.skip()]
    return [path, _used(path)]


def _words(error: StillroomError) -> str:
    return f"{error.message} {error.hint}".strip()


def guess(services: Any, stored: str | None, task: str, reading: dict[str, str]) -> list[Any]:
    """Updates for the columns and for what keeps them from being guessed, from a look at the training file."""
    skipped = [gr.skip()] * len(cfg.Columns.model_fields)
    if not stored:
        return [*skipped, gr.update(value=_nothing_yet())]
    draft = {"data": {**_reading(reading), "source": "files", "task": task, "train": stored}}
    outcome = services.check(draft)
    # The check also knows whether this person may name this path: before that, no file is opened here.
    barred = [e for e in outcome.errors if e.field == "data.train"]
    if barred or not known_task(task).pairs:
        return _seen(outcome, barred, skipped)
    from distill_core.data.sources import guess_columns

    try:
        first = next(iter(draft["data"].get("languages") or []), None)
        shown = stored.replace(PLACEHOLDER, first) if first else stored
        found = guess_columns(shown, **{name: reading[name] for name in ("format", "header", "quoting")})
    except StillroomError as error:
        return [*skipped, _bad([_words(error)])]
    said = "" if found.has_label else '<p class="sr-finding-warning"><b>No column looks like classes.</b></p>'
    return [
        *(_column(name, getattr(found.columns, name), found.names) for name in cfg.Columns.model_fields),
        gr.update(value=said, visible=bool(said)),
    ]


def _reading(reading: dict[str, str]) -> dict[str, Any]:
    fields = cfg.FileData.model_fields
    return {name: read(spec_of(f"data.{name}", fields[name]), value) for name, value in reading.items()}


#: column of the config → what the data check calls its guess of it
GUESSES = {"text": "word column", "label": "tag column"}
LANGUAGES = ("language", "lang")


def _seen(outcome: Any, barred: list[Any], skipped: list[Any]) -> list[Any]:
    """What a check saw of a file of sentences, or why it could not."""
    summary = outcome.summary
    if barred:
        return [*skipped, _bad([f"{error.message} {error.hint}".strip() for error in barred])]
    names, guessed = list(summary.get("columns") or []), summary.get("guessed") or {}
    values = {column: str(guessed[said]) for column, said in GUESSES.items() if said in guessed}
    values["language"] = next((name for name in names if name.casefold() in LANGUAGES), "")
    columns = [
        _column(name, values[name], names) if name in values else gr.update(choices=["", *names])
        for name in cfg.Columns.model_fields
    ]
    return [*columns, gr.update(value="", visible=False)]


def _column(name: str, value: str | None, names: list[str]) -> Any:
    optional = cfg.Columns.model_fields[name].default is None
    return gr.update(choices=["", *names] if optional else names, value=value or "")


def _bad(lines: list[str]) -> Any:
    body = "".join(f"<p>{markup.esc(line)}</p>" for line in lines)
    return gr.update(value=f'<div class="sr-problem" role="alert">{body}</div>', visible=True)
