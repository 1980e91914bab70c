"""Seeded generator of the notes of an imaginary parcel and travel office, in five languages.

The text is made here and nowhere else: the ``lang_*.py`` modules have frames and names, and this module draws from
them. The same seed gives the same text on every machine.
"""

from __future__ import annotations

import random
import re
from dataclasses import dataclass
from typing import Any

import lang_de
import lang_en
import lang_es
import lang_fr
import lang_nl
from schema import Language, Sides, words

TRAIN, TEST = 0, 1
TYPES = ("LOC", "ORG", "PER")
LANGUAGES: dict[str, Language] = {
    module.LANGUAGE.code: module.LANGUAGE for module in (lang_de, lang_en, lang_es, lang_fr, lang_nl)
}
#: rows a language
SIZES = {"train": 250, "transfer": 1000, "test": 250}
SEED = 40
TYPO_RATE = 0.03
#: share of notes written without capitals, and of single name words that lost theirs
LOWER_NOTE, LOWER_WORD = 0.04, 0.03
#: share of names taken from any of the languages, the note's own among them: the office is international
FOREIGN_RATE = 0.2
#: share of names for {n} that repeat the name before, mostly as another type ("Ashford of Ashford")
REPEAT_RATE = 0.25
ASIDE_RATE = 0.5
MAX_TOKENS = 40
#: pre-training notes: share of names that the handling line lists, share of these put under any type's keyword,
#: and share of the words passed over that are marked so
LISTED_RATE, MISFILED_RATE, PASSED_RATE = 0.8, 0.1, 0.25
#: shares of notes without names, with one clause, with two joined clauses, with a clause and a plain sentence
KINDS = (("plain", 0.10), ("single", 0.40), ("double", 0.30), ("mixed", 0.20))

#: names that are people, firms and places in all the languages
SWING = words(
    "Florence Jordan Sydney Victoria Charlotte Austin Lincoln Chester Santiago Valencia Lourdes Carolina Mercedes"
    " Georgia Siena Dallas Chelsea Devon Adelaide Lorraine Alba Kenia Orlando Camden Houston Denver Logan Regina",
    "Paris Milan Bergamo Madison Savannah Brooklyn Verona Phoenix Nancy Dakota Trinidad Israel",
)
#: shapes of persons' names, common to both sides; the particles stay lower-case
PEOPLE = ("{f}", "{s}", "{n}", "{n}", "{f} {s}", "{f} {s}", "{f} {n}", "{f} {n}")
PARTICLES = {
    "de": "{f} von {n}",
    "en": "{f} of {n}",
    "es": "{f} de la {s}",
    "fr": "{f} de {n}",
    "nl": "{f} van der {s}",
}
PARTICLE_RATE = 0.08

_SLOT = re.compile(r"\{(\w+)\}")
_VOWEL = re.compile(r"[aeiouyàâéèêëîïôûü]", re.IGNORECASE)


@dataclass(frozen=True)
class Note:
    """One note: its tokens, their IOB2 tags, its language, and the kind of note."""

    tokens: tuple[str, ...]
    tags: tuple[str, ...]
    language: str
    kind: str

    @property
    def key(self) -> str:
        """What makes a note different from another: its words, whatever their capitals."""
        return " ".join(self.tokens).lower()


def _deal_names() -> dict[str, Sides]:
    """The compound names of each language, 70% of them for the training side; a name two languages share is dropped."""
    every = {
        code: sorted({stem + ending for stem in spoken.stems for ending in spoken.endings if stem.lower() != ending})
        for code, spoken in LANGUAGES.items()
    }
    dealt = {}
    for code, names in every.items():
        others = {name for other, found in every.items() if other != code for name in found}
        own = [name for name in names if name not in others]
        random.Random(f"names {code}").shuffle(own)
        cut = len(own) * 7 // 10
        dealt[code] = Sides(tuple(own[:cut]), tuple(own[cut:]))
    return dealt


NAMES = _deal_names()


def templates(side: int) -> set[str]:
    """Frames, sentences and patterns with words of their own: what training and test must not share."""
    found: set[str] = set()
    for spoken in LANGUAGES.values():
        tables = (
            spoken.frames,
            spoken.plain,
            spoken.asides,
            spoken.openers,
            spoken.closers,
            spoken.orgs,
            spoken.places,
        )
        found.update(text for table in tables for text in table[side])
    return {text for text in found if re.search(r"\w", _SLOT.sub("", text))}


def slot_values(side: int) -> dict[str, set[str]]:
    """The names of one side over all languages, by slot."""
    pools: dict[str, set[str]] = {name: set() for name in ("f", "s", "t", "n")}
    for code, spoken in LANGUAGES.items():
        listed = (spoken.firsts, spoken.surnames, spoken.towns, NAMES[code])
        for name, sides in zip(pools, listed, strict=True):
            pools[name].update(sides[side])
    pools["n"].update(SWING[side])
    return pools


