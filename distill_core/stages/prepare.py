"""Stage 1: read and split the data, load the teachers, put every text into every teacher's tokens."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

import numpy as np

from distill_core.checkpoints import CheckpointInfo
from distill_core.compatibility import misfits, used_terms
from distill_core.data.prepare import prepare as prepare_data
from distill_core.data.types import PreparedData, Rows
from distill_core.errors import ConfigError
from distill_core.models.encoders import word_embedding
from distill_core.models.mixing import check_mixable
from distill_core.models.teachers import Teacher, load_teachers
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
    """What the later stages work on. Rows of `pool`: first the labelled ones, then the transfer set."""

    task: Task
    data: PreparedData
    pool: Rows
    targets: Targets
    teachers: list[Teacher]
    texts: list[TeacherTexts]

    @property
    def infos(self) -> list[CheckpointInfo]:
        return [teacher.info for teacher in self.teachers]

    @property
    def labelled(self) -> np.ndarray:
        """Positions in the pool of the labelled training rows."""
        return np.arange(len(self.data.train))

    @property
    def transfer(self) -> np.ndarray:
        """Positions in the pool of the rows without gold."""
        return np.arange(len(self.data.train), len(self.pool))

    def quality(self, rows: Rows, predicted: np.ndarray) -> dict[str, Any]:
        """All figures of predicted [U] classes on rows with gold."""
        return self.task.quality(rows, predicted, self.data.labels)

    def score(self, predicted: np.ndarray) -> float:
        """Validation quality of predicted [U] classes: the one number that chooses."""
        numerator, denominator = self.task.scores(self.data.validation, predicted, self.data.labels)
        return float(numerator.sum() / denominator.sum()) if denominator.sum() else 0.0


def run(ctx: RunContext) -> Prepared:
    """Raises DataError, CheckpointError or NetworkError with the field at fault."""
    config = ctx.config
    task = build_task(config.data.task)
    data = prepare_data(config.data, seed=ctx.seed)
    for finding in data.findings:
        ctx.sink.emit("finding", **finding.as_dict())
    kinds = "tags" if task.unit == "word" else "classes"
    ctx.log(
        f"Data: {data.name}, {len(data.labels)} {kinds}; {len(data.train):,} labelled, {len(data.transfer):,} "
        f"transfer, {len(data.validation):,} validation, {len(data.test):,} test rows."
    )
    teachers = load_run_teachers(ctx, task, data.labels)
    _refuse_misfits(ctx, teachers)
    for teacher in teachers:
        teacher.to(ctx.device)
    ctx.check_stop()
    pool = Rows.concat([data.train, data.transfer])
    texts = [
        TeacherTexts(
            *(
                task.encode(teacher.tokenizer, rows, max_tokens(ctx, teacher))
                for rows in (pool, data.validation, data.test)
            )
        )
        for teacher in teachers
    ]
    targets = Targets(task.gold(pool), task.counts(pool))
    return Prepared(task=task, data=data, pool=pool, targets=targets, teachers=teachers, texts=texts)


def load_run_teachers(ctx: RunContext, task: Task, labels: list[str]) -> list[Teacher]:
    """All teachers of the run as their checkpoints are, on the CPU."""
    settings = ctx.config.teacher_training
    return load_teachers(
        ctx.config.teachers, settings.mode, labels, dropout=settings.dropout, seed=ctx.seed, task=task.name
    )


def max_tokens(ctx: RunContext, teacher: Teacher) -> int:
    """The run's limit, or the teacher's own where that is lower."""
    return min(ctx.config.data.max_tokens, teacher.max_tokens or ctx.config.data.max_tokens)


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
    )
    if found:
        raise ConfigError(found)
    if "mixup" in used_terms(ctx.config.objective, ctx.config.training.stages):
        for teacher in teachers:
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
