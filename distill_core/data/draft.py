"""What preparing any task shares: how far it came, and how parts become splits that share no text."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from distill_core.config import BundledData, FileData, HubData
from distill_core.data import checks, remedies
from distill_core.data.load import Examples, Source, examples_of, load_source
from distill_core.data.splits import choose_labelled, choose_some, hold_out
from distill_core.data.types import Findings, Rows, Severity

DataConfig = BundledData | FileData | HubData
PURPOSE = {"train": "training", "validation": "validation", "transfer": "the transfer set"}


@dataclass
class Draft:
    """How far the preparation came: all of it where there are `splits`.

    name: of the data set. columns, guessed, preview: of the training file, for the page. roles: its column → what it is
    used as; first_rows: with all columns. read: the training file's rows without gold, where there are no splits;
    rows_read: how many it has.
    """

    findings: Findings = field(default_factory=Findings)
    name: str = ""
    labels: list[str] = field(default_factory=list)
    balance: dict[str, int] = field(default_factory=dict)
    sizes: dict[str, int] = field(default_factory=dict)
    splits: dict[str, Rows] | None = None
    columns: list[str] = field(default_factory=list)
    guessed: dict[str, Any] = field(default_factory=dict)
    preview: list[dict[str, str]] = field(default_factory=list)
    roles: dict[str, str] = field(default_factory=dict)
    first_rows: list[dict[str, str]] = field(default_factory=list)
    read: Rows | None = None
    rows_read: int = 0


def begin(config: DataConfig) -> tuple[Draft, Source, dict[str, Examples | None]]:
    """(draft, source, each split's texts): where the preparation of tables starts. Raises NetworkError."""
    draft = Draft()
    source = load_source(config, draft.findings)
    draft.name = source.name
    if "train" in source.tables:
        table = source.tables["train"]
        draft.columns, draft.guessed, draft.preview = table.names, table.guessed, table.preview(source.shown)
        draft.roles, draft.first_rows, draft.rows_read = source.roles(), table.preview(table.names), len(table)
    return draft, source, {split: examples_of(source, split, draft.findings) for split in source.tables}


@dataclass(frozen=True)
class Strata:
    """What rows are held out and chosen by: every class, or in tagging every language, gives its share.

    names: [S] of the strata, [""] where there is one that needs no name. by: "label" or "language".
    """

    names: list[str]
    by: str = "label"

    def of(self, rows: Rows) -> np.ndarray:
        """[N] stratum of each of these rows, all of them labelled; int64."""
        if self.by == "label":
            return rows.labels
        index = {name: i for i, name in enumerate(self.names)}
        return np.array([index[name] for name in rows.languages or [""] * len(rows)], dtype=np.int64)


@dataclass
class Parts:
    """Rows by where they come from, before any are moved. None: there is no such file, so rows are held out."""

    labelled: Rows
    unlabelled: Rows
    validation: Rows | None
    test: Rows | None
    transfer: Rows


@dataclass(frozen=True)
class Splitter:
    """Turns parts into splits; rows that share a text with a split that comes before them are dropped and counted.

    titles, fields: split → how messages call its file, and its config field.
    """

    config: DataConfig
    seed: int
    strata: Strata
    titles: dict[str, str]
    fields: dict[str, str]
    findings: Findings

    def split(self, parts: Parts) -> dict[str, Rows]:
        """Test first, then validation, training, transfer."""
        config, train, validation, test = self.config, parts.labelled, parts.validation, parts.test
        if test is None:
            train, test = self._cut(train, config.test_share, "test")
            train = self._without(train, test, "info", "train", "a row held out for the test")
        else:
            train = self._without(train, test, "warning", "train", "a test row")
        if validation is not None:
            validation = self._without(validation, test, "warning", "validation", "a test row")
            train = self._without(train, validation, "warning", "train", "a validation row")
        # Only now, so that the rows quality is measured on are the same with and without remedies.
        train = self._mended(train, ["train"], "train")
        train, rest = self._within_budget(train)
        if validation is None:
            train, validation = self._cut(train, config.validation_share, "validation")
            train = self._without(train, validation, "info", "train", "a row held out for validation")
        labelled = Rows.concat([train, validation])
        joined: list[Rows] = []
        for rows, origin in ((Rows.concat([rest, parts.unlabelled]), "train"), (parts.transfer, "transfer")):
            rows = self._without(rows, test, "warning", origin, "a test row", "transfer")
            words = "a training or validation row"
            joined.append(self._without(rows, labelled, "info", origin, words, "transfer"))
        origins = [name for name, rows in zip(("train", "transfer"), joined, strict=True) if len(rows)]
        transfer = self._mended(Rows.concat(joined), origins, "transfer")
        # Cut last: a text of a test row that is not used still has no place in training.
        return {
            "train": train,
            "validation": self._at_most(validation, config.max_validation, "validation rows"),
            "test": self._at_most(test, config.max_test, "test rows"),
            "transfer": self._at_most(transfer, config.max_transfer, "transfer"),
        }

    def _at_most(self, rows: Rows, number: int | None, purpose: str) -> Rows:
        if number is None or len(rows) <= number:
            return rows
        return rows.take(choose_some(rows.ids, number, seed=self.seed, purpose=purpose))

    def _cut(self, rows: Rows, share: float, purpose: str) -> tuple[Rows, Rows]:
        kept, out = hold_out(self.strata.of(rows), rows.ids, share, seed=self.seed, purpose=purpose)
        return rows.take(kept), rows.take(out)

    def _without(
        self, rows: Rows, others: Rows, severity: Severity, origin: str, words: str, role: str | None = None
    ) -> Rows:
        if not len(rows):
            return rows
        role = role or origin
        what = f"of {self.titles.get(origin, origin)} with the text of {words}: left out of {PURPOSE[role]}"
        overlap = checks.Overlap(severity, f"overlap_{role}", self.fields.get(origin, "data.train"), what)
        return checks.drop_overlap(rows, set(others.ids), overlap, self.findings)

    def _mended(self, rows: Rows, origins: list[str], role: str) -> Rows:
        """origins: the splits whose files these rows come from."""
        title = self.titles.get(origins[0], origins[0]) if len(origins) == 1 else ""
        field = self.fields.get(origins[-1] if origins else role, "data.train")
        return remedies.mend(rows, self.config.remedies, (title, field, PURPOSE[role]), self.findings)

    def _within_budget(self, train: Rows) -> tuple[Rows, Rows]:
        """(labelled rows, the rest without labels)."""
        per_class = self.config.labelled_per_class
        if per_class is None:
            return train, train.take([])
        strata = self.strata.of(train)
        counts = np.bincount(strata, minlength=len(self.strata.names)).tolist()
        named = zip(self.strata.names, counts, strict=True)
        short = [f"“{name or 'no language'}” ({n:,})" for name, n in named if n < per_class]
        if short:
            more = len(short) - checks.MAX_NAMED
            said = ", ".join(short[: checks.MAX_NAMED]) + (f" and {more:,} more" if more > 0 else "")
            of = "" if self.strata.names == [""] else f" of {said}"
            message = f"Fewer than {per_class:,} labelled rows{of}: all of them are used."
            self.findings.add("warning", "small_budget", "data.labelled_per_class", message)
        chosen, rest = choose_labelled(strata, train.ids, per_class, seed=self.seed)
        return train.take(chosen), train.take(rest).without_labels()
