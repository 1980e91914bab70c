"""From the data section of a config to sentences with tags: CoNLL, JSONL, Parquet; one file or one a language."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from distill_core.config import BundledData, Columns, FileData, HubData
from distill_core.data.conll import Origin, Sentences, parse_conll
from distill_core.data.languages import PLACEHOLDER, languages_of
from distill_core.data.load import SPLITS, add_error, bundled_folder, same_file_twice
from distill_core.data.parquet import read_parquet
from distill_core.data.sources import ENDINGS, TAGGED_ENDINGS, decoded_text, encodable, existing_file, json_objects
from distill_core.data.tagging_rows import EXAMPLE, ReadFile, sentences_of_items
from distill_core.data.types import Findings
from distill_core.errors import DataError, NetworkError, StillroomError
from distill_core.layout import known_name

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

BUNDLED_COLUMNS = Columns(text="tokens", label="tags", language="language")
_OBJECT = re.compile(r'\s*\{\s*"')


@dataclass
class TaggedSource:
    """The sentences of one data set, by split. titles and fields: split → how messages call it, and its config field.

    columns, guessed: of the (first) training file. complete: False where something could not be read, which then is an
    error finding. several: do splits come from several files, so that row numbers alone say little?
    """

    name: str
    parts: dict[str, Sentences] = field(default_factory=dict)
    titles: dict[str, str] = field(default_factory=dict)
    fields: dict[str, str] = field(default_factory=dict)
    columns: list[str] = field(default_factory=list)
    guessed: dict[str, Any] = field(default_factory=dict)
    complete: bool = True
    several: bool = False


def load_tagged(config: BundledData | FileData | HubData, findings: Findings) -> TaggedSource:
    """All sentences of a data section. What cannot be read is left out and becomes an error finding.

    Raises NetworkError where a Hub set needs a network that is not there.
    """
    columns = Columns() if isinstance(config, BundledData) else config.columns
    if columns.text_pair is not None:
        message = "Tagging knows no pairs of texts: leave the second text column empty."
        findings.add("error", "pairs", "data.columns.text_pair", message)
        return TaggedSource(config.name if not isinstance(config, FileData) else _name(config.train), complete=False)
    if isinstance(config, HubData):
        return _load_hub(config, findings)
    if isinstance(config, BundledData):
        return _load_bundled(config, findings)
    return _load_files(config, findings)


# ---------------------------------------------------------------- files


def _load_files(config: FileData, findings: Findings) -> TaggedSource:
    paths = {split: getattr(config, split) for split in SPLITS if getattr(config, split)}
    source = TaggedSource(_name(config.train))
    languages = languages_of(config, paths, findings)
    if languages is None or same_file_twice(paths, findings):
        source.complete = False
        return source
    source.several = any(PLACEHOLDER in path for path in paths.values()) and len(languages) > 1
    for split, path in paths.items():
        source.titles[split], source.fields[split] = _title(path), f"data.{split}"
        origin = Origin(_title(path), f"data.{split}", config.columns, config.header, split != "transfer")
        chosen = languages if PLACEHOLDER in path else [""]
        _read_split(source, split, [(language, path) for language in chosen], config.format, origin, findings)
    return source


def _read_split(
    source: TaggedSource,
    split: str,
    files: Sequence[tuple[str, str]],
    format: str,
    origin: Origin,
    findings: Findings,
) -> None:
    """files: (language or "", path with or without the placeholder) of each file of this split."""
    sentences = Sentences()
    prefixes: dict[str, str] = {}
    for language, template in files:
        path = template.replace(PLACEHOLDER, language) if language else template
        own = replace(origin, title=_title(template).replace(PLACEHOLDER, language) if language else origin.title)
        try:
            read = _read_file(path, format, own, findings, language)
        except DataError as error:
            error.message = f"Language “{language}”: {error.message}" if language else error.message
            add_error(findings, error, "unreadable", origin.field)
            source.complete = False
            continue
        if split == "train" and not source.columns:
            source.columns, source.guessed = read.columns, read.guessed
        if read.sentences.prefix:
            prefixes[own.title] = read.sentences.prefix
        sentences.extend(read.sentences)
    if prefixes:
        said = ", ".join(f"“{prefix}” ({title})" for title, prefix in prefixes.items())
        findings.add("info", "word_prefix", origin.field, f"Every word starts with its language: {said}. Taken off.")
    if len(sentences):
        source.parts[split] = sentences
    elif source.complete:
        findings.add("error", "no_rows", origin.field, f"{origin.title} has no sentences.")
        source.complete = False


def _read_file(path: str, format: str, origin: Origin, findings: Findings, language: str) -> ReadFile:
    file = existing_file(path, origin.field)
    kind = _kind(file, format, origin)
    if kind == "parquet":
        read = sentences_of_items(_items_of(read_parquet(file, origin.field)), origin, findings, language)
        read.guessed.update(format=kind)
        return read
    text, encoding = decoded_text(file, "text" if kind == "auto" else kind, origin.field, findings)
    if kind == "auto":
        kind = "jsonl" if _OBJECT.match(text) else "conll"
    if kind == "jsonl":
        items = json_objects(origin.title, text, origin.field, findings, EXAMPLE)
        whole = "\\ud" not in text.casefold()  # half a surrogate pair is JSON, but no text that a tokeniser takes
        read = sentences_of_items(items, origin, findings, language, None if whole else encodable)
    else:
        if origin.columns.language is not None and not language and origin.tagged:
            raise DataError(
                f"{origin.title} holds one word a line, so it has no column for the language.",
                hint=f"Use one file for each language, with {PLACEHOLDER} in the file name, or JSONL.",
                field="data.columns.language",
            )
        sentences, layout = parse_conll(text, origin, findings)
        sentences.languages = [language] * len(sentences)
        read = ReadFile(sentences, [str(number) for number in range(1, layout.width + 1)], dict(layout.guessed))
    read.guessed.update(format=kind, encoding=encoding)
    return read


def _kind(file: Path, format: str, origin: Origin) -> str:
    """ "conll", "jsonl", "parquet", or "auto" where the content has to decide."""
    ending = file.suffix.casefold()
    kind = ENDINGS.get(ending, "auto") if format == "auto" else format
    if kind == "csv":
        raise DataError(
            f"{origin.title} is read as CSV, which holds no tags for words.",
            hint=f"Save it as JSONL with lines like {EXAMPLE}, or as CoNLL with one word and its tag a line.",
            field="data.format" if format != "auto" else origin.field,
        )
    return "conll" if kind == "tsv" or (format == "auto" and ending in TAGGED_ENDINGS) else kind


def _title(path: str) -> str:
    """The file's name, with the folders from the placeholder on where they tell the languages apart."""
    parts = Path(path).parts
    first = next((i for i, part in enumerate(parts) if PLACEHOLDER in part), None)
    return known_name(path) if first is None else "/".join(parts[first:])


