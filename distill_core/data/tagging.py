"""Words and tags as they were read made into Rows: words without white space, tags in IOB2, types numbered.

In IOB2 the first word of an entity of type X is "B-X", each further one "I-X", all other words "O". IOB1 (B- only where
one entity follows another of its type at once), BIOES and BILOU are recognised and brought into this form. Where no
tag of the training sentences has such a prefix (parts of speech), every tag stands for itself and is left as it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import chain

import numpy as np

from distill_core.data import remedies
from distill_core.data.checks import names_in_words
from distill_core.data.conll import TAG, Sentences
from distill_core.data.types import Findings, Rows, count_of

OUTSIDE, BEGIN, INSIDE, END, SINGLE = range(5)
PREFIXES = {"O": OUTSIDE, "B": BEGIN, "I": INSIDE, "E": END, "L": END, "S": SINGLE, "U": SINGLE}
TAG_FIELD = "data.columns.label"


@dataclass
class TaggedPart:
    """One split: its sentences, their words joined by one space, and how messages call it and its config field."""

    sentences: Sentences
    texts: list[str]
    title: str
    field: str

    def __len__(self) -> int:
        return len(self.texts)

    def keep(self, positions: Sequence[int]) -> TaggedPart:
        s = self.sentences
        kept = Sentences(
            [s.words[i] for i in positions],
            [s.tags[i] for i in positions],
            [s.rows[i] for i in positions],
            [s.languages[i] for i in positions],
        )
        return TaggedPart(kept, [self.texts[i] for i in positions], self.title, self.field)


@dataclass(frozen=True)
class Spans:
    """The gold tags of S sentences with T words in all, one after the other, in IOB2.

    types: sorted types of entities; kinds: int64 [T] into types, -1 outside; begins: bool [T], first word of an entity;
    sentences: int64 [T] position of each word's sentence among all of the part. plain: the tags stand for themselves:
    types are the tags, and every word begins one.
    """

    types: list[str]
    kinds: np.ndarray
    begins: np.ndarray
    sentences: np.ndarray
    plain: bool = False

    @property
    def labels(self) -> list[str]:
        """The classes: tags as they are, or those of IOB2."""
        return list(self.types) if self.plain else label_names(self.types)

    @property
    def balance(self) -> dict[str, int]:
        """Type → entities; plain: tag → words."""
        counts = np.bincount(self.kinds[self.begins], minlength=len(self.types)).tolist()
        return dict(zip(self.types, counts, strict=True))

    def numbers(self, types: Sequence[str]) -> np.ndarray:
        """[T] numbers into `label_names(types)`, plain into types; -1 for types that are not there."""
        index = {name: i for i, name in enumerate(types)}
        own = np.array([*(index.get(name, -1) for name in self.types), 0], dtype=np.int64)[self.kinds]
        if self.plain:
            return own
        inside = np.where(own < 0, -1, 1 + 2 * own + ~self.begins)
        return np.where(self.kinds < 0, 0, inside)


def label_names(types: Sequence[str]) -> list[str]:
    """ "O", then "B-X" and "I-X" of each type."""
    return ["O", *(f"{prefix}-{name}" for name in types for prefix in "BI")]


def clean(sentences: Sentences, title: str, field: str, findings: Findings) -> TaggedPart:
    """Words without white space: inside it becomes "_"; empty words go with their tags, sentences of none go too."""
    kept, texts = Sentences(), []
    empty_words = joined_words = 0
    empty_rows: list[int] = []
    for words, tags, row, language in zip(
        sentences.words, sentences.tags, sentences.rows, sentences.languages, strict=True
    ):
        text = " ".join(words)
        parts = text.split()
        if parts != words:
            split = [word.split() for word in words]
            full = [i for i, pieces in enumerate(split) if pieces]
            empty_words += len(words) - len(full)
            joined_words += sum(len(pieces) > 1 for pieces in split)
            words = ["_".join(split[i]) for i in full]
            tags = None if tags is None else [tags[i] for i in full]
            text = " ".join(words)
        if not words:
            empty_rows.append(row)
            continue
        kept.add(words, tags, row, language)
        texts.append(text)
    if empty_words:
        message = f"{count_of(empty_words, 'empty word')} of {title}: left out with their tags."
        findings.add("info", "empty_word", field, message, count=empty_words)
    if joined_words:
        message = f"{count_of(joined_words, 'word')} of {title} with white space inside: it was made “_”."
        findings.add("info", "space_in_word", field, message, count=joined_words)
    if empty_rows:
        message = f"{count_of(len(empty_rows), 'sentence')} of {title} without a word: left out."
        findings.add("warning", "empty_text", field, message, empty_rows)
    return TaggedPart(kept, texts, title, field)


# ---------------------------------------------------------------- tags


def plain_tags(part: TaggedPart) -> bool:
    """Do the part's tags stand for themselves: is there one besides "O", and none with the prefix of an entity?"""
    distinct = {tag.strip() for tags in part.sentences.tags for tag in tags or []}
    return bool(distinct - {"O", ""}) and not any(TAG.fullmatch(tag) for tag in distinct - {"O"})


