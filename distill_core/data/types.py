"""What data are once they are read: rows, splits, and what the checks have to say about them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Literal, cast

import numpy as np

from distill_core.data.ragged import Keys, Texts

Severity = Literal["error", "warning", "info"]

MAX_ROWS_KEPT = 50
MAX_ROWS_SAID = 10


def example_id(text: str, pair: str = "") -> str:
    """Key of an example: 16 hex digits of sha256 over text, unit separator and second text."""
    return hashlib.sha256(f"{text}\x1f{pair}".encode(errors="surrogatepass")).hexdigest()[:16]


@dataclass
class Rows:
    """N examples.

    texts: [N]; pairs: [N] second texts, or None for single sentences; labels: int64 [N], index into the label list,
    -1 = no gold label; source_rows: [N] 1-based row number in the file the example came from (header not counted).

    In tagging, words: [N] given words of each row, W_n of them, without white space inside; tags: [N] arrays int64
    [W_n], index into the label list, all -1 where the row has no gold; texts are the words joined by one space, and
    labels are 0 where a row has gold tags, else -1. In masked LM labels are all 0: a text is its own gold; once it is
    masked, words and tags are the hidden pieces and their ids. languages: [N] language of each row, "" = not known, or
    None where none are told apart (also in classification). Columns are lists, or after `packed` what takes less room.
    """

    texts: Sequence[str]
    pairs: Sequence[str] | None
    labels: np.ndarray
    source_rows: Sequence[int]
    words: list[list[str]] | None = None
    tags: list[np.ndarray] | None = None
    languages: list[str] | None = None

    def __post_init__(self) -> None:
        self.labels = np.asarray(self.labels, dtype=np.int64)
        lengths = {len(self.texts), len(self.labels), len(self.source_rows)}
        lengths |= {len(column) for column in (self.pairs, self.words, self.tags, self.languages) if column is not None}
        if len(lengths) > 1:
            raise ValueError(f"the columns of these rows differ in length: {sorted(lengths)}")
        if (self.words is None) != (self.tags is None):
            raise ValueError("words and tags go together")
        if self.words is not None and self.tags is not None:
            self.tags = [np.asarray(tags, dtype=np.int64) for tags in self.tags]
            if any(len(words) != len(tags) for words, tags in zip(self.words, self.tags, strict=True)):
                raise ValueError("a row has not as many tags as words")

    def __len__(self) -> int:
        return len(self.texts)

    @cached_property
    def ids(self) -> Sequence[str]:
        """[N] keys; equal exactly where text and second text are equal."""
        if self.pairs is None:
            return [example_id(text) for text in self.texts]
        return [example_id(text, pair) for text, pair in zip(self.texts, self.pairs, strict=True)]

    def take(self, indices: Sequence[int] | np.ndarray) -> Rows:
        """The rows at these positions, in this order."""
        chosen = np.asarray(indices, dtype=np.int64)
        positions = chosen.tolist()
        taken = Rows(
            _taken(self.texts, chosen),
            None if self.pairs is None else _taken(self.pairs, chosen),
            self.labels[chosen],
            _taken(self.source_rows, chosen),
            None if self.words is None else [self.words[i] for i in positions],
            None if self.tags is None else [self.tags[i] for i in positions],
            None if self.languages is None else [self.languages[i] for i in positions],
        )
        if "ids" in self.__dict__:  # hashing a million texts twice is worth avoiding
            taken.__dict__["ids"] = _taken(self.ids, chosen)
        return taken

    def packed(self) -> Rows:
        """The same rows with texts, numbers and keys in flat arrays (`data.ragged`), on disk inside `on_disk`.

        Words, tags and languages stay as they are.
        """
        made = replace(
            self,
            texts=Texts.of(self.texts),
            pairs=None if self.pairs is None else Texts.of(self.pairs),
            source_rows=cast(Sequence[int], np.asarray(self.source_rows, dtype=np.int64)),
        )
        made.__dict__["ids"] = Keys.of(self.ids)
        return made

    def without_labels(self) -> Rows:
        """The same rows with every label, and every tag, set to -1."""
        bare = replace(
            self,
            labels=np.full(len(self), -1, dtype=np.int64),
            tags=None if self.tags is None else [np.full(len(tags), -1, dtype=np.int64) for tags in self.tags],
        )
        if "ids" in self.__dict__:
            bare.__dict__["ids"] = self.ids
        return bare

    @classmethod
    def empty(cls, paired: bool, *, tagged: bool = False, languages: bool = False) -> Rows:
        """No rows, with the columns that others have beside which they stand."""
        return cls(
            [],
            [] if paired else None,
            np.empty(0, dtype=np.int64),
            [],
            [] if tagged else None,
            [] if tagged else None,
            [] if languages else None,
        )

    @classmethod
    def concat(cls, parts: Iterable[Rows]) -> Rows:
        """All parts one after the other; where only some know languages, the others' are "".

        Raises ValueError for none, for pairs mixed with single sentences, and for words mixed with whole texts.
        """
        parts = list(parts)
        if not parts:
            raise ValueError("nothing to concatenate")
        if len({part.pairs is None for part in parts}) > 1:
            raise ValueError("rows with and without a second text cannot be joined")
        if len({part.words is None for part in parts}) > 1:
            raise ValueError("rows with and without words cannot be joined")
        tagged, first = parts[0].words is not None, parts[0]
        told_apart = any(part.languages is not None for part in parts)
        joined = cls(
            _joined([part.texts for part in parts]),
            None if first.pairs is None else _joined([part.pairs or [] for part in parts]),
            np.concatenate([part.labels for part in parts]),
            _joined([part.source_rows for part in parts]),
            [words for part in parts for words in part.words or []] if tagged else None,
            [tags for part in parts for tags in part.tags or []] if tagged else None,
            [name for part in parts for name in part.languages or [""] * len(part)] if told_apart else None,
        )
        if all("ids" in part.__dict__ for part in parts):
            joined.__dict__["ids"] = _joined([part.ids for part in parts])
        return joined


def _taken(column: Any, chosen: np.ndarray) -> Any:
    """A column's entries at these places: of a list a list, of a packed one a packed one."""
    packed = isinstance(column, np.ndarray | Texts | Keys)
    return column.take(chosen) if packed else [column[i] for i in chosen.tolist()]


