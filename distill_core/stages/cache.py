"""Stage 3: each teacher is asked once per example; what it says is kept on disk, shared by arms, seeds and runs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from distill_core.catalogue import TERMS
from distill_core.config import RunConfig
from distill_core.errors import ConfigError, FieldError
from distill_core.models.base import count_parameters
from distill_core.models.encoders import attention_heads
from distill_core.models.layers import hidden_level
from distill_core.models.memory import Room
from distill_core.models.teachers import Teacher
from distill_core.sections.teaching import lessons_of, listeners
from distill_core.signals.cache import build_cache
from distill_core.signals.files import COMPLETE
from distill_core.signals.fingerprint import fingerprint
from distill_core.signals.folds import FoldedSource
from distill_core.signals.live import LiveSource
from distill_core.signals.types import SignalSource, SignalSpec
from distill_core.stages.context import RunContext
from distill_core.stages.prepare import Prepared
from distill_core.stages.teachers import TaughtTeachers, fold_of, fold_teachers
from distill_core.terms.base import Setup, StudentShape, TeacherShape, Term

BATCH_SIZE = 64


@dataclass
class TeacherSignals:
    """What one teacher says about the pool; None: no phase asks it."""

    source: SignalSource | None


def comparison_level(ctx: RunContext, prepared: Prepared, number: int) -> str:
    """ "token", "word" or "pooled" for teacher `number` (2106.01023: token by token needs equal tokenisation)."""
    own = prepared.infos[ctx.config.student.init_teacher - 1].tokenizer_fingerprint
    same = prepared.infos[number].tokenizer_fingerprint == own
    wanted, attends = ctx.config.objective.hidden_level, ctx.config.student.attends
    return hidden_level(wanted, same_tokeniser=same, attends=attends)


def terms_in_use(config: RunConfig) -> list[str]:
    """Names of the terms that some phase uses: those of the stages where there are any, else the objective's."""
    if not config.training.stages:
        return list(config.objective.weights())
    used = {name for stage in config.training.stages for name in stage.weights()}
    return [name for name in TERMS if name in used]


def setup(ctx: RunContext, prepared: Prepared) -> Setup:
    """What the terms are made from."""
    section = ctx.config.student
    init = prepared.teachers[section.init_teacher - 1]
    return Setup(
        objective=ctx.config.objective,
        student=StudentShape(section.kind, section.depth, section.head_count(attention_heads(init.encoder))),
        teachers=[
            TeacherShape(
                name=teacher.name,
                layers=teacher.layers,
                width=teacher.width,
                pooled_width=teacher.pooled_width,
                heads=attention_heads(teacher.encoder),
                level=comparison_level(ctx, prepared, number),
                parameters=count_parameters(teacher),
            )
            for number, teacher in enumerate(prepared.teachers)
        ],
        task=prepared.task.name,
        classes=prepared.classes,
    )


def build_terms(ctx: RunContext, prepared: Prepared) -> dict[str, Term]:
    """New terms, not yet attached to a student: each arm has its own."""
    made = setup(ctx, prepared)
    return {name: TERMS[name].load()(made) for name in terms_in_use(ctx.config)}


def signal_spec(ctx: RunContext, prepared: Prepared, number: int) -> SignalSpec:
    """What the terms that learn from teacher `number` need of it together.

    Raises ConfigError where that cannot be had together.
    """
    spec = SignalSpec()
    learning = {name for name, them in listeners(ctx.config).items() if number in them}
    for name, term in build_terms(ctx, prepared).items():
        if name not in learning:
            continue
        try:
            spec = spec | term.signals(number)
        except ValueError:
            teacher = prepared.teachers[number].name
            problem = f"states of {teacher} are compared by word, but {TERMS[name].title.lower()} need them by token."
            hint = "Choose a teacher with the student's tokeniser, or leave one of these terms out."
            raise ConfigError([FieldError("objective.hidden_level", problem, hint)]) from None
    if prepared.task.unit != "piece":
        return spec
    return replace(spec, top_k=min(ctx.config.signal_top_k, prepared.classes - 1))


def folder_of(ctx: RunContext, prepared: Prepared, number: int, teacher_fingerprint: str) -> Path:
    """Where the answers of teacher `number` to the whole pool lie."""
    spec = signal_spec(ctx, prepared, number)
    return ctx.home.signals / _name(ctx, prepared, number, (teacher_fingerprint, prepared.pool.ids, spec))


