"""The work items of speed.py: texts of a given length, teachers and students of given sizes with random weights."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from transformers import BertConfig

from distill_core.data.types import PreparedData, Rows
from distill_core.models.encoders import load_tokenizer
from distill_core.tasks.base import Encoded, Targets
from distill_core.tasks.classification import encode
from distill_core.tasks.masked_lm import MaskedLM
from distill_core.tasks.tagging import encode_words

TEMPERATURE, HARD, SOFT, HIDDEN = 2.0, 1.0, 1.0, 1.0
LEARNING_RATE, BATCH = 1e-4, 32
TEACHER, STUDENT = (12, 768, 12), (4, 312, 12)


@dataclass(frozen=True)
class Work:
    """One work item. long: texts as long as film reviews (of joined sentences), else sentences. padded: the peers'
    fixed length. teachers: how many, of 12×768. hidden: the student's last states follow the teachers'. cached: ours
    starts from what the teachers said before. peers: which are run. dynamic, static: how the peers
    pad. peers_of: the work item whose peers do just the same, and are not run again."""

    title: str
    examples: int
    epochs: int
    padded: int
    long: bool = False
    teachers: int = 1
    hidden: bool = False
    cached: bool = False
    peers: tuple[str, ...] = ("textbrewer", "trainer")
    dynamic: bool = True
    static: bool = True
    task: str = "classification"
    peers_of: str = ""


WORK = {
    "W1": Work("one teacher, 3 epochs", 512, 3, 128),
    "W2": Work("film reviews' lengths, 3 epochs", 64, 3, 512, long=True, peers=("trainer",)),
    "W3": Work("tags of words, 3 epochs", 256, 3, 128, peers=("trainer",), task="tagging"),
    "W4": Work("masked language model, 3 epochs", 256, 3, 128, peers=("trainer",), task="masked_lm"),
    "W5a": Work("two teachers, logits, 3 epochs", 256, 3, 128, teachers=2, peers=("textbrewer",)),
    "W5b": Work("two teachers, hidden states, 3 epochs", 256, 3, 128, teachers=2, hidden=True, peers=("trainer",)),
    "W6": Work("a second student from the cache, 3 epochs", 512, 3, 128, cached=True, peers_of="W1"),
    "W7": Work("one teacher, 10 epochs", 256, 10, 128, peers=("trainer",), static=False),
}


def config(size: tuple[int, int, int], classes: int) -> BertConfig:
    """(layers, width, heads) → a BERT with a vocabulary of 30,522, dropout 0.1 and an attention by SDPA."""
    layers, width, heads = size
    made: Any = BertConfig(
        hidden_size=width, num_hidden_layers=layers, num_attention_heads=heads, intermediate_size=4 * width,
        num_labels=classes,
    )  # fmt: skip
    made._attn_implementation = "sdpa"
    return made


@dataclass(frozen=True)
class Material:
    """Texts in pieces, and the class of each unit: of each text, of each word or of each hidden piece, text after text.
    copies: so often every text stands there, copy after copy, each with pieces of its own hidden; an epoch is one."""

    tokenizer: Any
    encoded: Encoded
    labels: np.ndarray
    classes: int = 2
    copies: int = 1

    def targets(self) -> Targets:
        return Targets(self.labels, self.encoded.word_counts)

    def rows(self) -> list[dict[str, Any]]:
        """{input_ids, labels}: a class, or one for each piece, −100 where it is not a word's first."""
        ids, counts = self.encoded.ids, self.encoded.word_counts
        if self.encoded.targets is not None:
            assert self.encoded.gold is not None
            return [
                {"input_ids": pieces.tolist(), "labels": _scattered(gold, targets)}
                for pieces, gold, targets in zip(ids, self.encoded.gold, self.encoded.targets, strict=True)
            ]
        if counts is None:
            pairs = zip(ids, self.labels, strict=True)
            return [{"input_ids": pieces.tolist(), "labels": int(label)} for pieces, label in pairs]
        starts = np.concatenate([[0], np.cumsum(counts)])
        found = []
        for number, (pieces, words) in enumerate(zip(ids, self.encoded.words, strict=True)):
            first = np.concatenate([[True], words[1:] != words[:-1]]) & (words >= 0)
            labels = np.where(first, self.labels[starts[number] + np.maximum(words, 0)], -100)
            found.append({"input_ids": pieces.tolist(), "labels": labels.tolist()})
        return found

    def flops(self, size: tuple[int, int, int], rows: int | None = None) -> float:
        """Of one forward pass over all texts without any padding: every product of the encoder, two a multiply-add."""
        layers, width, _ = size
        lengths = self.encoded.lengths[:rows].astype(np.float64)
        found = float(layers * (24 * width**2 * lengths + 4 * width * lengths**2).sum())
        if self.encoded.word_counts is not None and self.encoded.targets is not None:
            # The head scores every piece of the vocabulary, at the hidden places alone.
            found += float(2 * width * (width + self.classes) * self.encoded.word_counts[:rows].sum())
        return found


