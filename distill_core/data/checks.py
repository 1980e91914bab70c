"""Checks on examples before a run: each adds findings in words, with row numbers; none raises for bad data."""

from __future__ import annotations

import json
import math
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence, Set
from dataclasses import dataclass

import numpy as np

from distill_core.config import Remedies
from distill_core.data import remedies
from distill_core.data.load import Examples
from distill_core.data.types import Findings, Rows, Severity, count_of

LABEL_FIELD = "data.columns.label"
MAX_NAMED = 10
LENGTH_SAMPLE = 5000
IMBALANCE = 10
FEW_ROWS = 30


def names_in_words(names: Sequence[str]) -> str:
    said = ", ".join(f"“{name}”" for name in names[:MAX_NAMED])
    return f"{said} and {len(names) - MAX_NAMED:,} more" if len(names) > MAX_NAMED else said


def drop_empty_texts(examples: Examples, findings: Findings) -> Examples:
    """The examples that have a text (and a second one, for pairs); the others are counted and named."""
    pairs = examples.pairs
    empty = [i for i, text in enumerate(examples.texts) if not text or (pairs is not None and not pairs[i])]
    if not empty:
        return examples
    gone = set(empty)
    labelled = sum(bool(examples.labels[i]) for i in empty)
    message = f"{count_of(len(empty))} of {examples.title} without a text{'' if pairs is None else ' or second text'}"
    message += f", {labelled:,} of them labelled" if labelled else ""
    findings.add("warning", "empty_text", examples.field, f"{message}: left out.", [examples.rows[i] for i in empty])
    return examples.keep([i for i in range(len(examples)) if i not in gone])


def drop_missing_labels(examples: Examples, findings: Findings) -> Examples:
    """For validation and test: the examples that have a label. None left is an error."""
    missing = [i for i, label in enumerate(examples.labels) if not label]
    if not missing:
        return examples
    if len(missing) == len(examples):
        message = f"No row of {examples.title} has a label, so nothing can be measured on it."
        findings.add("error", "no_labels", examples.field, message)
    else:
        message = f"{count_of(len(missing))} of {examples.title} without a label: left out."
        findings.add("warning", "missing_label", examples.field, message, [examples.rows[i] for i in missing])
    return examples.keep([i for i, label in enumerate(examples.labels) if label])


def sorted_labels(labels: Sequence[str]) -> list[str]:
    """Distinct labels in order: by number where all are numbers, else by their letters."""
    distinct = sorted(set(labels) - {""})
    try:
        numbers = {label: float(label) for label in distinct}
    except ValueError:
        return distinct
    if not all(math.isfinite(number) for number in numbers.values()):
        return distinct
    return sorted(distinct, key=lambda label: (numbers[label], label))


def label_list(train: Examples, findings: Findings) -> list[str]:
    """The classes of the training rows; error findings where they cannot be learnt from."""
    labels = sorted_labels(train.labels)
    given = sum(bool(label) for label in train.labels)
    several = [row for row, label in zip(train.rows, train.labels, strict=True) if _is_structure(label)]
    if several:
        message = (
            f"{count_of(len(several))} of {train.title} with a list or an object as label. A text has one class here; "
            f"write it as one name, and leave out rows with several."
        )
        findings.add("error", "several_labels", LABEL_FIELD, message, several)
    elif not labels:
        findings.add("error", "no_labels", LABEL_FIELD, f"No row of {train.title} has a label in this column.")
    elif len(labels) == 1:
        message = f"All labelled rows of {train.title} have the one label “{labels[0]}”; at least two are needed."
        findings.add("error", "one_label", LABEL_FIELD, message)
    elif len(labels) > 20 and len(labels) > given / 2:
        message = (
            f"{len(labels):,} different labels in {count_of(given)} of {train.title}: this column seems to hold "
            f"something else than classes ({names_in_words(labels)})."
        )
        findings.add("error", "too_many_labels", LABEL_FIELD, message)
    return labels


def _is_structure(label: str) -> bool:
    """Is it a list or an object, as JSON and Parquet hold them (`sources.cell`)?"""
    if label[:1] not in ("[", "{"):
        return False
    try:
        return isinstance(json.loads(label), list | dict)
    except ValueError:
        return False


