"""Checks on sentences with tags before a run: each adds findings in words; none raises for bad data."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from distill_core.config import Remedies
from distill_core.data import remedies
from distill_core.data.checks import FEW_ROWS, IMBALANCE, add_repeats, names_in_words
from distill_core.data.tagging import TAG_FIELD, TaggedPart
from distill_core.data.types import Findings, Rows, count_of

FEW_ENTITIES = 10
#: so many tags are never too many
FEW_TAGS = 50


def drop_untagged(part: TaggedPart, findings: Findings) -> TaggedPart:
    """For validation and test: the sentences that have gold tags. None left is an error."""
    missing = [i for i, tags in enumerate(part.sentences.tags) if tags is None]
    if not missing:
        return part
    if len(missing) == len(part):
        message = f"No sentence of {part.title} has tags, so nothing can be measured on it."
        findings.add("error", "no_labels", part.field, message)
    else:
        message = f"{count_of(len(missing), 'sentence')} of {part.title} without tags: left out."
        findings.add("warning", "missing_label", part.field, message, [part.sentences.rows[i] for i in missing])
    return part.keep([i for i, tags in enumerate(part.sentences.tags) if tags is not None])


def check_plain(title: str, balance: dict[str, int], findings: Findings) -> None:
    """Tags without prefixes: told, and refused where there is one alone, or about as many as words."""
    words = sum(balance.values())
    if len(balance) == 1:
        message = f"All words of {title} have the one tag {names_in_words(list(balance))}; at least two are needed."
        findings.add("error", "one_label", TAG_FIELD, message)
    elif len(balance) > FEW_TAGS and len(balance) > words / FEW_ENTITIES:
        message = (
            f"{len(balance):,} different tags for {count_of(words, 'word')} of {title}: this column seems to hold "
            f"something else than tags ({names_in_words(list(balance))})."
        )
        findings.add("error", "too_many_labels", TAG_FIELD, message)
    else:
        message = (
            f"The tags of {title} name no entities (none begins with B- or I-), such as "
            f"{names_in_words(list(balance))}: each word's own tag counts, and quality is word accuracy."
        )
        findings.add("info", "plain_tags", TAG_FIELD, message)


def check_types(title: str, balance: dict[str, int], findings: Findings, *, plain: bool = False) -> None:
    """Types of entities that are spelt alike, rare, or much rarer than others. balance: type → entities in training;
    plain: tag → words."""
    many, things, measure = ("Tags", "words", "word accuracy") if plain else ("Types of entities", "entities", "F1")
    for group in remedies.spelt_alike(balance):
        spelt = ", ".join(f"“{name}” ({balance[name]:,})" for name in group)
        message = f"{many} of {title} that differ only in case or spaces count as different: {spelt}."
        findings.add("warning", "label_spelling", TAG_FIELD, message)
        findings.mended_by(remedies.MERGE)
    rare = [name for name, count in balance.items() if count < FEW_ENTITIES]
    if rare:
        message = (
            f"Fewer than {FEW_ENTITIES} {things} of {names_in_words(rare)} in {title}: these can hardly be learnt or "
            "measured."
        )
        findings.add("warning", "rare_class", TAG_FIELD, message)
    largest, smallest = max(balance, key=lambda k: balance[k]), min(balance, key=lambda k: balance[k])
    ratio = balance[largest] / max(1, balance[smallest])
    if ratio >= IMBALANCE:
        message = (
            f"{many} are uneven: “{largest}” comes {balance[largest]:,} times, “{smallest}” "
            f"{balance[smallest]:,} ({ratio:.0f} times less). Look at each one's quality, not at {measure} over all "
            "alone."
        )
        findings.add("info", "imbalance", TAG_FIELD, message)


def merge_types(parts: dict[str, TaggedPart], findings: Findings, *, plain: bool) -> dict[str, TaggedPart]:
    """The same parts, types of entities (plain: tags) spelt alike being one. parts: split → sentences, "train" too."""

    def kinds(part: TaggedPart) -> Counter[str]:
        found = Counter(tag for tags in part.sentences.tags for tag in tags or [])
        counts: Counter[str] = Counter()
        for tag, number in found.items():
            if kind := remedies.kind_of(tag, plain=plain):
                counts[kind] += number
        return counts

    counted = {split: kinds(part) for split, part in parts.items()}
    changes = remedies.spellings(counted["train"], {kind for found in counted.values() for kind in found})
    if not changes:
        return parts
    words = sum(number for found in counted.values() for kind, number in found.items() if kind in changes)
    remedies.report_merged(changes, count_of(words, "word"), findings)

    def merged(part: TaggedPart) -> TaggedPart:
        own = part.sentences
        tags = [None if row is None else remedies.merged_tags(row, changes, plain=plain) for row in own.tags]
        return replace(part, sentences=replace(own, tags=tags))

    return {split: merged(part) for split, part in parts.items()}


def check_repeats(rows: Rows, title: str, field: str, findings: Findings, chosen: Remedies | None = None) -> None:
    """Repeated sentences (info), and equal sentences with different gold tags (warning), inside one split.

    chosen: the remedies that are on, which tell themselves what they mend. None: rows that quality is measured on.
    """
    seen: dict[str, int] = {}
    repeats: list[int] = []
    torn: set[str] = set()
    tags = rows.tags or []
    for i, (key, label) in enumerate(zip(rows.ids, rows.labels.tolist(), strict=True)):
        before = seen.setdefault(key, i)
        if before == i:
            continue
        repeats.append(i)
        if label >= 0 and rows.labels[before] >= 0 and not np.array_equal(tags[i], tags[before]):
            torn.add(key)
    if not repeats:
        return
    if chosen is not None and chosen.drop_conflicting:
        repeats, torn = [i for i in repeats if rows.ids[i] not in torn], set()
    said = f"{count_of(len(repeats), 'sentence')} of {title} that stood there before."
    kept = add_repeats(said, [rows.source_rows[i] for i in repeats], field, findings, chosen)
    if torn:
        where = [rows.source_rows[i] for i, key in enumerate(rows.ids) if key in torn]
        message = f"{count_of(len(torn), 'sentence')} of {title} that comes again with other tags."
        message = message if len(torn) == 1 else message.replace("comes", "come")
        findings.add("warning", "conflicting_labels", field, message + kept, where, len(where))
        if chosen is not None:
            findings.mended_by(remedies.CONFLICTING)


def check_unknown_languages(part: TaggedPart, findings: Findings) -> None:
    """Warns of sentences whose language is not said, where others' are."""
    missing = [row for row, name in zip(part.sentences.rows, part.sentences.languages, strict=True) if not name]
    if missing:
        message = (
            f"{count_of(len(missing), 'sentence')} of {part.title} without a language: counted in the whole, but in no "
            "language."
        )
        findings.add("warning", "no_language", part.field, message, missing)


