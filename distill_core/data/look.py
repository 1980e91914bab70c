"""What there is to see of data before a run: columns and what they are used as, classes by split, lengths of inputs."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from distill_core.data import checks
from distill_core.data.draft import DataConfig, Draft
from distill_core.data.types import Lengths, Look, Rows
from distill_core.tasks.base import build_task

MOST_BINS = 20
#: words as long as this on average: white space divides little in this language
LONG_WORD = 15


def look_at(draft: Draft, config: DataConfig, piece_counter: Callable[[list[str]], list[int]] | None) -> Look:
    """A look at what was prepared, as far as that came; what tokens say about `max_tokens` becomes a finding.

    piece_counter: pieces (special ones included) of each text; without one, words or characters are counted.
    """
    splits = draft.splits or ({"train": draft.read} if draft.read is not None else {})
    texts, pairs = checks.spread_inputs(splits)
    lengths = None
    if texts and piece_counter is not None:
        tokens = checks.count_tokens(texts, pairs, piece_counter)
        if draft.splits is not None:
            checks.check_lengths(tokens, config.max_tokens, draft.findings)
        over = float((tokens > config.max_tokens).mean())
        lengths = histogram(tokens, "tokens", limit=config.max_tokens, over=over)
    elif texts:
        lengths = histogram(*_without_tokens(texts, pairs))
    return Look(
        columns=tuple((name, draft.roles.get(name)) for name in draft.columns),
        rows=tuple(draft.first_rows),
        counted=_counted(draft, config),
        balance=_balance(draft),
        sizes=dict(draft.sizes),
        lengths=lengths,
        read=draft.rows_read,
    )


def _counted(draft: Draft, config: DataConfig) -> str:
    if build_task(config.task).unit != "word":
        return "rows"
    return "entities" if _iob2(draft) else "words"


def _iob2(draft: Draft) -> bool:
    """Are the labels "O", and then "B-X" and "I-X" of each type? Plain tags stand for themselves."""
    return bool(draft.balance) and len(draft.labels) == 1 + 2 * len(draft.balance)


def _balance(draft: Draft) -> dict[str, dict[str, int]]:
    if draft.splits is None or not draft.balance:
        return {label: {"train": count} for label, count in draft.balance.items()}
    names = list(draft.balance)
    found: dict[str, dict[str, int]] = {name: {} for name in names}
    for split in ("train", "validation", "test"):
        for name, count in zip(names, _counts(draft, draft.splits[split], len(names)), strict=True):
            found[name][split] = count
    return found


def _counts(draft: Draft, rows: Rows, number: int) -> list[int]:
    """How often each class, type of entity or tag stands in these rows, in the order of the draft's balance."""
    if rows.tags is None:
        return np.bincount(rows.labels[rows.labels >= 0], minlength=number).tolist()
    tags = np.concatenate(rows.tags) if rows.tags else np.empty(0, dtype=np.int64)
    counts: list[int] = np.bincount(tags[tags >= 0], minlength=len(draft.labels)).tolist()
    return counts[1::2] if _iob2(draft) else counts  # an entity is counted by its first word


def _without_tokens(texts: Sequence[str], pairs: Sequence[str]) -> tuple[np.ndarray, str]:
    whole = [f"{text} {pair}" for text, pair in zip(texts, pairs, strict=True)] if pairs else list(texts)
    words = np.array([len(text.split()) for text in whole], dtype=np.int64)
    characters = np.array([len(text) for text in whole], dtype=np.int64)
    if characters.sum() > LONG_WORD * max(1, int(words.sum())):
        return characters, "characters"
    return words, "words"


def histogram(lengths: np.ndarray, unit: str, *, limit: int | None = None, over: float | None = None) -> Lengths:
    """Bins of equal width (1, 2 or 5 times a power of ten) up to the 99th percentile, 20 at most; the last is open
    where longer inputs follow. lengths: [N] ≥ 0, N ≥ 1."""
    middle, high, nearly_all = (int(value) for value in np.percentile(lengths, (50, 95, 99), method="higher"))
    longest, shortest = int(lengths.max()), int(lengths.min())
    width = next(
        factor * 10**power
        for power in range(19)
        for factor in (1, 2, 5)
        if nearly_all // (factor * 10**power) - shortest // (factor * 10**power) < MOST_BINS
    )
    first, last = shortest // width, nearly_all // width
    numbers = np.minimum(lengths // width, last) - first
    counts = np.bincount(numbers, minlength=last - first + 1).tolist()
    is_open = longest // width > last
    bins = tuple(
        ((first + i) * width, None if is_open and i == last - first else (first + i + 1) * width - 1, count)
        for i, count in enumerate(counts)
    )
    return Lengths(unit, len(lengths), bins, middle, high, longest, limit, over)
