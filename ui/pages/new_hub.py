"""A search of the Hub inside New run: results with downloads and licence, each one press away from being used."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gradio as gr

from distill_core.errors import StillroomError
from ui import markup, text_hub


def build(services: Any, kind: str) -> gr.HTML:
    """kind: "model" or "dataset". Its event `chosen` brings {name}."""
    skeleton = (
        f'<details class="sr-how sr-hub" id="hub-{kind}"><summary>{markup.esc(text_hub.SEARCH[kind])}</summary>'
        f'<form class="sr-form"><label>{markup.esc(text_hub.FIND)} <input type="search" maxlength="100" '
        f'autocomplete="off" id="hub-{kind}-text"></label><button class="sr-button" type="submit">'
        f"{markup.esc(text_hub.WORDS['button'])}</button></form>"
        '<p class="sr-muted sr-small" role="status" data-said></p><ul class="sr-hub-found"></ul></details>'
    )
    return markup.live_html(
        skeleton, "hub", functions=server_functions(services, kind), words=text_hub.WORDS, elem_id=f"hub-search-{kind}"
    )


def server_functions(services: Any, kind: str) -> list[Callable[[Any], dict[str, Any]]]:
    def search(request: Any) -> dict[str, Any]:
        said = request.get("text") if isinstance(request, dict) else None
        if not isinstance(said, str) or not said.strip():
            return {"found": []}
        try:
            return {"found": markup.finite(services.search(kind, said))}
        except StillroomError as error:
            return {"error": f"{error.message} {error.hint}".strip()}

    def configurations(request: Any) -> dict[str, Any]:
        name = request.get("name") if isinstance(request, dict) else None
        if not isinstance(name, str):
            return {"found": []}
        try:
            return {"found": services.hub_configurations(name)}
        except StillroomError as error:
            return {"error": f"{error.message} {error.hint}".strip()}

    return [search, configurations] if kind == "dataset" else [search]


def chosen(event: gr.EventData) -> str | None:
    """The name in a `chosen` event, or None: it comes from outside."""
    data = getattr(event, "_data", None)
    name = data.get("name") if isinstance(data, dict) else None
    return name if isinstance(name, str) and 0 < len(name) <= 200 else None


#: the split that each role of the data takes, the first that is there
SPLITS = {
    "train": ("train",),
    "validation": ("validation", "valid", "dev"),
    "test": ("test",),
    "transfer": ("unsupervised", "unlabelled", "unlabeled"),
}


def chosen_set(event: gr.EventData) -> dict[str, str]:
    """{path: value} of a data set that was chosen with its configuration, as far as the Hub tells."""
    data = getattr(event, "_data", None)
    name = chosen(event)
    if name is None or not isinstance(data, dict):
        return {}
    config = data.get("config")
    found = {"data.name": name, "data.config": config if isinstance(config, str) and config != "default" else ""}
    splits = data.get("splits")
    if isinstance(splits, list) and splits:
        there = [split for split in splits if isinstance(split, str)]
        for role, names in SPLITS.items():
            found[f"data.{role}_split"] = next((split for split in names if split in there), "")
        found["data.train_split"] = found["data.train_split"] or there[0]
    columns = data.get("columns")
    if isinstance(columns, dict):
        kinds = {str(key): str(kind) for key, kind in columns.items()}
        found |= {f"data.columns.{role}": column for role, column in guessed_columns(kinds).items() if column}
    return found


def guessed_columns(kinds: dict[str, str]) -> dict[str, str | None]:
    """{text, label}: the column that is called so, else the first of its kind. kinds: {column: type}."""
    texts = [name for name, kind in kinds.items() if kind in ("string", "large_string")]
    classes = [name for name, kind in kinds.items() if kind == "class_label"]
    lists = [name for name, kind in kinds.items() if kind == "list"]
    named = [name for name in ("text", "sentence", "content", "tokens") if name in kinds]
    labelled = [name for name in ("label", "labels", "ner_tags", "tags") if name in kinds]
    return {
        "text": next(iter([*named, *texts, *lists]), None),
        "label": next(iter([*labelled, *classes]), None),
    }


def put_teacher(name: str | None, visible: list[bool], sources: list[str | None]) -> list[Any]:
    """A found checkpoint goes into the first free slot: which slots are shown, the slots, their sources."""
    count = len(visible)
    free = next((n for n in range(count) if not (visible[n] and (sources[n] or "").strip())), None)
    if name is None or free is None:
        return [gr.skip()] * (1 + 2 * count)
    shown = [on or number == free for number, on in enumerate(visible)]
    return [
        shown,
        *(gr.update(visible=on) for on in shown),
        *(gr.update(value=name) if number == free else gr.skip() for number in range(count)),
    ]
