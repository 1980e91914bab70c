"""Texts whose entities are marked by character positions, as annotation tools write them, as words with tags. No torch.

Known ways of a mark: [start, end, type] (doccano), {"start", "end", "label"} (spaCy, Prodigy, doccano's "entities" with
"start_offset", "end_offset") and {"start", "end", "labels": [type]} (Label Studio's short JSON).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from distill_core.tasks.words import WORD

#: columns in which marks are looked for, after the one that was chosen
SPAN_COLUMNS = ("labels", "label", "entities", "spans")
#: what can be wrong, in words
WRONG = {
    "span": "marks that are not understood",
    "outside": "marks outside the text",
    "overlap": "marks that overlap (a word has one tag)",
}


class BadSpan(ValueError):
    """args[0]: a key of `WRONG`."""


def tagged_words(text: str, marks: Sequence[Any]) -> tuple[list[str], list[str], int]:
    """A text's words, their tags (IOB2), and how many marks ended inside a word, which then belongs to them as a whole.

    Words are runs of letters and digits, and other visible characters one by one. A mark on white space alone is none.

    Raises BadSpan.
    """
    found = [match.span() for match in WORD.finditer(text)]
    tags = ["O"] * len(found)
    cut = 0
    for start, end, kind in sorted(_read(mark) for mark in marks):
        if not 0 <= start <= end <= len(text):
            raise BadSpan("outside")
        inside = [place for place, (first, last) in enumerate(found) if start < end and first < end and last > start]
        if any(tags[place] != "O" for place in inside):
            raise BadSpan("overlap")
        for place in inside:
            tags[place] = f"{'B' if place == inside[0] else 'I'}-{kind}"
        cut += bool(inside) and (found[inside[0]][0] < start or found[inside[-1]][1] > end)
    return [text[first:last] for first, last in found], tags, cut


def _read(mark: Any) -> tuple[int, int, str]:
    if isinstance(mark, dict):
        kinds = mark.get("label", mark.get("labels", mark.get("type")))
        start, end = mark.get("start", mark.get("start_offset")), mark.get("end", mark.get("end_offset"))
        mark = [start, end, kinds[0] if isinstance(kinds, list) and len(kinds) == 1 else kinds]
    if not isinstance(mark, list | tuple) or len(mark) != 3:
        raise BadSpan("span")
    start, end, kind = mark
    if not _whole(start) or not _whole(end) or not isinstance(kind, str) or not kind.strip():
        raise BadSpan("span")
    return int(start), int(end), kind.strip()


def _whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)