def check_spellings(train: Examples, labels: Sequence[str], findings: Findings) -> None:
    """Warns of labels that differ only in case or spaces: they would be learnt as different classes."""
    counts = Counter(train.labels)
    for group in remedies.spelt_alike(labels):
        rare = min(group, key=lambda label: (counts[label], label))
        rows = [row for row, label in zip(train.rows, train.labels, strict=True) if label == rare]
        spelt = ", ".join(f"“{label}” ({count_of(counts[label])})" for label in group)
        message = f"Labels that differ only in case or spaces count as different classes: {spelt}."
        findings.add("warning", "label_spelling", LABEL_FIELD, message, rows)
        findings.mended_by(remedies.MERGE)


def drop_unknown_labels(examples: Examples, labels: Sequence[str], findings: Findings) -> Examples:
    """An error for labels that no training row has; the examples without those rows."""
    known = set(labels)
    unknown = [i for i, label in enumerate(examples.labels) if label not in known]
    if unknown:
        names = sorted_labels([examples.labels[i] for i in unknown])
        message = (
            f"{count_of(len(unknown))} of {examples.title} with a label that no training row has: "
            f"{names_in_words(names)}. The training labels are {names_in_words(list(labels))}."
        )
        findings.add("error", "unknown_label", examples.field, message, [examples.rows[i] for i in unknown])
        if remedies.known_otherwise(names, labels):
            findings.mended_by(remedies.MERGE)
    return examples.keep([i for i, label in enumerate(examples.labels) if label in known])


def check_class_sizes(counts: dict[str, int], held_out: Sequence[str], findings: Findings) -> None:
    """Classes too small to be split, and strong imbalance.

    Args:
        counts: label → labelled training rows.
        held_out: what is cut out of the training rows ("test", "validation").
    """
    single = [label for label, count in counts.items() if count == 1]
    if single:
        named = f"Only one training row of {names_in_words(single)}"
        if held_out:
            parts = " and ".join(f"the {part}" for part in held_out)
            message = f"{named}, but {parts} rows are cut out of these too. Add rows, or leave the class out."
            findings.add("error", "rare_class", LABEL_FIELD, message)
        else:
            findings.add("warning", "rare_class", LABEL_FIELD, f"{named}. Add rows, or leave the class out.")
    few = [label for label, count in counts.items() if count == 2]
    if few:
        message = f"Only two training rows of {names_in_words(few)}: these classes can hardly be learnt or measured."
        findings.add("warning", "rare_class", LABEL_FIELD, message)
    if len(counts) < 2:
        return
    largest, smallest = max(counts, key=lambda k: counts[k]), min(counts, key=lambda k: counts[k])
    ratio = counts[largest] / max(1, counts[smallest])
    if ratio >= IMBALANCE:
        message = (
            f"Classes are uneven: “{largest}” has {count_of(counts[largest])}, “{smallest}” {counts[smallest]:,} "
            f"({ratio:.0f} times fewer). Look at macro-F1 and the table per class, not at accuracy alone."
        )
        findings.add("info", "imbalance", LABEL_FIELD, message)


MEASURED_ON = ("validation", "test")
MEASURED = " Rows that quality is measured on are kept as they are."


def add_repeats(said: str, rows: list[int], field: str, findings: Findings, chosen: Remedies | None) -> str:
    """The finding on rows (their numbers in the file) that stood there before, with its remedy; what is said of rows
    that the remedies leave alone. chosen: as in `check_duplicates`."""
    kept = MEASURED if chosen is None else ""
    if rows and not (chosen is not None and chosen.drop_duplicates):
        findings.add("info", "duplicate_text", field, said + kept, rows)
        if chosen is not None:
            findings.mended_by(remedies.DUPLICATES)
    return kept


def check_duplicates(
    rows: Rows,
    title: str,
    field: str,
    labels: Sequence[str],
    findings: Findings,
    chosen: Remedies | None = None,
) -> None:
    """Repeated texts (info) and equal texts with different labels (warning) inside one split.

    chosen: the remedies that are on; what they mend is left for them to tell. None: rows that quality is measured on,
    which they leave alone.
    """
    seen: dict[str, int] = {}
    repeats: list[int] = []
    given: dict[str, set[int]] = defaultdict(set)
    for i, (key, label) in enumerate(zip(rows.ids, rows.labels.tolist(), strict=True)):
        if key in seen:
            repeats.append(i)
            given[key].add(label)
            given[key].add(int(rows.labels[seen[key]]))
        else:
            seen[key] = i
    if not repeats:
        return
    torn = {key for key, found in given.items() if len(found - {-1}) > 1}
    if chosen is not None and chosen.drop_conflicting:
        repeats, torn = [i for i in repeats if rows.ids[i] not in torn], set()
    said = f"{count_of(len(repeats))} of {title} with a text that stood there before."
    kept = add_repeats(said, [rows.source_rows[i] for i in repeats], field, findings, chosen)
    if torn:
        where = [i for i, key in enumerate(rows.ids) if key in torn]
        example = next(sorted(given[rows.ids[i]] - {-1}) for i in where)
        message = (
            f"{count_of(len(torn), 'text')} of {title} with more than one label, "
            f"such as {names_in_words([labels[c] for c in example])}.{kept}"
        )
        findings.add("warning", "conflicting_labels", field, message, [rows.source_rows[i] for i in where])
        if chosen is not None:
            findings.mended_by(remedies.CONFLICTING)


