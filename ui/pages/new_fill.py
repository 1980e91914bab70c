"""All of New run filled at once: from a config, from what a browser kept, or as it was at first."""

from __future__ import annotations

import json
import re
from typing import Any

import gradio as gr

from ui import filling, markup, text
from ui.filling import Filled, Kept
from ui.pages import new_check

LONGEST_KEPT = 400_000
_TOKEN = re.compile(r"[0-9a-f]{32}")


def restored(page: Any) -> list[Any]:
    """What `restore` writes to. page: a `new.NewRun`."""
    hooks = [component for step in page.restoring for component in step.restores]
    return [page.data.source, page.student.kind, *page.form.widgets, *hooks]


def restore(page: Any, filled: Filled) -> list[Any]:
    """The updates that show it all."""
    values = filled.by_path(page.form)
    hooks = [update for step in page.restoring for update in step.restore(values)]
    plain = [filled.source, filled.kind, *filled.values]
    return [*(gr.update(value=value) for value in plain), *hooks]


def first(page: Any) -> Filled:
    """What the page shows when it was never touched."""
    return Filled(
        page.data.source.value,
        page.student.kind.value,
        tuple(binding.widget.value for binding in page.form.bindings),
        recipe=page.method.recipe.value,
    )


def typed(filled: Filled) -> tuple[Any, ...]:
    """As the events of the page have it: the values of `NewRun.inputs`."""
    return (filled.source, filled.kind, *filled.values)


def as_typed(page: Any, recipe: Any, preset: Any, values: tuple[Any, ...]) -> dict[str, Any]:
    """{key: value} of what stands on the page, to bring it back later."""
    return dict(zip(filling.keys(page.form), [recipe, preset, *values], strict=True))


def kept_filled(page: Any, values: Any) -> Filled:
    """From {key: value}, as `as_typed` and the browser keep it; what does not fit is as at first."""
    recipes = [item["name"] for item in page.method.recipes]
    return filling.unpack(page.form, values if isinstance(values, dict) else {}, first(page), recipes)


def read_kept(said: Any) -> Kept:
    """What a browser sends of what it kept. It may be old, of another version, or made up: what is odd is left out."""
    try:
        raw = json.loads(said) if isinstance(said, str) and len(said) <= LONGEST_KEPT else {}
    except (ValueError, RecursionError):
        raw = {}
    if not isinstance(raw, dict):
        raw = {}
    values, step, token = raw.get("values"), str(raw.get("step") or ""), str(raw.get("token") or "")
    sweep = raw.get("sweep")
    names = [name.lower() for name in text.STEPS]
    return Kept(
        values if isinstance(values, dict) else {},
        new_check.visited_steps(str(raw.get("visited") or "")),
        step if step in names else "",
        token if _TOKEN.fullmatch(token) else "",
        sweep if isinstance(sweep, dict) else None,
    )


def note_html(said: str, lost: tuple[Any, ...] = ()) -> str:
    """Where the values came from, and what could not be taken over."""
    if not said:
        return ""
    items = "".join(f"<li>{markup.esc(f'{e.field}: {e.message} {e.hint}'.strip())}</li>" for e in lost)
    more = f"<p>{markup.esc(text.LEFT_OUT)}</p><ul>{items}</ul>" if items else ""
    return f'<div class="sr-from" role="status"><p>{markup.esc(said)}</p>{more}</div>'
