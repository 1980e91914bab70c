"""Seeded generator of the demo's support-desk messages.

The text is made here and nowhere else: ``lexicon.py`` has the phrases and slot values, ``frames.py`` the sentence
frames, and this module draws from them. The same seed gives the same text on every machine.
"""

from __future__ import annotations

import random
import re
from dataclasses import dataclass

import frames
import lexicon
from lexicon import INTENTS

TRAIN, TEST = 0, 1
SIZES = {"train": 1500, "transfer": 6000, "test": 1500}
SEED = 20
LABEL_NOISE = 0.02
TYPO_RATE = 0.03
RARE_RATE = 0.15
MAX_CHARS = 150
# Shares of single-topic, two-clause, fused and ambiguous messages.
KINDS = (("single", 0.40), ("pair", 0.39), ("fused", 0.195), ("ambiguous", 0.015))

_FORM = re.compile(r"\{([VINS])([ab]?)\}")
_SLOT = re.compile(r"\{(\w+)\}")
_CONTRACTIONS = (("do not", "don't"), ("i am", "i'm"), ("cannot", "can't"), ("did not", "didn't"))


@dataclass(frozen=True)
class Message:
    """One generated message: what is asked for, what else is mentioned (or None), and the kind of frame."""

    text: str
    label: str
    other: str | None
    kind: str


def templates(side: int) -> set[str]:
    """All frames, clauses and phrases of one side: what must not be shared between training and test."""
    tables = (frames.ASK, frames.DROP, frames.FUSED, frames.AMBIGUOUS, frames.OPENERS, frames.CLOSERS, frames.CONTEXTS)
    found = {text for table in tables for text in table[side]}
    for forms in lexicon.PHRASES.values():
        for pool in forms.values():
            found.update(pool.common + pool.rare if side == TRAIN else pool.test + pool.test_rare)
    found.discard("{S}")  # a bare clause: the phrase in it is the template
    return found


def slot_values(side: int) -> dict[str, set[str]]:
    """The declared slot values of one side, by slot name."""
    return {name: set(pools[side]) for name, pools in lexicon.SLOTS.items()}


def _phrase(rng: random.Random, intent: str, form: str, side: int) -> str:
    """Draw a phrase of an intent, now and then a rare one."""
    pool = lexicon.PHRASES[intent][form]
    rare = rng.random() < RARE_RATE
    if side == TRAIN:
        return rng.choice(pool.rare if rare else pool.common)
    return rng.choice(pool.test_rare if rare else pool.test)


def _fill_phrases(rng: random.Random, frame: str, asked: str, other: str, side: int) -> str:
    """Replace the phrase slots of a frame; slots without a letter belong to the topic asked for."""

    def draw(match: re.Match[str]) -> str:
        return _phrase(rng, other if match.group(2) == "b" else asked, match.group(1), side)

    return _FORM.sub(draw, frame)


def _core(rng: random.Random, kind: str, asked: str, other: str, side: int) -> str:
    """The part of a message that carries the request."""
    if kind == "fused":
        return _fill_phrases(rng, rng.choice(frames.FUSED[side]), asked, other, side)
    if kind == "ambiguous":
        if rng.random() < 0.5:
            asked, other = other, asked
        return _fill_phrases(rng, rng.choice(frames.AMBIGUOUS[side]), asked, other, side)
    ask = _fill_phrases(rng, rng.choice(frames.ASK[side]), asked, other, side)
    if kind == "single":
        return ask
    drop = _fill_phrases(rng, rng.choice(frames.DROP[side]), other, asked, side)
    if rng.random() < 0.5:
        return drop + rng.choice(frames.JOIN_DROP_ASK) + ask
    return ask + rng.choice(frames.JOIN_ASK_DROP) + drop


def _surround(rng: random.Random, core: str, kind: str, side: int) -> str:
    """Add a greeting, a neutral sentence or a closing; long cores get fewer, so that messages stay short."""
    text = core
    if rng.random() < (0.45 if kind == "single" else 0.12):
        context = rng.choice(frames.CONTEXTS[side])
        text = f"{context} . {text}" if rng.random() < 0.6 else f"{text} . {context}"
    if rng.random() < 0.2:
        text = f"{rng.choice(frames.OPENERS[side])} , {text}"
    if rng.random() < 0.2:
        text = f"{text} . {rng.choice(frames.CLOSERS[side])}"
    return text


