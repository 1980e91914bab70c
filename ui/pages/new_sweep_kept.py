"""What is typed for a sweep, kept by the browser with the rest of New run and shown again."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import gradio as gr

from ui import filling

if TYPE_CHECKING:
    from ui.pages.new_sweep import SweepPart

_PATH = re.compile(r"[a-z][a-z0-9_.]{0,99}")


def keys(part: SweepPart) -> list[str]:
    """The names under which a browser keeps `part.typed`, in its order."""
    numbers = range(len(part.paths))
    rest = ["sampler", "trials", "minutes", "costs", "prune"]
    return [*(f"field.{n}" for n in numbers), *(f"values.{n}" for n in numbers), *rest]


def as_typed(part: SweepPart, values: Sequence[Any]) -> dict[str, Any]:
    """{key: value} of what stands there, to bring it back later."""
    return dict(zip(keys(part), values, strict=True))


def first(part: SweepPart) -> dict[str, Any]:
    """What stands there when nothing was typed."""
    return as_typed(
        part, [widget.value or "" if isinstance(widget, gr.Textbox) else widget.value for widget in part.typed]
    )


def unpack(part: SweepPart, kept: Mapping[str, Any]) -> dict[str, Any]:
    """From what a browser kept; what does not fit is as at first. Whether a setting exists is for the start to say."""
    found = first(part)
    for key, widget in zip(keys(part), part.typed, strict=True):
        value = kept.get(key, found[key])
        if key.startswith("field."):
            fitting = isinstance(value, str) and _PATH.fullmatch(value) is not None
        else:
            fitting = filling.fits(widget, value)
        if fitting:
            found[key] = value
    return found


# ---------------------------------------------------------------- shown again


def restored(part: SweepPart) -> list[Any]:
    """What `restore` writes to."""
    return [*part.typed, *part.rows, part.more, part.seen, part.box, part.said]


def restore(
    part: SweepPart, kept: Mapping[str, Any] | None, choices: Sequence[tuple[str, str]] = ()
) -> list[Any]:  # fmt: skip
    """The updates that show it. kept: None leaves all as it is. choices: (words, setting) of what can be varied; where
    they are not known yet, settings go by their names until the part is opened."""
    if kept is None:
        return [gr.skip() for _ in restored(part)]
    found, count = unpack(part, kept), len(part.paths)
    chosen = [found[f"field.{number}"] for number in range(count)]
    known = {path for _, path in choices}
    offered = [*choices, *((path, path) for path in dict.fromkeys(chosen) if path and path not in known)]
    updates = [gr.update(choices=offered, value=path) for path in chosen]
    updates += [gr.update(value=found[key]) for key in keys(part)[count:-1]]
    updates.append(gr.update(value=found["prune"], interactive=not found["costs"]))
    used = [number + 1 for number in range(count) if chosen[number] or found[f"values.{number}"]]
    rows = max([part.seen.value, *used])
    shown = [gr.update(visible=number < rows) for number in range(count)]
    opened = kept.get("open") is True and any(chosen)
    return [*updates, *shown, gr.update(visible=rows < count), rows, gr.update(open=opened), ""]


def wire(part: SweepPart, renewed: Any) -> None:
    """The browser keeps every change; no server is asked. renewed: changes with every filling of the page."""
    quiet: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
    keep = f"(...given) => window.StillroomDraft.keepSweep({json.dumps(keys(part))}, given)"
    # A Textbox tells `input` of keys that make a character alone; what a choice of setting suggests is typed by nobody.
    events = [widget.change if isinstance(widget, gr.Textbox) else widget.input for widget in part.typed]
    gr.on([*events, renewed.change], None, part.typed, None, js=keep, **quiet)
    for event, opened in ((part.box.expand, "true"), (part.box.collapse, "false")):
        event(None, None, None, js=f"() => window.StillroomDraft.sweepOpened({opened})", **quiet)
