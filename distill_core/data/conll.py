"""Sentences from files with one word a line, its columns apart by tabs or spaces, and a blank line after a sentence."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import islice

from distill_core.config import Columns
from distill_core.data.sniff import SAMPLE_RECORDS
from distill_core.data.types import MAX_ROWS_KEPT, Finding, Findings, count_of, rows_in_words
from distill_core.errors import DataError

TAG = re.compile(r"O|[BIESLU]-\S.*")
LONGEST_SENTENCE = 2000
_COMMENT = re.compile(r"# +[^\s=]+[^\t=]*=")
_SPACES = re.compile(r"[ \t]+")
_LANGUAGE_PREFIX = re.compile(r"[a-z]{2,3}(?:-[A-Za-z]+)?:")
_DOCUMENT = "-DOCSTART-"
_MOSTLY = 0.9
#: names of parts of speech there may be in a short file
_FEW_TAGS = 50


@dataclass
class Sentences:
    """N sentences as they were read. words: [N] lists of W_n words; tags: [N] lists of W_n tags, or None without gold.

    rows: [N] 1-based number of the sentence in its file; languages: [N], "" = not said; prefix: what stood before every
    word of the file and was taken off ("fr:"), or "".
    """

    words: list[list[str]] = field(default_factory=list)
    tags: list[list[str] | None] = field(default_factory=list)
    rows: list[int] = field(default_factory=list)
    languages: list[str] = field(default_factory=list)
    prefix: str = ""

    def __len__(self) -> int:
        return len(self.words)

    def add(self, words: list[str], tags: list[str] | None, row: int, language: str = "") -> None:
        self.words.append(words)
        self.tags.append(tags)
        self.rows.append(row)
        self.languages.append(language)

    def extend(self, others: Sentences) -> None:
        self.words += others.words
        self.tags += others.tags
        self.rows += others.rows
        self.languages += others.languages


@dataclass(frozen=True)
class Origin:
    """The file sentences come from. title: how messages call it; field: its config field; tagged: are tags wanted?"""

    title: str
    field: str
    columns: Columns
    header: str = "auto"
    tagged: bool = True


@dataclass(frozen=True)
class Layout:
    """How a file is written. token, tag: 0-based columns, tag None where there is none; skip: lines of its header."""

    tabs: bool
    width: int
    token: int
    tag: int | None
    skip: int = 0

    def cells(self, line: str) -> list[str]:
        """The line's columns; two spaces count as one, two tabs do not; empty columns too many at its end are cut."""
        if not self.tabs:
            cells = line.split(" ")
            return cells if len(cells) == self.width and all(cells) else _SPACES.split(line.strip(" \t"))
        cells = line.split("\t")
        while len(cells) > self.width and not cells[-1].strip():
            cells.pop()
        return cells

    @property
    def guessed(self) -> dict[str, str | int]:
        """What to tell people; columns are numbered from 1."""
        told: dict[str, str | int] = {"delimiter": "\t" if self.tabs else " ", "word column": self.token + 1}
        return told if self.tag is None else told | {"tag column": self.tag + 1}


def parse_conll(text: str, origin: Origin, findings: Findings) -> tuple[Sentences, Layout]:
    """The sentences of one file.

    Lines "-DOCSTART-" and comments ("# key = value" before the first word of a sentence) are skipped. A prefix like
    "fr:" that every word of the file has is taken off. Lines that do not have as many columns as the others, or have no
    tag though other words of the sentence do, become one error finding with line numbers.

    Raises:
        DataError: no column for words or tags can be found, or most lines are not what they should be.
    """
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    lines = text.split("\n")  # splitlines() would also cut at U+2028 and the like, which a word may hold
    layout = find_layout(lines, origin)
    sentences, bad, seen = _read(lines, layout)
    if bad:
        _report_bad(bad, seen, lines, layout, origin, findings)
    if len(sentences) == 1 and len(sentences.words[0]) > LONGEST_SENTENCE:
        raise DataError(
            f"{origin.title} has no blank line between sentences: all its {len(sentences.words[0]):,} words are one.",
            hint="Put a blank line after each sentence.",
            field=origin.field,
        )
    sentences.prefix = _strip_prefix(sentences)
    return sentences, layout


