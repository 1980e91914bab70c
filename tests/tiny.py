"""Tiny teachers and tiny data for whole runs in seconds: two encoders with different tokenisers; three easy classes, or
people and places in sentences of two languages."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors, trainers
from transformers import BertConfig, BertForMaskedLM, PreTrainedTokenizerFast, RobertaConfig, RobertaForMaskedLM

TOPICS = {
    "parcel": ["parcel", "courier", "delivery", "tracking"],
    "refund": ["refund", "money", "invoice", "charge"],
    "login": ["password", "login", "account", "reset"],
}
_FILLER_TEXT = "please can you help me with my today again since last week it is not here and i want to know why"
FILLERS = _FILLER_TEXT.split(" ")


def sentences(count: int, seed: int) -> list[tuple[str, str]]:
    """(text, label): one topic word among fillers; in a tenth of them also another topic's word."""
    draw = random.Random(seed)
    rows = []
    for number in range(count):
        label = list(TOPICS)[number % len(TOPICS)]
        words = draw.sample(FILLERS, draw.randint(3, 9)) + draw.sample(TOPICS[label], draw.choice([1, 2]))
        if draw.random() < 0.1:
            words.append(draw.choice(TOPICS[draw.choice(list(TOPICS))]))
        draw.shuffle(words)
        rows.append((" ".join(words), label))
    return rows


def write_data(folder: Path, *, train: int = 96, transfer: int = 96, test: int = 60) -> dict[str, str]:
    """train.csv, test.csv (text,label) and transfer.csv (text); returns their paths by role."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = {}
    for role, count, seed in (("train", train, 1), ("transfer", transfer, 2), ("test", test, 3)):
        rows = sentences(count, seed)
        header = "text" if role == "transfer" else "text,label"
        lines = [text if role == "transfer" else f"{text},{label}" for text, label in rows]
        path = folder / f"{role}.csv"
        path.write_text("\n".join([header, *lines]) + "\n", encoding="utf-8")
        paths[role] = str(path)
    return paths


PEOPLE = ["Ada", "Ben", "Cleo", "Dora", "Emil", "Frieda", "Zoë"]
SURNAMES = ["Lovelace", "O'Neill", "Weiß", "Moreau-Petit"]
PLACES = [["Paris"], ["Oslo"], ["New", "York"], ["Bad", "Ischl"], ["Köln"]]
#: {language: templates}; P stands for a person, L for a place
TEMPLATES = {
    "en": [
        "please call P in L .",
        "P left L today , and nobody knows why",
        "is P back from L ?",
        "the train to L is late",
    ],
    "de": [
        "bitte P in L anrufen .",
        "P ist gestern aus L abgereist",
        "wo in L wohnt P ?",
        "der Zug nach L hat Verspätung",
    ],
}


def tagged_sentences(count: int, seed: int) -> list[dict[str, Any]]:
    """{"words", "tags" (IOB2), "language"} of each, languages in turn, all different."""
    draw = random.Random(seed)
    found: dict[str, dict[str, Any]] = {}
    while len(found) < count:
        language = list(TEMPLATES)[len(found) % len(TEMPLATES)]
        words: list[str] = []
        tags: list[str] = []
        for word in [*draw.choice(TEMPLATES[language]).split(" "), *draw.sample(FILLERS, draw.randint(0, 3))]:
            span = [word]
            if word == "P":
                span = [draw.choice(PEOPLE), *draw.sample(SURNAMES, draw.randint(0, 1))]
            elif word == "L":
                span = draw.choice(PLACES)
            kind = {"P": "PER", "L": "LOC"}.get(word)
            words += span
            tags += ["O"] if kind is None else [f"{'I' if position else 'B'}-{kind}" for position in range(len(span))]
        found.setdefault(" ".join(words), {"words": words, "tags": tags, "language": language})
    return list(found.values())


def write_tagged(folder: Path, *, train: int = 64, transfer: int = 48, test: int = 40) -> dict[str, Any]:
    """train.jsonl, test.jsonl (words, tags, language) and transfer.jsonl (no tags): the data section without limits."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = tagged_sentences(train + transfer + test, 1)
    section: dict[str, Any] = {"source": "files", "task": "tagging", "validation_share": 0.25}
    section["columns"] = {"text": "words", "label": "tags", "language": "language"}
    for role, count in (("train", train), ("transfer", transfer), ("test", test)):
        part, rows = rows[:count], rows[count:]
        if role == "transfer":
            part = [{key: row[key] for key in ("words", "language")} for row in part]
        path = folder / f"{role}.jsonl"
        path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in part), encoding="utf-8")
        section[role] = str(path)
    return section


