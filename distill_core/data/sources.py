"""Reading CSV, TSV, JSONL and Parquet files into tables of strings. What is odd becomes a finding, not a crash."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from distill_core.config import Columns
from distill_core.data.parquet import read_parquet
from distill_core.data.sniff import (
    SAMPLE_RECORDS,
    Undecodable,
    decode,
    find_delimiter,
    has_header,
    is_quoted,
    likely_columns,
    records,
    unique_names,
)
from distill_core.data.types import MAX_ROWS_KEPT, Finding, Findings, count_of, rows_in_words
from distill_core.errors import DataError
from distill_core.layout import known_name

ENDINGS = {
    ".csv": "csv",
    ".tsv": "tsv",
    ".tab": "tsv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "jsonl",
    ".parquet": "parquet",
    ".pq": "parquet",
}
#: ending of plain text, one text a line, and what its only column is called
PLAIN_ENDING, TEXT_COLUMN = ".txt", "text"
TAGGED_ENDINGS = frozenset((".conll", ".bio", ".iob", ".iob2", ".bioes"))


#: what to do with a file of another kind
_ANY_WAY = "rename it, or set the format (data.format)"
_WAYS = {
    **dict.fromkeys((".xlsx", ".xls", ".ods", ".numbers"), "save it as CSV in the spreadsheet program"),
    **dict.fromkeys((".gz", ".zip", ".bz2", ".xz", ".zst", ".7z", ".tar", ".tgz"), "unpack it first"),
    ".arrow": "`datasets.load_from_disk(folder).to_parquet(file)` makes Parquet of it",
}

#: different cells of a file that are kept once, however often they stand there
FEW = 10_000


@dataclass(frozen=True)
class ReadOptions:
    """How one file is to be read. field: the config field that names the file, for messages."""

    field: str = "data.train"
    format: str = "auto"
    header: str = "auto"
    quoting: str = "auto"
    wanted: tuple[str, ...] = ()  # column names that are looked for
    fallback_names: tuple[str, ...] = ()  # names to use where there is no header and the width fits


@dataclass
class Table:
    """A file as columns of strings; an absent value is "". rows: [N] 1-based row numbers in the file."""

    columns: dict[str, list[str]]
    rows: list[int]
    findings: Findings = field(default_factory=Findings)
    guessed: dict[str, Any] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def names(self) -> list[str]:
        return list(self.columns)

    def preview(self, names: Sequence[str], number: int = 8) -> list[dict[str, str]]:
        """The first rows as dicts of these columns (of all, where none of them is there)."""
        shown = [name for name in names if name in self.columns] or self.names
        return [{name: self.columns[name][i] for name in shown} for i in range(min(number, len(self)))]


@dataclass(frozen=True)
class ColumnGuess:
    """What a file seems to hold. has_label: False where no column looks like classes."""

    columns: Columns
    names: list[str]
    has_label: bool
    guessed: dict[str, Any]
    preview: list[dict[str, str]]


def guess_columns(
    path: str | Path, *, format: str = "auto", header: str = "auto", quoting: str = "auto"
) -> ColumnGuess:
    """Which column is likely the text, the second text and the class. Raises DataError where it cannot be read."""
    table = read_table(path, ReadOptions(format=format, header=header, quoting=quoting))
    sample = [values[:SAMPLE_RECORDS] for values in table.columns.values()]
    text, second, label = likely_columns(table.names, sample)
    columns = Columns(text=text, text_pair=second, label=label or Columns().label)
    return ColumnGuess(columns, table.names, label is not None, table.guessed, table.preview(table.names))


def read_table(path: str | Path, options: ReadOptions | None = None) -> Table:
    """A file as a table of strings.

    Raises:
        DataError: it is missing, a folder, empty, of an unknown kind, no text, or mostly not what its format says.
    """
    options = options or ReadOptions()
    file = existing_file(path, options.field)
    kind = _format_of(file, options)
    parquet = kind == "parquet"
    table = table_from_frame(read_parquet(file, options.field)) if parquet else _read_text(file, kind, options)
    table.guessed["format"] = kind
    if not len(table):
        only = "only a header line" if table.guessed.get("header") else "no rows"
        raise DataError(
            f"{known_name(file)} has {only}.", hint="Add rows, or choose another file.", field=options.field
        )
    return table


def existing_file(path: str | Path, field: str) -> Path:
    """The file at this path (`~` is taken for the home folder). Raises DataError: missing, a folder, empty, barred."""
    try:
        file = Path(path).expanduser()
        if not file.exists():
            raise DataError(f"There is no file {file}.", hint=_files_in(file.parent), field=field)
        if not file.is_file():
            hint = f"Choose a file inside it. {_files_in(file, missing='')}".rstrip()
            raise DataError(f"{file} is a folder, not a file.", hint=hint, field=field)
        if file.stat().st_size == 0:
            raise DataError(f"{known_name(file)} is empty.", hint="Choose a file with rows.", field=field)
    except (OSError, RuntimeError, ValueError) as error:  # no permission, a name too long, ~somebody unknown
        reason = getattr(error, "strerror", None) or str(error)
        raise DataError(f"{path} cannot be opened: {reason}.", hint="Check the path.", field=field) from None
    return file


def _format_of(file: Path, options: ReadOptions) -> str:
    ending = file.suffix.casefold()
    if options.format == "conll" or (options.format == "auto" and ending in TAGGED_ENDINGS):
        raise DataError(
            f"{known_name(file)} seems to hold one word a line with its tag (CoNLL), which is read for the task "
            "tagging.",
            hint="Set the task (data.task) to tagging, or choose another format.",
            field=options.field,
        )
    if options.format != "auto":
        return options.format
    kind = ENDINGS.get(ending)
    if kind is None:
        raise DataError(
            f"{known_name(file)} ends in {file.suffix or 'nothing'}, which says nothing about its format.",
            hint=f"CSV, TSV, JSONL and Parquet can be read; {_WAYS.get(ending, _ANY_WAY)}.",
            field=options.field,
        )
    return kind


def _files_in(folder: Path, missing: str = "Check the path.") -> str:
    readable = {*ENDINGS, *TAGGED_ENDINGS}
    try:
        names = sorted(file.name for file in folder.iterdir() if file.suffix.casefold() in readable)[:5]
    except OSError:
        return "The folder is not there either; check the path."
    return f"That folder holds {', '.join(names)}." if names else missing


def _read_text(file: Path, kind: str, options: ReadOptions) -> Table:
    findings = Findings()
    text, encoding = decoded_text(file, kind, options.field, findings)
    if kind == "text":
        table = _parse_lines(text)
    else:
        table = _parse_jsonl(file, text, options) if kind == "jsonl" else _parse_delimited(file, text, kind, options)
    table.findings[:0] = findings
    table.guessed["encoding"] = encoding
    return table


def decoded_text(file: Path, kind: str, field: str, findings: Findings) -> tuple[str, str]:
    """(text, encoding) of a file that holds some. A guessed encoding becomes a finding.

    Raises DataError where it cannot be read, holds something else than text, or only blank lines.
    """
    try:
        text, encoding, guessed = decode(file.read_bytes())
    except Undecodable as error:
        raise DataError(
            f"{known_name(file)} cannot be read as {kind.upper()}: {error}.",
            hint="Save it as text in UTF-8, or choose another format.",
            field=field,
        ) from None
    except OSError as error:
        raise DataError(f"{known_name(file)} cannot be read: {error.strerror}.", field=field) from None
    if guessed:
        findings.add(
            "warning",
            "encoding_guessed",
            field,
            f"{known_name(file)} is not UTF-8; it was read as {encoding}. If letters look wrong, save it as UTF-8.",
        )
    if not text.strip():
        raise DataError(f"{known_name(file)} holds only blank lines.", hint="Choose a file with rows.", field=field)
    return text, encoding


def _parse_lines(text: str) -> Table:
    """Plain text: one text a line; blank lines are no rows. Rows are numbered as the file's lines."""
    # Not splitlines(): it also cuts at form feeds and other marks that may stand inside a text.
    lines = text.replace("\r\n", "\n").split("\n")
    found = [(number, line) for number, line in enumerate(lines, start=1) if line.strip()]
    return Table({TEXT_COLUMN: [line for _, line in found]}, [number for number, _ in found])


