"""The first rows of a data set: a table, or sentences with their tagged words marked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ui import markup

WORDS, TAGS = ("words", "tokens"), ("tags", "ner_tags", "labels")
LONGEST = 60
COLOURS = 6


def rows_html(rows: Sequence[Mapping[str, Any]], *, limit: int = 8) -> str:
    """rows: {column: value}; sentences hold words and their tags, as lists or apart by spaces."""
    sentences = [sentence_of(row) for row in rows[:limit]]
    if not rows or any(sentence is None for sentence in sentences):
        return markup.table([dict(row) for row in rows])
    types = sorted({span[0] for found in sentences for span in spans(found or [])} - {""})
    colours = {name: 1 + i % COLOURS for i, name in enumerate(types)}
    items = []
    for row, found in zip(rows, sentences, strict=False):
        language = str(row.get("language") or "")
        tag = f'<span class="sr-tag">{markup.esc(language)}</span> ' if language else ""
        items.append(f"<li>{tag}{sentence_html(found or [], colours)}</li>")
    return f'<ul class="sr-sentences-tagged">{"".join(items)}</ul>'


def sentence_of(row: Mapping[str, Any]) -> list[tuple[str, str]] | None:
    """(word, tag) of a row; None for a row that is no sentence with tags."""
    words = next((row[name] for name in WORDS if name in row), None)
    tags = next((row[name] for name in TAGS if name in row), None)
    if words is None or tags is None:
        return None
    listed, given = _listed(words), _listed(tags)
    if given and len(given) != len(listed):
        return None
    return [(word, given[i] if given else "O") for i, word in enumerate(listed)]


def _listed(value: Any) -> list[str]:
    return value.split() if isinstance(value, str) else [str(item) for item in value or []]


def spans(sentence: Sequence[tuple[str, str]]) -> list[tuple[str, list[str]]]:
    """(type, words) of neighbouring words that belong together; type "" outside. I- after another type begins anew."""
    found: list[tuple[str, list[str]]] = []
    for word, tag in sentence:
        prefix, dash, name = tag.partition("-")
        kind = name if dash else ("" if tag in ("O", "") else tag)
        goes_on = bool(found) and found[-1][0] == kind and (kind == "" or prefix not in ("B", "U", "S"))
        if goes_on:
            found[-1][1].append(word)
        else:
            found.append((kind, [word]))
    return found


def sentence_html(sentence: Sequence[tuple[str, str]], colours: Mapping[str, int]) -> str:
    """Tagged words underlined, with the type's name in small letters behind them: colour alone says nothing."""
    shown = sentence[:LONGEST]
    parts = []
    for kind, words in spans(shown):
        said = markup.esc(" ".join(words))
        if kind:
            said = (
                f'<mark class="sr-span sr-span-{colours.get(kind, 1)}">{said} <small>{markup.esc(kind)}</small></mark>'
            )
        parts.append(said)
    return " ".join(parts) + (" …" if len(sentence) > LONGEST else "")
