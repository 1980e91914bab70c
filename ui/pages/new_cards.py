"""A card for each teacher: what it is, whether it is here, what it takes, and a light that says how it fits."""

from __future__ import annotations

from typing import Any

from ui import text_hub
from ui.markup import count, esc, megabytes


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