def _texts() -> list[str]:
    return [text for text, _ in sentences(400, 9)]


def tagging_texts() -> list[str]:
    return [" ".join(row["words"]) for row in tagged_sentences(400, 9)]


def write_bert(folder: Path, *, hidden: int = 32, layers: int = 2, texts: Sequence[str] | None = None) -> Path:
    """A random BERT with a WordPiece tokeniser, trained on `texts` (None: those of the classes)."""
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.train_from_iterator(texts or _texts(), trainers.WordPieceTrainer(vocab_size=200, special_tokens=special))
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token="[PAD]",
        unk_token="[UNK]",
        cls_token="[CLS]",
        sep_token="[SEP]",
        mask_token="[MASK]",
        model_max_length=64,
    )
    config = BertConfig(
        vocab_size=len(fast),
        hidden_size=hidden,
        num_hidden_layers=layers,
        num_attention_heads=2,
        intermediate_size=2 * hidden,
        max_position_embeddings=64,
    )
    return _save(folder, BertForMaskedLM, config, fast)


def write_roberta(folder: Path, *, hidden: int = 24, layers: int = 2, texts: Sequence[str] | None = None) -> Path:
    """A random RoBERTa with a byte-level BPE tokeniser, trained on `texts` (None: those of the classes)."""
    special = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.train_from_iterator(
        texts or _texts(),
        trainers.BpeTrainer(
            vocab_size=400, special_tokens=special, initial_alphabet=pre_tokenizers.ByteLevel.alphabet()
        ),
    )
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", pair="<s> $A </s> </s> $B </s>", special_tokens=[("<s>", 0), ("</s>", 2)]
    )
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        bos_token="<s>",
        cls_token="<s>",
        eos_token="</s>",
        sep_token="</s>",
        pad_token="<pad>",
        unk_token="<unk>",
        mask_token="<mask>",
        model_max_length=64,
        model_input_names=["input_ids", "attention_mask"],
    )
    config = RobertaConfig(
        vocab_size=len(fast),
        hidden_size=hidden,
        num_hidden_layers=layers,
        num_attention_heads=2,
        intermediate_size=2 * hidden,
        max_position_embeddings=66,
        type_vocab_size=1,
        pad_token_id=1,
        bos_token_id=0,
        eos_token_id=2,
    )
    return _save(folder, RobertaForMaskedLM, config, fast)


def _save(folder: Path, kind: Any, config: Any, tokenizer: PreTrainedTokenizerFast) -> Path:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        kind(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def config_dict(data: dict[str, Any], teachers: list[Path], **changes: Any) -> dict[str, Any]:
    """A run config of tiny size; `changes` replace whole sections."""
    return {
        "name": "tiny",
        "device": "cpu",
        "threads": 1,
        "data": {"source": "files", "max_tokens": 24, **data},
        "teachers": [{"source": str(folder)} for folder in teachers],
        "teacher_training": {"mode": "cofinetune", "epochs": 2, "batch_size": 16, "learning_rate": 0.003},
        "student": {"kind": "bilstm", "embedding": 12, "lstm_hidden": 8, "initialise": "svd", "dropout": 0.1},
        "objective": {"hidden_weight": 1.0, "teacher_weighting": "mt_bert", "distill_temperature": 2.0},
        "training": {"epochs": 2, "batch_size": 16, "learning_rate": 0.01, "evaluations": 4},
        "measure": {"batch_sizes": [1, 8], "tokens": 8, "repeats": 5},
        **changes,
    }
