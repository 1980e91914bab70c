"""Presidents' speeches as text for small masked language models, their tokeniser, and teachers of random weights."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from transformers import BertConfig, BertForMaskedLM

from distill_core.models.base import seeded
from distill_core.models.encoders import load_tokenizer
from distill_core.models.prune import prune_tokenizer

#: training sentences, and as many validation as test ones; every tenth address is validation, every tenth test
TRAIN, HELD_OUT = 6000, 800
#: sentences of fewer or more words are left out
WORDS = (5, 20)
#: the most frequent pieces that stay; rarer words are cut into smaller ones
PIECES = 2000
MAX_TOKENS = 40


@dataclass(frozen=True)
class Shape:
    """A BERT. inner: parameters of its layers' matrices, without embeddings, biases, norms and masked-LM head."""

    layers: int
    hidden: int
    intermediate: int
    heads: int = 4

    @property
    def inner(self) -> int:
        return self.layers * (4 * self.hidden**2 + 2 * self.hidden * self.intermediate)


def sentences(files: list[Path]) -> list[str]:
    """Distinct sentences of the addresses, in order."""
    found: dict[str, None] = {}
    for file in files:
        text = re.sub(r"\s+", " ", file.read_text("latin-1"))
        for sentence in re.split(r"(?<=[.?!])\s+(?=[A-Z\"])", text):
            if WORDS[0] <= len(sentence.split()) <= WORDS[1]:
                found[sentence] = None
    return list(found)


def write_texts(data: Path, work: Path, train: int) -> dict[str, Path]:
    """Split by address, so that no speech is on both sides; then a seeded choice of sentences."""
    files = sorted((data / "text_us_presidents").glob("*/*.txt"))
    sides = {
        "train": ([file for number, file in enumerate(files) if number % 10 < 8], train),
        "validation": (files[8::10], HELD_OUT),
        "test": (files[9::10], HELD_OUT),
    }
    paths = {}
    for side, (chosen, count) in sides.items():
        found = sentences(chosen)
        order = np.random.Generator(np.random.PCG64(0)).permutation(len(found))[:count]
        paths[side] = work / f"{side}.txt"
        paths[side].write_text("".join(f"{found[place]}\n" for place in sorted(order)))
    return paths


def write_teacher(folder: Path, tokenizer: Any, shape: Shape, seed: int) -> None:
    """A checkpoint of random weights with its masked-LM head, which the run then trains on the text."""
    if (folder / "model.safetensors").exists():
        return
    config = BertConfig(
        vocab_size=len(tokenizer),
        hidden_size=shape.hidden,
        num_hidden_layers=shape.layers,
        num_attention_heads=shape.heads,
        intermediate_size=shape.intermediate,
        max_position_embeddings=64,
        pad_token_id=tokenizer.pad_token_id,
    )
    with seeded(seed, "random teacher"):
        model = BertForMaskedLM(config)
    tokenizer.save_pretrained(folder)
    model.save_pretrained(folder, safe_serialization=True)


def small_tokenizer(checkpoint: Path, train: Path) -> Any:
    """The checkpoint's tokeniser with the pieces that are frequent in the training text, and single characters."""
    whole = load_tokenizer(checkpoint)
    counts = Counter(piece for ids in whole(train.read_text().splitlines())["input_ids"] for piece in ids)
    return prune_tokenizer(whole, {piece for piece, _ in counts.most_common(PIECES)})[0]
