"""Kept predictions made by hand, small enough to count on fingers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from distill_core.analysis.kept import About, Model, Split, packed, sampled_units, split_path, write_split

LABELS = ["bad", "good", "odd"]
MODELS = [
    Model("teacher:0", "teacher", "bert"),
    Model("teacher:1", "teacher", "roberta"),
    Model("main:13", "main", "main", 13),
    Model("no_teacher:13", "no_teacher", "no_teacher", 13),
]


def about(**changes: Any) -> About:
    values: dict[str, Any] = {
        "task": "classification",
        "metric": "accuracy",
        "unit": "example",
        "labels": LABELS,
        "models": MODELS,
        "reference": "teacher:0",
        "student": "main:13",
        "control": "no_teacher:13",
    }
    return About(**{**values, **changes})


def logits_for(predicted: np.ndarray, confidence: np.ndarray, classes: int = 3) -> np.ndarray:
    """[N, C] logits whose softmax gives `confidence` to `predicted` and the rest to the others alike."""
    rest = (1 - confidence) / (classes - 1)
    probabilities = np.tile(rest[:, None], (1, classes))
    probabilities[np.arange(len(predicted)), predicted] = confidence
    return np.log(np.maximum(probabilities, 1e-9)).astype(np.float32)


def write_examples(
    artifacts: Path,
    gold: np.ndarray,
    said: dict[str, np.ndarray],
    *,
    split: str = "test",
    confidence: dict[str, np.ndarray] | None = None,
    lengths: np.ndarray | None = None,
    languages: list[str] | None = None,
    unseen: np.ndarray | None = None,
    shared: About | None = None,
) -> Split:
    """One split of single-label rows. said: [N] classes by model's key; confidence: 0.9 where none are given."""
    names = sorted(set(languages or []))
    told = shared or about(
        languages=names,
        models=[model for model in MODELS if model.key in said],
        control="no_teacher:13" if "no_teacher:13" in said else "",
    )
    tensors: dict[str, np.ndarray] = {
        "ids": np.arange(1, len(gold) + 1, dtype=np.uint64),
        "lengths": np.full(len(gold), 7, dtype=np.int32) if lengths is None else lengths.astype(np.int32),
        "gold": gold.astype(np.int8),
        "units": sampled_units(len(gold), len(told.labels)),
    }
    if languages is not None:
        tensors["languages"] = np.asarray([names.index(name) for name in languages], dtype=np.uint16)
    if unseen is not None:
        tensors["unseen"] = unseen.astype(np.uint16)
    for key, predicted in said.items():
        sure = (confidence or {}).get(key, np.full(len(gold), 0.9))
        tensors[f"{key}/predicted"] = predicted.astype(np.int8)
        tensors[f"{key}/confidence"] = packed(sure)
        tensors[f"{key}/logits"] = logits_for(predicted, sure, len(told.labels))
    path = split_path(artifacts, split)
    write_split(path, told, tensors)
    return Split(path)


def write_tagged(artifacts: Path, gold: list[list[int]], said: dict[str, list[list[int]]], **changes: Any) -> Split:
    """One split of sentences: tags' numbers of each, gold and by model's key."""
    labels = ["O", "B-LOC", "I-LOC", "B-PER", "I-PER"]
    languages = changes.pop("languages", None)
    names = sorted(set(languages or []))
    told = about(
        **{
            "task": "tagging",
            "metric": "f1",
            "unit": "word",
            "labels": labels,
            "languages": names,
            "models": [model for model in MODELS if model.key in said],
            "control": "no_teacher:13" if "no_teacher:13" in said else "",
            **changes,
        }
    )
    tensors: dict[str, np.ndarray] = {
        "ids": np.arange(1, len(gold) + 1, dtype=np.uint64),
        "lengths": np.asarray([len(tags) + 2 for tags in gold], dtype=np.int32),
        "counts": np.asarray([len(tags) for tags in gold], dtype=np.int32),
        "gold": np.concatenate(gold).astype(np.int8),
        "units": sampled_units(sum(map(len, gold)), len(told.labels)),
    }
    if languages is not None:
        tensors["languages"] = np.asarray([names.index(name) for name in languages], dtype=np.uint16)
    for key, predicted in said.items():
        tensors[f"{key}/predicted"] = np.concatenate(predicted).astype(np.int8)
        tensors[f"{key}/confidence"] = packed(np.full(len(tensors["gold"]), 0.8))
    path = split_path(artifacts, "test")
    write_split(path, told, tensors)
    return Split(path)


def write_pieces(
    artifacts: Path,
    gold: list[list[int]],
    said: dict[str, list[list[int]]],
    *,
    names: list[str],
    kinds: list[list[int]] | None = None,
    split: str = "test",
    **more: np.ndarray,
) -> Split:
    """One split of texts with hidden pieces: numbers in `names`, gold and by model's key. Text n reads like its hidden
    pieces, joined by spaces. more: "seen" [P] (by default 5 of each), "hidden" [U], "lengths", "KEY/confidence" [U] (by
    default 0.5), "KEY/nll" [U] (by default 1 nat), as `analysis.kept` has them."""
    flat = np.concatenate([np.asarray(row, dtype=np.int64) for row in gold])
    told = about(
        task="masked_lm",
        unit="piece",
        labels=names,
        models=[model for model in MODELS if model.key in said],
        control="no_teacher:13" if "no_teacher:13" in said else "",
    )
    places = [sum(len(names[piece]) + 1 for piece in row[:at]) for row in gold for at in range(len(row))]
    units = len(flat)
    tensors: dict[str, np.ndarray] = {
        "ids": np.arange(1, len(gold) + 1, dtype=np.uint64),
        "lengths": np.asarray([len(row) + 2 for row in gold], dtype=np.int32),
        "counts": np.asarray([len(row) for row in gold], dtype=np.int32),
        "gold": flat.astype(np.int8),
        "pieces": np.arange(100, 100 + len(names), dtype=np.int32),
        "seen": np.full(len(names), 5, dtype=np.int64),
        "starts": np.asarray(places, dtype=np.int32),
        "widths": np.asarray([len(names[piece]) for piece in flat], dtype=np.uint16),
        "kinds": np.zeros(units, dtype=np.uint8) if kinds is None else np.concatenate(kinds).astype(np.uint8),
        "hidden": np.zeros(units, dtype=np.uint8),
    }
    for key, rows in said.items():
        tensors[f"{key}/predicted"] = np.concatenate(rows).astype(np.int8)
        tensors[f"{key}/confidence"] = packed(more.pop(f"{key}/confidence", np.full(units, 0.5)))
        tensors[f"{key}/nll"] = more.pop(f"{key}/nll", np.ones(units)).astype(np.float16)
    path = split_path(artifacts, split)
    write_split(path, told, {**tensors, **more})
    return Split(path)
