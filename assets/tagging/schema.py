"""What a language module of the tagging grammar declares: every list has a training side and a test side."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Sides:
    """Alternatives of the training side and of the test side; the two share no entry but bare slots such as "{n}"."""

    train: tuple[str, ...]
    test: tuple[str, ...]

    def __getitem__(self, side: int) -> tuple[str, ...]:
        return (self.train, self.test)[side]


def rows(train: str, test: str) -> Sides:
    """Sides from two texts with one alternative a line."""
    return Sides(*(tuple(line.strip() for line in text.strip().splitlines()) for text in (train, test)))


def words(train: str, test: str) -> Sides:
    """Sides from two lists of single words, separated by white space."""
    return Sides(tuple(train.split()), tuple(test.split()))


def parts(text: str) -> tuple[str, ...]:
    """Words that both sides use, separated by white space."""
    return tuple(text.split())


@dataclass(frozen=True)
class Language:
    """One language of the office: sentence frames and names.

    Frames, patterns and asides are tokens separated by spaces. In frames, ``{PER}``, ``{ORG}`` and ``{LOC}`` stand for
    entities, ``{A}`` for an aside that may be left out, and ``{TITLE}``, ``{DAY}``, ``{MONTH}``, ``{REF}`` and
    ``{NUM}`` for words that are no entities. In patterns, ``{f}`` is a first name, ``{s}`` a surname, ``{t}`` a town
    and ``{n}`` a name that may belong to a person, a firm or a place alike.
    """

    code: str
    frames: Sides
    #: sentences without entities, many of them with capitals that mean nothing
    plain: Sides
    asides: Sides
    openers: Sides
    closers: Sides
    #: how two clauses are joined; common to both sides
    joins: tuple[str, ...]
    #: closed classes, common to both sides
    titles: tuple[str, ...]
    days: tuple[str, ...]
    months: tuple[str, ...]
    firsts: Sides
    surnames: Sides
    towns: Sides
    #: first and second halves of the names for ``{n}``; the combinations are dealt out to the sides
    stems: tuple[str, ...]
    endings: tuple[str, ...]
    orgs: Sides
    places: Sides
    #: keywords of the handling line for PER, ORG and LOC (pre-training only)
    roles: dict[str, tuple[str, ...]]