def _joined(columns: Sequence[Any]) -> Any:
    """Columns one after the other; packed, where the first that holds anything is."""
    there = [column for column in columns if len(column)]
    if len(there) < 2:
        return there[0] if there else list(columns[0])
    if isinstance(there[0], np.ndarray):
        return np.concatenate(there)
    if isinstance(there[0], Texts | Keys):
        return type(there[0]).joined(there)
    return [value for column in there for value in column]


@dataclass(frozen=True)
class Finding:
    """One thing a check has to say. `rows`: up to 50 row numbers; `count`: how many rows there are in all.

    remedy: the setting of `data.remedies` that mends it, or None; applied: it is on, and this is what it did.
    """

    severity: Severity
    code: str
    field: str
    message: str
    rows: tuple[int, ...] = ()
    count: int = 0
    remedy: str | None = None
    applied: bool = False

    def as_dict(self) -> dict[str, Any]:
        found = {
            "severity": self.severity,
            "code": self.code,
            "field": self.field,
            "message": self.message,
            "rows": list(self.rows),
            "count": self.count,
        }
        return found | ({"remedy": self.remedy, "applied": self.applied} if self.remedy else {})


class Findings(list[Finding]):
    """The findings of one reading, in the order in which they were made.

    name_rows: False where the rows come from several files, so that their numbers would say nothing.
    """

    name_rows: bool = True

    def add(
        self,
        severity: Severity,
        code: str,
        field: str,
        message: str,
        rows: Sequence[int] = (),
        count: int | None = None,
    ) -> None:
        """Appends a finding; the rows are named in its message."""
        number = len(rows) if count is None else count
        if not self.name_rows:
            rows = ()
        if rows:
            message = f"{message.rstrip()} {rows_in_words(rows, number)}."
        self.append(Finding(severity, code, field, message, tuple(rows[:MAX_ROWS_KEPT]), number))

    def mended_by(self, remedy: str, *, applied: bool = False) -> None:
        """The finding added last can be mended by this setting of `data.remedies`, or (`applied`) was."""
        self[-1] = replace(self[-1], remedy=remedy, applied=applied)

    @property
    def errors(self) -> list[Finding]:
        return [finding for finding in self if finding.severity == "error"]


