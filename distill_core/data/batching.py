"""Which examples go into a batch together: texts of similar length, so that little is padding."""

from __future__ import annotations

import numpy as np

#: padded tokens of a batch for inference: more do not make a CPU faster, and fewer texts of like length pad less
MOST_TOKENS = 4096


def epoch_batches(
    lengths: np.ndarray, batch_size: int, *, seed: int, epoch: int, megabatch: int = 50
) -> list[np.ndarray]:
    """The batches of one epoch.

    The rows are shuffled, cut into megabatches of `megabatch` batches, sorted by length inside each, and the batches'
    order is shuffled: batches hold similar lengths, yet differ from epoch to epoch.

    Args:
        lengths: [N] pieces of each example.
        batch_size: examples per batch, at least 1; one batch of the epoch may be smaller.
        seed, epoch: the same pair gives the same batches on every machine; both at least 0.
        megabatch: batches sorted together, at least 1.

    Returns:
        arrays of positions into `lengths` (int64); every position stands in exactly one.
    """
    if batch_size < 1 or megabatch < 1:
        raise ValueError(f"batch_size and megabatch must be at least 1, not {batch_size} and {megabatch}")
    lengths = np.asarray(lengths)
    generator = np.random.Generator(np.random.PCG64([seed, epoch]))
    order = generator.permutation(len(lengths)).astype(np.int64)
    batches: list[np.ndarray] = []
    for start in range(0, len(order), batch_size * megabatch):
        chunk = order[start : start + batch_size * megabatch]
        batches += _cut(chunk[np.argsort(lengths[chunk], kind="stable")], batch_size)
    return [batches[i] for i in generator.permutation(len(batches))]


def sorted_batches(lengths: np.ndarray, batch_size: int, tokens: int = MOST_TOKENS) -> list[np.ndarray]:
    """Batches for inference, longest first: too little memory then shows at once. Every position stands in one. Of long
    texts there are fewer in a batch, so that it has no more than so many padded tokens."""
    if batch_size < 1:
        raise ValueError(f"batch_size must be at least 1, not {batch_size}")
    return cut_by_tokens(lengths, tokens, batch_size)


def cut_by_tokens(lengths: np.ndarray, tokens: int, most: int | None = None) -> list[np.ndarray]:
    """Rows, longest first, in batches of so many padded tokens each, at most, and `most` rows; a longer row stands
    alone."""
    if tokens < 1:
        raise ValueError(f"tokens must be at least 1, not {tokens}")
    order = np.argsort(-np.asarray(lengths, dtype=np.int64), kind="stable").astype(np.int64)
    batches, start = [], 0
    while start < len(order):
        # Sorted: the first of a batch is its longest.
        count = max(1, tokens // max(1, int(lengths[order[start]])))
        count = count if most is None else min(count, most)
        batches.append(order[start : start + count])
        start += count
    return batches


def _cut(order: np.ndarray, batch_size: int) -> list[np.ndarray]:
    return [order[start : start + batch_size] for start in range(0, len(order), batch_size)]
