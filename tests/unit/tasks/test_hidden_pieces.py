"""What is told of hidden pieces: their characters, kinds, how they were hidden, how frequent they are, their names."""

from __future__ import annotations

import numpy as np
import pytest

from distill_core.data.types import PreparedData, Rows
from distill_core.tasks.classification import encode
from distill_core.tasks.hidden_pieces import (
    ANOTHER,
    FIRST,
    LATER,
    MASK,
    NUMBER,
    SAME,
    SIGN,
    WHOLE,
    count_training,
    look_at,
    names_of,
)
from distill_core.tasks.masked_lm import MaskedLM
from tests.unit.tasks.builders import byte_bpe, wordpiece

TEXTS = ["the cat sat, order 4512!", "Canning  the dog:  42 caught it?", "the cat sat, order 4512!", "§ naïve 3rd"]


@pytest.fixture(scope="module", params=["wordpiece", "bpe", "bpe with spaces"])
def tokenizer(request):
    made = wordpiece() if request.param == "wordpiece" else byte_bpe(trim_offsets=request.param == "bpe")
    made.add_special_tokens({"mask_token": "[MASK]" if request.param == "wordpiece" else "<mask>"})
    return made


def rows_of(texts) -> Rows:
    return Rows(list(texts), None, np.zeros(len(texts)), list(range(1, len(texts) + 1)))


def test_pieces_stand_where_the_text_has_them(tokenizer) -> None:
    rows = rows_of([f"{text} {number}" for number in range(20) for text in TEXTS])
    encoded = MaskedLM(0.4).encode(tokenizer, rows, 64)
    found = look_at(tokenizer, rows.texts, encoded, 64)
    assert len(found.starts) == encoded.word_counts.sum() > 200
    owner = np.repeat(np.arange(len(rows)), encoded.word_counts)
    unknown = tokenizer.unk_token_id
    compared = 0
    for row, start, width, gold in zip(owner, found.starts, found.widths, encoded.gold.all(), strict=True):
        said = rows.texts[row][start : start + width]
        assert said and said == said.strip()
        piece = tokenizer.decode([int(gold)]).strip().removeprefix("##")
        if gold == unknown or "�" in piece or not said.isascii():
            continue
        compared += 1
        assert said.lower() == piece.lower()
    assert compared > 150


def test_how_a_piece_was_hidden(tokenizer) -> None:
    rows = rows_of([f"{text} {number}" for number in range(40) for text in TEXTS])
    encoded = MaskedLM(0.4).encode(tokenizer, rows, 64)
    found = look_at(tokenizer, rows.texts, encoded, 64)
    read = np.concatenate([ids[targets >= 0] for ids, targets in zip(encoded.ids, encoded.targets, strict=True)])
    gold = encoded.gold.all()
    assert np.array_equal(found.hidden == MASK, read == tokenizer.mask_token_id)
    assert np.array_equal(found.hidden == SAME, read == gold)
    assert ((found.hidden == ANOTHER) == ((read != gold) & (read != tokenizer.mask_token_id))).all()
    shares = np.bincount(found.hidden, minlength=3) / len(gold)
    assert shares[MASK] == pytest.approx(0.8, abs=0.08) and shares[ANOTHER] > 0.03 and shares[SAME] > 0.03


def test_kinds_by_the_words_that_pieces_stand_in() -> None:
    tokenizer = wordpiece()
    tokenizer.add_special_tokens({"mask_token": "[MASK]"})
    rows = rows_of(["the ordering, 42!"] * 60)
    rows.__dict__["ids"] = [f"key {number}" for number in range(60)]
    encoded = MaskedLM(0.5).encode(tokenizer, rows, 64)
    found = look_at(tokenizer, rows.texts, encoded, 64)
    # "the", "order" + "##ing", ",", "4" + "##2", "!" by where they begin.
    expected = {0: WHOLE, 4: FIRST, 9: LATER, 12: SIGN, 14: NUMBER, 15: NUMBER, 16: SIGN}
    assert set(found.starts.tolist()) == set(expected)
    assert [expected[start] for start in found.starts.tolist()] == found.kinds.tolist()


def test_training_text_is_counted_as_it_was_before_it_was_masked(tokenizer) -> None:
    rows = rows_of(TEXTS)
    empty = rows.take([])
    data = PreparedData("text", [], rows, empty, rows, rows, [], "", "masked_lm")
    task = MaskedLM(0.3, epochs=3)
    pool = task.encode(tokenizer, task.pool(data), 64)
    plain = encode(tokenizer, rows, 64)
    expected = np.bincount(plain.ids.all()[plain.words.all() >= 0], minlength=len(tokenizer))
    assert count_training(pool, task.copies, len(tokenizer)).tolist() == expected.tolist()


def test_every_piece_has_a_name_of_its_own(tokenizer) -> None:
    names = names_of(tokenizer, np.arange(len(tokenizer) + 3))
    assert len(set(names)) == len(names) and all(names)
    assert names[-1] == f"piece {len(tokenizer) + 2}"
    known = tokenizer("the", add_special_tokens=False)["input_ids"]
    assert len(known) > 1 or names[known[0]].startswith("the")


def test_other_texts_than_were_masked_are_refused(tokenizer) -> None:
    encoded = MaskedLM(0.3).encode(tokenizer, rows_of(["the cat sat"]), 64)
    with pytest.raises(ValueError, match="pieces here"):
        look_at(tokenizer, ["the cat sat on the dog"], encoded, 64)
