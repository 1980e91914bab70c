"""A recipe into the form of New run; one for another task brings its data and teachers along."""

from __future__ import annotations

from typing import Any

import gradio as gr

from distill_core import config as cfg
from distill_core.catalogue import DEFAULT_TASK, USUAL_STUDENT
from ui import drafts
from ui.fields import shown
from ui.pages import new_words

METHOD = ("teacher_training", "student", "objective", "training")
#: settings outside these sections that a method may depend on
BESIDE = ("controls", "threads", "signals", "signal_top_k")


def filled(page: Any) -> list[Any]:
    """What `fill` writes to. page: a `new.NewRun`."""
    return [
        page.recipe_said, page.student.kind, page.student.preset, page.data.source, page.teachers.shown,
        *page.teachers.groups, *page.form.widgets,
    ]  # fmt: skip


def fill(page: Any, recipe: dict[str, Any] | None, task: str) -> list[Any]:
    """A recipe's settings into the widgets; fields it does not speak of go back to their defaults.

    task: the one chosen on the page. Data and teachers are touched only when the recipe is for another one; teachers
    also when its stages name them, or one is to stay as pre-trained.
    """
    if recipe is None:
        return [gr.skip()] * len(filled(page))
    config = recipe["config"]
    values = drafts.recipe_values(config)
    kind = values.get("student.kind", USUAL_STUDENT)
    data = config.get("data", {})
    switch = data.get("task", DEFAULT_TASK) != task
    chosen = {"student": kind, "data": str(data.get("source", "bundled"))}
    if switch:
        values |= {f"data.{name}": value for name, value in data.items() if not isinstance(value, dict)}
    own = switch or _about_teachers(config)
    if own:
        values |= _teachers(config.get("teachers", []))
    updates = []
    for binding in page.form.bindings:
        path = binding.path
        first = path.split(".", 1)[0]
        # Who stays as pre-trained is a matter of the method: another recipe takes it back.
        ours = first in METHOD or path in BESIDE or path.endswith(".pretrained_only")
        ours = ours or (switch and first == "data") or (own and first == "teachers")
        if not ours or not binding.counts(chosen):
            updates.append(gr.skip())
        else:
            default = "" if first == "teachers" and path.endswith(".source") else binding.spec.default
            updates.append(gr.update(value=shown(binding.spec, values.get(path, default))))
    said = new_words.recipe_html(recipe)
    number = len(config.get("teachers", []))
    slots: list[Any] = [gr.skip()] * (1 + cfg.MAX_TEACHERS)
    if own:
        visible = [place < max(1, number) for place in range(cfg.MAX_TEACHERS)]
        slots = [visible, *(gr.update(visible=on) for on in visible)]
    source = gr.update(value=chosen["data"]) if switch else gr.skip()
    return [said, gr.update(value=kind), "", source, *slots, *updates]


def _about_teachers(config: dict[str, Any]) -> bool:
    """Does the recipe need teachers of its own making, whatever task the page is for?"""
    stages = config.get("training", {}).get("stages", [])
    teachers = config.get("teachers", [])
    return any(one.get("teachers") for one in stages) or any(one.get("pretrained_only") for one in teachers)


def _teachers(teachers: list[dict[str, Any]]) -> dict[str, Any]:
    return {f"teachers.{number}.{name}": value for number, one in enumerate(teachers) for name, value in one.items()}
