"""Which arms, seeds and phases a run trains: told before anything is trained, and used when it is."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from distill_core.data.ragged import on_disk
from distill_core.models.prune import renumber
from distill_core.models.students import Student, build_student
from distill_core.sections.teaching import needed
from distill_core.stages.cache import terms_in_use
from distill_core.stages.context import RunContext
from distill_core.stages.prepare import Prepared, TeacherTexts
from distill_core.tasks.base import Encoded
from distill_core.train.phases import Material, Phase, hard_label_phase, plan_phases, total_steps
from distill_core.train.rates import student_rate
from distill_core.train.types import Trial

#: how arms are called that one teacher is left out of
WITHOUT = "without:"


@dataclass
class StudentPlan:
    """The student before it is trained. seen: ids of the pieces that occur in the pool, where the vocabulary is pruned
    to them. texts: all examples in the student's own tokens. material: what its phases are planned for."""

    seen: np.ndarray | None
    texts: TeacherTexts
    material: Material


def arms_of(ctx: RunContext) -> list[str]:
    """Which arms this run trains, main first: the uniform control needs to know main's mean weight."""
    arms = ["main"]
    if "uniform" in ctx.config.controls and skipped_uniform(ctx) is None:
        arms.append("uniform")
    if "no_teacher" in ctx.config.controls:
        arms.append("no_teacher")
    if "without_each" in ctx.config.controls:
        arms += [without(n) for n in range(len(ctx.config.teachers)) if needed(ctx.config, n) is None]
    return arms


def without(number: int) -> str:
    """The arm of main without teacher `number` (from 0)."""
    return f"{WITHOUT}{number}"


def left_out(arm: str) -> int | None:
    """Number (from 0) of the teacher that this arm is without; None: it is no such arm."""
    return int(arm.removeprefix(WITHOUT)) if arm.startswith(WITHOUT) else None


def skipped_uniform(ctx: RunContext) -> str | None:
    """Why the uniform control would equal main, or None when it would not."""
    if ctx.config.objective.teacher_weighting == "uniform":
        answering = [teacher for teacher in ctx.config.teachers if not teacher.pretrained_only]
        return "single_teacher" if len(answering) == 1 else "already_uniform"
    return None if "soft" in terms_in_use(ctx.config) else "constant_unused"


def trials_of(ctx: RunContext) -> list[Trial]:
    return [Trial(arm, seed) for seed in ctx.config.seeds for arm in arms_of(ctx)]


def seen_pieces(ctx: RunContext, prepared: Prepared) -> np.ndarray | None:
    """Ids that occur in the texts the student learns from; validation and test have no say in it."""
    section = ctx.config.student
    if section.vocabulary != "seen":
        return None
    return prepared.texts[section.init_teacher - 1].pool.ids.distinct()


def new_student(ctx: RunContext, prepared: Prepared, seed: int, *, random: bool = False) -> Student:
    """A student of this run, on the CPU. random: leave out what a teacher would give, where that changes no shape."""
    section = ctx.config.student
    return build_student(
        section.untaught() if random else section,
        teachers=prepared.teachers,
        classes=prepared.classes,
        max_tokens=ctx.config.data.max_tokens,
        seed=seed,
        task=prepared.task.name,
        seen=seen_pieces(ctx, prepared),
    )


def plan_student(ctx: RunContext, prepared: Prepared, student: Student) -> StudentPlan:
    """From a student of the run's shape (its weights do not matter)."""
    own = prepared.texts[ctx.config.student.init_teacher - 1]
    if student.kept_ids is not None:
        own = _pruned(ctx, prepared, student, own.pool)
    material = Material(
        parts=[name for name, _ in student.parts()],
        labelled=prepared.labelled,
        transfer=prepared.transfer,
        learning_rate=student_rate(ctx.config.training, ctx.config.student, student.width),
        copies=prepared.task.copies,
        teachers=ctx.config.teachers,
    )
    return StudentPlan(seen_pieces(ctx, prepared), own, material)


def _pruned(ctx: RunContext, prepared: Prepared, student: Student, pool: Encoded) -> TeacherTexts:
    """The texts in a pruned vocabulary. The pool keeps its pieces under new numbers, so that it stays aligned with what
    the teachers said; the other texts may hold pieces that were pruned, and are cut anew."""
    assert student.kept_ids is not None
    kept, limit = student.kept_ids, ctx.config.data.max_tokens
    pad = student.tokenizer.pad_token_id
    with on_disk(ctx.home.cache):
        renumbered = replace(pool, ids=pool.ids.mapped(lambda ids: renumber(ids, kept)), pad_id=pad)
    others = (
        prepared.task.encode(student.tokenizer, rows, limit) for rows in (prepared.data.validation, prepared.data.test)
    )
    return TeacherTexts(renumbered, *others)


def phases_of(ctx: RunContext, plan: StudentPlan, arm: str) -> list[Phase]:
    """The phases of one arm. The control without teachers gets as many steps as main; where a teacher is left out, the
    others teach as if it had never been there."""
    main = plan_phases(ctx.config.training, ctx.config.objective, plan.material)
    gone = left_out(arm)
    if gone is not None:
        return [replace(phase, teachers=tuple(n for n in phase.teachers or () if n != gone)) for phase in main]
    if arm != "no_teacher":
        return main
    return [hard_label_phase(ctx.config.training, plan.material, steps=total_steps(main))]