# ---------------------------------------------------------------- CSV and TSV


def _parse_delimited(file: Path, text: str, kind: str, options: ReadOptions) -> Table:
    delimiter = "\t" if kind == "tsv" else find_delimiter(text)
    quoted = is_quoted(text, delimiter) if options.quoting == "auto" else options.quoting == "yes"
    lines: list[int] = []
    cells: list[list[str]] = []
    known: dict[str, str] = {}
    for line, record in records(text, delimiter, quoted):
        lines.append(line)
        # A label stands there a million times and need be kept but once.
        cells.append([known.setdefault(cell, cell) if cell in known or len(known) < FEW else cell for cell in record])
    first = next(i for i, record in enumerate(cells) if record)
    sample = list(islice((record for record in cells[first:] if record), SAMPLE_RECORDS))
    header = has_header(sample, options.wanted) if options.header == "auto" else options.header == "yes"
    widths = Counter(len(record) for record in cells[first + header :] if record)
    width = len(cells[first]) if header else widths.most_common(1)[0][0]
    start = first + 1 if header else 0
    good = [i for i in range(start, len(cells)) if len(cells[i]) == width]
    ragged = [i for i in range(start, len(cells)) if cells[i] and len(cells[i]) != width]
    findings = Findings()
    if ragged:
        _report_ragged(file, findings, options, [(i - start + 1, lines[i], len(cells[i])) for i in ragged], width, good)
    if header:
        names = unique_names(cells[first])
    elif len(options.fallback_names) == width:
        names = list(options.fallback_names)
        message = f"{known_name(file)} has no line with column names; its columns were taken to be {', '.join(names)}."
        findings.add("info", "no_header", options.field, message)
    else:
        names = [str(number) for number in range(1, width + 1)]
    columns = {name: [cells[i][c] for i in good] for c, name in enumerate(names)}
    guessed = {"delimiter": delimiter, "quoting": quoted, "header": header}
    return Table(columns, [i - start + 1 for i in good], findings, guessed)