class _Writer:
    """Draws the parts of one note; remembers its last {n} name so that it can come again."""

    def __init__(self, rng: random.Random, spoken: Language, side: int) -> None:
        self.rng, self.spoken, self.side = rng, spoken, side
        self.last = ""

    def _name(self, slot: str, shared: bool) -> str:
        """A value for {f}, {s}, {t} or {n}; ``shared`` first names may be those of either side."""
        spoken = self.spoken
        if self.rng.random() < FOREIGN_RATE:
            spoken = self.rng.choice(list(LANGUAGES.values()))
        if slot == "f" and shared and self.side == TEST:
            return self.rng.choice(spoken.firsts.train + spoken.firsts.test)
        if slot != "n":
            return self.rng.choice({"f": spoken.firsts, "s": spoken.surnames, "t": spoken.towns}[slot][self.side])
        if not self.last or self.rng.random() >= REPEAT_RATE:
            pool = SWING if self.rng.random() < 0.2 else NAMES[spoken.code]
            self.last = self.rng.choice(pool[self.side])
        return self.last

    def _entity(self, kind: str) -> str:
        if kind == "PER":
            pattern = self.rng.choice(PEOPLE)
            if self.rng.random() < PARTICLE_RATE:
                pattern = PARTICLES[self.spoken.code]
        else:
            pattern = self.rng.choice((self.spoken.orgs if kind == "ORG" else self.spoken.places)[self.side])
        # A first name with a surname of the test side makes a name that the training side does not have.
        shared = pattern.count("{") > 1
        return _SLOT.sub(lambda match: self._name(match.group(1), shared), pattern)

    def _word(self, slot: str) -> str:
        """A value for a slot that is no entity."""
        if slot == "NUM":
            return str(self.rng.randrange(2, 60))
        if slot == "REF":
            return "".join(self.rng.choices("ABCDEFGHKLMNPRSTVXZ", k=2)) + str(self.rng.randrange(100, 1000))
        pool = {"TITLE": self.spoken.titles, "DAY": self.spoken.days, "MONTH": self.spoken.months}[slot]
        return self.rng.choice(pool)

    def fill(self, frame: str) -> list[tuple[str, str]]:
        """(token, tag) pairs of a frame with all its slots filled."""
        made: list[tuple[str, str]] = []
        for part in frame.replace("{A}", " {A} ").split():
            slot = part[1:-1] if part.startswith("{") else ""
            if slot in TYPES:
                tokens = self._entity(slot).split()
                made += [(token, ("I-" if at else "B-") + slot) for at, token in enumerate(tokens)]
            elif slot == "A":
                if self.rng.random() < ASIDE_RATE:
                    made += self.fill(self.rng.choice(self.spoken.asides[self.side]))
            else:
                made.append((self._word(slot) if slot else part, "O"))
        return made

    def write(self, kind: str) -> list[tuple[str, str]]:
        """The clean tokens and tags of one note."""
        rng, spoken, side = self.rng, self.spoken, self.side
        plain = [*self.fill(rng.choice(spoken.plain[side])), (".", "O")]
        body = [] if kind == "plain" else self.fill(rng.choice(spoken.frames[side]))
        if kind == "double":
            body += [(word, "O") for word in rng.choice(spoken.joins).split()]
            body += self.fill(rng.choice(spoken.frames[side]))
        sentences = [plain] if kind == "plain" else [[*body, (".", "O")]]
        if kind == "mixed":
            sentences.insert(rng.randrange(2), plain)
        if rng.random() < 0.2:
            closer = self.fill(rng.choice(spoken.closers[side]))
            sentences.append([*closer, (".", "O")])
        starts = [_capital(sentence) if rng.random() < 0.85 else sentence for sentence in sentences]
        if rng.random() < 0.2:
            starts.insert(0, self.fill(rng.choice(spoken.openers[side])))
        return [pair for sentence in starts for pair in sentence]


def _capital(sentence: list[tuple[str, str]]) -> list[tuple[str, str]]:
    token, tag = sentence[0]
    return [(token[0].upper() + token[1:], tag), *sentence[1:]]


def _typo(rng: random.Random, word: str) -> str:
    """Swap, drop or double one inner letter."""
    at = rng.randrange(1, len(word) - 1)
    how = rng.random()
    if how < 0.4:
        return word[:at] + word[at + 1] + word[at] + word[at + 2 :]
    if how < 0.75:
        return word[:at] + word[at + 1 :]
    return word[:at] + word[at] + word[at:]