def _name(path: str) -> str:
    stem = Path(known_name(path)).stem.replace(PLACEHOLDER, "").strip("-_. ")
    return stem or next((part for part in reversed(Path(path).parts[:-1]) if PLACEHOLDER not in part), "files")


# ---------------------------------------------------------------- bundled sets and the Hub


def _load_bundled(config: BundledData, findings: Findings) -> TaggedSource:
    source = TaggedSource(config.name)
    folder = bundled_folder(config, findings)
    if folder is None:
        source.complete = False
        return source
    for split in SPLITS:
        file = folder / f"{split}.jsonl"
        if split == "train" or file.exists():
            source.titles[split], source.fields[split] = file.name, "data.name"
            origin = Origin(file.name, "data.name", BUNDLED_COLUMNS, tagged=split != "transfer")
            _read_split(source, split, [("", str(file))], "jsonl", origin, findings)
    return source


def _load_hub(config: HubData, findings: Findings) -> TaggedSource:
    from distill_core.data.hub import load_hub  # loads `datasets`, seconds that files and bundled sets need not wait

    source = TaggedSource(config.name)
    try:
        frames = load_hub(config)
    except NetworkError:
        raise
    except StillroomError as error:
        add_error(findings, error, "unreadable", "data.name")
        source.complete = False
        return source
    for split, frame in frames.items():
        name = getattr(config, f"{split}_split")
        source.titles[split], source.fields[split] = f"split {name!r}", f"data.{split}_split"
        origin = Origin(source.titles[split], source.fields[split], config.columns, tagged=split != "transfer")
        try:
            read = sentences_of_items(_items_of(frame), origin, findings)
        except DataError as error:
            add_error(findings, error, "unreadable", origin.field)
            source.complete = False
            continue
        if not len(read.sentences):
            findings.add("error", "no_rows", origin.field, f"The split {name!r} has no sentences.")
            source.complete = False
            continue
        source.parts[split] = read.sentences
        if split == "train":
            source.columns, source.guessed = read.columns, {**read.guessed, "format": "hub"}
    return source


def _items_of(frame: pd.DataFrame) -> list[tuple[int, dict[str, Any]]]:
    """Rows of a data frame as dicts; arrays inside become lists."""
    columns = {str(name): [_plain(value) for value in frame.iloc[:, i]] for i, name in enumerate(frame.columns)}
    return [(i + 1, {name: values[i] for name, values in columns.items()}) for i in range(len(frame))]


def _plain(value: np.ndarray | Any) -> Any:
    return value.tolist() if hasattr(value, "tolist") else value
