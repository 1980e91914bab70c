"""A finished run of masked language modelling as a folder on disk, without training: words of the bundled text are its
pieces, and what its models said is made up."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from distill_core import recipes
from distill_core.analysis.kept import About, Model, packed, split_path, write_split
from distill_core.config import RunConfig
from distill_core.data.prepare import prepare
from distill_core.data.types import Rows
from distill_core.export.report import build_report, write_report
from distill_core.jobs.meta import write_meta
from distill_core.layout import RunFolder
from distill_core.measure.scores import Scores
from distill_core.storage import write_text
from distill_core.tasks.hidden_pieces import ANOTHER, MASK, NUMBER, SAME, SIGN, WHOLE
from distill_core.tasks.words import WORD
from tests.finished_run import write_events
from tests.samples import sample_parts

SEED = 13
#: rows of each split that are used, and hidden words of each
ROWS, SHARE = 160, 0.2
ACCURACIES = {"support-bert": 0.62, "support-roberta": 0.58, "main": 0.5, "no_teacher": 0.42, "uniform": 0.48}


def finished_masked(folder: Path, *, name: str = "masked", single: bool = True) -> RunFolder:
    """A run that is done. single: with single answers (earlier versions counted texts alone)."""
    run = RunFolder(folder).create()
    config = recipes.load("weak_teacher").config.model_dump(mode="json")
    write_text(run.config, RunConfig.model_validate({**config, "name": name, "seeds": [SEED]}).to_yaml())
    write_meta(run, name, 1_790_000_000.0)
    data = prepare(recipes.load("weak_teacher").config.data, seed=SEED)
    parts = sample_parts((SEED,), test_size=10)
    seen = _count(data.train.texts[:2000])
    splits = {split: _hide(getattr(data, split), seed) for seed, split in enumerate(("validation", "test"))}
    vocabulary = sorted({word for hidden in splits.values() for word in hidden["words"]})
    number = {word: place for place, word in enumerate(vocabulary)}
    gold = {split: np.asarray([number[word] for word in hidden["words"]]) for split, hidden in splits.items()}
    parts.task, parts.unit, parts.labels, parts.name, parts.run_id = "masked_lm", "piece", [], name, run.run_id
    parts.gold, parts.data = gold["test"], {"name": "support-text", "sizes": {"train": 2000, "test": ROWS}}
    teachers = [Model(f"teacher:{n}", "teacher", one.name) for n, one in enumerate(parts.teachers)]
    arms = [Model(f"{arm.name}:{arm.seed}", arm.name, arm.name, arm.seed) for arm in parts.arms]
    about = About(
        "masked_lm", "accuracy", "piece", vocabulary, [*teachers, *arms], "teacher:0", f"main:{SEED}",
        f"no_teacher:{SEED}",
    )  # fmt: skip
    for split, hidden in splits.items():
        tensors = _tensors(hidden, gold[split], [seen.get(word, 0) for word in vocabulary])
        for place, (model, one) in enumerate(zip(about.models, [*parts.teachers, *parts.arms], strict=True)):
            said, sure, nll = _answers(gold[split], ACCURACIES[one.name], 10 * place, len(vocabulary))
            right = np.bincount(hidden["owner"], weights=said == gold[split], minlength=ROWS)
            loss = float(nll.mean())
            figures = {"accuracy": float(np.mean(said == gold[split])), "per_class": [], "loss": loss}
            setattr(one, split, {**figures, "perplexity": float(np.exp(loss))})
            if split == "test":
                one.predicted, one.scores = said, Scores(right, hidden["counts"])
            if single:
                tensors[f"{model.key}/predicted"] = said.astype(np.int16)
                tensors[f"{model.key}/confidence"] = packed(sure)
                tensors[f"{model.key}/nll"] = nll.astype(np.float16)
            else:
                tensors[f"{model.key}/right"] = right.astype(np.int32)
        if not single:
            for what in ("gold", "pieces", "seen", "starts", "widths", "kinds", "hidden"):
                del tensors[what]
        write_split(split_path(run.artifacts, split), about if single else replace(about, labels=[]), tensors)
    write_report(run.report, build_report(parts))
    write_events(run)
    return run


def _count(texts: list[str]) -> dict[str, int]:
    found: dict[str, int] = {}
    for text in texts:
        for word in WORD.findall(text):
            found[word] = found.get(word, 0) + 1
    return found


def _hide(rows: Rows, seed: int) -> dict[str, Any]:
    """Of the first rows about so many words, at least one of each."""
    draw = np.random.default_rng(seed)
    found: dict[str, Any] = {"words": [], "starts": [], "counts": [], "lengths": [], "ids": rows.ids[:ROWS]}
    for text in rows.texts[:ROWS]:
        spans = list(WORD.finditer(text))
        chosen = [span for span in spans if draw.random() < SHARE] or spans[:1]
        found["words"] += [span.group() for span in chosen]
        found["starts"] += [span.start() for span in chosen]
        found["counts"].append(len(chosen))
        found["lengths"].append(len(spans) + 2)
    found["owner"] = np.repeat(np.arange(ROWS), found["counts"])
    return found


def _tensors(hidden: dict[str, Any], gold: np.ndarray, seen: list[int]) -> dict[str, np.ndarray]:
    words = hidden["words"]
    kinds = [WHOLE if any(map(str.isalpha, word)) else NUMBER if word.isnumeric() else SIGN for word in words]
    fates = np.random.default_rng(5).choice([MASK, ANOTHER, SAME], p=[0.8, 0.1, 0.1], size=len(words))
    return {
        "ids": np.asarray([int(key[:16], 16) for key in hidden["ids"]], dtype=np.uint64),
        "lengths": np.asarray(hidden["lengths"], dtype=np.int32),
        "counts": np.asarray(hidden["counts"], dtype=np.int32),
        "gold": gold.astype(np.int16),
        "pieces": np.arange(len(seen), dtype=np.int32),
        "seen": np.asarray(seen, dtype=np.int64),
        "starts": np.asarray(hidden["starts"], dtype=np.int32),
        "widths": np.asarray([len(word) for word in words], dtype=np.uint16),
        "kinds": np.asarray(kinds, dtype=np.uint8),
        "hidden": fates.astype(np.uint8),
    }


def _answers(gold: np.ndarray, accuracy: float, seed: int, pieces: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(predicted, confidence, −log p of gold), each [U]; pieces hard for one model are hard for most."""
    own, shared = np.random.default_rng(seed), np.random.default_rng(99)
    hardness = 0.7 * shared.random(len(gold)) + 0.3 * own.random(len(gold))
    right = hardness < np.quantile(hardness, accuracy)
    sure = np.clip(np.where(right, own.beta(5, 2, len(gold)), own.beta(2, 4, len(gold))), 0.05, 0.99)
    said = np.where(right, gold, (gold + own.integers(1, 4, len(gold))) % pieces)
    return said, sure, np.where(right, -np.log(sure), -np.log((1 - sure) * own.random(len(gold)) * 0.5 + 1e-4))