def _plain_spans(part: TaggedPart) -> Spans:
    labelled = [i for i, tags in enumerate(part.sentences.tags) if tags is not None]
    lists = [[tag.strip() for tag in part.sentences.tags[i] or []] for i in labelled]
    types = sorted(set().union(*lists))
    index = {tag: i for i, tag in enumerate(types)}
    kinds = np.fromiter(map(index.__getitem__, chain.from_iterable(lists)), dtype=np.int64)
    where = np.repeat(np.array(labelled, dtype=np.int64), np.array([len(tags) for tags in lists], dtype=np.int64))
    return Spans(types, kinds, np.ones(len(kinds), dtype=bool), where, plain=True)


def spans_of(part: TaggedPart, findings: Findings, *, plain: bool = False) -> Spans:
    """The gold tags of a part in IOB2, or `plain`. What was mended is told; tags of unknown shape become an error
    finding."""
    if plain:
        return _plain_spans(part)
    labelled = [i for i, tags in enumerate(part.sentences.tags) if tags is not None]
    lists = [part.sentences.tags[i] or [] for i in labelled]
    distinct = sorted(set().union(*lists))
    index = {tag: i for i, tag in enumerate(distinct)}
    flat = np.fromiter(map(index.__getitem__, chain.from_iterable(lists)), dtype=np.int64)
    lengths = np.array([len(tags) for tags in lists], dtype=np.int64)
    where = np.repeat(np.array(labelled, dtype=np.int64), lengths)
    known = [tag.strip() if TAG.fullmatch(tag.strip()) else "" for tag in distinct]
    if "" in known:
        _report_strange(part, distinct, known, flat, where, findings)
    types = sorted({tag[2:].strip() for tag in known if tag[2:]})
    kind_of = np.array([types.index(tag[2:].strip()) if tag[2:] else -1 for tag in known], dtype=np.int64)
    prefix_of = np.array([PREFIXES[tag[0]] if tag else OUTSIDE for tag in known], dtype=np.int64)
    kinds, prefixes = kind_of[flat], prefix_of[flat]
    first = np.zeros(len(flat), dtype=bool)
    first[np.cumsum(lengths)[:-1]] = True
    first[:1] = True
    open_before = np.roll(np.isin(prefixes, (BEGIN, INSIDE)), 1) & (np.roll(kinds, 1) == kinds) & ~first
    begins = (kinds >= 0) & ~(np.isin(prefixes, (INSIDE, END)) & open_before)
    spans = Spans(types, kinds, begins, where)
    letters = {tag[0] for tag in known if tag}
    _report_scheme(part, spans, prefixes, open_before, letters, findings)
    return spans


