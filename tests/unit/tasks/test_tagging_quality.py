"""Held to seqeval itself, in both of its modes, on tags of every kind, well formed or not."""

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from seqeval.metrics import f1_score, precision_score, recall_score
from seqeval.metrics.sequence_labeling import precision_recall_fscore_support
from seqeval.scheme import IOB2

from distill_core.tasks.tagging_quality import entity_counts, tagging_quality

TAGS = ["O", "B-LOC", "I-LOC", "B-PER", "I-PER", "B-MISC-X", "I-MISC-X"]
MODES: dict[str, dict[str, Any]] = {"conlleval": {}, "strict": {"mode": "strict", "scheme": IOB2}}


def iob2(tags: list[str]) -> list[str]:
    """The same tags, every entity beginning with B."""
    fixed, before = [], "O"
    for tag in tags:
        fixed.append("B" + tag[1:] if tag[0] == "I" and before[1:] != tag[1:] else tag)
        before = tag
    return fixed


sentence = st.integers(1, 7).flatmap(
    lambda n: st.tuples(
        st.lists(st.sampled_from(TAGS), min_size=n, max_size=n).map(iob2),
        st.lists(st.sampled_from(TAGS), min_size=n, max_size=n),
    )
)
corpora = st.lists(sentence, min_size=1, max_size=6).map(lambda rows: ([g for g, _ in rows], [p for _, p in rows]))


def asked(score: Callable[..., Any], gold: list, predicted: list, mode: str) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return score(gold, predicted, zero_division=0, **MODES[mode])


@pytest.mark.parametrize("mode", MODES)
@settings(max_examples=300, deadline=None)
@given(corpora)
def test_all_figures_are_seqevals(mode: Any, corpus: tuple[list, list]) -> None:
    gold, predicted = corpus
    found = tagging_quality(gold, predicted, mode=mode)
    for key, score in (("f1", f1_score), ("precision", precision_score), ("recall", recall_score)):
        assert found[key] == pytest.approx(asked(score, gold, predicted, mode), abs=1e-12), key
    right, said, support = entity_counts(gold, predicted, mode=mode)
    whole = int(said.sum() + support.sum())
    assert (2 * int(right.sum()) / whole if whole else 0.0) == found["f1"]
    assert found["mode"] == mode and len(right) == len(said) == len(support) == len(gold)


@settings(max_examples=200, deadline=None)
@given(corpora)
def test_types_are_seqevals(corpus: tuple[list, list]) -> None:
    gold, predicted = corpus
    rows = tagging_quality(gold, predicted)["per_class"]
    precision, recall, f1, support = asked(precision_recall_fscore_support, gold, predicted, "conlleval")
    # seqeval leaves out types that have tags but no entity; in conlleval mode there are none.
    assert [row["label"] for row in rows] == sorted(row["label"] for row in rows)
    assert [row["support"] for row in rows] == list(support)
    for key, values in (("precision", precision), ("recall", recall), ("f1", f1)):
        assert [row[key] for row in rows] == pytest.approx(list(values), abs=1e-12)


@settings(max_examples=100, deadline=None)
@given(corpora, st.data())
def test_counts_of_a_sentence_do_not_depend_on_its_neighbours(corpus: tuple[list, list], data: st.DataObject) -> None:
    gold, predicted = corpus
    chosen = data.draw(st.integers(0, len(gold) - 1))
    alone = entity_counts([gold[chosen]], [predicted[chosen]])
    assert [c[chosen] for c in entity_counts(gold, predicted)] == [c[0] for c in alone]


def test_the_modes_differ_exactly_where_a_tag_continues_nothing() -> None:
    gold, emitted = [["B-PER", "I-PER", "O"]], [["I-PER", "I-PER", "O"]]
    assert tagging_quality(gold, emitted, mode="conlleval")["f1"] == 1.0
    strict = tagging_quality(gold, emitted, mode="strict")
    assert strict["f1"] == strict["precision"] == 0.0
    assert [c.tolist() for c in entity_counts(gold, emitted, mode="strict")] == [[0], [0], [1]]
    assert tagging_quality(gold, emitted)["mode"] == "conlleval"


def test_by_hand() -> None:
    gold = [["B-PER", "I-PER", "O", "B-LOC"], ["O", "O"], ["B-LOC", "B-LOC"]]
    predicted = [["B-PER", "O", "O", "B-LOC"], ["O", "B-LOC"], ["B-LOC", "I-LOC"]]
    right, said, support = entity_counts(gold, predicted)
    assert (right.tolist(), said.tolist(), support.tolist()) == ([1, 0, 0], [2, 1, 1], [2, 0, 2])
    found = tagging_quality(gold, predicted, ["en", "en", "pl"])
    assert found["f1"] == pytest.approx(2 / 8) and found["token_accuracy"] == pytest.approx(5 / 8)
    assert found["per_language"] == {
        "en": {"f1": 2 / 5, "precision": 1 / 3, "recall": 1 / 2, "entities": 2, "sentences": 2},
        "pl": {"f1": 0.0, "precision": 0.0, "recall": 0.0, "entities": 2, "sentences": 1},
    }
    assert found["macro_language_f1"] == pytest.approx(0.2)
    loc = {"label": "LOC", "precision": 1 / 3, "recall": 1 / 3, "f1": 1 / 3, "support": 3}
    per = {"label": "PER", "precision": 0.0, "recall": 0.0, "f1": 0.0, "support": 1}
    assert found["per_class"] == [loc, per]