def _report_ragged(
    file: Path,
    findings: Findings,
    options: ReadOptions,
    ragged: list[tuple[int, int, int]],
    width: int,
    good: list[int],
) -> None:
    """ragged: (row, line, cells) of each record that is not `width` cells wide."""
    where = rows_in_words([line for _, line, _ in ragged]).replace("Row", "Line", 1)
    found = ", ".join(str(n) for n in sorted({n for _, _, n in ragged})[:4])
    said = f"{count_of(len(ragged))} of {known_name(file)} with {found} fields instead of {width}"
    if len(ragged) > len(good):
        raise DataError(
            f"{said}: it is not read as it was meant ({where.lower()}).",
            hint="Check the delimiter, and try the settings for quoting and header.",
            field=options.field,
        )
    message = f"{said}: left out. {where} of the file."
    rows = tuple(row for row, _, _ in ragged[:MAX_ROWS_KEPT])
    findings.append(Finding("warning", "ragged_lines", options.field, message, rows, len(ragged)))


# ---------------------------------------------------------------- JSONL


_TEXT_OBJECT = '{"text": "…", "label": "…"}'


def _parse_jsonl(file: Path, text: str, options: ReadOptions) -> Table:
    findings = Findings()
    items = json_objects(known_name(file), text, options.field, findings)
    names = list(dict.fromkeys(key for _, item in items for key in item))
    if items and not names:
        raise DataError(f"The objects in {known_name(file)} are empty.", field=options.field)
    columns = {name: [cell(item.get(name)) for _, item in items] for name in names}
    if "\\ud" in text.casefold():  # half a surrogate pair is JSON, but no text that a tokeniser takes
        columns = {name: [encodable(value) for value in values] for name, values in columns.items()}
    return Table(columns, [row for row, _ in items], findings)


