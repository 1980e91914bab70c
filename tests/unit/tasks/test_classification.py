import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import accuracy_score, precision_recall_fscore_support

from distill_core.data.types import Rows
from distill_core.errors import CheckpointError
from distill_core.tasks.classification import Classification, encode, per_language, quality
from distill_core.tasks.encoding import collate
from distill_core.tasks.words import words_of_characters
from tests.unit.tasks.builders import byte_bpe, wordpiece

TEXTS = [
    "The cat sat on the mat.",
    "  two  spaces\tand a tab ",
    "any_body order-no #4512 (damaged) — again?!",
    "Übergröße für naïve café-gäste 東京 🙂 ok",
    "unbelievably subscription",
    "x",
]


@pytest.fixture(scope="module")
def pieces():
    return wordpiece()


@pytest.fixture(scope="module")
def bytes_():
    return byte_bpe()


def rows(texts, pairs=None):
    count = len(texts)
    return Rows(list(texts), pairs, np.zeros(count, dtype=np.int64), list(range(1, count + 1)))


def word_texts(encoded, tokenizer, number):
    """word number → what its pieces spell, letters only"""
    found = {}
    for piece, word in zip(encoded.ids[number], encoded.words[number], strict=True):
        if word >= 0:
            found.setdefault(int(word), []).append(int(piece))
    return {word: tokenizer.decode(ids).replace(" ", "").strip() for word, ids in found.items()}


def test_pieces_spell_the_words_they_are_said_to_belong_to(bytes_):
    encoded = encode(bytes_, rows(TEXTS), 200)
    for number, text in enumerate(TEXTS):
        owner, count = words_of_characters(text)
        expected = {word: "".join(c for c, o in zip(text, owner, strict=True) if o == word) for word in range(count)}
        assert word_texts(encoded, bytes_, number) == expected


@pytest.mark.parametrize("trim", [True, False])
def test_two_tokenisers_number_words_alike(pieces, trim):
    ours, theirs = encode(pieces, rows(TEXTS), 200), encode(byte_bpe(trim_offsets=trim), rows(TEXTS), 200)
    for a, b in zip(ours.words, theirs.words, strict=True):
        assert sorted({w for w in a.tolist() if w >= 0}) == sorted({w for w in b.tolist() if w >= 0})
    assert any(len(a) != len(b) for a, b in zip(ours.words, theirs.words, strict=True))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.text(alphabet="abcthe .,!-_19éß\u00a0\n", max_size=30), min_size=1, max_size=3))
def test_two_tokenisers_number_words_alike_on_any_text(texts):
    ours, theirs = encode(_PIECES, rows(texts), 200), encode(_BYTES, rows(texts), 200)
    for text, a, b in zip(texts, ours.words, theirs.words, strict=True):
        count = words_of_characters(text)[1]
        assert {w for w in b.tolist() if w >= 0} == set(range(count))
        assert {w for w in a.tolist() if w >= 0} == set(range(count))


def test_a_piece_that_spans_words_belongs_to_the_first(pieces, bytes_):
    # Byte-level BPE has the piece "'s", WordPiece has "'" and "s": the words after it still agree.
    text = "nobody's order"
    found = encode(bytes_, rows([text]), 64)
    assert word_texts(found, bytes_, 0) == {0: "nobody", 1: "'s", 3: "order"}
    assert {w for w in encode(pieces, rows([text]), 64).words[0].tolist() if w >= 0} == {0, 1, 2, 3}


def test_the_second_text_is_numbered_after_all_words_of_the_first(pieces, bytes_):
    first, second = "the cat sat on the mat", "dog ran"
    for tokenizer in (pieces, bytes_):
        whole = encode(tokenizer, rows([first], [second]), 200)
        assert {w for w in whole.words[0].tolist() if w >= 0} == set(range(8))
        cut = encode(tokenizer, rows([first], [second]), 9)
        assert cut.lengths.tolist() == [9]
        kept = {w for w in cut.words[0].tolist() if w >= 0}
        assert 5 not in kept  # the first text lost its end …
        assert 6 in kept  # … and the second still begins at 6


def test_types_follow_the_tokeniser(pieces, bytes_):
    encoded = encode(pieces, rows(["the cat"], ["dog"]), 64)
    assert encoded.types is not None
    assert encoded.types[0][0] == 0
    assert encoded.types[0][-1] == 1
    assert encode(bytes_, rows(["the cat"], ["dog"]), 64).types is None


def test_inputs_are_cut_and_specials_belong_to_no_word(pieces):
    encoded = encode(pieces, rows(["the cat " * 50, "the"]), 16)
    assert encoded.lengths.tolist() == [16, len(encoded.ids[1])]
    assert encoded.ids[0].dtype == encoded.words[0].dtype == np.int32
    for ids, words in zip(encoded.ids, encoded.words, strict=True):
        assert ids[0] == pieces.cls_token_id
        assert ids[-1] == pieces.sep_token_id
        assert words[0] == words[-1] == -1
        assert (words[1:-1] >= 0).all()