@settings(max_examples=50, deadline=None)
@given(corpora)
def test_a_languages_figures_are_those_of_its_sentences_alone(corpus: tuple[list, list]) -> None:
    gold, predicted = corpus
    languages = [("de", "en", "ru")[i % 3] for i in range(len(gold))]
    found = tagging_quality(gold, predicted, languages)
    for language, row in found["per_language"].items():
        chosen = [i for i, name in enumerate(languages) if name == language]
        alone = tagging_quality([gold[i] for i in chosen], [predicted[i] for i in chosen])
        assert {key: row[key] for key in ("f1", "precision", "recall")} == {
            key: alone[key] for key in ("f1", "precision", "recall")
        }
        assert row["sentences"] == len(chosen)


def test_a_language_without_entities_does_not_pull_the_mean_down() -> None:
    found = tagging_quality([["B-PER"], ["O"]], [["B-PER"], ["O"]], ["en", "de"])
    assert found["per_language"]["de"]["f1"] == 0.0 and found["macro_language_f1"] == 1.0
    assert tagging_quality([["O"]], [["O"]], ["de"])["macro_language_f1"] is None
    bare = tagging_quality([["B-PER"]], [["B-PER"]])
    assert bare["macro_language_f1"] is None and bare["per_language"] == {}


def test_sentences_of_an_unknown_language_count_in_none() -> None:
    found = tagging_quality([["B-PER"], ["B-LOC"]], [["B-PER"], ["O"]], ["en", ""])
    assert list(found["per_language"]) == ["en"] and found["macro_language_f1"] == 1.0
    assert found["f1"] == pytest.approx(2 / 3)


def test_the_rows_wanted_come_first_and_are_always_there() -> None:
    rows = tagging_quality([["B-PER", "B-AGE"]], [["B-PER", "O"]], types=["PER", "LOC"])["per_class"]
    assert [(row["label"], row["support"]) for row in rows] == [("PER", 1), ("LOC", 0), ("AGE", 1)]


def test_nothing_to_find_and_nothing_found_is_0() -> None:
    found = tagging_quality([["O", "O"]], [["O", "O"]])
    assert (found["f1"], found["precision"], found["recall"], found["token_accuracy"]) == (0.0, 0.0, 0.0, 1.0)


def test_an_entity_never_runs_into_the_next_sentence() -> None:
    assert [c.tolist() for c in entity_counts([["O"], ["B-LOC"]], [["B-LOC"], ["I-LOC"]])] == [[0, 1], [1, 1], [0, 1]]


@pytest.mark.parametrize(
    ("gold", "predicted", "words"),
    [
        ([], [], "at least one"),
        ([["O"]], [["O", "O"]], "word for word"),
        ([["O"]], [["O"], ["O"]], "same sentences"),
        ([["O"], ["O", "I-LOC"]], [["O"], ["O", "O"]], "in sentence 1"),
        ([["B-PER", "I-LOC"]], [["O", "O"]], "not IOB2"),
        ([["O"]], [["LOC"]], "'LOC'"),
        ([["O"]], [["B-"]], "'B-'"),
        ([["O"]], [["S-LOC"]], "'S-LOC'"),
        ([[]], [[]], "one word"),
    ],
)
def test_what_cannot_be_scored_is_refused(gold: list, predicted: list, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        tagging_quality(gold, predicted)


def test_wrong_languages_and_modes_are_refused() -> None:
    with pytest.raises(ValueError, match="2 languages"):
        tagging_quality([["O"]], [["O"]], ["en", "de"])
    with pytest.raises(ValueError, match="mode"):
        tagging_quality([["O"]], [["O"]], mode="loose")  # type: ignore[arg-type]


def test_many_sentences_are_counted_at_once() -> None:
    """As seqeval on a corpus large enough for positions to exceed small integers."""
    rng = np.random.default_rng(0)
    gold = [iob2(list(rng.choice(TAGS, size=9))) for _ in range(3000)]
    predicted = [list(rng.choice(TAGS, size=9)) for _ in gold]
    assert tagging_quality(gold, predicted)["f1"] == pytest.approx(asked(f1_score, gold, predicted, "conlleval"))