def json_objects(
    name: str, text: str, field: str, findings: Findings, example: str = _TEXT_OBJECT
) -> list[tuple[int, dict[str, Any]]]:
    """(number, object) of each line of JSONL, or of each entry of one JSON list; lines without one are left out.

    Raises DataError where most lines hold no object; `example` is what its hint shows.
    """
    bad: list[int] = []
    if text.lstrip().startswith("["):
        items = _json_array(name, text, field, example)
    else:
        items, bad = _json_lines(text)
    if len(bad) > len(items):
        raise DataError(
            f"{name} is not JSONL: line {bad[0]} is no JSON object.",
            hint=f"Each line must be one object like {example}.",
            field=field,
        )
    if bad:
        message = f"{count_of(len(bad), 'line')} of {name} without a JSON object: left out."
        findings.add("warning", "bad_json", field, message, bad)
    return items


def encodable(value: str) -> str:
    """The same text, with "?" for halves of surrogate pairs."""
    return value.encode("utf-8", errors="replace").decode("utf-8")


def _json_array(name: str, text: str, field: str, example: str) -> list[tuple[int, dict[str, Any]]]:
    try:
        values = json.loads(text)
    except ValueError as error:
        raise DataError(f"{name} is not valid JSON: {error}.", field=field) from None
    if not all(isinstance(value, dict) for value in values):
        raise DataError(
            f"{name} is a JSON list, but not of objects.",
            hint=f"Each entry must be an object like {example}.",
            field=field,
        )
    return list(enumerate(values, start=1))


def _json_lines(text: str) -> tuple[list[tuple[int, dict[str, Any]]], list[int]]:
    items: list[tuple[int, dict[str, Any]]] = []
    bad: list[int] = []
    # split on "\n" alone: splitlines() would also cut at U+2028, which JSON strings may hold as it is
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            value = json.loads(line)
        except ValueError:
            value = None
        if isinstance(value, dict):
            items.append((number, value))
        else:
            bad.append(number)
    return items, bad


# ---------------------------------------------------------------- Parquet and frames


def table_from_frame(frame: pd.DataFrame) -> Table:
    """A DataFrame as a table of strings: whole floats without `.0`, missing values as ""."""
    columns = {str(name): [cell(value) for value in frame.iloc[:, i].tolist()] for i, name in enumerate(frame.columns)}
    return Table(columns, list(range(1, len(frame) + 1)))


def cell(value: Any) -> str:
    """One value as text: None, NaN and NaT are "", 1.0 is "1", a list of one is what it holds, others
    and dicts are JSON."""
    if isinstance(value, str):
        return value
    if value is None or value is pd.NaT or value is pd.NA:
        return ""
    if isinstance(value, bool | np.bool_):
        return str(bool(value))
    if isinstance(value, float | np.floating):
        if math.isnan(value):
            return ""
        return str(int(value)) if math.isfinite(value) and float(value).is_integer() else repr(float(value))
    if isinstance(value, bytes):
        return value.decode("utf-8", errors="replace")
    if isinstance(value, np.ndarray):
        value = value.tolist()
    if isinstance(value, list) and len(value) == 1 and not isinstance(value[0], dict | list):
        return cell(value[0])  # one label in a list, as sets have it whose rows may have several
    if isinstance(value, dict | list | tuple):
        return json.dumps(value, ensure_ascii=False, default=str)
    return str(value)