def material(work: Work, data: Path, checkpoint: Path, part: str = "dev") -> Material:
    """The first sentences of SST-2's dev (or train) set in a seeded order; for long texts joined until they are as
    long as drawn (log-normal about 230 words, as IMDB's)."""
    tokenizer = load_tokenizer(checkpoint)
    if work.task == "tagging":
        return _tagged(work, data, tokenizer)
    draw = np.random.Generator(np.random.PCG64(0))
    rows = sentences(data, part, draw)
    if work.long:
        joined = _joined([text for text, _ in rows], draw, work.examples)
        rows = [(text, label) for text, (_, label) in zip(joined, rows, strict=False)]
    rows = rows[: work.examples]
    if work.task == "masked_lm":
        return _masked(work, _rows(rows), tokenizer)
    return classified(tokenizer, rows, work.padded)


def sentences(data: Path, part: str, draw: np.random.Generator) -> list[tuple[str, int]]:
    """(text, class) of SST-2's train or dev file, in an order that is drawn."""
    with open(data / "sst2" / f"{part}.tsv", encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
    return [(rows[i]["sentence"], int(rows[i]["label"])) for i in draw.permutation(len(rows))]


def classified(tokenizer: Any, pairs: Sequence[tuple[str, int]], most: int) -> Material:
    """(text, class) pairs, cut off at `most` tokens."""
    found = _rows(pairs)
    return Material(tokenizer, encode(tokenizer, found, most), found.labels)


def _rows(pairs: Sequence[tuple[str, int]]) -> Rows:
    labels = np.asarray([label for _, label in pairs], dtype=np.int64)
    return Rows([text for text, _ in pairs], None, labels, list(range(1, len(pairs) + 1)))


def _scattered(gold: np.ndarray, targets: np.ndarray) -> list[int]:
    """What stood at each place, −100 where nothing is hidden. targets: number of the hidden piece, or −1."""
    labels = np.full(len(targets), -100)
    labels[targets >= 0] = gold[targets[targets >= 0]]
    found: list[int] = labels.tolist()
    return found


def _masked(work: Work, found: Rows, tokenizer: Any) -> Material:
    task = MaskedLM(0.15, seed=1, epochs=work.epochs)
    once = replace(found, labels=np.full(len(found), -1, dtype=np.int64))
    pool = task.pool(PreparedData("speed", [], once, once.take([]), once.take([]), once.take([]), [], ""))
    encoded = task.encode(tokenizer, pool, work.padded)
    assert encoded.gold is not None
    return Material(tokenizer, encoded, np.concatenate(encoded.gold), len(tokenizer), work.epochs)


def _tagged(work: Work, data: Path, tokenizer: Any) -> Material:
    """The first sentences of WikiAnn's English training set."""
    lines = (data / "ner_wikiann" / "en" / "train.tsv").read_text(encoding="utf-8").splitlines()
    sentences: list[tuple[list[str], list[str]]] = []
    for place, word, tag in (line.split("\t") for line in lines if line.strip()):
        if place == "0":
            if len(sentences) == work.examples:
                break
            sentences.append(([], []))
        sentences[-1][0].append(word)
        sentences[-1][1].append(tag)
    names = sorted({tag for _, tags in sentences for tag in tags})
    labels = np.asarray([names.index(tag) for _, tags in sentences for tag in tags], dtype=np.int64)
    words = [words for words, _ in sentences]
    return Material(tokenizer, encode_words(tokenizer, words, work.padded), labels, len(names))


def _joined(sentences: list[str], draw: np.random.Generator, count: int) -> list[str]:
    texts, place = [], 0
    for wanted in np.exp(draw.normal(np.log(174), 0.75, count)):
        words: list[str] = []
        while len(words) < wanted:
            words += sentences[place % len(sentences)].split()
            place += 1
        texts.append(" ".join(words))
    return texts
