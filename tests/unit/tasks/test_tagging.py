"""Given words in pieces: every piece knows its word, whatever the tokeniser; and quality and scores agree."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from seqeval.metrics import f1_score
from sklearn.metrics import precision_recall_fscore_support

from distill_core.data.types import Rows
from distill_core.errors import CheckpointError
from distill_core.tasks.base import Targets, build_task
from distill_core.tasks.encoding import collate
from distill_core.tasks.tagging import Tagging, encode_words
from distill_core.tasks.word_tags import WordTags
from tests.unit.tasks.builders import byte_bpe, wordpiece

SENTENCES = [
    ["The", "cat", "sat", ",", "didn't", "it", "?"],
    ["e-mail:", "ada@example.org", "(twenty-two", "days)", "..."],
    ["Übergröße", "für", "naïve", "café-gäste", "東京", "🙂", "ok"],
    ["unbelievably"],
    ["any_body", "#4512", "U.S.A.", "'s", "—", "x"],
]
TOKENISERS = {"wordpiece": wordpiece, "bytes": byte_bpe, "bytes, untrimmed": lambda: byte_bpe(trim_offsets=False)}


@pytest.fixture(scope="module", params=TOKENISERS)
def tokenizer(request):
    return TOKENISERS[request.param]()


def spelled(encoded, tokenizer, number: int) -> dict[int, str]:
    """Word number → what its pieces spell."""
    found: dict[int, list[int]] = {}
    for piece, word in zip(encoded.ids[number].tolist(), encoded.words[number].tolist(), strict=True):
        if word >= 0:
            found.setdefault(word, []).append(piece)
    return {word: tokenizer.decode(pieces).replace(" ", "") for word, pieces in found.items()}


def test_pieces_spell_the_given_words_byte_by_byte():
    tokenizer = byte_bpe()
    encoded = encode_words(tokenizer, SENTENCES, 200)
    for number, sentence in enumerate(SENTENCES):
        assert spelled(encoded, tokenizer, number) == dict(enumerate(sentence))


def test_pieces_spell_the_given_words_in_wordpiece():
    tokenizer = wordpiece()
    encoded = encode_words(tokenizer, SENTENCES, 200)
    for number in (0, 1, 3, 4):
        found = spelled(encoded, tokenizer, number)
        for place, word in enumerate(SENTENCES[number]):
            assert found[place].replace("##", "") == word.lower() or "[UNK]" in found[place]
    assert spelled(encoded, tokenizer, 0)[4].replace("##", "") == "didn't"


def test_every_word_has_a_piece_and_words_come_in_order(tokenizer):
    encoded = encode_words(tokenizer, SENTENCES, 200)
    for sentence, words in zip(SENTENCES, encoded.words, strict=True):
        real = words[words >= 0]
        assert np.unique(real).tolist() == list(range(len(sentence)))
        assert (np.diff(real) >= 0).all()
        assert words[0] == words[-1] == -1, "special pieces belong to no word"
    assert encoded.word_counts.tolist() == [len(sentence) for sentence in SENTENCES]
    assert encoded.lengths.tolist() == [len(ids) for ids in encoded.ids]


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.text(st.characters(codec="utf-8", exclude_categories=["Z", "C"]), min_size=1, max_size=6),
        min_size=1,
        max_size=6,
    )
)
def test_bytes_of_any_words_are_theirs(sentence):
    tokenizer = byte_bpe(trim_offsets=False)
    encoded = encode_words(tokenizer, [sentence], 400)
    assert spelled(encoded, tokenizer, 0) == dict(enumerate(sentence))


def test_a_piece_that_is_only_a_space_belongs_to_no_word():
    """Nothing was merged with a space in front of these, so the space is a piece of its own."""
    for trim in (True, False):
        tokenizer = byte_bpe(trim_offsets=trim)
        encoded = encode_words(tokenizer, [["x", "🙂", "Ω"]], 200)
        pieces = tokenizer.convert_ids_to_tokens(encoded.ids[0].tolist())
        alone = [word for piece, word in zip(pieces, encoded.words[0].tolist(), strict=True) if piece == "Ġ"]
        assert alone == [-1, -1]
        assert spelled(encoded, tokenizer, 0) == {0: "x", 1: "🙂", 2: "Ω"}


def test_what_is_too_long_is_cut_and_still_counted(tokenizer):
    whole, cut = encode_words(tokenizer, SENTENCES, 200), encode_words(tokenizer, SENTENCES, 8)
    assert cut.lengths.max() == 8
    assert cut.word_counts.tolist() == whole.word_counts.tolist()
    for short, long in zip(cut.words, whole.words, strict=True):
        assert short[:-1].tolist() == long[: len(short) - 1].tolist()
        assert short[-1] == -1


def test_a_tokenisers_own_limit_counts_too():
    tokenizer = wordpiece()
    tokenizer.model_max_length = 6
    assert encode_words(tokenizer, SENTENCES, 200).lengths.max() == 6


def test_sentences_of_no_words_and_lone_surrogates_do_no_harm(tokenizer):
    encoded = encode_words(tokenizer, [[], ["a\ud800b", "c"]], 50)
    assert encoded.words[0].tolist() == [-1, -1]
    assert {word for word in encoded.words[1].tolist() if word >= 0} == {0, 1}
    batch = collate(encoded, np.array([0, 1]))
    assert batch.words[0].max() == -1


def test_a_slow_tokeniser_is_refused():
    class Slow:
        is_fast = False

    with pytest.raises(CheckpointError, match="which characters"):
        encode_words(Slow(), SENTENCES, 20)  # type: ignore[arg-type]


# ---------------------------------------------------------------- gold and quality

LABELS = ["O", "B-LOC", "I-LOC", "B-PER", "I-PER"]
WORDS = [["a", "b", "c"], ["d", "e"], ["f", "g", "h", "i"]]
TAGS = [[3, 4, 0], [1, 0], [0, 1, 2, 3]]


def rows(languages: list[str] | None = None) -> Rows:
    texts = [" ".join(words) for words in WORDS]
    tags = [np.array(tags) for tags in TAGS]
    return Rows(texts, None, np.zeros(3), [1, 2, 3], words=WORDS, tags=tags, languages=languages)


def test_gold_is_flat_and_handed_out_by_rows():
    task = build_task("tagging")
    assert isinstance(task, Tagging)
    gold, counts = task.gold(rows()), task.counts(rows())
    assert gold.tolist() == [tag for tags in TAGS for tag in tags]
    assert counts.tolist() == [3, 2, 4]
    batch = Targets(gold, counts).batch(np.array([2, 1]), 3)
    assert batch.tolist() == [[0, 1, 2], [1, 0, -1]]


def test_quality_by_hand():
    predicted = np.array([3, 4, 0, 3, 0, 0, 1, 0, 3])  # right: a b, i; wrong type: d; cut short: g h
    found = Tagging().quality(rows(["en", "en", "de"]), predicted, LABELS)
    assert found["precision"] == found["recall"] == found["f1"] == pytest.approx(2 / 4)
    assert found["per_language"]["en"]["f1"] == pytest.approx(1 / 2)
    assert found["per_language"]["de"]["f1"] == pytest.approx(1 / 2)
    assert found["token_accuracy"] == pytest.approx(7 / 9)


tags_of_all = st.lists(st.integers(0, 4), min_size=9, max_size=9)


@settings(max_examples=100, deadline=None)
@given(tags_of_all)
def test_the_metric_is_the_sum_of_the_sentences_scores(predicted):
    task = Tagging()
    quality = task.quality(rows(), np.array(predicted), LABELS)
    numerator, denominator = task.scores(rows(), np.array(predicted), LABELS)
    assert numerator.shape == denominator.shape == (3,)
    assert quality[task.metric] == pytest.approx(numerator.sum() / denominator.sum())
    named = [[LABELS[i] for i in part] for part in np.split(np.array(predicted), [3, 5])]
    gold = [[LABELS[i] for i in tags] for tags in TAGS]
    assert quality["f1"] == pytest.approx(f1_score(gold, named, zero_division=0))


# ---------------------------------------------------------------- tags of no entities

PLAIN = ["ADJ", "NOUN", "PRON", "VERB", "X"]


def test_tags_without_entities_are_scored_word_by_word():
    task = Tagging().for_labels(PLAIN)
    assert isinstance(task, WordTags) and (task.name, task.metric, task.unit) == ("tagging", "accuracy", "word")
    assert type(Tagging().for_labels(LABELS)) is Tagging and Tagging.metric == "f1"
    # gold: 3 4 0 | 1 0 | 0 1 2 3; the last word was cut off.
    predicted = np.array([3, 4, 1, 1, 1, 0, 1, 0, -1])
    found = task.quality(rows(["en", "en", "de"]), predicted, PLAIN)
    assert found["accuracy"] == pytest.approx(5 / 9)
    assert found["per_language"] == {
        "de": {"accuracy": 0.5, "sentences": 1, "words": 4},
        "en": {"accuracy": pytest.approx(3 / 5), "sentences": 2, "words": 5},
    }
    assert found["macro_language_accuracy"] == pytest.approx((1 / 2 + 3 / 5) / 2)
    gold = [tag for tags in TAGS for tag in tags]
    precision, recall, f1, support = precision_recall_fscore_support(gold, predicted, labels=range(5), zero_division=0)
    assert [row["label"] for row in found["per_class"]] == PLAIN
    assert [row["f1"] for row in found["per_class"]] == pytest.approx(f1.tolist())
    assert [row["recall"] for row in found["per_class"]] == pytest.approx(recall.tolist())
    assert [row["precision"] for row in found["per_class"]] == pytest.approx(precision.tolist())
    assert [row["support"] for row in found["per_class"]] == support.tolist()
    assert found["macro_f1"] == pytest.approx(f1.mean())
    numerator, denominator = task.scores(rows(), predicted, PLAIN)
    assert numerator.tolist() == [2, 1, 2] and denominator.tolist() == [3, 2, 4]
