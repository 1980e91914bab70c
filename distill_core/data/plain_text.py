"""Preparing plain text, whose words are hidden and guessed: from texts without labels to splits."""

from __future__ import annotations

import numpy as np

from distill_core.data import checks
from distill_core.data.draft import DataConfig, Draft, Parts, Splitter, Strata, begin
from distill_core.data.load import Examples
from distill_core.data.types import Rows

#: one stratum without a name: texts are held out at random
_ONE = [""]


def draft_plain_text(config: DataConfig, seed: int) -> Draft:
    """As far as the preparation comes; what is wrong stands in the findings. A transfer file is more training text.

    Raises NetworkError for a Hub set without a network.
    """
    draft, source, found = begin(config)
    findings = draft.findings
    read = {split: checks.drop_empty_texts(part, findings) for split, part in found.items() if part is not None}
    draft.sizes = {split: len(part) for split, part in read.items()}
    train = read.get("train")
    if train is None or not len(train):
        if train is not None:
            findings.add("error", "no_rows", train.field, f"No row of {train.title} has a text.")
        return draft
    draft.read = _rows(train)
    if len(found) < len(source.titles) or None in found.values():
        return draft
    for split, part in read.items():
        chosen = None if split in checks.MEASURED_ON else config.remedies
        checks.check_duplicates(_rows(part), part.title, part.field, _ONE, findings, chosen)
    texts = _rows(train)
    if "transfer" in read:
        texts = Rows.concat([texts, _rows(read["transfer"])])
    parts = Parts(
        labelled=texts,
        unlabelled=texts.take([]),
        validation=_rows(read["validation"]) if "validation" in read else None,
        test=_rows(read["test"]) if "test" in read else None,
        transfer=texts.take([]),
    )
    draft.splits = Splitter(config, seed, Strata(_ONE), source.titles, source.fields, findings).split(parts)
    draft.sizes = {name: len(rows) for name, rows in draft.splits.items()}
    fields = {split: source.fields.get(split, f"data.{split}_share") for split in draft.splits}
    checks.check_split_sizes(draft.splits, fields, _ONE, findings)
    return draft


def _rows(examples: Examples) -> Rows:
    """Every text is its own gold: all labels are 0."""
    return Rows(examples.texts, None, np.zeros(len(examples), dtype=np.int64), examples.rows)
