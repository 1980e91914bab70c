"""What data are once they are read: rows, splits, and what the checks have to say about them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

import numpy as np

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
    """

    texts: list[str]
    pairs: list[str] | None
    labels: np.ndarray
    source_rows: list[int]

    def __post_init__(self) -> None:
        self.labels = np.asarray(self.labels, dtype=np.int64)
        lengths = {len(self.texts), len(self.labels), len(self.source_rows)}
        if self.pairs is not None:
            lengths.add(len(self.pairs))
        if len(lengths) > 1:
            raise ValueError(f"texts, pairs, labels and source_rows differ in length: {sorted(lengths)}")

    def __len__(self) -> int:
        return len(self.texts)

    @cached_property
    def ids(self) -> list[str]:
        """[N] keys; equal exactly where text and second text are equal."""
        if self.pairs is None:
            return [example_id(text) for text in self.texts]
        return [example_id(text, pair) for text, pair in zip(self.texts, self.pairs, strict=True)]

    def take(self, indices: Sequence[int] | np.ndarray) -> Rows:
        """The rows at these positions, in this order."""
        chosen = np.asarray(indices, dtype=np.int64)
        positions = chosen.tolist()
        taken = Rows(
            [self.texts[i] for i in positions],
            None if self.pairs is None else [self.pairs[i] for i in positions],
            self.labels[chosen],
            [self.source_rows[i] for i in positions],
        )
        if "ids" in self.__dict__:  # hashing a million texts twice is worth avoiding
            taken.__dict__["ids"] = [self.ids[i] for i in positions]
        return taken

    def without_labels(self) -> Rows:
        """The same rows with every label set to -1."""
        bare = Rows(self.texts, self.pairs, np.full(len(self), -1, dtype=np.int64), self.source_rows)
        if "ids" in self.__dict__:
            bare.__dict__["ids"] = self.ids
        return bare

    @classmethod
    def empty(cls, paired: bool) -> Rows:
        return cls([], [] if paired else None, np.empty(0, dtype=np.int64), [])

    @classmethod
    def concat(cls, parts: Iterable[Rows]) -> Rows:
        """All parts one after the other. Raises ValueError for none, or for pairs mixed with single sentences."""
        parts = list(parts)
        if not parts:
            raise ValueError("nothing to concatenate")
        if len({part.pairs is None for part in parts}) > 1:
            raise ValueError("rows with and without a second text cannot be joined")
        joined = cls(
            [text for part in parts for text in part.texts],
            None if parts[0].pairs is None else [pair for part in parts for pair in part.pairs or []],
            np.concatenate([part.labels for part in parts]),
            [row for part in parts for row in part.source_rows],
        )
        if all("ids" in part.__dict__ for part in parts):
            joined.__dict__["ids"] = [key for part in parts for key in part.ids]
        return joined


@dataclass(frozen=True)
class Finding:
    """One thing a check has to say. `rows`: up to 50 row numbers; `count`: how many rows there are in all."""

    severity: Severity
    code: str
    field: str
    message: str
    rows: tuple[int, ...] = ()
    count: int = 0

    def as_dict(self) -> dict[str, Any]:
        return {
            "severity": self.severity,
            "code": self.code,
            "field": self.field,
            "message": self.message,
            "rows": list(self.rows),
            "count": self.count,
        }


class Findings(list[Finding]):
    """The findings of one reading, in the order in which they were made."""

    def add(
        self,
        severity: Severity,
        code: str,
        field: str,
        message: str,
        rows: Sequence[int] = (),
        count: int | None = None,
    ) -> None:
        """Appends a finding; the rows are named in its message where they are not named there already."""
        number = len(rows) if count is None else count
        if rows:
            message = f"{message.rstrip()} {rows_in_words(rows, number)}."
        self.append(Finding(severity, code, field, message, tuple(rows[:MAX_ROWS_KEPT]), number))

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
    exactly where a run would see the same data.
    """

    name: str
    labels: list[str]
    train: Rows
    transfer: Rows
    validation: Rows
    test: Rows
    findings: list[Finding]
    fingerprint: str

    @property
    def paired(self) -> bool:
        return self.train.pairs is not None

    @property
    def sizes(self) -> dict[str, int]:
        """Rows of each split."""
        return {name: len(getattr(self, name)) for name in ("train", "validation", "test", "transfer")}


@dataclass
class CheckResult:
    """What `check` found. `balance`: label → labelled rows (train and held-out parts of the training file together)."""

    findings: list[Finding]
    labels: list[str] = field(default_factory=list)
    sizes: dict[str, int] = field(default_factory=dict)
    preview: list[dict[str, str]] = field(default_factory=list)
    columns: list[str] = field(default_factory=list)
    balance: dict[str, int] = field(default_factory=dict)
    guessed: dict[str, Any] = field(default_factory=dict)

    @property
    def ok(self) -> bool:
        return not any(finding.severity == "error" for finding in self.findings)


def data_fingerprint(labels: Sequence[str], splits: dict[str, Rows]) -> str:
    """sha256 over the classes and every split's texts and labels, in order."""
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
    return digest.hexdigest()
