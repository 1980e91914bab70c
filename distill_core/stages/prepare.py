"""Stage 1: read and split the data, load the teachers, put every text into every teacher's tokens."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np

from distill_core.checkpoints import CheckpointInfo
from distill_core.compatibility import misfits
from distill_core.data.prepare import prepare as prepare_data
from distill_core.data.types import PreparedData, Rows
from distill_core.errors import ConfigError
from distill_core.models.encoders import word_embedding
from distill_core.models.teachers import Teacher, load_teachers
from distill_core.stages.context import RunContext
from distill_core.tasks.classification import Encoded, encode


@dataclass
class TeacherTexts:
    """All examples in one teacher's tokens. The pool is train followed by transfer."""

    pool: Encoded
    validation: Encoded
    test: Encoded


@dataclass
class Prepared:
    """What the later stages work on. Rows of `pool`: first the labelled ones, then the transfer set."""

    data: PreparedData
    pool: Rows
    teachers: list[Teacher]
    texts: list[TeacherTexts]

    @property
    def infos(self) -> list[CheckpointInfo]:
        return [teacher.info for teacher in self.teachers]

    @property
    def labelled(self) -> np.ndarray:
        """Positions in the pool of the labelled training rows."""
        return np.arange(len(self.data.train))


def run(ctx: RunContext) -> Prepared:
    """Raises DataError, CheckpointError or NetworkError with the field at fault."""
    config = ctx.config
    data = prepare_data(config.data, seed=ctx.seed)
    for finding in data.findings:
        ctx.sink.emit("finding", **finding.as_dict())
    ctx.log(
        f"Data: {data.name}, {len(data.labels)} classes; {len(data.train):,} labelled, {len(data.transfer):,} "
        f"transfer, {len(data.validation):,} validation, {len(data.test):,} test rows."
    )
    teachers = load_teachers(
        config.teachers,
        config.teacher_training.mode,
        data.labels,
        dropout=config.teacher_training.dropout,
        seed=ctx.seed,
    )
    _refuse_misfits(ctx, teachers)
    for teacher in teachers:
        teacher.to(ctx.device)
    ctx.check_stop()
    pool = Rows.concat([data.train, data.transfer])
    texts = [
        TeacherTexts(
            *(encode(teacher.tokenizer, rows, max_tokens(ctx, teacher)) for rows in (pool, data.validation, data.test))
        )
        for teacher in teachers
    ]
    return Prepared(data=data, pool=pool, teachers=teachers, texts=texts)


def max_tokens(ctx: RunContext, teacher: Teacher) -> int:
    """The run's limit, or the teacher's own where that is lower."""
    return min(ctx.config.data.max_tokens, teacher.max_tokens or ctx.config.data.max_tokens)


def _refuse_misfits(ctx: RunContext, teachers: list[Teacher]) -> None:
    """Before anything is trained, so that no time is lost on a run that cannot end."""
    student = ctx.config.student
    own = word_embedding(teachers[student.init_teacher - 1].encoder).shape[1]
    found = misfits(student, ctx.config.objective, [teacher.info for teacher in teachers], embedding_width=own)
    if found:
        raise ConfigError(found)


def rows_digest(*parts: Rows) -> str:
    """Content address of labelled rows: texts and gold labels."""
    digest = hashlib.sha256()
    for rows in parts:
        digest.update("\n".join(rows.ids).encode())
        digest.update(np.ascontiguousarray(rows.labels, dtype=np.int64).tobytes())
    return digest.hexdigest()
