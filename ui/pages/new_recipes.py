"""A recipe into the form of New run; one for another task brings its data and teachers along."""

from __future__ import annotations

from typing import Any

import gradio as gr

from distill_core.catalogue import DEFAULT_TASK
from distill_core.services.fitting import BESIDE, METHOD, brings_teachers
from ui import filling
from ui.pages import new_fill


def filled(page: Any) -> list[Any]:
    """What `fill` writes to. page: a `new.NewRun`."""
    return [*new_fill.restored(page), page.renewed]


def fill(page: Any, recipe: dict[str, Any] | None, task: str) -> list[Any]:
    """A recipe's settings into the widgets; fields it does not speak of go back to their defaults.

    task: the one chosen on the page. Data and teachers are touched only when the recipe is for another one; teachers
    also when its stages name them, or one is to stay as pre-trained.
    """
    if recipe is None:
        return [gr.skip()] * len(filled(page))
    config = recipe["config"]
    switch = config.get("data", {}).get("task", DEFAULT_TASK) != task
    own = switch or brings_teachers(config)
    found = filling.fill(page.form, config, recipe=recipe["name"])
    values = found.by_path(page.form)
    updates = [gr.update(value=found.source) if switch else gr.skip(), gr.update(value=found.kind)]
    for binding, value in zip(page.form.bindings, found.values, strict=True):
        path = binding.path
        first = path.split(".", 1)[0]
        # Who stays as pre-trained is a matter of the method: another recipe takes it back.
        ours = first in METHOD or path in BESIDE or path.endswith(".pretrained_only")
        ours = ours or (switch and first == "data") or (own and first == "teachers")
        counts = binding.counts(found.typed.chosen)
        updates.append(gr.update(value=value) if ours and counts else gr.skip())
    touched = [page.student, page.method, *([page.data] if switch else []), *([page.teachers] if own else [])]
    for step in page.restoring:
        ours = any(step is one for one in touched)
        updates += step.restore(values) if ours else [gr.skip()] * len(step.restores)
    return [*updates, filling.stamp()]
