import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from distill_core.tasks.words import WORD, words_of_characters, words_of_pieces


def test_words_are_runs_of_letters_or_single_signs():
    owner, count = words_of_characters("Don't  go!")
    assert count == 5
    assert owner.tolist() == [0, 0, 0, 1, 2, -1, -1, 3, 3, 4]


@pytest.mark.parametrize("text", ["", "   ", "\t\n"])
def test_a_text_without_visible_characters_has_no_words(text):
    owner, count = words_of_characters(text)
    assert count == 0
    assert (owner == -1).all()
    assert len(owner) == len(text)


@given(st.text(max_size=60))
def test_every_visible_character_has_a_word_and_numbers_rise(text):
    owner, count = words_of_characters(text)
    assert count == len(WORD.findall(text))
    assert [value < 0 for value in owner] == [character.isspace() for character in text]
    visible = owner[owner >= 0]
    assert (np.diff(visible) >= 0).all()
    assert sorted(set(visible.tolist())) == list(range(count))


def test_a_piece_belongs_to_the_word_of_its_first_visible_character():
    owner, _ = words_of_characters("ab  cd-e")
    offsets = np.array([[0, 2], [2, 6], [1, 5], [6, 7], [7, 8], [2, 4], [3, 3], [8, 8]])
    assert words_of_pieces(offsets, owner).tolist() == [0, 1, 0, 2, 3, -1, -1, -1]


def test_pieces_of_an_empty_text():
    owner, _ = words_of_characters("")
    assert words_of_pieces(np.zeros((0, 2), dtype=np.int64), owner).tolist() == []
    assert words_of_pieces(np.array([[0, 0]]), owner).tolist() == [-1]
