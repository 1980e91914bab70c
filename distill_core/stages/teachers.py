"""Stage 2: teachers learn the task, alone or together, once: finished ones are kept and found again by content."""

from __future__ import annotations

import hashlib
import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from distill_core.models.base import derived_seed
from distill_core.models.teachers import Teacher, load_teacher_states, save_teachers
from distill_core.models.used_rows import rows_in_use
from distill_core.signals.predict import UnitAnswers, predict_units
from distill_core.stages.context import RunContext, Uncharted
from distill_core.stages.prepare import Prepared, load_run_teachers, rows_digest
from distill_core.storage import write_json
from distill_core.train.loop import Fit
from distill_core.train.schedule import BatchPlan
from distill_core.train.teacher_learner import TeacherLearner
from distill_core.train.types import FitSettings, Trial


@dataclass
class Group:
    """Teachers finetuned in one job; fold: the part of the labelled rows they do not see, None where they see all."""

    numbers: list[int]
    key: str
    fold: int | None = None

    @property
    def item(self) -> str:
        return f"teacher-{self.key}"


@dataclass
class TaughtTeachers:
    """The teachers as they will teach: a fingerprint, validation quality and answers on validation each (None of one
    that stays as pre-trained), who is the reference; and the groups that were finetuned without one fold of the
    labelled rows."""

    fingerprints: list[str]
    validation: list[float | None]
    answers: list[UnitAnswers | None]
    folds: list[Group]

    @property
    def reference(self) -> int:
        """Index of the teacher with the highest validation quality."""
        return max(range(len(self.validation)), key=lambda number: self.validation[number] or 0.0)


def groups(ctx: RunContext, prepared: Prepared) -> list[Group]:
    """Which teachers are finetuned together, each with the content address of its result."""
    mode = ctx.config.teacher_training.mode
    everyone = [number for number, teacher in enumerate(prepared.teachers) if teacher.answers]
    if mode == "as_is":
        return []
    parts = [everyone] if mode == "cofinetune" else [[number] for number in everyone]
    folds = [None, *range(ctx.config.teacher_training.folds)] if ctx.config.teacher_training.folds > 1 else [None]
    return [Group(numbers, _key(ctx, prepared, numbers, fold), fold) for fold in folds for numbers in parts]


def fold_of(ctx: RunContext, prepared: Prepared) -> np.ndarray:
    """[N] fold of each row of the pool, −1 for transfer rows; folds are about equally large and drawn from the seed.

    Rows of equal text share a fold: a teacher that learnt from one of them knows the other.
    """
    found = np.full(len(prepared.pool), -1, dtype=np.int64)
    labelled = prepared.labelled
    texts, own = np.unique([prepared.pool.ids[row] for row in labelled], return_inverse=True)
    order = np.random.Generator(np.random.PCG64(derived_seed(ctx.seed, "folds"))).permutation(len(texts))
    folds = np.empty(len(texts), dtype=np.int64)
    folds[order] = np.arange(len(texts)) % ctx.config.teacher_training.folds
    found[labelled] = folds[own]
    return found


def fold_teachers(ctx: RunContext, prepared: Prepared, group: Group) -> list[Teacher]:
    """The finished teachers of a fold, on the run's device."""
    teachers = _untaught(ctx, prepared, group)
    load_teacher_states(teachers, ctx.home.teachers / group.key)
    return teachers


def _untaught(ctx: RunContext, prepared: Prepared, group: Group) -> list[Teacher]:
    """The group's teachers: the run's own, or for a fold fresh ones from the same checkpoints."""
    if group.fold is None:
        return [prepared.teachers[number] for number in group.numbers]
    # Loaded in one go: co-finetuned teachers share one head.
    fresh = load_run_teachers(ctx, prepared.task, prepared.data.labels)
    return [fresh[number].to(ctx.device) for number in group.numbers]


def is_kept(ctx: RunContext, group: Group) -> bool:
    """Did an earlier run finetune the same?"""
    return (ctx.home.teachers / group.key / "complete").exists()


def fingerprints(ctx: RunContext, prepared: Prepared) -> list[str]:
    """What names each teacher, as it will teach, in the caches of its answers; known before it is finetuned."""
    found = [_as_is_fingerprint(ctx, prepared, number) for number in range(len(prepared.teachers))]
    for group in groups(ctx, prepared):
        if group.fold is None:
            for position, number in enumerate(group.numbers):
                found[number] = f"{group.key}-{position}"
    return found


def fit_settings(ctx: RunContext, steps: int) -> FitSettings:
    """How a group of teachers is optimised over so many steps."""
    settings = ctx.config.teacher_training
    return FitSettings(
        steps=steps,
        warmup_share=settings.warmup_share,
        weight_decay=settings.weight_decay,
        evaluations=max(settings.epochs, 4),
    )


def batches_of(ctx: RunContext, prepared: Prepared, group: Group) -> BatchPlan:
    """Which labelled rows each step of a group's finetuning sees."""
    rows = prepared.labelled
    if group.fold is not None:
        rows = rows[fold_of(ctx, prepared)[rows] != group.fold]
    lengths = prepared.texts[group.numbers[0]].pool.lengths[rows]
    settings = ctx.config.teacher_training
    return BatchPlan(rows, lengths, settings.batch_size, seed=ctx.seed, copies=prepared.task.copies)


