"""Quality of tags: entity-level precision, recall and F1, as conlleval and seqeval count them. No torch.

An entity is right where first word, last word and type are. Gold tags must be IOB2. Predictions are scored as they were
emitted, never repaired, in one of seqeval's two modes:

- `conlleval` (the default, as Tjong Kim Sang and De Meulder 2003 and most published figures): an I-X that does not
  continue an entity of type X opens one.
- `strict` (seqeval's mode="strict" with scheme IOB2): only a B-X opens an entity, other I-X count for nothing.

Counting is done here over flat arrays: ten times as fast as seqeval, and sentence by sentence. The tests hold it to
seqeval's own figures.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

Mode = Literal["conlleval", "strict"]
Sentences = Sequence[Sequence[str]]

#: The one number that chooses checkpoints and stands in reports, a fraction in [0, 1].
METRIC = "f1"
DEFAULT_MODE: Mode = "conlleval"


@dataclass(frozen=True)
class _Entities:
    """E entities of one reading. first, after: [E] flat number of their first word, and of the word behind the last;
    kind: [E] type's number; opened: [E] bool, the first tag is a B."""

    first: np.ndarray
    after: np.ndarray
    kind: np.ndarray
    opened: np.ndarray

    def keep(self, which: np.ndarray) -> _Entities:
        return _Entities(self.first[which], self.after[which], self.kind[which], self.opened[which])


@dataclass(frozen=True)
class _Matched:
    """N sentences, M words in a row. sentence: [M] sentence of each word; same: [M] bool, equal tags; right: [E] bool
    for each predicted entity; types: type's name → number."""

    sentences: int
    sentence: np.ndarray
    same: np.ndarray
    gold: _Entities
    predicted: _Entities
    right: np.ndarray
    types: dict[str, int]

    def by_sentence(self, entities: _Entities, which: np.ndarray | slice = slice(None)) -> np.ndarray:
        """[N] int64 entities of each sentence."""
        return np.bincount(self.sentence[entities.first[which]], minlength=self.sentences)

    def by_type(self, entities: _Entities, which: np.ndarray | slice = slice(None)) -> np.ndarray:
        """[types] int64 entities of each type."""
        return np.bincount(entities.kind[which], minlength=len(self.types))


