"""From the data section of a config to examples: which tables there are, and their mapped, stripped columns."""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from distill_core import layout
from distill_core.catalogue import TASKS
from distill_core.config import BundledData, Columns, FileData, HubData
from distill_core.data.languages import PLACEHOLDER, languages_of
from distill_core.data.sources import PLAIN_ENDING, ReadOptions, Table, read_table, table_from_frame
from distill_core.data.types import Finding, Findings
from distill_core.errors import DataError, NetworkError, StillroomError
from distill_core.tasks.base import build_task

#: what the language of several files is called beside their columns
LANGUAGE_COLUMN = "language"
SPLITS = ("train", "validation", "test", "transfer")
_WHOLE_FLOAT = re.compile(r"-?\d+\.0")


@dataclass
class Source:
    """The tables of one data set. titles and fields: split → how messages call it, and its config field. labelled:
    False for a task that needs no label column."""

    name: str
    columns: Columns
    tables: dict[str, Table] = field(default_factory=dict)
    titles: dict[str, str] = field(default_factory=dict)
    fields: dict[str, str] = field(default_factory=dict)
    labelled: bool = True

    @property
    def mapped(self) -> list[str]:
        columns = self.columns
        if not self.labelled:
            return [columns.text]
        return [name for name in (columns.text, columns.text_pair, columns.label) if name is not None]

    @property
    def shown(self) -> list[str]:
        """What a preview shows: the mapped columns, and the languages where they are told apart."""
        return [*self.mapped, *([self.columns.language] if self.columns.language else [])]

    def roles(self) -> dict[str, str]:
        """Column of the training file → what it is used as."""
        there = self.tables["train"].names
        if not self.labelled and len(there) == 1:
            return {there[0]: "text"}
        wanted = ("text", "text_pair", "label", "language") if self.labelled else ("text",)
        named = {getattr(self.columns, role): role for role in reversed(wanted)}
        return {name: named[name] for name in there if name in named}


@dataclass
class Examples:
    """One split's texts and labels as strings, stripped; "" = no label. rows: 1-based row numbers in the file.

    languages: of each row, or None where the data set tells none apart.
    """

    texts: list[str]
    pairs: list[str] | None
    labels: list[str]
    rows: list[int]
    title: str
    field: str
    languages: list[str] | None = None

    def __len__(self) -> int:
        return len(self.texts)

    def keep(self, positions: Sequence[int]) -> Examples:
        return Examples(
            [self.texts[i] for i in positions],
            None if self.pairs is None else [self.pairs[i] for i in positions],
            [self.labels[i] for i in positions],
            [self.rows[i] for i in positions],
            self.title,
            self.field,
            None if self.languages is None else [self.languages[i] for i in positions],
        )


def add_error(findings: Findings, error: StillroomError, code: str, field: str) -> None:
    """An error as a finding, its hint included."""
    message = error.message + (f" {error.hint}" if error.hint else "")
    findings.append(Finding("error", code, error.field or field, message))


def load_source(config: BundledData | FileData | HubData, findings: Findings) -> Source:
    """All tables of a data section. A table that cannot be read is left out and becomes an error finding.

    Raises NetworkError where a Hub set needs a network that is not there.
    """
    if isinstance(config, HubData):
        return _load_hub(config, findings)
    if isinstance(config, BundledData):
        return _load_bundled(config, findings)
    paths = {split: getattr(config, split) for split in SPLITS if getattr(config, split)}
    source = Source(
        Path(layout.known_name(config.train)).stem, config.columns, labelled=build_task(config.task).labelled
    )
    languages: list[str] = []
    if any(PLACEHOLDER in path and not Path(path).expanduser().exists() for path in paths.values()):
        if not source.labelled:
            message = f"Plain text is read from one file, not from several ({PLACEHOLDER} in its name)."
            findings.add("error", "languages", "data.languages", message)
            return source
        found = languages_of(config, paths, findings)
        if found is None:
            return source
        languages, findings.name_rows = found, len(found) < 2
        source.columns = config.columns.model_copy(update={"language": LANGUAGE_COLUMN})
    for split, path in paths.items():
        source.titles[split], source.fields[split] = layout.known_name(path), f"data.{split}"
    if same_file_twice(paths, findings):
        return source
    options = ReadOptions(
        format=config.format, header=config.header, quoting=config.quoting, wanted=tuple(source.mapped)
    )
    _read_files(source, paths, options, findings, languages)
    return source