@dataclass(frozen=True)
class Overlap:
    """How rows that are left out for standing elsewhere are reported: `N rows {words}.`"""

    severity: Severity
    code: str
    field: str
    words: str


def drop_overlap(rows: Rows, known: Set[str], overlap: Overlap, findings: Findings) -> Rows:
    """`rows` without those whose key is in `known`; what is dropped becomes one finding."""
    shared = [i for i, key in enumerate(rows.ids) if key in known] if len(rows) and known else []
    if not shared:
        return rows
    where = [rows.source_rows[i] for i in shared]
    findings.add(overlap.severity, overlap.code, overlap.field, f"{count_of(len(shared))} {overlap.words}.", where)
    gone = set(shared)
    return rows.take([i for i in range(len(rows)) if i not in gone])


def check_split_sizes(
    splits: dict[str, Rows], fields: dict[str, str], labels: Sequence[str], findings: Findings
) -> None:
    """Splits that are empty, small, or lack a class. fields: split → the config field that decides about it."""
    for name in ("train", "validation", "test"):
        rows, field = splits[name], fields[name]
        if not len(rows):
            findings.add("error", "no_rows", field, f"No {name} rows are left.")
            continue
        counts = np.bincount(rows.labels, minlength=len(labels))
        missing = [label for label, count in zip(labels, counts.tolist(), strict=True) if not count]
        if missing:
            message = f"No {name} row of {names_in_words(missing)}."
            findings.add("error" if name == "train" else "warning", "class_without_rows", field, message)
        if name != "train" and len(rows) < FEW_ROWS:
            message = f"Only {count_of(len(rows))} for {name}: one row more or less right moves quality by "
            findings.add("warning", "few_rows", field, f"{message}{1 / len(rows):.0%}.")


def spread_inputs(splits: dict[str, Rows]) -> tuple[list[str], list[str]]:
    """(texts, second texts or none) of at most 5,000 rows, spread evenly over all splits."""
    pool = [rows for rows in splits.values() if len(rows)]
    total = sum(len(rows) for rows in pool)
    texts: list[str] = []
    pairs: list[str] = []
    for rows in pool:
        number = min(len(rows), max(1, LENGTH_SAMPLE * len(rows) // total))
        spread = np.linspace(0, len(rows) - 1, number).astype(np.int64)
        part = rows.take(spread) if number < len(rows) else rows
        texts += part.texts
        pairs += part.pairs or []
    return texts, pairs


def count_tokens(texts: list[str], pairs: list[str], piece_counter: Callable[[list[str]], list[int]]) -> np.ndarray:
    """[N] tokens of each input, special ones included; int64."""
    lengths = np.asarray(piece_counter(texts), dtype=np.int64)
    if pairs:
        lengths = lengths + np.asarray(piece_counter(pairs), dtype=np.int64) - 1  # [CLS] stands once
    return lengths


def check_lengths(lengths: np.ndarray, max_tokens: int, findings: Findings) -> None:
    """Percentiles of the inputs' lengths, and the share that `max_tokens` cuts. lengths: [N] tokens, N ≥ 1."""
    middle, high, higher = (int(value) for value in np.percentile(lengths, (50, 95, 99)))
    cut = float((lengths > max_tokens).mean())
    message = (
        f"Half the inputs have at most {middle:,} tokens, 95% {high:,}, 99% {higher:,}; the longest {lengths.max():,}. "
    )
    if cut:
        message += f"{'Under 0.1%' if cut < 0.001 else f'{cut:.1%}'} are longer than {max_tokens} and will be cut."
    else:
        message += f"None is longer than {max_tokens}."
    findings.add("warning" if cut > 0.05 else "info", "length", "data.max_tokens", message)