def _name(ctx: RunContext, prepared: Prepared, number: int, what: tuple[str, Sequence[str], SignalSpec]) -> str:
    teacher_fingerprint, ids, spec = what
    return fingerprint(teacher_fingerprint, ids, spec, prepared.limits[number], precision=ctx.precision)


def asked(config: RunConfig) -> set[int]:
    """Numbers of the teachers that some phase asks."""
    return {number for _, teachers in lessons_of(config) for number in teachers}


def item(number: int) -> str:
    return f"cache-{number}"


def run(ctx: RunContext, prepared: Prepared, taught: TaughtTeachers) -> list[TeacherSignals]:
    """Raises DiskError when the signals do not fit on the disk, Stopped when asked to (what was asked is kept)."""
    found = [_signals(ctx, prepared, taught, number) for number in range(len(prepared.teachers))]
    if not taught.folds:
        return found
    folds = fold_of(ctx, prepared)
    used = asked(ctx.config)
    parts: list[list[SignalSource]] = [[] for _ in found]
    for group in taught.folds:
        rows = np.flatnonzero(folds == group.fold)
        teachers = fold_teachers(ctx, prepared, group)
        for position, (number, teacher) in enumerate(zip(group.numbers, teachers, strict=True)):
            if number in used:
                parts[number].append(_fold_signals(ctx, prepared, (number, teacher), f"{group.key}-{position}", rows))
    counts = prepared.task.counts(prepared.pool)
    # A teacher that stays as pre-trained has learnt from no row.
    return [
        TeacherSignals(FoldedSource(one.source, own, folds, counts)) if one.source is not None and own else one
        for one, own in zip(found, parts, strict=True)
    ]


def _fold_signals(
    ctx: RunContext, prepared: Prepared, asked: tuple[int, Teacher], teacher_fingerprint: str, rows: np.ndarray
) -> SignalSource:
    """What a fold's teacher says about the rows it has not seen."""
    number, teacher = asked
    spec = signal_spec(ctx, prepared, number)
    ids = prepared.pool.take(rows).ids
    source = build_cache(
        ctx.home.signals / _name(ctx, prepared, number, (teacher_fingerprint, ids, spec)),
        teacher,
        prepared.texts[number].pool.take(rows),
        ids,
        spec,
        device=ctx.device,
        batch_size=BATCH_SIZE,
        precision=ctx.precision,
        room=Room(_told_of_memory(ctx)),
        stop=ctx.stop.is_set,
    )
    ctx.check_stop()
    return source


def _signals(ctx: RunContext, prepared: Prepared, taught: TaughtTeachers, number: int) -> TeacherSignals:
    teacher, texts = prepared.teachers[number], prepared.texts[number]
    if number not in asked(ctx.config):
        return TeacherSignals(None)
    spec = signal_spec(ctx, prepared, number)
    if ctx.config.signals == "live":
        ctx.plan.skip(item(number))
        room = Room(_told_of_memory(ctx))
        return TeacherSignals(LiveSource(teacher, texts.pool, spec, ctx.device, precision=ctx.precision, room=room))
    ids = prepared.pool.ids
    folder = folder_of(ctx, prepared, number, taught.fingerprints[number])
    if (folder / COMPLETE).exists():
        ctx.log(f"{teacher.name}: all {len(ids):,} answers were already on disk.")
        ctx.plan.skip(item(number))
    else:
        ctx.plan.begin(f"asking {teacher.name} about {len(ids):,} texts")
    # Also for a complete one: it asks nobody when the files are sound, and builds them again when they are not.
    source = build_cache(
        folder,
        teacher,
        texts.pool,
        ids,
        spec,
        device=ctx.device,
        batch_size=BATCH_SIZE,
        precision=ctx.precision,
        room=Room(_told_of_memory(ctx)),
        on_progress=_told(ctx, number),
        stop=ctx.stop.is_set,
    )
    ctx.check_stop()
    return TeacherSignals(source)


def _told_of_memory(ctx: RunContext) -> Callable[[str], None]:
    return lambda message: ctx.log(message, "warning")


def _told(ctx: RunContext, number: int) -> Callable[[int, int], None]:
    """Progress of one teacher's questioning; the first report tells what an earlier attempt had done."""
    progress = ctx.plan.item(item(number))
    first = True

    def told(done: int, total: int) -> None:
        nonlocal first
        (progress.restore if first else progress.advance)(done, total)
        first = False

    return told


def training_logits(signals: list[TeacherSignals], numbers: Sequence[int]) -> list[np.ndarray]:
    """For each of these teachers its logits on every unit of the pool, [U, C] float32."""
    sources = [signals[number].source for number in numbers]
    return [source.logits() for source in sources if source is not None]
