"""Teachers that learnt something else than the run's rows say: ready classifiers for `teacher_training.mode: as_is`.

    python benchmarks/classifiers.py CONFIG.yaml OUT [--teacher 1] [--flip 0.2] [--classes 0 1 2]

Finetunes one teacher of a run config on that config's labelled rows, with its own settings and seed, after some gold
labels were replaced, or the rows of all other classes left out. OUT becomes a sequence classifier as `save_pretrained`
writes it, which knows all labels of the data. The state that validates best on the config's true validation rows is
kept. Called again after an interruption, it goes on; a finished OUT is left alone.
"""

from __future__ import annotations

import argparse
import shutil
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import numpy as np
import torch
from transformers.models.auto.modeling_auto import MODEL_FOR_SEQUENCE_CLASSIFICATION_MAPPING

from distill_core import config as cfg
from distill_core.checkpoints import inspect
from distill_core.data.prepare import prepare
from distill_core.data.types import Rows
from distill_core.events import NullSink
from distill_core.measure.machine import choose_device
from distill_core.models.base import derived_seed, seeded
from distill_core.models.encoders import load_config, load_tokenizer, quiet, set_dropout
from distill_core.models.heads import HEAD_DROPOUT
from distill_core.models.teachers import ReadyTeacher
from distill_core.tasks.base import build_task
from distill_core.train.loop import Fit
from distill_core.train.schedule import BatchPlan
from distill_core.train.stop import StopToken
from distill_core.train.teacher_learner import TeacherLearner
from distill_core.train.types import FitSettings, Trial


def flipped(labels: np.ndarray, share: float, classes: int, *, seed: int) -> np.ndarray:
    """[N] labels with round(share · N) of them replaced by another class each, which ones and by what drawn from the
    seed, all other classes equally likely."""
    random = np.random.Generator(np.random.PCG64(derived_seed(seed, "flipped labels")))
    found = np.array(labels, dtype=np.int64)
    chosen = random.permutation(len(found))[: round(share * len(found))]
    found[chosen] = (found[chosen] + random.integers(1, classes, size=len(chosen))) % classes
    return found


def altered(rows: Rows, labels: Sequence[str], flip: float, classes: Sequence[str] | None, *, seed: int) -> Rows:
    """The rows of these classes (None: all), a share `flip` of them with a wrong label."""
    if classes is not None:
        wanted = [labels.index(name) for name in classes]
        rows = rows.take(np.flatnonzero(np.isin(rows.labels, wanted)))
    return replace(rows, labels=flipped(rows.labels, flip, len(labels), seed=seed)) if flip else rows


def untaught(section: cfg.TeacherSection, labels: list[str], *, seed: int) -> ReadyTeacher:
    """The checkpoint under a new layer for these labels, whose weights are drawn from the seed."""
    info = inspect(section.source, section.revision, section.keep_layers)
    config: Any = load_config(info.folder, keep_layers=section.keep_layers)
    config.id2label, config.label2id = dict(enumerate(labels)), {name: i for i, name in enumerate(labels)}
    kind: Any = MODEL_FOR_SEQUENCE_CLASSIFICATION_MAPPING[type(config)]
    with quiet(), seeded(seed, "classifier"):
        model = kind.from_pretrained(info.folder, config=config, dtype=torch.float32, local_files_only=True)
    set_dropout(model.classifier, HEAD_DROPOUT)
    return ReadyTeacher(
        section.name or info.name, info, (load_tokenizer(info.folder), model), columns=range(len(labels))
    )


def finetune(config: cfg.RunConfig, number: int, out: Path, *, flip: float, classes: Sequence[str] | None) -> None:
    """See the module; number: of the teacher, from 0."""
    if (out / "config.json").exists():
        return
    seed, settings = config.seeds[0], config.teacher_training
    task, device = build_task(config.data.task), choose_device(config.device)
    data = prepare(config.data, seed=seed)
    rows = altered(data.train, data.labels, flip, classes, seed=seed)
    teacher = untaught(config.teachers[number], data.labels, seed=seed).to(device)
    encoded, validation = (
        task.encode(teacher.tokenizer, part, config.data.max_tokens) for part in (rows, data.validation)
    )

    def score(predicted: np.ndarray) -> float:
        right, of = task.scores(data.validation, predicted, data.labels)
        return float(right.sum() / of.sum())

    plan = BatchPlan(np.arange(len(rows)), encoded.lengths, settings.batch_size, seed=seed)
    work = out.with_name(f"{out.name}.work")
    learner = TeacherLearner([teacher], [encoded], task.targets(rows, encoded), [validation], score, settings, device)
    found = Fit(
        learner,
        plan,
        FitSettings(
            steps=settings.epochs * plan.per_epoch,
            warmup_share=settings.warmup_share,
            weight_decay=settings.weight_decay,
            evaluations=max(settings.epochs, 4),
        ),
        Trial("teacher", seed),
        folder=work,
        sink=NullSink(),
        stop=StopToken(),
    ).run()
    partial = out.with_name(f"{out.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    with quiet():
        teacher.model.save_pretrained(partial)
    teacher.tokenizer.save_pretrained(partial)
    partial.replace(out)
    shutil.rmtree(work, ignore_errors=True)
    print(f"{out.name}: {len(rows):,} rows, validation {100 * found.validation:.1f}%", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("config", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--teacher", type=int, default=1, help="number of the config's teacher, from 1")
    parser.add_argument("--flip", type=float, default=0.0, help="share of the labels that are replaced")
    parser.add_argument("--classes", nargs="+", help="learn from rows of these classes alone")
    args = parser.parse_args()
    config = cfg.load(args.config)
    if config.threads:
        torch.set_num_threads(config.threads)
    finetune(config, args.teacher - 1, args.out.resolve(), flip=args.flip, classes=args.classes)


if __name__ == "__main__":
    main()
