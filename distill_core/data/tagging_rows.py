"""Sentences from rows that hold a list of words and a list of tags, or a text with marks: JSONL, Parquet, the Hub."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from distill_core.data.conll import Origin, Sentences
from distill_core.data.spans import SPAN_COLUMNS, WRONG, BadSpan, tagged_words
from distill_core.data.types import Findings, count_of
from distill_core.errors import DataError

EXAMPLE = '{"tokens": ["Ada", "spoke"], "tags": ["B-PER", "O"]}'
WORD_COLUMNS = ("tokens", "words")
TAG_COLUMNS = ("tags", "ner_tags")
_WRONG = {
    "words": "no list of words",
    "tags": "something else than a list of tags",
    "uneven": "more or fewer tags than words",
    "numbers": "numbers as tags",
    **WRONG,
}


@dataclass(frozen=True)
class ReadFile:
    """One file's sentences, the names of its columns, and what was guessed about it."""

    sentences: Sentences
    columns: list[str]
    guessed: dict[str, Any]


def sentences_of_items(
    items: Sequence[tuple[int, Mapping[str, Any]]],
    origin: Origin,
    findings: Findings,
    language: str = "",
    mend: Callable[[str], str] | None = None,
) -> ReadFile:
    """The sentences of rows that hold a list of words and a list of tags, or a text and the marks in it (`spans`).

    Args:
        items: (number, row) of each.
        language: of all rows; "": as the language column says.
        mend: applied to every word.

    Raises DataError for a missing column, and for tags that are numbers.
    """
    columns = origin.columns
    names = list(dict.fromkeys(key for _, item in items for key in item))
    words_in = _column(items, names, (columns.text, *WORD_COLUMNS))
    tags_in = _column(items, names, (columns.label, *TAG_COLUMNS, *SPAN_COLUMNS)) if origin.tagged else None
    if words_in is None:
        there = ", ".join(repr(name) for name in names[:20])
        raise DataError(
            f"{origin.title} has no column {columns.text!r} for the words. Its columns are {there}.",
            hint=f"Each row needs a list of words, as in {EXAMPLE}.",
            field="data.columns.text",
        )
    language_in = None if language else columns.language
    if language_in is not None and language_in not in names:
        if origin.tagged:
            message = f"{origin.title} has no column {language_in!r} for the languages."
            raise DataError(message, hint="Choose another column, or none.", field="data.columns.language")
        language_in = None  # nothing is measured on unlabelled rows
    sentences = Sentences()
    wrong: dict[str, list[int]] = {kind: [] for kind in _WRONG}
    cut: list[int] = []
    for row, item in items:
        words: Any = item.get(words_in)
        tags: Any = None if tags_in is None else item.get(tags_in)
        if isinstance(words, str) and words.strip() and (tags is None or isinstance(tags, list)):
            try:
                words, tags, inside = _marked(words, tags)
            except BadSpan as error:
                wrong[error.args[0]].append(row)
                continue
            cut += [row] if inside else []
        elif not tags or (isinstance(tags, list) and not any(tag not in (None, "") for tag in tags)):
            tags = None
        problem = _problem(words, tags)
        if problem is not None:
            wrong[problem].append(row)
            continue
        said = language or (str(item.get(language_in) or "").strip() if language_in is not None else "")
        sentences.add([mend(word) for word in words] if mend else words, tags, row, said)
    if wrong["numbers"]:
        raise DataError(
            f"{count_of(len(wrong['numbers']))} of {origin.title} with numbers as tags; nothing says what they mean.",
            hint='Write the tags\' names, such as "O" and "B-PER".',
            field="data.columns.label",
        )
    for kind, rows in wrong.items():
        if rows:
            message = f"{count_of(len(rows))} of {origin.title} with {_WRONG[kind]}."
            findings.add("error", "bad_row", origin.field, message, rows)
    if cut:
        message = f"{count_of(len(cut))} of {origin.title} with marks that end inside a word: they hold all of it."
        findings.add("info", "cut_words", origin.field, message, cut)
    guessed: dict[str, Any] = {"word column": words_in} | ({} if tags_in is None else {"tag column": tags_in})
    return ReadFile(sentences, names, guessed)


def _marked(text: str, marks: list[Any] | None) -> tuple[list[str], list[str] | None, int]:
    """A text as words; with a list of texts beside it, as many as it has words between spaces, these are its tags."""
    if marks and all(isinstance(mark, str) for mark in marks):
        return text.split(), marks, 0
    words, tags, cut = tagged_words(text, marks or [])
    return words, None if marks is None else tags, cut


def _problem(words: Any, tags: Any) -> str | None:
    """What is wrong with a row, a key of `_WRONG`; tags None: it is unlabelled."""
    if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
        return "words"
    if tags is None:
        return None
    if not isinstance(tags, list):
        return "tags"
    if len(tags) != len(words):
        return "uneven"
    if all(isinstance(tag, str) and tag for tag in tags):
        return None
    return "numbers" if all(isinstance(tag, int) for tag in tags) else "tags"


def _column(items: Iterable[tuple[int, Mapping[str, Any]]], names: Sequence[str], wanted: Sequence[str]) -> str | None:
    """The first of these columns that holds lists; where none does, the first that is there."""
    there = [name for name in dict.fromkeys(wanted) if name in names]
    for name in there:
        if any(isinstance(item.get(name), list) for _, item in items):
            return name
    return there[0] if there else None