def check_tagged_splits(
    splits: dict[str, Rows], fields: dict[str, str], types: Sequence[str], findings: Findings, *, plain: bool = False
) -> None:
    """Splits that are empty, small, without any entity, or lack a type or a language.

    fields: split → the config field that decides about it.
    """
    for name in ("train", "validation", "test"):
        rows, field = splits[name], fields[name]
        if not len(rows):
            findings.add("error", "no_rows", field, f"No {name} sentences are left.")
            continue
        present = np.unique(np.concatenate(rows.tags or [np.empty(0, dtype=np.int64)]))
        missing = [kind for i, kind in enumerate(types) if (i if plain else 1 + 2 * i) not in present]
        if len(missing) == len(types):
            thing = "a known tag" if plain else "an entity"
            measured = "word accuracy" if plain else "F1"
            why = "nothing can be learnt from them" if name == "train" else f"{measured} cannot be measured on them"
            findings.add("error", "no_entities", field, f"No {name} sentence has {thing}, so {why}.")
        elif missing:
            message = f"No {name} sentence has {'the tag' if plain else 'an entity of type'} {names_in_words(missing)}."
            findings.add("warning", "class_without_rows", field, message)
        if name != "train" and len(rows) < FEW_ROWS:
            message = f"Only {count_of(len(rows), 'sentence')} for {name}: quality will be known only roughly."
            findings.add("warning", "few_rows", field, message)
    _check_languages(splits, fields, findings)


def _check_languages(splits: dict[str, Rows], fields: dict[str, str], findings: Findings) -> None:
    counts = {name: Counter(splits[name].languages or []) for name in ("train", "validation", "test")}
    languages = sorted({language for found in counts.values() for language in found} - {""})
    for name, found in counts.items():
        missing = [language for language in languages if not found[language]]
        if missing:
            means = (
                "what is known about them comes from the others" if name == "train" else "they are not measured there"
            )
            message = f"No {name} sentence in {names_in_words(missing)}: {means}."
            findings.add("warning", "language_without_rows", fields[name], message)
        few = [language for language in languages if 0 < found[language] < FEW_ROWS]
        if name != "train" and few and len(splits[name]) >= FEW_ROWS:
            message = f"Fewer than {FEW_ROWS} {name} sentences in {names_in_words(few)}: known only roughly there."
            findings.add("warning", "few_rows", fields[name], message)
