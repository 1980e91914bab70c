"""A data section of a config made ready for a run: read, checked, split. `check` says what `prepare` would do."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from distill_core.config import BundledData, FileData, HubData
from distill_core.data import checks
from distill_core.data.load import Examples, Source, add_error, examples_of, load_source
from distill_core.data.splits import choose_labelled, choose_some, hold_out
from distill_core.data.types import CheckResult, Findings, PreparedData, Rows, Severity, count_of, data_fingerprint
from distill_core.errors import DataError, NetworkError

DataConfig = BundledData | FileData | HubData
PURPOSE = {"train": "training", "validation": "validation", "transfer": "the transfer set"}


@dataclass
class Draft:
    """How far the preparation came: all of it when `complete`."""

    findings: Findings = field(default_factory=Findings)
    source: Source | None = None
    labels: list[str] = field(default_factory=list)
    balance: dict[str, int] = field(default_factory=dict)
    sizes: dict[str, int] = field(default_factory=dict)
    splits: dict[str, Rows] | None = None


@dataclass
class Parts:
    """Rows by where they come from, before any are moved. None: there is no such file, so rows are held out."""

    labelled: Rows
    unlabelled: Rows
    validation: Rows | None
    test: Rows | None
    transfer: Rows


def prepare(config: DataConfig, *, seed: int) -> PreparedData:
    """Reads, checks and splits a data set.

    The test rows come first: from their file, or held out of the training rows. Training, validation and transfer rows
    with a text of the test are left out. Then `labelled_per_class` rows of each class are chosen, the validation rows
    are cut out of those (or come from their file), and the other training rows join the transfer set without labels.

    Args:
        config: the `data` section of a run.
        seed: decides which rows are held out and chosen; the same seed gives the same data.

    Returns:
        four sets of rows that share no text.

    Raises:
        DataError: an error finding; the message is the first one's, the hint counts the others.
        NetworkError: a Hub set without a network.
    """
    draft = _draft(config, seed)
    errors = draft.findings.errors
    if errors or draft.splits is None:
        more = f"There are {count_of(len(errors) - 1, 'more problem')}." if len(errors) > 1 else ""
        raise DataError(errors[0].message, hint=more, field=errors[0].field)
    assert draft.source is not None
    return PreparedData(
        name=draft.source.name,
        labels=draft.labels,
        findings=list(draft.findings),
        fingerprint=data_fingerprint(draft.labels, draft.splits),
        **draft.splits,
    )


def check(
    config: DataConfig, *, seed: int = 13, piece_counter: Callable[[list[str]], list[int]] | None = None
) -> CheckResult:
    """What `prepare` would find. Never raises for bad data: errors become findings.

    Args:
        config, seed: as for `prepare`.
        piece_counter: pieces (special ones included) of each text; with one, lengths are compared with `max_tokens`.
    """
    findings = Findings()
    try:
        draft = _draft(config, seed)
    except NetworkError as error:
        add_error(findings, error, "network", "data.name")
        return CheckResult(list(findings))
    if draft.splits is not None and piece_counter is not None:
        checks.check_lengths(draft.splits, config.max_tokens, piece_counter, draft.findings)
    result = CheckResult(list(draft.findings), draft.labels, draft.sizes, balance=draft.balance)
    if draft.source is not None and "train" in draft.source.tables:
        table = draft.source.tables["train"]
        result.columns, result.guessed = table.names, table.guessed
        result.preview = table.preview(draft.source.mapped)
    return result


# ---------------------------------------------------------------- from tables to parts


def _draft(config: DataConfig, seed: int) -> Draft:
    draft = Draft()
    findings = draft.findings
    draft.source = source = load_source(config, findings)
    draft.sizes = {split: len(table) for split, table in source.tables.items()}
    found = {split: examples_of(source, split, findings) for split in source.tables}
    read = {split: checks.drop_empty_texts(part, findings) for split, part in found.items() if part is not None}
    draft.sizes.update({split: len(part) for split, part in read.items()})
    train = read.get("train")
    if train is None or not len(train):
        if train is not None:
            findings.add("error", "no_rows", train.field, f"No row of {train.title} has a text.")
        return draft
    draft.labels = checks.label_list(train, findings)
    counts = Counter(train.labels)
    draft.balance = {label: counts[label] for label in draft.labels}
    checks.check_spellings(train, draft.labels, findings)
    for split in ("validation", "test"):
        if split in read:
            part = checks.drop_missing_labels(read[split], findings)
            read[split] = checks.drop_unknown_labels(part, draft.labels, findings)
    if len(found) < len(source.titles) or None in found.values() or _hopeless(findings):
        return draft
    held_out = [split for split in ("test", "validation") if split not in read]
    checks.check_class_sizes(draft.balance, held_out, findings)
    parts = _parts(read, draft.labels, findings)
    _check_duplicates(parts, read, draft.labels, findings)
    draft.splits = Splitter(config, seed, source, draft.labels, findings).split(parts)
    draft.sizes = {name: len(rows) for name, rows in draft.splits.items()}
    fields = {split: source.fields.get(split, f"data.{split}_share") for split in draft.splits}
    checks.check_split_sizes(draft.splits, fields, draft.labels, findings)
    return draft


def _hopeless(findings: Findings) -> bool:
    """Errors after which splitting would only bring up follow-on errors."""
    return any(finding.code in ("one_label", "no_labels", "too_many_labels") for finding in findings.errors)


def _rows(examples: Examples, labels: list[str], *, bare: bool = False) -> Rows:
    index = {label: i for i, label in enumerate(labels)}
    numbers = [-1] * len(examples) if bare else [index.get(label, -1) for label in examples.labels]
    return Rows(examples.texts, examples.pairs, np.array(numbers, dtype=np.int64), examples.rows)


def _parts(read: dict[str, Examples], labels: list[str], findings: Findings) -> Parts:
    train = read["train"]
    rows = _rows(train, labels)
    labelled, bare = np.flatnonzero(rows.labels >= 0), np.flatnonzero(rows.labels < 0)
    unlabelled = rows.take(bare)
    if len(bare):
        message = f"{count_of(len(bare))} of {train.title} without a label: used as transfer rows."
        findings.add("info", "unlabelled_rows", train.field, message, unlabelled.source_rows)
    return Parts(
        labelled=rows.take(labelled),
        unlabelled=unlabelled,
        validation=_rows(read["validation"], labels) if "validation" in read else None,
        test=_rows(read["test"], labels) if "test" in read else None,
        transfer=_rows(read["transfer"], labels, bare=True)
        if "transfer" in read
        else Rows.empty(train.pairs is not None),
    )


def _check_duplicates(parts: Parts, read: dict[str, Examples], labels: list[str], findings: Findings) -> None:
    split_rows = {
        "train": parts.labelled,
        "validation": parts.validation,
        "test": parts.test,
        "transfer": parts.transfer,
    }
    for split, rows in split_rows.items():
        if rows is not None and split in read:
            checks.check_duplicates(rows, read[split].title, read[split].field, labels, findings)


# ---------------------------------------------------------------- from parts to splits


@dataclass(frozen=True)
class Splitter:
    """Turns parts into splits; rows that share a text with a split that comes before them are dropped and counted."""

    config: DataConfig
    seed: int
    source: Source
    labels: list[str]
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
        transfer = Rows.concat(joined)
        if config.max_transfer is not None and len(transfer) > config.max_transfer:
            transfer = transfer.take(choose_some(transfer.ids, config.max_transfer, seed=self.seed, purpose="transfer"))
        return {"train": train, "validation": validation, "test": test, "transfer": transfer}

    def _cut(self, rows: Rows, share: float, purpose: str) -> tuple[Rows, Rows]:
        kept, out = hold_out(rows.labels, rows.ids, share, seed=self.seed, purpose=purpose)
        return rows.take(kept), rows.take(out)

    def _without(
        self, rows: Rows, others: Rows, severity: Severity, origin: str, words: str, role: str | None = None
    ) -> Rows:
        role = role or origin
        what = f"of {self.source.titles.get(origin, origin)} with the text of {words}: left out of {PURPOSE[role]}"
        overlap = checks.Overlap(severity, f"overlap_{role}", self.source.fields.get(origin, "data.train"), what)
        return checks.drop_overlap(rows, set(others.ids), overlap, self.findings)

    def _within_budget(self, train: Rows) -> tuple[Rows, Rows]:
        """(labelled rows, the rest without labels)."""
        per_class = self.config.labelled_per_class
        if per_class is None:
            return train, Rows.empty(train.pairs is not None)
        counts = np.bincount(train.labels, minlength=len(self.labels)).tolist()
        short = [f"“{label}” ({n:,})" for label, n in zip(self.labels, counts, strict=True) if n < per_class]
        if short:
            more = len(short) - checks.MAX_NAMED
            said = ", ".join(short[: checks.MAX_NAMED]) + (f" and {more:,} more" if more > 0 else "")
            message = f"Fewer than {per_class:,} labelled rows of {said}: all of them are used."
            self.findings.add("warning", "small_budget", "data.labelled_per_class", message)
        chosen, rest = choose_labelled(train.labels, train.ids, per_class, seed=self.seed)
        return train.take(chosen), train.take(rest).without_labels()