def _read_files(
    source: Source, paths: dict[str, str], options: ReadOptions, findings: Findings, languages: Sequence[str] = ()
) -> None:
    names: tuple[str, ...] = ()
    for split, path in paths.items():
        bare = split == "transfer" and source.labelled
        wanted = options.wanted if not bare else options.wanted[:-1]  # it needs no label column
        plain = not source.labelled and options.format == "auto" and path.casefold().endswith(PLAIN_ENDING)
        own = ReadOptions(
            source.fields[split], "text" if plain else options.format, options.header, options.quoting, wanted, names
        )
        try:
            several = languages if PLACEHOLDER in path else []
            table = _read_languages(path, own, several) if several else read_table(path, own)
        except DataError as error:
            add_error(findings, error, "unreadable", source.fields[split])
            continue
        findings += table.findings
        source.tables[split] = table
        if split == "train" and table.guessed.get("header"):
            names = tuple(table.names)


def _read_languages(path: str, options: ReadOptions, languages: Sequence[str]) -> Table:
    """The files of all languages below each other, with the columns of the first and one that names the language."""
    whole: Table | None = None
    for language in languages:
        try:
            table = read_table(path.replace(PLACEHOLDER, language), options)
            own = {**table.columns, LANGUAGE_COLUMN: [language] * len(table)}
            missing = [name for name in whole.columns if name not in own] if whole is not None else []
            if missing:
                raise DataError(f"this file has no column {missing[0]!r}, which other languages' files have.")
        except DataError as error:
            error.message = f"Language “{language}”: {error.message}"
            error.field = error.field or options.field
            raise
        table.columns = own
        if whole is None:
            whole = table
            continue
        whole.columns = {name: values + own[name] for name, values in whole.columns.items()}
        whole.rows = whole.rows + table.rows
        whole.findings += table.findings
    assert whole is not None
    return whole


def same_file_twice(paths: dict[str, str], findings: Findings) -> bool:
    """Is one file given for two splits? Then there is an error finding."""
    seen: dict[Path, str] = {}
    for split, path in paths.items():
        try:
            file = Path(path).expanduser().resolve()
        except (OSError, RuntimeError, ValueError):
            continue  # reading it says what is wrong with it
        if file in seen:
            name = layout.known_name(file)
            message = f"The {split} file is the {seen[file]} file ({name}): each part needs rows of its own."
            hint = " Leave it empty to have rows held out." if split in ("validation", "test") else ""
            findings.add("error", "same_file", f"data.{split}", message + hint)
            return True
        seen[file] = split
    return False


def _load_bundled(config: BundledData, findings: Findings) -> Source:
    source = Source(config.name, Columns(), labelled=build_task(config.task).labelled)
    folder = bundled_folder(config, findings)
    if folder is None:
        return source
    ending = Path(build_task(config.task).bundled).suffix
    paths = {split: str(folder / f"{split}{ending}") for split in SPLITS}
    paths = {split: path for split, path in paths.items() if split == "train" or Path(path).exists()}
    for split, path in paths.items():
        source.titles[split], source.fields[split] = Path(path).name, "data.name"
    _read_files(source, paths, ReadOptions(header="yes", wanted=tuple(source.mapped)), findings)
    return source


def bundled_folder(config: BundledData, findings: Findings) -> Path | None:
    """The folder of a bundled set; None, and an error finding, where there is none or it is made for another task.

    What a set is made for is told by the name of its training file (`tasks.base.Task.bundled`).
    """
    folder = layout.BUNDLED_DATA.get(config.name)
    if folder is None:
        there = ", ".join(sorted(layout.BUNDLED_DATA)) or "none"
        message = f"There is no bundled data set {config.name!r}. Bundled sets: {there}."
        findings.add("error", "unknown_set", "data.name", message)
        return None
    if not (folder / build_task(config.task).bundled).exists():
        task = next((task for task in TASKS if (folder / build_task(task).bundled).exists()), "another task")
        message = f"The bundled set {config.name!r} is made for {task}, not for {config.task}. Set the task to {task}."
        findings.add("error", "wrong_task", "data.task", message)
        return None
    return folder