def _read(lines: Sequence[str], layout: Layout) -> tuple[Sentences, list[int], int]:
    """(sentences, numbers of bad lines, how many lines with words there are)."""
    sentences = Sentences()
    bad: list[int] = []
    words: list[str] = []
    tags: list[str] = []
    untagged: list[int] = []  # lines of this sentence without a tag
    seen = 0
    number = layout.skip
    width, token, tag, tabs = layout.width, layout.token, layout.tag, layout.tabs

    def close() -> None:
        nonlocal words, tags, untagged
        if words:
            if not untagged and tag is not None:
                sentences.add(words, tags, len(sentences) + 1)
            elif tag is None or len(untagged) == len(words):
                sentences.add(words, None, len(sentences) + 1)
            else:
                bad.extend(untagged)
            words, tags, untagged = [], [], []

    for line in islice(lines, layout.skip, None):
        number += 1
        if not line or line.isspace():
            close()
            continue
        cells = line.split("\t" if tabs else " ")
        if len(cells) != width or not tabs or line[0] in "#-":
            cells = layout.cells(line)
            if line.startswith(_DOCUMENT):
                close()
                continue
            if not words and _is_comment(line, cells, layout):
                continue
            if len(cells) == width - 1 and tag == width - 1:
                cells.append("")
            if len(cells) != width:
                seen += 1
                bad.append(number)
                continue
        seen += 1
        words.append(cells[token])
        if tag is not None:
            found = cells[tag].strip()
            tags.append(found)
            if not found:
                untagged.append(number)
    close()
    return sentences, sorted(bad), seen


def _is_comment(line: str, cells: Sequence[str], layout: Layout) -> bool:
    """ "# key = value"; but a line with all its columns and a tag is the word "#"."""
    if not _COMMENT.match(line):
        return False
    return len(cells) != layout.width or layout.tag is None or not TAG.fullmatch(cells[layout.tag])


def _report_bad(
    bad: list[int], seen: int, lines: Sequence[str], layout: Layout, origin: Origin, findings: Findings
) -> None:
    where = rows_in_words(bad).replace("Row", "Line", 1)
    first = lines[bad[0] - 1].strip()
    shown = first if len(first) <= 60 else f"{first[:60]}…"
    number = len(layout.cells(lines[bad[0] - 1]))
    wrong = (
        f"{number} columns instead of {layout.width}" if number != layout.width else "no tag, though others have one"
    )
    said = f"{count_of(len(bad), 'line')} of {origin.title} cannot be read, such as “{shown}” ({wrong})."
    message = f"{said} {where} of the file."
    if 2 * len(bad) > seen:
        raise DataError(
            message,
            hint="Each line must hold one word and its tag, apart by a tab or a space; a blank line ends a sentence.",
            field=origin.field,
        )
    findings.append(Finding("error", "bad_line", origin.field, message, tuple(bad[:MAX_ROWS_KEPT]), len(bad)))


def _strip_prefix(sentences: Sentences) -> str:
    """Takes a language's prefix ("fr:") off the words, where every one has the same; returns it, or ""."""
    first = next((words[0] for words in sentences.words), "")
    match = _LANGUAGE_PREFIX.match(first)
    if match is None:
        return ""
    prefix = match.group()
    if not all(word.startswith(prefix) for words in sentences.words for word in words):
        return ""
    sentences.words = [[word[len(prefix) :] for word in words] for words in sentences.words]
    return prefix


# ---------------------------------------------------------------- which column is what


