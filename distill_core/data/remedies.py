"""What the remedies of a data section (`data.remedies`) do to rows and labels; the files stay as they are."""

from __future__ import annotations

import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from distill_core.config import Remedies
from distill_core.data.load import Examples
from distill_core.data.types import Findings, Rows, count_of

MERGE, DUPLICATES, CONFLICTING = "merge_label_spellings", "drop_duplicates", "drop_conflicting"
LABEL_FIELD = "data.columns.label"


def as_yaml(remedy: str) -> str:
    """The line of a config's data section that switches a remedy on."""
    return f"remedies: {{{remedy}: true}}"


# ---------------------------------------------------------------- spellings of labels


def spelling_key(label: str) -> str:
    """Equal exactly for labels that differ in case, spaces, or how their accents are encoded."""
    return " ".join(unicodedata.normalize("NFC", label).casefold().split())


def spelt_alike(labels: Iterable[str]) -> list[list[str]]:
    """The groups of two or more of these labels that are spelt alike, each in the given order."""
    groups: dict[str, list[str]] = defaultdict(list)
    for label in dict.fromkeys(labels):
        groups[spelling_key(label)].append(label)
    return [group for group in groups.values() if len(group) > 1]


def known_otherwise(names: Iterable[str], known: Iterable[str]) -> bool:
    """Is one of these labels known, only spelt otherwise?"""
    keys = {spelling_key(label) for label in known}
    return any(spelling_key(name) in keys for name in names)


def spellings(train: Mapping[str, int], others: Iterable[str]) -> dict[str, str]:
    """{label: the spelling that stands for it}, only of labels that change.

    Args:
        train: label → training rows; the most frequent spelling wins, among equals the first by its letters.
        others: labels of other files; those spelt like none of the training labels stay.
    """
    chosen: dict[str, str] = {}
    for label in sorted(train, key=lambda label: (-train[label], label)):
        chosen.setdefault(spelling_key(label), label)
    found = {label: chosen.get(spelling_key(label), label) for label in [*train, *others]}
    return {label: best for label, best in found.items() if label != best}


def merge_spellings(read: dict[str, Examples], findings: Findings) -> dict[str, Examples]:
    """The same examples, labels spelt alike being one in all splits. read: split → examples, "train" among them."""
    counts = Counter(label for label in read["train"].labels if label)
    elsewhere = {label for part in read.values() for label in part.labels if label}
    changes = spellings(counts, elsewhere)
    if not changes:
        return read
    changed = sum(label in changes for part in read.values() for label in part.labels)
    report_merged(changes, count_of(changed), findings)
    return {
        split: replace(part, labels=[changes.get(label, label) for label in part.labels])
        for split, part in read.items()
    }


def report_merged(changes: Mapping[str, str], changed: str, findings: Findings, *, most: int = 10) -> None:
    """changes: label → spelling that stands for it; changed: how much that concerns, in words."""
    into: dict[str, list[str]] = defaultdict(list)
    for label in sorted(changes):
        into[changes[label]].append(label)
    said = [f"{' and '.join(f'“{name}”' for name in names)} as “{best}”" for best, names in sorted(into.items())]
    more = f" and {len(said) - most:,} more" if len(said) > most else ""
    message = f"Spellings merged: {', '.join(said[:most])}{more} ({changed})."
    findings.add("info", "label_spelling", LABEL_FIELD, message)
    findings.mended_by(MERGE, applied=True)


# ---------------------------------------------------------------- repeated rows


def _gold(rows: Rows, i: int) -> bytes | int | None:
    """What a row's gold is compared by; None without one."""
    if rows.labels[i] < 0:
        return None
    return rows.tags[i].tobytes() if rows.tags is not None else int(rows.labels[i])


def repeated(rows: Rows) -> list[int]:
    """Positions of the rows whose text stood there before with the same label (or tags), and in the same language."""
    seen: set[tuple[str, bytes | int | None, str]] = set()
    found = []
    for i, key in enumerate(rows.ids):
        row = (key, _gold(rows, i), rows.languages[i] if rows.languages is not None else "")
        if row in seen:
            found.append(i)
        seen.add(row)
    return found


def conflicting(rows: Rows) -> list[int]:
    """Positions of all rows with a text that has more than one label (or other tags); rows without one do not count."""
    golds: dict[str, set[bytes | int]] = defaultdict(set)
    own = [_gold(rows, i) for i in range(len(rows))]
    for key, gold in zip(rows.ids, own, strict=True):
        if gold is not None:
            golds[key].add(gold)
    return [i for i, key in enumerate(rows.ids) if own[i] is not None and len(golds[key]) > 1]


def mend(rows: Rows, chosen: Remedies, place: tuple[str, str, str], findings: Findings) -> Rows:
    """Rows that are learnt from, without what the chosen remedies leave out.

    place: (how messages call where they come from, "" = several files; its config field; what they are left out of).
    """
    title, field, purpose = place
    steps = (
        (
            chosen.drop_conflicting,
            CONFLICTING,
            conflicting,
            "conflicting_labels",
            "a text that has more than one label",
        ),
        (chosen.drop_duplicates, DUPLICATES, repeated, "duplicate_text", "a text that stood there before"),
    )
    for on, name, positions, code, words in steps:
        gone = set(positions(rows)) if on else set()
        if not gone:
            continue
        where = [rows.source_rows[i] for i in sorted(gone)] if title else []
        of = f" of {title}" if title else ""
        message = f"{count_of(len(gone))}{of} with {words}: left out of {purpose}."
        findings.add("info", code, field, message, where, len(gone))
        findings.mended_by(name, applied=True)
        rows = rows.take([i for i in range(len(rows)) if i not in gone])
    return rows


def merged_tags(tags: Sequence[str], changes: Mapping[str, str], *, plain: bool) -> list[str]:
    """One sentence's tags with the spellings merged. plain: tags stand for themselves; else a prefix comes first."""
    return [_renamed(tag, changes, plain) for tag in tags]


def _renamed(tag: str, changes: Mapping[str, str], plain: bool) -> str:
    own = kind_of(tag, plain=plain)
    return tag if own not in changes else (changes[own] if plain else tag.strip()[:2] + changes[own])


def kind_of(tag: str, *, plain: bool) -> str:
    """ "B-PER" → "PER"; "O" → ""; a plain tag is its own."""
    tag = tag.strip()
    return tag if plain else tag[2:].strip() if tag[1:2] == "-" else ""
