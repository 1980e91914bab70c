"""Step 2 of New run: one to eight teachers, and how they learn the task."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import gradio as gr

from distill_core import config as cfg
from distill_core.catalogue import DEFAULT_TASK
from ui import markup, text
from ui.drafts import section_fields
from ui.fields import slug, spec_of
from ui.forms import Form
from ui.pages import new_hub, new_own

SHOWN_AT_FIRST = 2


@dataclass
class TeachersStep:
    add: gr.Button
    groups: list[gr.Group] = field(default_factory=list)
    sources: list[gr.Dropdown] = field(default_factory=list)
    removes: list[gr.Button] = field(default_factory=list)
    mappings: list[gr.Column] = field(default_factory=list)
    mode: Any = None
    shown: Any = None
    search: gr.HTML | None = None
    own: gr.HTML | None = None
    cards: gr.HTML | None = None

    @property
    def restores(self) -> list[Any]:
        return [self.shown, self.add, *self.groups, *self.mappings]

    def restore(self, values: Mapping[str, Any]) -> list[Any]:
        """Slots with a teacher are open, and the first one always."""
        shown = [number == 0 or bool(values.get(f"teachers.{number}.source")) for number in range(cfg.MAX_TEACHERS)]
        as_is = values.get("teacher_training.mode") == "as_is"
        return [
            shown,
            gr.update(interactive=not all(shown)),
            *(gr.update(visible=on) for on in shown),
            *(gr.update(visible=as_is) for _ in self.mappings),
        ]


def build(form: Form, services: Any, values: dict[str, Any]) -> TeachersStep:
    """values: {path: value} of the recipe the page starts from."""
    bundled = [(item["name"], item["source"]) for item in services.bundled()["teachers"]]
    step = TeachersStep(gr.Button(text.ADD_TEACHER, render=False, elem_id="add-teacher", size="md"))
    for number in range(cfg.MAX_TEACHERS):
        _slot(form, step, number, bundled)
    step.shown = gr.State([number < SHOWN_AT_FIRST for number in range(cfg.MAX_TEACHERS)])
    step.add.elem_classes = ["sr-continue"]
    step.add.render()
    step.search = new_hub.build(services, "model")
    step.own = new_own.build(services)
    step.cards = markup.still_html(elem_id="teacher-cards", padding=False)
    first = len(form.bindings)
    form.fields(section_fields(cfg.TeacherTraining, "teacher_training."), values=values)
    step.mode = next(b.widget for b in form.bindings[first:] if b.path == "teacher_training.mode")
    return step


def _slot(form: Form, step: TeachersStep, number: int, bundled: list[tuple[str, str]]) -> None:
    prefix = f"teachers.{number}."
    fields = cfg.TeacherSection.model_fields
    with gr.Column(visible=number < SHOWN_AT_FIRST, elem_classes=["sr-teacher"], elem_id=f"teacher-{number}") as group:
        spec = spec_of(prefix + "source", fields["source"])
        with gr.Column(elem_classes=["sr-field"]):
            source = gr.Dropdown(
                [name for _, name in bundled],
                value=bundled[number][1] if number < min(SHOWN_AT_FIRST, len(bundled)) else "",
                allow_custom_value=True,
                label=f"Teacher {number + 1}",
                info="A bundled one from the list, or type a folder (also a finished run's) or a name on the Hub.",
                elem_id=f"field-{slug(spec.path)}",
            )
            form.bind(spec, source)
        with gr.Column(visible=False, elem_classes=["sr-field"]) as mapping:
            form.add(prefix + "label_mapping", fields["label_mapping"])
        with gr.Accordion(text.ALL_SETTINGS, open=False):
            with gr.Column(elem_classes=["sr-fields"]):
                for name in ("name", "revision", "keep_layers", "pretrained_only"):
                    form.add(prefix + name, fields[name])
            remove = gr.Button(text.REMOVE_TEACHER, size="sm", elem_id=f"remove-teacher-{number}")
    step.groups.append(group)
    step.sources.append(source)
    step.removes.append(remove)
    step.mappings.append(mapping)


def fitting(services: Any, recipes: list[dict[str, Any]]) -> dict[str, list[list[str]]]:
    """Task → the bundled teachers that each recipe for it uses, the first recipe first."""
    known = {item["name"] for item in services.bundled()["teachers"]}
    found: dict[str, list[list[str]]] = {}
    for recipe in recipes:
        names = [_bare(teacher["source"]) for teacher in recipe["config"].get("teachers", [])]
        if names and known.issuperset(names):
            found.setdefault(recipe["config"].get("data", {}).get("task", DEFAULT_TASK), []).append(names)
    return found


def retask(fits: dict[str, list[list[str]]], task: str, sources: tuple[str | None, ...]) -> list[Any]:
    """Teachers for another task, where one of the bundled ones on the page is made for others alone: which slots are
    shown, the slots, their sources. What people typed themselves is left to the check."""
    others = {name for used in fits.values() for names in used for name in names}
    suited = {name for names in fits.get(task, []) for name in names}
    wrong = [source for source in sources if source and _bare(source) in others - suited]
    if not wrong or not suited:
        return [gr.skip()] * (1 + 2 * len(sources))
    new = fits[task][0]
    visible = [number < len(new) for number in range(len(sources))]
    values = [f"bundled:{new[number]}" if on else "" for number, on in enumerate(visible)]
    return [visible, *(gr.update(visible=on) for on in visible), *(gr.update(value=value) for value in values)]


def _bare(source: str) -> str:
    return source.strip().removeprefix("bundled:")


def wire(step: TeachersStep) -> None:
    shown = step.shown

    def add(visible: list[bool]) -> list[Any]:
        free = visible.index(False) if False in visible else None
        visible = [on or number == free for number, on in enumerate(visible)]
        return [visible, gr.update(interactive=not all(visible)), *(gr.update(visible=on) for on in visible)]

    step.add.click(add, shown, [shown, step.add, *step.groups], show_progress="hidden", api_visibility="private")
    for number in range(cfg.MAX_TEACHERS):

        def remove(visible: list[bool], gone: int = number) -> list[Any]:
            visible = [on and i != gone for i, on in enumerate(visible)]
            return [visible, gr.update(interactive=True), gr.update(visible=False), gr.update(value="")]

        step.removes[number].click(
            remove,
            shown,
            [shown, step.add, step.groups[number], step.sources[number]],
            show_progress="hidden",
            api_visibility="private",
        )
    assert step.search is not None

    def use(event: gr.EventData, visible: list[bool], *sources: str | None) -> list[Any]:
        return new_hub.put_teacher(new_hub.chosen(event), visible, list(sources))

    step.search.chosen(
        use,
        [shown, *step.sources],
        [shown, *step.groups, *step.sources],
        show_progress="hidden",
        api_visibility="private",
    )
    assert step.own is not None
    step.own.chosen(
        new_own.use,
        [shown, *step.sources],
        [shown, *step.groups, *step.sources],
        show_progress="hidden",
        api_visibility="private",
    )
    step.mode.change(
        lambda mode: [gr.update(visible=mode == "as_is")] * cfg.MAX_TEACHERS,
        step.mode,
        step.mappings,
        show_progress="hidden",
        api_visibility="private",
    )