def _roughen(rng: random.Random, pairs: list[tuple[str, str]], language: str) -> list[tuple[str, str]]:
    """Turn clean text into what people type: typos, missing capitals, no full stop; elide the French "de"."""
    made = []
    no_capitals = rng.random() < LOWER_NOTE
    for at, (token, tag) in enumerate(pairs):
        after = pairs[at + 1][0] if at + 1 < len(pairs) else ""
        if language == "fr" and token.lower() == "de" and _VOWEL.match(after):
            token = token[0] + "'"
        if len(token) >= 4 and token.isalpha() and rng.random() < TYPO_RATE:
            token = _typo(rng, token)
        if no_capitals or (tag != "O" and rng.random() < LOWER_WORD):
            token = token.lower()
        made.append((token, tag))
    # Two commas meet where an aside stands before a clause that begins with one; no comma comes before a full stop.
    following = [*(token for token, _ in made[1:]), ""]
    made = [pair for pair, after in zip(made, following, strict=True) if pair[0] != "," or after not in (",", ".")]
    return made[:-1] if rng.random() < 0.3 else made


def note(rng: random.Random, language: str, side: int) -> Note:
    """One note in one language, with templates and slot values of one side."""
    kind = rng.choices([name for name, _ in KINDS], [share for _, share in KINDS])[0]
    pairs = _roughen(rng, _Writer(rng, LANGUAGES[language], side).write(kind), language)
    tokens, tags = zip(*pairs, strict=True)
    return Note(tokens, tags, language, kind)


def notes(seed: int, each: int, side: int, avoid: set[str] | None = None) -> list[Note]:
    """``each`` different notes a language in shuffled order, none of them with a key in ``avoid``."""
    rng = random.Random(seed)
    seen = set(avoid or ())
    made: list[Note] = []
    for language in LANGUAGES:
        count = 0
        while count < each:
            candidate = note(rng, language, side)
            if candidate.key not in seen and len(candidate.tokens) <= MAX_TOKENS:
                seen.add(candidate.key)
                made.append(candidate)
                count += 1
    rng.shuffle(made)
    return made


def dataset(seed: int = SEED) -> dict[str, list[Note]]:
    """The labelled, transfer and test parts; no note occurs twice."""
    train = notes(seed, SIZES["train"], TRAIN)
    transfer = notes(seed + 1, SIZES["transfer"], TRAIN, {row.key for row in train})
    test = notes(seed + 2, SIZES["test"], TEST, {row.key for row in train + transfer})
    return {"train": train, "transfer": transfer, "test": test}


def records(part: str, rows: list[Note]) -> list[dict[str, Any]]:
    """The rows of a part as they stand in its JSONL file; the transfer part has no tags."""
    return [
        {
            "tokens": list(row.tokens),
            **({} if part == "transfer" else {"tags": list(row.tags)}),
            "language": row.language,
        }
        for row in rows
    ]


def handled(count: int, seed: int = SEED + 4) -> list[tuple[Note, list[tuple[int, str]]]]:
    """Pre-training text: notes of the training side, each with the handling line the office wrote under it.

    A handling line lists names of the note under a keyword of the note's language ("contact: Ann Ashford; firm:
    Milan Textiles"). It is given as marks, (word, mark): the first word of a listed name has the keyword, its further
    words have the keyword and "+", and one in 1 / PASSED_RATE of the words that the line passes over has "-".

    The line is a careless one. A name is left out with probability 1 − LISTED_RATE, so that "-" stands at names too;
    and MISFILED_RATE of the listed names stand under the keyword of any type.
    """
    rng = random.Random(seed)
    codes = list(LANGUAGES)
    made = []
    for index in range(count):
        drawn = note(rng, codes[index % len(codes)], TRAIN)
        line: list[tuple[int, str]] = []
        passed = set(range(len(drawn.tokens)))
        for start, end, kind in spans(drawn.tags):
            filed = rng.choice(TYPES) if rng.random() < MISFILED_RATE else kind
            keyword = rng.choice(LANGUAGES[drawn.language].roles[filed])
            if rng.random() < LISTED_RATE:
                line += [(start, keyword)]
                line += [(word, mark) for word in range(start + 1, end) for mark in (keyword, "+")]
                passed -= set(range(start, end))
        line += [(word, "-") for word in sorted(passed) if rng.random() < PASSED_RATE]
        made.append((drawn, line))
    rng.shuffle(made)
    return made


def spans(tags: tuple[str, ...]) -> list[tuple[int, int, str]]:
    """(first word, one past the last word, type) of every entity of valid IOB2 tags."""
    starts = [at for at, tag in enumerate(tags) if tag.startswith("B-")]
    found = []
    for start in starts:
        end = start + 1
        while end < len(tags) and tags[end].startswith("I-"):
            end += 1
        found.append((start, end, tags[start][2:]))
    return found
