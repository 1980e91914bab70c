"""Stage 1: read and split the data, load the teachers, put every text into every teacher's tokens."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from distill_core.checkpoints import CheckpointInfo
from distill_core.compatibility import misfits, used_terms
from distill_core.data.prepare import prepare as prepare_data
from distill_core.data.ragged import give_back, on_disk
from distill_core.data.types import PreparedData, Rows
from distill_core.errors import ConfigError
from distill_core.models.encoders import word_embedding
from distill_core.models.mixing import check_mixable
from distill_core.models.teachers import Teacher, load_teachers
from distill_core.sections.teaching import listeners
from distill_core.signals.predict import UnitAnswers
from distill_core.stages.context import RunContext
from distill_core.tasks.base import Encoded, Targets, Task, build_task


@dataclass
class TeacherTexts:
    """All examples in one teacher's tokens. The pool is train followed by transfer."""

    pool: Encoded
    validation: Encoded
    test: Encoded


@dataclass
class Prepared:
    """What the later stages work on. Rows of `pool`: first the labelled ones, then the transfer set; in masked LM the
    training text once per epoch. limits: longest input of each teacher, in tokens."""

    task: Task
    data: PreparedData
    pool: Rows
    targets: Targets
    teachers: list[Teacher]
    texts: list[TeacherTexts]
    limits: list[int]

    @property
    def infos(self) -> list[CheckpointInfo]:
        return [teacher.info for teacher in self.teachers]

    @property
    def labelled(self) -> np.ndarray:
        """Positions in the pool of the labelled training rows."""
        return np.flatnonzero(self.pool.labels >= 0)

    @property
    def transfer(self) -> np.ndarray:
        """Positions in the pool of the rows without gold."""
        return np.flatnonzero(self.pool.labels < 0)

    @property
    def classes(self) -> int:
        """The data's labels, or in masked LM the pieces that the student's teacher embeds."""
        if self.task.unit == "piece":
            return int(word_embedding(self.teachers[0].encoder).shape[0])
        return len(self.data.labels)

    def quality(self, rows: Rows, answers: UnitAnswers) -> dict[str, Any]:
        """All figures of a model's answers on rows with gold."""
        found = self.task.quality(rows, answers.predicted, self.data.labels)
        return found if answers.nll is None else {**found, **self.task.likelihood(answers.nll)}

    def score(self, predicted: np.ndarray) -> float:
        """Validation quality of predicted [U] classes: the one number that chooses."""
        numerator, denominator = self.task.scores(self.data.validation, predicted, self.data.labels)
        return float(numerator.sum() / denominator.sum()) if denominator.sum() else 0.0


def run(ctx: RunContext, data: PreparedData | None = None) -> Prepared:
    """data: instead of those that the config makes. Raises DataError, CheckpointError or NetworkError with the field at
    fault."""
    config = ctx.config
    task = build_task(config.data.task).for_run(config)
    data = prepare_data(config.data, seed=ctx.seed) if data is None else data
    for finding in data.findings:
        ctx.sink.emit("finding", **finding.as_dict())
    task = task.for_labels(data.labels)
    ctx.log(_said(task, data))
    teachers = load_run_teachers(ctx, task, data.labels)
    _refuse_misfits(ctx, teachers)
    for teacher in teachers:
        teacher.to(ctx.device)
    ctx.check_stop()
    limits = _limits(ctx, task, teachers)
    with on_disk(ctx.home.cache):
        data = _packed(data)
        give_back()
        pool = task.pool(data)
        texts = [
            TeacherTexts(*(task.encode(teacher.tokenizer, rows, limit) for rows in (pool, data.validation, data.test)))
            for teacher, limit in zip(teachers, limits, strict=True)
        ]
    give_back()
    own, tokenizer = texts[config.student.init_teacher - 1], teachers[config.student.init_teacher - 1].tokenizer
    data = replace(
        data,
        validation=task.bind(data.validation, own.validation, tokenizer),
        test=task.bind(data.test, own.test, tokenizer),
    )
    return Prepared(task, data, pool, task.targets(pool, own.pool), teachers, texts, limits)


def _packed(data: PreparedData) -> PreparedData:
    """The same with rows that take little memory however many they are."""
    parts = {name: getattr(data, name).packed() for name in data.sizes}
    return replace(data, **parts)


def _said(task: Task, data: PreparedData) -> str:
    held_out = f"{len(data.validation):,} validation, {len(data.test):,} test"
    if task.unit == "piece":
        return f"Data: {data.name}; {len(data.train):,} training, {held_out} texts."
    kinds = "tags" if task.unit == "word" else "classes"
    rows = f"{len(data.train):,} labelled, {len(data.transfer):,} transfer, {held_out} rows"
    return f"Data: {data.name}, {len(data.labels)} {kinds}; {rows}."


def _limits(ctx: RunContext, task: Task, teachers: list[Teacher]) -> list[int]:
    """The run's longest input, or each teacher's own where that is lower; the lowest for all that share a tokeniser, so
    that what is compared token by token has equally many. In masked LM the lowest for all: which words are hidden
    depends on where a text is cut."""
    wanted = ctx.config.data.max_tokens
    limits = [min(wanted, teacher.max_tokens or wanted, teacher.tokenizer.model_max_length) for teacher in teachers]
    if task.unit == "piece":
        return [min(limits)] * len(teachers)
    prints = [teacher.info.tokenizer_fingerprint for teacher in teachers]
    return [min(limit for limit, other in zip(limits, prints, strict=True) if other == own) for own in prints]


def load_run_teachers(ctx: RunContext, task: Task, labels: list[str]) -> list[Teacher]:
    """All teachers of the run as their checkpoints are, on the CPU (the planner's: stand-ins for them)."""
    settings = ctx.config.teacher_training
    return load_teachers(
        ctx.config.teachers,
        settings.mode,
        labels,
        dropout=settings.dropout,
        seed=ctx.seed,
        task=task.name,
        stand_ins=ctx.stand_ins,
    )


def _refuse_misfits(ctx: RunContext, teachers: list[Teacher]) -> None:
    """Before anything is trained, so that no time is lost on a run that cannot end."""
    student = ctx.config.student
    found = misfits(
        student,
        ctx.config.objective,
        [teacher.info for teacher in teachers],
        embedding_width=word_embedding(teachers[student.init_teacher - 1].encoder).shape[1],
        stages=ctx.config.training.stages,
        task=ctx.config.data.task,
        signals=ctx.config.signals,
        listeners=listeners(ctx.config),
    )
    if found:
        raise ConfigError(found)
    if "mixup" in used_terms(ctx.config.objective, ctx.config.training.stages):
        for teacher in teachers:
            own = teacher.info.student
            if own is None or own.has_encoder:  # other students always read embeddings
                check_mixable(teacher.encoder)


def rows_digest(*parts: Rows) -> str:
    """Content address of labelled rows: texts and gold labels."""
    digest = hashlib.sha256()
    for rows in parts:
        digest.update("\n".join(rows.ids).encode())
        digest.update(np.ascontiguousarray(rows.labels, dtype=np.int64).tobytes())
        for tags in rows.tags or []:
            digest.update(np.ascontiguousarray(tags, dtype=np.int64).tobytes())
    return digest.hexdigest()