def test_the_tokenisers_own_limit_counts_too(pieces):
    short = wordpiece()
    short.model_max_length = 10
    assert encode(short, rows(["the cat " * 50]), 64).lengths.tolist() == [10]


def test_encoding_in_chunks_changes_nothing(pieces, monkeypatch):
    whole = encode(pieces, rows(TEXTS, TEXTS[::-1]), 20)
    monkeypatch.setattr("distill_core.tasks.encoding.CHUNK", 4)
    parts = encode(pieces, rows(TEXTS, TEXTS[::-1]), 20)
    for name in ("ids", "words", "types"):
        for a, b in zip(getattr(whole, name), getattr(parts, name), strict=True):
            np.testing.assert_array_equal(a, b)


def test_empty_texts_no_texts_and_lone_surrogates(pieces):
    assert encode(pieces, rows([""]), 16).words[0].tolist() == [-1, -1]
    nothing = encode(pieces, rows([]), 16)
    assert len(nothing) == 0
    assert nothing.lengths.shape == (0,)
    odd = encode(pieces, rows(["the \ud800 cat"]), 16)
    assert odd.words[0].tolist() == encode(pieces, rows(["the ? cat"]), 16).words[0].tolist()


def test_a_slow_tokeniser_is_refused_in_words():
    class Slow:
        is_fast = False

    with pytest.raises(CheckpointError, match="characters"):
        encode(Slow(), rows(["a"]), 16)  # type: ignore[arg-type]


def test_collate_pads_right_to_the_longest_of_the_batch(pieces):
    encoded = encode(pieces, rows(TEXTS), 64)
    order = np.array([4, 0, 4])
    batch = collate(encoded, order)
    longest = encoded.lengths[order].max()
    assert batch.input_ids.shape == batch.mask.shape == batch.words.shape == (3, longest)
    assert batch.mask.sum(1).tolist() == encoded.lengths[order].tolist()
    for place, number in enumerate(order):
        length = encoded.lengths[number]
        assert batch.input_ids[place, :length].tolist() == encoded.ids[number].tolist()
        assert (batch.input_ids[place, length:] == pieces.pad_token_id).all()
        assert batch.words[place, :length].tolist() == encoded.words[number].tolist()
        assert (batch.words[place, length:] == -1).all()
    assert batch.type_ids is not None
    assert batch.type_ids.shape == batch.input_ids.shape


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=40))
def test_quality_agrees_with_scikit_learn(pairs):
    gold, predicted = (np.array(column) for column in zip(*pairs, strict=True))
    labels = ["a", "b", "c", "d"]
    found = quality(gold, predicted, labels)
    precision, recall, f1, support = precision_recall_fscore_support(gold, predicted, labels=range(4), zero_division=0)
    assert found[Classification.metric] == pytest.approx(accuracy_score(gold, predicted))
    assert found["macro_f1"] == pytest.approx(f1.mean())
    for number, row in enumerate(found["per_class"]):
        assert row["label"] == labels[number]
        assert [row["precision"], row["recall"], row["f1"]] == pytest.approx(
            [precision[number], recall[number], f1[number]]
        )
        assert row["support"] == support[number]


def test_quality_leaves_out_rows_without_gold_and_refuses_nonsense():
    assert quality(np.array([0, -1, 1]), np.array([0, 0, 0]), ["a", "b"])["accuracy"] == 0.5
    for gold, predicted in [([-1], [0]), ([0], [2]), ([2], [0]), ([0], [-1]), ([0, 1], [0])]:
        with pytest.raises(ValueError):
            quality(np.array(gold), np.array(predicted), ["a", "b"])


_PIECES, _BYTES = wordpiece(), byte_bpe()


def test_each_language_has_its_accuracy():
    gold, predicted = np.array([0, 1, 1, 0, 1, -1, 0]), np.array([0, 1, 0, 1, 1, 0, 0])
    spoken = ["de", "de", "de", "en", "en", "fr", ""]
    given = Rows(list("abcdefg"), None, gold, list(range(1, 8)), languages=spoken)
    found = Classification().quality(given, predicted, ["x", "y"])
    # "fr" has no gold, and the last row no language.
    assert found["per_language"] == {
        "de": {"accuracy": pytest.approx(2 / 3), "examples": 3},
        "en": {"accuracy": 0.5, "examples": 2},
    }
    assert found["macro_language_accuracy"] == pytest.approx((2 / 3 + 1 / 2) / 2)
    assert found["accuracy"] == pytest.approx(4 / 6)
    alone = Classification().quality(rows("ab"), np.array([0, 0]), ["x", "y"])
    assert alone["per_language"] == {} and alone["macro_language_accuracy"] is None
    with pytest.raises(ValueError, match="languages"):
        per_language(gold, predicted, ["de"])