def find_layout(lines: Sequence[str], origin: Origin) -> Layout:
    """Delimiter and columns, as the config says or by the first 2,000 lines with words.

    Columns given as numbers ("1", "2") are taken; names are looked up in the first line, where it is a header. Else the
    tags are the last column whose values look like IOB tags (where there are none, the second one of two that repeats
    a few names), and the words the first other one that holds more than numbers. Raises DataError where there is no
    such column.
    """
    filled = ((i, line) for i, line in enumerate(lines) if line and not line.isspace())
    sample = [(i, line) for i, line in islice(filled, SAMPLE_RECORDS) if not line.startswith((_DOCUMENT, "# "))]
    if not sample:
        raise DataError(f"{origin.title} holds no line with a word.", hint="Choose another file.", field=origin.field)
    tabs = sum("\t" in line for _, line in sample) > len(sample) / 2
    split = Layout(tabs, 0, 0, None)
    rows = [line.split("\t") if tabs else split.cells(line) for _, line in sample]
    names = [cell.strip() for cell in rows[0]]
    wanted = {origin.columns.text, origin.columns.label} & set(names)
    header = origin.header == "yes" or (origin.header == "auto" and any(not name.isdigit() for name in wanted))
    skip = sample[0][0] + 1 if header else 0
    if header:
        rows = rows[1:] or rows
    width = Counter(len(row) for row in rows).most_common(1)[0][0]
    columns = list(zip(*(row for row in rows if len(row) == width), strict=True))
    named = names if header else []
    tag = _chosen(origin.columns.label, "label", width, named, origin) if origin.tagged else None
    if origin.tagged and tag is None:
        tag = _tag_column(columns, origin)
    token = _chosen(origin.columns.text, "text", width, named, origin)
    if token is None:
        barred = _like_tags(columns) if tag is None else [tag]
        token = _token_column(columns, barred)
    if token == tag:
        raise DataError(
            f"One column of {origin.title} ({token + 1}) cannot hold both the words and the tags.",
            hint="Choose different columns.",
            field="data.columns",
        )
    return Layout(tabs, width, token, tag, skip)


def _chosen(name: str, role: str, width: int, header: Sequence[str], origin: Origin) -> int | None:
    """The 0-based column the config names; None where it is left at its default and the file does not know it."""
    if name in header:
        return header.index(name)
    what = "words" if role == "text" else "tags"
    if name.isdigit():
        if 1 <= int(name) <= width:
            return int(name) - 1
        message = f"{origin.title} has no column {name} for the {what}: its lines have {count_of(width, 'column')}."
        raise DataError(message, field=f"data.columns.{role}")
    if name == Columns.model_fields[role].default:
        return None
    default = Columns.model_fields[role].default
    raise DataError(
        f"{origin.title} has no column {name!r} for the {what}: files with one word a line have no column names.",
        hint=f'Give the column\'s number ("1", "2", …), or leave "{default}" to have it guessed.',
        field=f"data.columns.{role}",
    )


def _like_tags(columns: Sequence[Sequence[str]]) -> list[int]:
    found: list[int] = []
    for i, column in enumerate(columns):
        values = [value.strip() for value in column if value.strip()]
        if values and sum(TAG.fullmatch(value) is not None for value in values) >= _MOSTLY * len(values):
            found.append(i)
    return found


def _tag_column(columns: Sequence[Sequence[str]], origin: Origin) -> int | None:
    found = _like_tags(columns)
    if found and len(columns) > 1:
        return found[-1]
    if len(columns) == 1 or not any(value.strip() for value in columns[-1]):
        return None  # words alone
    distinct = list(dict.fromkeys(value.strip() for value in columns[-1]))
    numbers = sum(value.isdigit() for value in distinct)
    if len(columns) == 2 and len(distinct) <= max(_FEW_TAGS, len(columns[-1]) // 10) and not numbers:
        return 1
    values = distinct[:5]
    raise DataError(
        f"No column of {origin.title} looks like IOB tags (O, B-…, I-…); its last one holds "
        f"{', '.join(f'“{value}”' for value in values)}.",
        hint="Say which column holds the tags (data.columns.label), or write them in IOB2.",
        field="data.columns.label",
    )


def _token_column(columns: Sequence[Sequence[str]], barred: Sequence[int]) -> int:
    """The first column, but for those barred, that holds more than numbers (files may number their words)."""
    open_ = [i for i in range(len(columns)) if i not in barred] or [0]
    for i in open_:
        if sum(value.strip().isdigit() for value in columns[i]) < _MOSTLY * len(columns[i]):
            return i
    return open_[0]
