"""Hiding words of a text: whole words, decided by a key alone (BERT, 1810.04805 §3.1, with whole-word masking)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from distill_core.seeds import derived_seed

#: of the chosen pieces: this share becomes the mask piece, this share another piece, the rest stays as it is
MASKED, REPLACED = 0.8, 0.1


@dataclass(frozen=True)
class MaskPieces:
    """What stands in for hidden pieces. mask_id: the mask piece; plain: [K] ids a piece may be replaced by, K ≥ 1."""

    mask_id: int
    plain: np.ndarray


def copy_key(example: str, *, seed: int, epoch: int, share: float) -> str:
    """Key of an example's copy in one epoch: equal keys are masked alike, and teachers answer each once."""
    return f"{example}-{seed}-{epoch}-{share:g}"


def mask_words(
    ids: np.ndarray, words: np.ndarray, key: str, *, share: float, pieces: MaskPieces
) -> tuple[np.ndarray, np.ndarray]:
    """Hides whole words until `share` of the pieces is hidden, at least one word where there is one.

    Words come in random order, each with all its pieces, as long as they fit into the number of pieces to hide: that is
    share·pieces, rounded up or down at random so that it is right on average; the first word fits always. Of the pieces
    chosen 80% become the mask piece, 10% a random one, 10% stay.

    Args:
        ids: [T] pieces. words: [T] word of each, −1 on special pieces.
        key: decides everything that is drawn.
        share: in (0, 1).

    Returns:
        masked ids [T] int32 and targets [T] int32: number of each hidden piece, 0 … W−1 from left to right, −1
        elsewhere.
    """
    targets = np.full(len(ids), -1, dtype=np.int32)
    real = words >= 0
    if not real.any():
        return ids.astype(np.int32), targets
    draw = np.random.Generator(np.random.PCG64(derived_seed(0, "masks", key)))
    names, lengths = np.unique(words[real], return_counts=True)
    wanted = int(share * real.sum() + draw.random())
    chosen: list[int] = []
    taken = 0
    for place in draw.permutation(len(names)).tolist():
        if chosen and taken + lengths[place] > wanted:
            continue
        chosen.append(int(names[place]))
        taken += int(lengths[place])
    hidden = np.flatnonzero(np.isin(words, chosen))
    targets[hidden] = np.arange(len(hidden))
    fate, others = draw.random(len(hidden)), pieces.plain[draw.integers(len(pieces.plain), size=len(hidden))]
    masked = ids.astype(np.int32)
    masked[hidden] = np.where(fate < MASKED, pieces.mask_id, np.where(fate < MASKED + REPLACED, others, masked[hidden]))
    return masked, targets
