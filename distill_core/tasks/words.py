"""Words of a raw text, and which word each word piece belongs to: the units two different tokenisers share."""

from __future__ import annotations

import re

import numpy as np

#: A word is a run of letters, digits and underscores, or one other visible character (Unicode).
WORD = re.compile(r"\w+|[^\w\s]")


def words_of_characters(text: str) -> tuple[np.ndarray, int]:
    """The word each character stands in.

    Returns:
        int32 array [len(text)], −1 on white space, and the number of words in the text.
    """
    owner = np.full(len(text), -1, dtype=np.int32)
    count = 0
    for count, match in enumerate(WORD.finditer(text), start=1):
        owner[match.start() : match.end()] = count - 1
    return owner, count


def words_of_pieces(offsets: np.ndarray, owner: np.ndarray) -> np.ndarray:
    """The word that contains each piece's first visible character.

    Byte-level BPE counts the space before a word as part of its first piece, WordPiece does not: skipping white
    space makes both agree.

    Args:
        offsets: [T, 2] character spans (start, end) of the pieces in the raw text.
        owner: [characters] int32, from `words_of_characters`.

    Returns:
        int32 array [T], −1 for pieces that cover no visible character.
    """
    characters = len(owner)
    # visible[p] = first position ≥ p that is no white space; one more entry for spans at the very end.
    visible = np.full(characters + 1, characters, dtype=np.int64)
    visible[:characters] = np.where(owner >= 0, np.arange(characters), characters)
    visible = np.minimum.accumulate(visible[::-1])[::-1]
    starts, ends = offsets[:, 0], offsets[:, 1]
    first = visible[np.minimum(starts, characters)]
    return np.where(first < ends, np.append(owner, np.int32(-1))[first], -1).astype(np.int32)