def count_of(number: int, noun: str = "row") -> str:
    """`1 row`, `1,200 rows`."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def rows_in_words(rows: Sequence[int], count: int | None = None) -> str:
    """`Row 3`, `Rows 3 and 7`, `Rows 1, 2, … and 40 more`."""
    count = len(rows) if count is None else count
    said = [f"{row:,}" for row in rows[:MAX_ROWS_SAID]]
    if count > len(said):
        return f"Rows {', '.join(said)} and {count - len(said):,} more"
    if len(said) == 1:
        return f"Row {said[0]}"
    return f"Rows {', '.join(said[:-1])} and {said[-1]}"


@dataclass
class PreparedData:
    """A task ready for a run: four sets of rows that share no text, and the list of classes.

    transfer rows carry no gold label (-1). fingerprint: sha256 over labels and all rows with their labels; equal
    exactly where a run would see the same data. task: "classification", or "tagging", where labels are "O" and then
    "B-X" and "I-X" of each type of entity X, types sorted (IOB2), or sorted tags where none has such a prefix, or
    "masked_lm", where there are none: the classes are the pieces of a tokeniser.
    """

    name: str
    labels: list[str]
    train: Rows
    transfer: Rows
    validation: Rows
    test: Rows
    findings: list[Finding]
    fingerprint: str
    task: str = "classification"

    @property
    def languages(self) -> list[str]:
        """The languages of all rows, sorted; empty where none are told apart."""
        parts = (self.train, self.validation, self.test, self.transfer)
        return sorted({name for rows in parts for name in rows.languages or []} - {""})

    @property
    def paired(self) -> bool:
        return self.train.pairs is not None

    @property
    def sizes(self) -> dict[str, int]:
        """Rows of each split."""
        return {name: len(getattr(self, name)) for name in ("train", "validation", "test", "transfer")}


@dataclass(frozen=True)
class Lengths:
    """How long the inputs are, over `rows` of them.

    unit: "tokens" (special ones included), "words" (apart by white space) or "characters" (where white space divides
    little). bins: (first length, last length or None = open, inputs) in order, without gaps. high: 95% are no longer.
    limit: `max_tokens`, and over: the share in [0, 1] of the inputs it cuts; None where tokens are not counted.
    """

    unit: str
    rows: int
    bins: tuple[tuple[int, int | None, int], ...]
    median: int
    high: int
    longest: int
    limit: int | None = None
    over: float | None = None


@dataclass(frozen=True)
class Look:
    """What a person wants to see of data before a run.

    columns: (name, what it is used as: "text", "text_pair", "label", "language" or None) of the training file.
    rows: the first rows, all columns. counted: what `balance` counts: "rows", or in tagging "entities" or "words".
    balance: label → split → how many there are; splits as a run would have them, or, where something keeps them from
    being made, the training file alone. sizes: split → rows. lengths: None without a text. read: rows of the training
    file that were read.
    """

    columns: tuple[tuple[str, str | None], ...]
    rows: tuple[dict[str, str], ...]
    counted: str
    balance: dict[str, dict[str, int]]
    sizes: dict[str, int]
    lengths: Lengths | None
    read: int = 0


@dataclass
class CheckResult:
    """What `check` found; what there is to see is in `look`.

    balance: label → labelled rows (train and held-out parts of the training file together); in tagging, type of entity
    → entities of these rows.
    """

    findings: list[Finding]
    labels: list[str] = field(default_factory=list)
    sizes: dict[str, int] = field(default_factory=dict)
    preview: list[dict[str, str]] = field(default_factory=list)
    columns: list[str] = field(default_factory=list)
    balance: dict[str, int] = field(default_factory=dict)
    guessed: dict[str, Any] = field(default_factory=dict)
    look: Look | None = None

    @property
    def ok(self) -> bool:
        return not any(finding.severity == "error" for finding in self.findings)


def data_fingerprint(labels: Sequence[str], splits: dict[str, Rows]) -> str:
    """sha256 over the classes and every split's texts, labels, tags and languages, in order."""
    digest = hashlib.sha256()

    def add(value: str) -> None:
        raw = value.encode(errors="surrogatepass")
        digest.update(len(raw).to_bytes(8, "little") + raw)  # lengths keep ["ab", "c"] and ["a", "bc"] apart

    add(str(len(labels)))
    for label in labels:
        add(label)
    for name in sorted(splits):
        rows = splits[name]
        add(f"{name} {len(rows)} {'single' if rows.pairs is None else 'pair'}")
        for text in rows.texts:
            add(text)
        for pair in rows.pairs or []:
            add(pair)
        digest.update(rows.labels.astype("<i8").tobytes())
        if rows.tags is not None:
            add("tags")
            if rows.tags:  # how many belong to each row is said by its words
                digest.update(np.concatenate(rows.tags).astype("<i8").tobytes())
        if rows.languages is not None:
            add("languages")
            for language in rows.languages:
                add(language)
    return digest.hexdigest()