def _load_hub(config: HubData, findings: Findings) -> Source:
    from distill_core.data.hub import load_hub  # loads `datasets`, seconds that files and bundled sets need not wait

    source = Source(config.name, config.columns, labelled=build_task(config.task).labelled)
    try:
        frames = load_hub(config)
    except NetworkError:
        raise
    except StillroomError as error:
        add_error(findings, error, "unreadable", "data.name")
        return source
    for split, frame in frames.items():
        name = getattr(config, f"{split}_split")
        source.titles[split], source.fields[split] = f"split {name!r}", f"data.{split}_split"
        table = table_from_frame(frame)
        if not len(table):
            findings.add("error", "unreadable", source.fields[split], f"The split {name!r} has no rows.")
            continue
        source.tables[split] = table
    return source


# ---------------------------------------------------------------- columns


def examples_of(source: Source, split: str, findings: Findings) -> Examples | None:
    """A table's mapped columns. None, and error findings, where a column is missing."""
    table, title, where = source.tables[split], source.titles[split], source.fields[split]
    columns = _lookup(source, split, findings)
    if columns is None:
        return None
    text, pair, label, language = columns
    texts = [value.strip() for value in table.columns[text]]
    pairs = None if pair is None else [value.strip() for value in table.columns[pair]]
    labels = [""] * len(texts) if label is None else [value.strip() for value in table.columns[label]]
    given = [value for value in labels if value]
    if given and all(_WHOLE_FLOAT.fullmatch(value) for value in given):
        # what pandas writes for a column of whole numbers with gaps
        labels = [value.removesuffix(".0") for value in labels]
    languages = None if language is None else [value.strip() for value in table.columns[language]]
    return Examples(texts, pairs, labels, table.rows, title, where, languages)


def _lookup(source: Source, split: str, findings: Findings) -> tuple[str, str | None, str | None, str | None] | None:
    """The names of the columns with the texts, the second texts, the labels and the languages."""
    table, columns = source.tables[split], source.columns
    if not source.labelled and len(table.columns) == 1:
        return table.names[0], None, None, None  # a single column can only be the text
    roles: list[tuple[str, str, str]] = [("text", columns.text, "the texts")]
    if columns.text_pair is not None and source.labelled:
        roles.append(("text_pair", columns.text_pair, "the second texts"))
    labelled = split != "transfer" and source.labelled
    if labelled:
        roles.append(("label", columns.label, "the labels"))
    elif source.labelled and columns.text_pair is None and len(table.columns) == 1:
        return table.names[0], None, None, None  # a single column can only be the text
    language = columns.language if source.labelled else None
    if split == "transfer" and language not in table.columns:
        language = None  # nothing is measured on these rows
    if language is not None:
        roles.append(("language", language, "the languages"))
    missing = [role for role in roles if role[1] not in table.columns]
    for role, name, what in missing:
        where = f"data.columns.{role}" if split == "train" else source.fields[split]
        findings.add("error", "column_missing", where, _missing_column(table, source.titles[split], name, what))
    if missing:
        return None
    chosen = [name for _, name, _ in roles]
    if len(set(chosen)) < len(chosen):
        message = f"One column cannot be two things: {', '.join(chosen)}. Choose different columns."
        findings.add("error", "same_column", "data.columns", message)
        return None
    return columns.text, columns.text_pair if source.labelled else None, columns.label if labelled else None, language


def _missing_column(table: Table, title: str, name: str, what: str) -> str:
    folded = {other.strip().casefold(): other for other in table.names}
    near = difflib.get_close_matches(name.strip().casefold(), list(folded), n=1, cutoff=0.6)
    meant = f" Did you mean {folded[near[0]]!r}?" if near else ""
    there = ", ".join(repr(other) for other in table.names[:20]) + (" …" if len(table.names) > 20 else "")
    bare = " Its first line was read as a row, not as column names." if table.guessed.get("header") is False else ""
    return f"{title} has no column {name!r} for {what}.{meant} Its columns are {there}.{bare}"
