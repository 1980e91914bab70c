"""Which words are hidden, and what stands in their place."""

from __future__ import annotations

import numpy as np
import pytest

from distill_core.tasks.masking import MaskPieces, copy_key, mask_words

MASK, VOCAB = 4, 200
PIECES = MaskPieces(MASK, np.arange(5, VOCAB))
#: [CLS], seven words of 1 to 3 pieces, [SEP]
WORDS = np.array([-1, 0, 1, 1, 2, 2, 2, 3, 4, 4, 5, 6, -1])
IDS = np.array([2, *range(20, 31), 3], dtype=np.int32)


def masked(key: str, share: float = 0.15):
    return mask_words(IDS, WORDS, key, share=share, pieces=PIECES)


def test_masks_are_a_function_of_the_key():
    first, again = masked("a"), masked("a")
    assert np.array_equal(first[0], again[0]) and np.array_equal(first[1], again[1])
    others = [masked(f"a{n}")[1] for n in range(20)]
    assert len({targets.tobytes() for targets in others}) > 5


@pytest.mark.parametrize(("seed", "epoch", "share"), [(2, 0, 0.15), (1, 1, 0.15), (1, 0, 0.2)])
def test_copies_have_keys_of_their_own(seed, epoch, share):
    assert copy_key("id", seed=seed, epoch=epoch, share=share) != copy_key("id", seed=1, epoch=0, share=0.15)


@pytest.mark.parametrize("share", [0.01, 0.15, 0.5])
def test_whole_words_are_hidden_numbered_from_the_left(share):
    for number in range(100):
        ids, targets = masked(f"w{number}", share)
        hidden = targets >= 0
        assert hidden.any()
        assert not hidden[WORDS < 0].any()
        for word in range(7):
            assert hidden[word == WORDS].all() or not hidden[word == WORDS].any()
        assert targets[hidden].tolist() == list(range(hidden.sum()))
        assert np.array_equal(ids[~hidden], IDS[~hidden])


def test_shares_of_pieces_and_of_their_fates():
    words = np.concatenate([[-1], np.arange(40), [-1]])
    ids = np.concatenate([[2], np.full(40, 30), [3]]).astype(np.int32)
    found = [mask_words(ids, words, f"s{n}", share=0.15, pieces=PIECES) for n in range(1000)]
    hidden = np.concatenate([got[targets >= 0] for got, targets in found])
    assert len(hidden) / 40_000 == pytest.approx(0.15, abs=0.005)
    assert np.mean(hidden == MASK) == pytest.approx(0.8, abs=0.02)
    # One replacement in 195 is the piece itself.
    assert np.mean(hidden == 30) == pytest.approx(0.1, abs=0.02)
    assert set(np.unique(hidden)) <= {MASK, *range(5, VOCAB)}


def test_a_short_text_loses_one_word_whatever_the_share():
    _, targets = mask_words(np.array([2, 9, 10, 3]), np.array([-1, 0, 0, -1]), "k", share=0.01, pieces=PIECES)
    assert targets.tolist() == [-1, 0, 1, -1]


def test_a_text_without_words_stays_as_it_is():
    ids, targets = mask_words(np.array([2, 3]), np.array([-1, -1]), "k", share=0.5, pieces=PIECES)
    assert ids.tolist() == [2, 3] and targets.tolist() == [-1, -1]
