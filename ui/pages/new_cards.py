"""A card for each teacher: what it is, whether it is here, what it takes, and a light that says how it fits."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import gradio as gr

from ui import drafts, text_hub
from ui.markup import count, esc, megabytes
from ui.pages import new_hub

if TYPE_CHECKING:
    from ui.pages.new import NewRun

#: settings that a card depends on
_DECIDE = ("teachers.", "teacher_training.mode", "student.init_teacher")


def cards_html(cards: list[dict[str, Any]]) -> str:
    """`Services.teacher_cards` as HTML; "" without any."""
    if not cards:
        return ""
    return '<div class="sr-cards">' + "".join(map(card_html, cards)) + "</div>"


def card_html(card: dict[str, Any]) -> str:
    number = int(card["number"])
    head = f'<h4><span class="sr-dot sr-t{number % 8 + 1}"></span>{esc(card["name"])}</h4>'
    if card["error"]:
        words = f"{card['error']['message']} {card['error']['hint']}".strip()
        return _card(head + _light("bad", text_hub.REFUSED, words))
    light = card["light"]
    colour, state, rest = text_hub.LIGHTS[light["state"]]
    reference = light.get("reference") or ""
    own = light["state"] == "same" and reference == card["name"]
    words = OWN if own else rest.format(reference=reference, said=light.get("said", ""))
    return _card(head + f"<dl>{_facts(card)}</dl>" + _light(colour, OWN_STATE if own else state, words))


OWN_STATE, OWN = "Gives the student its vocabulary", "so that every kind of matching can be used."


def _card(inside: str) -> str:
    return f'<section class="sr-card sr-teacher-card">{inside}</section>'


def _facts(card: dict[str, Any]) -> str:
    trained = bool(card["trained"])
    if card["download"] is None:
        place = text_hub.UNKNOWN_DOWNLOAD
    elif card["download"]:
        place = text_hub.TO_DOWNLOAD.format(size=megabytes(card["download"]))
    else:
        place = text_hub.HERE[card["where"]]
    memory = text_hub.MEMORY[trained].format(size=megabytes(card["memory"]))
    rows = [
        ("Size", f"{count(card['parameters'])} parameters, {megabytes(card['bytes'])}", ""),
        ("Layers", f"{card['layers']} × {card['hidden']}", ""),
        ("Tokeniser", f"{card['tokenizer']}, {card['vocabulary']:,} pieces", ""),
        ("Licence", card["licence"] or "not told", ""),
        ("Where", place, ""),
        ("Memory", memory, text_hub.MEMORY_HOW[trained]),
    ]
    return "".join(
        f"<dt>{esc(name)}</dt><dd{f' title={chr(34)}{esc(how)}{chr(34)}' if how else ''}>{esc(value)}</dd>"
        for name, value, how in rows
    )


def _light(colour: str, state: str, words: str) -> str:
    return f'<p class="sr-light sr-light-{colour}"><b>{esc(state)}</b> {esc(words)}</p>'


# ---------------------------------------------------------------- events


def wire(page: NewRun, services: Any, quiet: dict[str, Any]) -> None:
    """Cards follow the teachers; a data set found on the Hub brings its splits and columns into the form."""
    deciding = [binding.widget.change for binding in page.form.bindings if binding.path.startswith(_DECIDE)]
    others = [page.data.task.change, page.student.kind.change, page.renewed.change, page.visited.change]
    gr.on(
        [*deciding, *others],
        lambda *typed: told(page, services, typed), page.inputs, page.teachers.cards,
        trigger_mode="always_last", concurrency_limit=None, **quiet,
    )  # fmt: skip
    fields = {b.path: b.widget for b in page.form.bindings if b.path.startswith("data.") and "hub" in b.tags}

    def bring(event: gr.EventData) -> list[Any]:
        found = new_hub.chosen_set(event)
        return [gr.update(value=found[path]) if path in found else gr.skip() for path in fields]

    assert page.data.search is not None
    page.data.search.chosen(bring, None, list(fields.values()), **quiet)


def told(page: NewRun, services: Any, typed: Sequence[Any]) -> str:
    """The cards for what is typed now."""
    draft, _ = drafts.draft_of(page.form, drafts.Typed(typed[0], typed[1], tuple(typed[2:])))
    return cards_html(services.teacher_cards(draft))