def _fill_slots(rng: random.Random, text: str, side: int) -> str:
    """Replace the value slots; a slot has one value throughout a message."""
    values = {name: rng.choice(pools[side]) for name, pools in lexicon.SLOTS.items()}
    return _SLOT.sub(lambda match: values[match.group(1)], text)


def _typo(rng: random.Random, word: str) -> str:
    """Swap, drop or double one inner letter."""
    at = rng.randrange(1, len(word) - 1)
    how = rng.random()
    if how < 0.4:
        return word[:at] + word[at + 1] + word[at] + word[at + 2 :]
    if how < 0.75:
        return word[:at] + word[at + 1 :]
    return word[:at] + word[at] + word[at:]


def _roughen(rng: random.Random, text: str) -> str:
    """Turn clean text into what people type: contractions, typos, missing apostrophes, odd punctuation."""
    for long, short in _CONTRACTIONS:
        if rng.random() < 0.5:
            text = re.sub(rf"\b{long}\b", short, text)
    words = []
    for word in text.split(" "):
        if len(word) >= 4 and word.isalpha() and rng.random() < TYPO_RATE:
            word = _typo(rng, word)
        words.append(word)
    text = " ".join(words)
    if rng.random() < 0.12:
        text = text.replace("'", "")
    if rng.random() < 0.15:
        text = text.replace(" ,", "")
    text = re.sub(r" ([,.?])", r"\1", text)
    if rng.random() < 0.3:
        text = text[0].upper() + text[1:]
    end = rng.random()
    return text + ("." if end < 0.4 else "!" if end < 0.45 else "") if text[-1] != "?" else text


def message(rng: random.Random, intent: str, side: int) -> Message:
    """One message that asks for ``intent``, with templates and slot values of one side."""
    kind = rng.choices([name for name, _ in KINDS], [share for _, share in KINDS])[0]
    other = rng.choice([name for name in INTENTS if name != intent])
    raw = _surround(rng, _core(rng, kind, intent, other, side), kind, side)
    text = _roughen(rng, _fill_slots(rng, raw, side))
    return Message(text, intent, None if kind == "single" else other, kind)


def messages(seed: int, count: int, side: int, avoid: set[str] | None = None) -> list[Message]:
    """``count`` different short messages with balanced intents in shuffled order, none of them in ``avoid``."""
    rng = random.Random(seed)
    seen = set(avoid or ())
    made: list[Message] = []
    while len(made) < count:
        candidate = message(rng, INTENTS[len(made) % len(INTENTS)], side)
        if candidate.text.lower() not in seen and len(candidate.text) <= MAX_CHARS:
            seen.add(candidate.text.lower())
            made.append(candidate)
    rng.shuffle(made)
    return made


def dataset(seed: int = SEED) -> dict[str, list[tuple[str, str]]]:
    """The labelled, transfer and test parts as (text, label) rows; the transfer rows have an empty label."""
    train = messages(seed, SIZES["train"], TRAIN)
    seen = {row.text.lower() for row in train}
    transfer = messages(seed + 1, SIZES["transfer"], TRAIN, seen)
    seen |= {row.text.lower() for row in transfer}
    test = messages(seed + 2, SIZES["test"], TEST, seen)
    rng = random.Random(seed + 3)
    noisy = [(row.text, rng.choice(INTENTS) if rng.random() < LABEL_NOISE else row.label) for row in train]
    return {
        "train": noisy,
        "transfer": [(row.text, "") for row in transfer],
        "test": [(row.text, row.label) for row in test],
    }


def conversations(count: int, seed: int = SEED + 4) -> list[tuple[str, str]]:
    """Pre-training text: (message, agent's answer) pairs from the training side.

    The answer is one of a few standard answers to the request, as in the log of a support desk. Predicting its words
    makes a language model read the whole message. The labels themselves are not in the text, but the answers stand
    in for them: this is what a teacher knows and a student that starts from the labelled rows does not.
    """
    rng = random.Random(seed)
    pairs = []
    for index in range(count):
        made = message(rng, INTENTS[index % len(INTENTS)], TRAIN)
        pairs.append((made.text, rng.choice(frames.ANSWERS[made.label])))
    rng.shuffle(pairs)
    return pairs
