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

from distill_core.models.teachers import Teacher, load_teacher_states, save_teachers
from distill_core.signals.predict import UnitAnswers, predict_units
from distill_core.stages.context import RunContext
from distill_core.stages.prepare import Prepared, rows_digest
from distill_core.storage import write_json
from distill_core.train.loop import Fit
from distill_core.train.schedule import BatchPlan
from distill_core.train.teacher_learner import TeacherLearner
from distill_core.train.types import FitSettings, Trial


@dataclass
class TaughtTeachers:
    """The teachers as they will teach: a fingerprint, validation quality and answers on validation each, who is the
    reference."""

    fingerprints: list[str]
    validation: list[float]
    answers: list[UnitAnswers]

    @property
    def reference(self) -> int:
        """Index of the teacher with the highest validation quality."""
        return int(np.argmax(self.validation))


@dataclass
class _Group:
    """Teachers finetuned in one job."""

    numbers: list[int]
    key: str

    @property
    def item(self) -> str:
        return f"teacher-{self.key}"


def groups(ctx: RunContext, prepared: Prepared) -> list[_Group]:
    """Which teachers are finetuned together, each with the content address of its result."""
    mode = ctx.config.teacher_training.mode
    everyone = list(range(len(prepared.teachers)))
    if mode == "as_is":
        return []
    parts = [everyone] if mode == "cofinetune" else [[number] for number in everyone]
    return [_Group(numbers, _key(ctx, prepared, numbers)) for numbers in parts]


def run(ctx: RunContext, prepared: Prepared) -> TaughtTeachers:
    fingerprints = [_as_is_fingerprint(ctx, prepared, number) for number in range(len(prepared.teachers))]
    for group in groups(ctx, prepared):
        _teach(ctx, prepared, group)
        for position, number in enumerate(group.numbers):
            fingerprints[number] = f"{group.key}-{position}"
    answers = [
        predict_units(teacher, texts.validation, ctx.device)
        for teacher, texts in zip(prepared.teachers, prepared.texts, strict=True)
    ]
    validation = [prepared.score(said.predicted) for said in answers]
    taught = TaughtTeachers(fingerprints, validation, answers)
    for number, teacher in enumerate(prepared.teachers):
        ctx.sink.emit("teacher", name=teacher.name, validation=validation[number], reference=number == taught.reference)
    return taught


def _teach(ctx: RunContext, prepared: Prepared, group: _Group) -> None:
    """Finetune one group, or fetch what an earlier run with the same content has left."""
    teachers = [prepared.teachers[number] for number in group.numbers]
    names = " and ".join(teacher.name for teacher in teachers)
    store = ctx.home.teachers / group.key
    if (store / "complete").exists():
        load_teacher_states(teachers, store)
        ctx.plan.skip(group.item)
        ctx.log(f"{names}: finetuned before on the same data with the same settings; taken from the store.")
        return
    settings = ctx.config.teacher_training
    learner = TeacherLearner(
        teachers,
        [prepared.texts[number].pool for number in group.numbers],
        prepared.targets,
        [prepared.texts[number].validation for number in group.numbers],
        prepared.score,
        settings,
        ctx.device,
    )
    lengths = prepared.texts[group.numbers[0]].pool.lengths[prepared.labelled]
    plan = BatchPlan(prepared.labelled, lengths, settings.batch_size, seed=ctx.seed, copies=prepared.task.copies)
    steps = settings.epochs * plan.per_epoch
    folder = ctx.folder.checkpoints / group.item
    ctx.plan.begin(f"finetuning {names}")
    Fit(
        learner,
        plan,
        FitSettings(
            steps=steps,
            warmup_share=settings.warmup_share,
            weight_decay=settings.weight_decay,
            evaluations=max(settings.epochs, 4),
        ),
        Trial(group.item, ctx.seed),
        folder=folder,
        sink=ctx.sink,
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
    return _digest(
        [
            prepared.infos[number].fingerprint,
            section.keep_layers,
            section.label_mapping,
            prepared.data.labels,
            prepared.task.name,
        ]
    )


def _key(ctx: RunContext, prepared: Prepared, numbers: list[int]) -> str:
    """Content address of a finetuned group: same teachers, data, settings, seed and kind of machine, same weights."""
    # In masked LM the training text's maskings are part of the data.
    maskings = [rows_digest(prepared.pool)] if prepared.task.unit == "piece" else []
    return _digest(
        [
            *maskings,
            # The position too: it seeds the new head.
            [(n, prepared.infos[n].fingerprint, ctx.config.teachers[n].keep_layers) for n in numbers],
            ctx.config.teacher_training.model_dump(mode="json"),
            ctx.config.data.task,
            prepared.data.labels,
            rows_digest(prepared.data.train, prepared.data.validation),
            ctx.config.data.max_tokens,
            ctx.seed,
            ctx.device.type,
            torch.get_num_threads(),
            torch.__version__,
        ]
    )


def _digest(parts: Any) -> str:
    return hashlib.sha256(json.dumps(parts, sort_keys=True, ensure_ascii=False).encode()).hexdigest()[:32]