def _report_strange(
    part: TaggedPart, distinct: list[str], known: list[str], flat: np.ndarray, where: np.ndarray, findings: Findings
) -> None:
    strange = np.array([not tag for tag in known])
    names = [tag for tag, bad in zip(distinct, strange, strict=True) if bad]
    found = np.unique(where[strange[flat]]).tolist()
    if strange.all():
        message = f"The tags of {part.title} are no IOB tags (O, B-…, I-…): {names_in_words(names)}."
        findings.add("error", "no_iob_tags", TAG_FIELD, message)
        return
    message = (
        f"{count_of(int(strange[flat].sum()), 'tag')} of {part.title} of unknown shape: {names_in_words(names)}. "
        "Tags are O, or B- or I- and a type."
    )
    findings.add("error", "unknown_tag", TAG_FIELD, message, [part.sentences.rows[i] for i in found])


def _report_scheme(
    part: TaggedPart,
    spans: Spans,
    prefixes: np.ndarray,
    open_before: np.ndarray,
    letters: set[str],
    findings: Findings,
) -> None:
    """What was made of the tags, where anything was."""
    if letters & set("ESLU"):
        scheme = "BILOU" if letters & set("LU") else "BIOES"
        number = int(np.isin(prefixes, (END, SINGLE)).sum())
        message = f"The tags of {part.title} are in {scheme}; {count_of(number, 'tag')} made IOB2."
        findings.add("info", "tag_scheme", part.field, message, count=number)
    mended = (prefixes == INSIDE) & spans.begins
    number = int(mended.sum())
    if not number:
        return
    rows = [part.sentences.rows[i] for i in np.unique(spans.sentences[mended]).tolist()]
    if not letters & set("ESLU") and bool(open_before[prefixes == BEGIN].all()):
        message = (
            f"The tags of {part.title} are in IOB1; {count_of(number, 'entity')} that begin with I- now begin with B-."
        )
        findings.add("info", "tag_scheme", part.field, message.replace("entitys", "entities"), count=number)
    else:
        message = f"{count_of(number, 'tag')} I- of {part.title} with no entity of that type before: read as B-."
        findings.add("info", "tags_repaired", part.field, message, rows, number)


# ---------------------------------------------------------------- rows


def report_unknown_types(part: TaggedPart, spans: Spans, types: Sequence[str], findings: Findings) -> None:
    """An error finding for types of entities that no training sentence has."""
    unknown = [name for name in spans.types if name not in types]
    if not unknown:
        return
    strange = np.array([name in unknown for name in spans.types])
    found = np.unique(spans.sentences[(spans.kinds >= 0) & strange[spans.kinds]]).tolist()
    what, all_ = ("tag", "tags") if spans.plain else ("type of entity", "types")
    message = (
        f"{count_of(len(found), 'sentence')} of {part.title} with a {what} that no training sentence has: "
        f"{names_in_words(unknown)}. The {all_} of the training rows are {names_in_words(list(types))}."
    )
    findings.add("error", "unknown_label", part.field, message, [part.sentences.rows[i] for i in found])
    if remedies.known_otherwise(unknown, types):
        findings.mended_by(remedies.MERGE)


def rows_of(part: TaggedPart, spans: Spans | None, types: Sequence[str], *, languages: bool) -> Rows:
    """The part as Rows. spans: its gold tags (`spans_of`), or None for rows without; languages: are they told apart?"""
    sentences = part.sentences
    lengths = [len(words) for words in sentences.words]
    tags = np.split(np.full(sum(lengths), -1, dtype=np.int64), np.cumsum(lengths)[:-1]) if lengths else []
    labels = np.full(len(part), -1, dtype=np.int64)
    if spans is not None and len(spans.kinds):
        gold = np.flatnonzero(np.diff(spans.sentences, prepend=-1))
        for i, own in zip(spans.sentences[gold].tolist(), np.split(spans.numbers(types), gold[1:]), strict=True):
            tags[i] = own
        labels[spans.sentences[gold]] = 0
    return Rows(
        part.texts,
        None,
        labels,
        sentences.rows,
        words=sentences.words,
        tags=tags,
        languages=sentences.languages if languages else None,
    )


def without_gold(part: TaggedPart) -> TaggedPart:
    """The part as unlabelled sentences."""
    return replace(part, sentences=replace(part.sentences, tags=[None] * len(part)))