def entity_counts(
    gold: Sentences, predicted: Sentences, *, mode: Mode = DEFAULT_MODE
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Entities of each sentence, from which F1 = 2·Σcorrect / (Σfound + Σgold).

    Args:
        gold: N ≥ 1 sentences of IOB2 tags; predicted: as many tags for the same sentences.
        mode: how predicted tags are read, see the module.

    Returns:
        (correct, found, gold), each [N] int64: right ones, predicted ones, those in gold.

    Raises:
        ValueError: sentences differ in number or length, there are none, gold is not IOB2, or a tag is neither "O" nor
            "B-…" nor "I-…".
    """
    matched = _match(gold, predicted, mode)
    return (
        matched.by_sentence(matched.predicted, matched.right),
        matched.by_sentence(matched.predicted),
        matched.by_sentence(matched.gold),
    )


def tagging_quality(
    gold: Sentences,
    predicted: Sentences,
    languages: Sequence[str] | None = None,
    *,
    types: Sequence[str] | None = None,
    mode: Mode = DEFAULT_MODE,
) -> dict[str, Any]:
    """Entity-level F1 over all sentences (micro), with all that it is made of.

    Args:
        gold, predicted, mode: as in `entity_counts`; at least one word in all.
        languages: [N] language of each sentence; "" where it is not known: such sentences count in no language.
        types: entity types in the order wanted, so that every predictor has the same rows; those that occur besides
            follow in alphabetical order.

    Returns:
        fractions in [0, 1], a quotient 0/0 counts as 0: {"f1", "precision", "recall", "per_class": [{"label" (type),
        "precision", "recall", "f1", "support"}], "per_language": {language: {"f1", "precision", "recall", "entities"
        (in gold), "sentences"}} ({} without languages), "macro_language_f1": mean F1 over the languages that have gold
        entities (None without any), "token_accuracy": share of words with the right tag, "mode"}.

    Raises:
        ValueError: as in `entity_counts`; no words at all; languages do not fit.
    """
    matched = _match(gold, predicted, mode)
    if not matched.same.size:
        raise ValueError("quality needs at least one word")
    right, found, support = (
        matched.by_type(matched.predicted, matched.right),
        matched.by_type(matched.predicted),
        matched.by_type(matched.gold),
    )
    per_language = _per_language(matched, languages) if languages is not None else {}
    spoken = [row["f1"] for row in per_language.values() if row["entities"]]
    return {
        **_figures(right.sum(), found.sum(), support.sum()),
        "per_class": _per_class(matched.types, types or (), (right, found, support)),
        "per_language": per_language,
        "macro_language_f1": float(np.mean(spoken)) if spoken else None,
        "token_accuracy": float(matched.same.mean()),
        "mode": mode,
    }


def _per_class(
    numbers: dict[str, int], wanted: Sequence[str], counts: tuple[np.ndarray, np.ndarray, np.ndarray]
) -> list[dict[str, Any]]:
    right, found, support = counts
    rows = []
    for name in [*wanted, *sorted(set(numbers) - set(wanted))]:
        number = numbers.get(name)
        three = (0, 0, 0) if number is None else (right[number], found[number], support[number])
        rows.append({"label": name, **_figures(*three), "support": int(three[2])})
    return rows


def _per_language(matched: _Matched, languages: Sequence[str]) -> dict[str, dict[str, Any]]:
    if len(languages) != matched.sentences:
        raise ValueError(f"{matched.sentences} sentences but {len(languages)} languages")
    names, of_sentence = np.unique(np.asarray(languages, dtype=object).astype(str), return_inverse=True)
    counts = (
        matched.by_sentence(matched.predicted, matched.right),
        matched.by_sentence(matched.predicted),
        matched.by_sentence(matched.gold),
    )
    right, found, support = (np.bincount(of_sentence, weights=c, minlength=len(names)) for c in counts)
    sizes = np.bincount(of_sentence, minlength=len(names))
    return {
        str(name): {
            **_figures(right[i], found[i], support[i]),
            "entities": int(support[i]),
            "sentences": int(sizes[i]),
        }
        for i, name in enumerate(names)
        if name
    }


def _figures(right: Any, found: Any, gold: Any) -> dict[str, float]:
    """F1, precision and recall of three counts."""
    return {
        "f1": _share(2 * right, found + gold),
        "precision": _share(right, found),
        "recall": _share(right, gold),
    }


def _share(part: Any, whole: Any) -> float:
    return float(part) / float(whole) if whole else 0.0


def _match(gold: Sentences, predicted: Sentences, mode: Mode) -> _Matched:
    if mode not in ("conlleval", "strict"):
        raise ValueError(f"mode is conlleval or strict, not {mode!r}")
    lengths = np.asarray([len(tags) for tags in gold], dtype=np.int64)
    if not len(lengths) or lengths.tolist() != [len(tags) for tags in predicted]:
        raise ValueError("gold and predicted tags of the same sentences are needed, word for word, and at least one")
    sentence = np.repeat(np.arange(len(lengths)), lengths)
    types: dict[str, int] = {}
    gold_codes, predicted_codes = _codes(gold, types), _codes(predicted, types)
    true, said = _entities(gold_codes, sentence), _entities(predicted_codes, sentence)
    if not true.opened.all():
        row = int(sentence[true.first[~true.opened][0]])
        raise ValueError(f"gold tags are not IOB2: in sentence {row} an entity does not begin with B-")
    if mode == "strict":
        # A run that begins with B is read alike in both modes; one that begins with I holds no B, so nothing opens it.
        said = said.keep(said.opened)
    after, kind = np.zeros(len(sentence), dtype=np.int64), np.zeros(len(sentence), dtype=np.int64)
    after[true.first], kind[true.first] = true.after, true.kind
    right = (after[said.first] == said.after) & (kind[said.first] == said.kind)
    return _Matched(len(lengths), sentence, gold_codes == predicted_codes, true, said, right, types)


def _codes(sentences: Sentences, types: dict[str, int]) -> np.ndarray:
    """[M] int64: 0 for O, 1 + 2t for B and 2 + 2t for I of type number t. New types are added to `types`."""
    flat = [tag for tags in sentences for tag in tags]
    table = {"O": 0}
    for tag in sorted(set(flat) - {"O"}):
        prefix, _, name = tag.partition("-")
        if prefix not in ("B", "I") or not name:
            raise ValueError(f'a tag is "O", "B-TYPE" or "I-TYPE", not {tag!r}')
        table[tag] = 2 * types.setdefault(name, len(types)) + (1 if prefix == "B" else 2)
    return np.fromiter(map(table.__getitem__, flat), dtype=np.int64, count=len(flat))


def _entities(codes: np.ndarray, sentence: np.ndarray) -> _Entities:
    """All runs of tags of one type in one sentence, a B opening a new one."""
    inside, kind, opens = codes > 0, (codes - 1) // 2, codes % 2 == 1  # kind is −1 on O
    continues = np.zeros(len(codes), dtype=bool)
    continues[1:] = (inside & ~opens)[1:] & (kind[1:] == kind[:-1]) & (sentence[1:] == sentence[:-1])
    first = np.flatnonzero(inside & ~continues)
    stops = np.append(np.flatnonzero(~continues), len(codes))
    after = stops[np.searchsorted(stops, first, side="right")]
    return _Entities(first, after, kind[first], opens[first])
