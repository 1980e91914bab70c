"""Preparing a data section whose task is tagging: from sentences with tags to splits."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

from distill_core.config import BundledData
from distill_core.data import tagging_checks
from distill_core.data.checks import MEASURED_ON
from distill_core.data.draft import DataConfig, Draft, Parts, Splitter, Strata
from distill_core.data.tagging import (
    TAG_FIELD,
    Spans,
    TaggedPart,
    clean,
    plain_tags,
    report_unknown_types,
    rows_of,
    spans_of,
    without_gold,
)
from distill_core.data.tagging_load import BUNDLED_COLUMNS, TaggedSource, load_tagged
from distill_core.data.types import Findings, Rows, count_of

PREVIEW_ROWS = 8
#: Errors after which splitting would only bring up follow-on errors.
_HOPELESS = ("no_labels", "no_entities", "no_iob_tags", "one_label", "too_many_labels")


@dataclass(frozen=True)
class _Tagged:
    """A data set's splits with gold tags in IOB2; unlabelled sentences have none. languages: are they told apart?"""

    parts: dict[str, TaggedPart]
    spans: dict[str, Spans]
    languages: bool

    def rows(self, split: str, types: list[str]) -> Rows:
        return rows_of(self.parts[split], self.spans.get(split), types, languages=self.languages)


@contextmanager
def _uncollected() -> Iterator[None]:
    """No garbage collection meanwhile: a million small lists, none of them garbage, would be walked again and again."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def draft_tagging(config: DataConfig, seed: int) -> Draft:
    """As far as the preparation comes; what is wrong stands in the findings. Raises NetworkError for a Hub set."""
    with _uncollected():
        return _draft(config, seed)


def _draft(config: DataConfig, seed: int) -> Draft:
    draft = Draft()
    findings = draft.findings
    source = load_tagged(config, findings)
    findings.name_rows = not source.several
    draft.name, draft.columns, draft.guessed = source.name, source.columns, source.guessed
    parts = {
        split: clean(sentences, source.titles[split], source.fields[split], findings)
        for split, sentences in source.parts.items()
    }
    draft.sizes = {split: len(part) for split, part in parts.items()}
    train = parts.get("train")
    if train is None or not len(train):
        if train is not None:
            findings.add("error", "no_rows", train.field, f"No sentence of {train.title} has a word.")
        return draft
    draft.preview = draft.first_rows = _preview(train)
    draft.rows_read = len(source.parts["train"])
    draft.roles = _roles(config, draft.guessed, draft.columns)
    draft.read = Rows(train.texts, None, np.full(len(train), -1, dtype=np.int64), train.sentences.rows)
    tagged = _tagged(parts, config, findings)
    spans = tagged.spans["train"]
    draft.balance, draft.labels = spans.balance, spans.labels
    _check_train(train, spans, findings)
    for split in ("validation", "test"):
        if split in parts:
            report_unknown_types(tagged.parts[split], tagged.spans[split], spans.types, findings)
    if not source.complete or any(finding.code in _HOPELESS for finding in findings.errors):
        return draft
    tagging_checks.check_types(train.title, draft.balance, findings, plain=spans.plain)
    _split(config, seed, source, tagged, draft)
    return draft


def _tagged(parts: dict[str, TaggedPart], config: DataConfig, findings: Findings) -> _Tagged:
    parts = dict(parts)
    for split in ("validation", "test"):
        if split in parts:
            parts[split] = tagging_checks.drop_untagged(parts[split], findings)
    if "transfer" in parts:
        parts["transfer"] = without_gold(parts["transfer"])
    plain = plain_tags(parts["train"])
    if config.remedies.merge_label_spellings:
        parts = tagging_checks.merge_types(parts, findings, plain=plain)
    spans = {split: spans_of(part, findings, plain=plain) for split, part in parts.items() if split != "transfer"}
    told_apart = any(any(part.sentences.languages) for part in parts.values())
    if told_apart:
        for split in spans:
            tagging_checks.check_unknown_languages(parts[split], findings)
    return _Tagged(parts, spans, told_apart)


def _check_train(train: TaggedPart, spans: Spans, findings: Findings) -> None:
    if all(tags is None for tags in train.sentences.tags):
        message = f"No sentence of {train.title} has tags."
        findings.add("error", "no_labels", TAG_FIELD, message)
    elif spans.plain:
        tagging_checks.check_plain(train.title, spans.balance, findings)
    elif not spans.types and not any(finding.code == "no_iob_tags" for finding in findings):
        message = f"All words of {train.title} have the tag “O”: there is no entity to learn."
        findings.add("error", "no_entities", TAG_FIELD, message)


def _split(config: DataConfig, seed: int, source: TaggedSource, tagged: _Tagged, draft: Draft) -> None:
    """Fills in the splits and what there is to say about them."""
    findings, types = draft.findings, tagged.spans["train"].types
    rows = {split: tagged.rows(split, types) for split in tagged.parts}
    train = rows["train"]
    labelled, bare = np.flatnonzero(train.labels >= 0), np.flatnonzero(train.labels < 0)
    unlabelled = train.take(bare)
    if len(bare):
        message = f"{count_of(len(bare), 'sentence')} of {source.titles['train']} without tags: used as transfer rows."
        findings.add("info", "unlabelled_rows", source.fields["train"], message, unlabelled.source_rows)
    parts = Parts(
        labelled=train.take(labelled),
        unlabelled=unlabelled,
        validation=rows.get("validation"),
        test=rows.get("test"),
        transfer=rows["transfer"] if "transfer" in rows else train.take([]),
    )
    for split, part in {**rows, "train": parts.labelled}.items():
        chosen = None if split in MEASURED_ON else config.remedies
        tagging_checks.check_repeats(part, source.titles[split], source.fields[split], findings, chosen)
    strata = Strata(sorted(set(parts.labelled.languages or [""])), by="language")
    draft.splits = Splitter(config, seed, strata, source.titles, source.fields, findings).split(parts)
    draft.sizes = {name: len(part) for name, part in draft.splits.items()}
    fields = {split: source.fields.get(split, f"data.{split}_share") for split in draft.splits}
    plain = tagged.spans["train"].plain
    tagging_checks.check_tagged_splits(draft.splits, fields, types, findings, plain=plain)


def _roles(config: DataConfig, guessed: dict[str, Any], names: list[str]) -> dict[str, str]:
    """Column of the training file → what it is used as; columns of CoNLL files go by their number."""
    language = (BUNDLED_COLUMNS if isinstance(config, BundledData) else config.columns).language
    said = {str(guessed.get("word column", "")): "text", str(guessed.get("tag column", "")): "label"}
    said |= {language: "language"} if language else {}
    return {name: said[name] for name in names if name in said}


def _preview(train: TaggedPart) -> list[dict[str, str]]:
    """The first sentences as they stand in the file (of several files: of each in turn), words and tags joined."""
    sentences = train.sentences
    by_language: dict[str, list[int]] = {}
    for i, language in enumerate(sentences.languages):
        by_language.setdefault(language, []).append(i)
    share = -(-PREVIEW_ROWS // len(by_language))
    shown = [i for found in by_language.values() for i in found[:share]][:PREVIEW_ROWS]
    rows: list[dict[str, str]] = []
    for i in shown:
        row = {"words": train.texts[i], "tags": " ".join(sentences.tags[i] or [])}
        rows.append(row | ({"language": sentences.languages[i]} if len(by_language) > 1 else {}))
    return rows
