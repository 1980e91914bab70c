"""Tagging: one tag a word. Encoding of given words, first piece scored; quality is entity-level F1.

Where the tags are of no entities (parts of speech), `for_labels` gives `word_tags.WordTags` in its place.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from distill_core.tasks.base import Encoded, Task, TaskWords
from distill_core.tasks.encoding import encodable, encode_texts
from distill_core.tasks.tagging_quality import entity_counts, tagging_quality

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

    from distill_core.data.draft import DataConfig, Draft
    from distill_core.data.types import Rows


def encode_words(tokenizer: PreTrainedTokenizerFast, sentences: list[list[str]], max_tokens: int) -> Encoded:
    """Tokenise given words; every piece knows the word it belongs to. What is beyond `max_tokens` pieces is cut off.

    Words are joined by one space, so that tokenisers that count it as part of the word that follows (byte-level BPE)
    see running text.

    Raises:
        CheckpointError: the tokeniser has no character offsets (a slow one).
    """
    given = [encodable(sentence) for sentence in sentences]

    def words_of(row: int, text: tuple[str, ...], sequence_ids: Sequence[int | None], spans: np.ndarray) -> np.ndarray:
        del text
        return _words(given[row], spans, np.asarray([s is None for s in sequence_ids]))

    # Words are found again by their characters in the joined text: that works alike for all tokenisers, also for those
    # that refuse lists of words without a space in front.
    encoded = encode_texts(tokenizer, [" ".join(sentence) for sentence in given], None, max_tokens, words_of)
    encoded.word_counts = np.asarray([len(sentence) for sentence in sentences], dtype=np.int64)
    return encoded


def _words(sentence: list[str], spans: np.ndarray, special: np.ndarray) -> np.ndarray:
    """[T] word of each piece of a sentence whose words were joined by one space; −1 on special pieces."""
    starts = np.cumsum([0] + [len(word) + 1 for word in sentence])[:-1]
    # The last character of a piece: its first may be the space before the word.
    last = np.maximum(spans[:, 1] - 1, spans[:, 0])
    owner = np.searchsorted(starts, last, side="right") - 1
    ends = starts + [len(word) for word in sentence]
    none = special | (spans[:, 1] <= spans[:, 0])
    # A piece that is nothing but the space between two words belongs to neither.
    return np.where(none | (last >= np.append(ends, 0)[owner]), -1, owner).astype(np.int32)


def plain(labels: Sequence[str]) -> bool:
    """Do these tags stand for themselves, as none of them begins an entity?"""
    return not any(label.startswith("B-") for label in labels)


class Tagging(Task):
    """One tag a word (IOB2); quality is micro F1 over exact entities, span and type (2004.05686 §5)."""

    name, metric, unit = "tagging", "f1", "word"
    words = TaskWords(
        files="Files: one JSON object a line with tokens and tags, Parquet with lists of both, or CoNLL (one word a "
        "line with its tag).",
        student="A tagger of words",
        metric="entity F1",
        row="test sentence",
        classes=("Entity types", "type", "entities"),
    )
    bundled, entities = "train.jsonl", True

    def draft(self, config: DataConfig, seed: int) -> Draft:
        from distill_core.data.tagging_draft import draft_tagging

        return draft_tagging(config, seed)

    def count_words(self, labels: Sequence[str]) -> str:
        """ "3 types": every type has two tags, and O none; or "17 tags" of no entities."""
        if plain(labels):
            return f"{len(labels)} tags"
        types = max(0, (len(labels) - 1) // 2)
        return f"{types} type{'' if types == 1 else 's'}"

    def for_labels(self, labels: Sequence[str]) -> Tagging:
        from distill_core.tasks.word_tags import WordTags

        return WordTags() if plain(labels) else self

    def measured_by(self, metric: str) -> Tagging:
        from distill_core.tasks.word_tags import WordTags

        return WordTags() if metric == WordTags.metric else self

    def encode(self, tokenizer: PreTrainedTokenizerFast, rows: Rows, max_tokens: int) -> Encoded:
        return encode_words(tokenizer, rows.words or [], max_tokens)

    def gold(self, rows: Rows) -> np.ndarray:
        tags = rows.tags or []
        return np.concatenate(tags).astype(np.int64) if tags else np.empty(0, dtype=np.int64)

    def counts(self, rows: Rows) -> np.ndarray | None:
        return self._lengths(rows)

    @staticmethod
    def _lengths(rows: Rows) -> np.ndarray:
        return np.asarray([len(words) for words in rows.words or []], dtype=np.int64)

    def quality(self, rows: Rows, predicted: np.ndarray, labels: list[str]) -> dict[str, Any]:
        gold, found = self._named(rows, predicted, labels)
        types = [label[2:] for label in labels if label.startswith("B-")]
        return tagging_quality(gold, found, rows.languages, types=types)

    def scores(self, rows: Rows, predicted: np.ndarray, labels: list[str]) -> tuple[np.ndarray, np.ndarray]:
        correct, found, gold = entity_counts(*self._named(rows, predicted, labels))
        return 2.0 * correct, (found + gold).astype(np.float64)

    def _named(self, rows: Rows, predicted: np.ndarray, labels: list[str]) -> tuple[list[list[str]], list[list[str]]]:
        cuts = np.cumsum(self._lengths(rows))[:-1]
        names = np.asarray(labels, dtype=object)
        found = [names[part].tolist() for part in np.split(np.asarray(predicted), cuts)]
        gold = [names[tags].tolist() for tags in rows.tags or []]
        return gold, found