def learner_of(ctx: RunContext, prepared: Prepared, group: Group, teachers: list[Teacher]) -> TeacherLearner:
    """What trains a group's teachers."""
    return TeacherLearner(
        teachers,
        [prepared.texts[number].pool for number in group.numbers],
        prepared.targets,
        [prepared.texts[number].validation for number in group.numbers],
        prepared.score,
        ctx.config.teacher_training,
        ctx.device,
        precision=ctx.precision,
    )


def run(ctx: RunContext, prepared: Prepared, *, ask: bool = True) -> TaughtTeachers:
    """ask: about validation, too; a sweep knows already how good its teachers are."""
    made = groups(ctx, prepared)
    for group in made:
        _teach(ctx, prepared, group)
    answers = [
        predict_units(teacher, texts.validation, ctx.device, confident=True) if ask and teacher.answers else None
        for teacher, texts in zip(prepared.teachers, prepared.texts, strict=True)
    ]
    validation = [None if said is None else prepared.score(said.predicted) for said in answers]
    taught = TaughtTeachers(
        fingerprints(ctx, prepared), validation, answers, [group for group in made if group.fold is not None]
    )
    for number, teacher in enumerate(prepared.teachers if ask else []):
        best = {"level": "reference"} if number == taught.reference else {}
        ctx.sink.emit("teacher", name=teacher.name, validation=validation[number], **best)
    return taught


def _teach(ctx: RunContext, prepared: Prepared, group: Group) -> None:
    """Finetune one group, or fetch what an earlier run with the same content has left."""
    names = " and ".join(prepared.teachers[number].name for number in group.numbers)
    if group.fold is not None:
        names += f" without fold {group.fold + 1}"
    store = ctx.home.teachers / group.key
    known = is_kept(ctx, group)
    teachers = _untaught(ctx, prepared, group) if group.fold is None or not known else []
    if known:
        if group.fold is None:
            load_teacher_states(teachers, store)
        ctx.plan.skip(group.item)
        ctx.log(f"{names}: finetuned before on the same data with the same settings; taken from the store.")
        return
    learner, plan = learner_of(ctx, prepared, group, teachers), batches_of(ctx, prepared, group)
    steps = ctx.config.teacher_training.epochs * plan.per_epoch
    folder = ctx.folder.checkpoints / group.item
    ctx.plan.begin(f"finetuning {names}")
    texts = [prepared.texts[number] for number in group.numbers]
    with rows_in_use([(t, [own.pool, own.validation]) for t, own in zip(teachers, texts, strict=True)], folder):
        Fit(
            learner,
            plan,
            fit_settings(ctx, steps),
            Trial(group.item, ctx.seed),
            folder=folder,
            sink=ctx.sink if group.fold is None else Uncharted(ctx.sink),
            stop=ctx.stop,
            progress=ctx.plan.item(group.item),
        ).run()
    _keep(teachers, store, folder)


def _keep(teachers: list[Teacher], store: Path, folder: Path) -> None:
    """Move the finished group into the store in one step; if another run was faster, its result is equal."""
    partial = store.with_name(store.name + ".partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    save_teachers(teachers, partial)
    write_json(partial / "about.json", {"teachers": [teacher.name for teacher in teachers]})
    (partial / "complete").touch()
    if store.exists():
        shutil.rmtree(partial)
    else:
        partial.replace(store)
    shutil.rmtree(folder, ignore_errors=True)


def _as_is_fingerprint(ctx: RunContext, prepared: Prepared, number: int) -> str:
    section = ctx.config.teachers[number]
    # The same checkpoint says other things with its head and without.
    headless = [] if prepared.teachers[number].answers else ["pretrained_only"]
    return _digest(
        [
            *headless,
            prepared.infos[number].fingerprint,
            section.keep_layers,
            section.label_mapping,
            prepared.data.labels,
            prepared.task.name,
        ]
    )


def _key(ctx: RunContext, prepared: Prepared, numbers: list[int], fold: int | None) -> str:
    """Content address of a finetuned group: same teachers, data, settings, seed and kind of machine, same weights."""
    # In masked LM the training text's maskings are part of the data.
    maskings = [rows_digest(prepared.pool)] if prepared.task.unit == "piece" else []
    return _digest(
        [
            *maskings,
            # The position too: it seeds the new head.
            [(n, prepared.infos[n].fingerprint, ctx.config.teachers[n].keep_layers) for n in numbers],
            ctx.config.teacher_training.model_dump(mode="json", exclude={"folds"}),
            None if fold is None else (fold, ctx.config.teacher_training.folds),
            ctx.config.data.task,
            prepared.data.labels,
            rows_digest(prepared.data.train, prepared.data.validation),
            ctx.config.data.max_tokens,
            ctx.seed,
            ctx.device.type,
            torch.get_num_threads(),
            torch.__version__,
            *([] if ctx.precision == "fp32" else [ctx.precision]),
        ]
    )


def _digest(parts: Any) -> str:
    return hashlib.sha256(json.dumps(parts, sort_keys=True, ensure_ascii=False).encode()).hexdigest()[:32]
