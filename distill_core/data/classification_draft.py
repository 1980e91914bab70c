"""Preparing data for classification: from tables with texts and labels to splits."""

from __future__ import annotations

from collections import Counter

import numpy as np

from distill_core.config import Remedies
from distill_core.data import checks, remedies
from distill_core.data.draft import DataConfig, Draft, Parts, Splitter, Strata, begin
from distill_core.data.load import Examples
from distill_core.data.types import Findings, Rows, count_of


def draft_classification(config: DataConfig, seed: int) -> Draft:
    """As far as the preparation comes; what is wrong stands in the findings.

    Raises NetworkError for a Hub set without a network.
    """
    draft, source, found = begin(config)
    findings = draft.findings
    draft.sizes = {split: len(table) for split, table in source.tables.items()}
    read = {split: checks.drop_empty_texts(part, findings) for split, part in found.items() if part is not None}
    draft.sizes.update({split: len(part) for split, part in read.items()})
    train = read.get("train")
    if train is None or not len(train):
        if train is not None:
            findings.add("error", "no_rows", train.field, f"No row of {train.title} has a text.")
        return draft
    if config.remedies.merge_label_spellings:
        read = remedies.merge_spellings(read, findings)
        train = read["train"]
    draft.read = _rows(train, [], bare=True)
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
    _check_duplicates(parts, read, draft, config.remedies)
    draft.splits = Splitter(config, seed, Strata(draft.labels), source.titles, source.fields, findings).split(parts)
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
    return Rows(
        examples.texts,
        examples.pairs,
        np.array(numbers, dtype=np.int64),
        examples.rows,
        languages=examples.languages,
    )


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


def _check_duplicates(parts: Parts, read: dict[str, Examples], draft: Draft, chosen: Remedies) -> None:
    split_rows = {
        "train": parts.labelled,
        "validation": parts.validation,
        "test": parts.test,
        "transfer": parts.transfer,
    }
    for split, rows in split_rows.items():
        if rows is not None and split in read:
            own = None if split in checks.MEASURED_ON else chosen
            checks.check_duplicates(rows, read[split].title, read[split].field, draft.labels, draft.findings, own)
