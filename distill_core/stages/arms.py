"""Stage 4: the arms. The main student, and beside it the controls that show what the teachers were worth."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import load_file, save_file

from distill_core.config import Objective
from distill_core.models.projections import Projections
from distill_core.models.students import Student, build_student
from distill_core.stages.cache import TeacherSignals, layer_pairs, training_logits
from distill_core.stages.context import RunContext
from distill_core.stages.prepare import Prepared
from distill_core.storage import write_json
from distill_core.tasks.classification import quality
from distill_core.train.evaluate import predict_logits
from distill_core.train.loop import Fit
from distill_core.train.rates import student_rate
from distill_core.train.schedule import BatchPlan
from distill_core.train.student_learner import Lesson, StudentData, StudentLearner, mean_weight
from distill_core.train.types import FitSettings, Trial
from distill_core.weighting.base import TeacherWeighting
from distill_core.weighting.constant import Constant
from distill_core.weighting.registry import build as build_weighting


@dataclass
class FinishedArm:
    """One finished trial with its student in the state that validated best."""

    trial: Trial
    student: Student
    validation: dict[str, Any]
    test: dict[str, Any]
    predicted: np.ndarray
    mean_weight: float | None
    steps: int
    best_step: int
    seconds: float


def arms_of(ctx: RunContext) -> list[str]:
    """Which arms this run trains, main first: the uniform control needs to know main's mean weight."""
    arms = ["main"]
    if "uniform" in ctx.config.controls and skipped_uniform(ctx) is None:
        arms.append("uniform")
    if "no_teacher" in ctx.config.controls:
        arms.append("no_teacher")
    return arms


def skipped_uniform(ctx: RunContext) -> str | None:
    """Why the uniform control would equal main, or None when it would not."""
    if ctx.config.objective.teacher_weighting == "uniform":
        return "single_teacher" if len(ctx.config.teachers) == 1 else "already_uniform"
    return "constant_unused" if not ctx.config.objective.soft_label_weight else None


def trials_of(ctx: RunContext) -> list[Trial]:
    return [Trial(arm, seed) for seed in ctx.config.seeds for arm in arms_of(ctx)]


def steps_of(ctx: RunContext, prepared: Prepared) -> int:
    """Optimizer steps of every arm: main's epochs over the whole pool. Controls get the same number of steps."""
    return ctx.config.training.epochs * -(-len(prepared.pool) // ctx.config.training.batch_size)


def run(ctx: RunContext, prepared: Prepared, signals: list[TeacherSignals]) -> list[FinishedArm]:
    weighting = build_weighting(
        ctx.config.objective.teacher_weighting,
        teacher_logits=training_logits(signals),
        labels=prepared.pool.labels,
    )
    finished: list[FinishedArm] = []
    main_weight: dict[int, float | None] = {}
    for trial in trials_of(ctx):
        ctx.check_stop()
        used: TeacherWeighting | None = weighting
        if trial.arm == "uniform":
            used = Constant(main_weight[trial.seed] or 0.0)
        arm = _train(ctx, prepared, signals, trial, used)
        main_weight.setdefault(trial.seed, arm.mean_weight)
        finished.append(arm)
        ctx.sink.emit(
            "arm",
            arm=trial.arm,
            seed=trial.seed,
            quality={"validation": arm.validation["accuracy"], "test": arm.test["accuracy"]},
        )
    return finished


def _train(
    ctx: RunContext,
    prepared: Prepared,
    signals: list[TeacherSignals],
    trial: Trial,
    weighting: TeacherWeighting | None,
) -> FinishedArm:
    config, training = ctx.config, ctx.config.training
    taught = trial.arm != "no_teacher"
    own = prepared.texts[config.student.init_teacher - 1]
    student = build_student(
        config.student,
        teachers=prepared.teachers,
        classes=len(prepared.data.labels),
        max_tokens=config.data.max_tokens,
        seed=trial.seed,
    ).to(ctx.device)
    lessons = [
        Lesson(teacher.name, signals[number].source, layer_pairs(ctx, prepared, number), signals[number].level)
        for number, teacher in enumerate(prepared.teachers)
    ]
    # The control without teachers learns from gold labels alone, whatever weight main gives them.
    objective = config.objective if taught else Objective(soft_label_weight=0.0)
    projections = _projections(ctx, prepared, signals, student, trial.seed) if taught else None
    learner = StudentLearner(
        trial.arm,
        student,
        StudentData(own.pool, prepared.pool.labels, own.validation, prepared.data.validation.labels),
        objective,
        lessons if taught else [],
        weighting if taught else None,
        projections,
        learning_rate=student_rate(training, config.student, student.width),
        device=ctx.device,
    )
    rows = np.arange(len(prepared.pool)) if taught else prepared.labelled
    item = f"arm-{trial.key}"
    seeds = f" (seed {trial.seed})" if len(config.seeds) > 1 else ""
    ctx.plan.begin(f"training {_ARM_NOTES[trial.arm]}{seeds}")
    folder = ctx.folder.checkpoints / trial.key
    result = Fit(
        learner,
        BatchPlan(rows, own.pool.lengths[rows], training.batch_size, seed=trial.seed),
        FitSettings(
            steps=steps_of(ctx, prepared),
            schedule=training.schedule,
            warmup_share=training.warmup_share,
            weight_decay=training.weight_decay,
            max_grad_norm=training.max_grad_norm,
            evaluations=training.evaluations,
            patience=training.patience,
        ),
        trial,
        folder=folder,
        sink=ctx.sink,
        stop=ctx.stop,
        progress=ctx.plan.item(item),
    ).run()
    ctx.plan.advance(item, 1.0)
    evaluated = _evaluate_once(ctx, prepared, student, folder)
    return FinishedArm(
        trial=trial,
        student=student,
        mean_weight=mean_weight(result.state),
        steps=result.steps,
        best_step=result.best_step,
        seconds=result.seconds,
        **evaluated,
    )


_ARM_NOTES = {
    "main": "the student",
    "uniform": "the control with constant teacher weights",
    "no_teacher": "the control without teachers",
}


def _projections(
    ctx: RunContext, prepared: Prepared, signals: list[TeacherSignals], student: Student, seed: int
) -> Projections | None:
    if not ctx.config.objective.hidden_weight:
        return None
    widths: dict[Any, tuple[int, int]] = {}
    for number, (teacher, signal) in enumerate(zip(prepared.teachers, signals, strict=True)):
        if signal.level == "pooled":
            widths[(number, "pooled")] = (teacher.pooled_width, student.pooled_width)
        else:
            for layer, _ in layer_pairs(ctx, prepared, number):
                widths[(number, layer)] = (teacher.width, student.width)
    return Projections(widths, seed=seed).to(ctx.device)


def _evaluate_once(ctx: RunContext, prepared: Prepared, student: Student, folder: Path) -> dict[str, Any]:
    """Validation and test quality of the kept state. Test is looked at once per trial; a resume reads it."""
    stored, numbers = folder / "predictions.safetensors", folder / "quality.json"
    if stored.exists() and numbers.exists():
        return {**json.loads(numbers.read_text()), "predicted": load_file(stored)["test"]}
    own = prepared.texts[ctx.config.student.init_teacher - 1]
    data = prepared.data
    predicted = {
        "validation": predict_logits(student, own.validation, ctx.device).argmax(axis=1),
        "test": predict_logits(student, own.test, ctx.device).argmax(axis=1),
    }
    found = {
        "validation": quality(data.validation.labels, predicted["validation"], data.labels),
        "test": quality(data.test.labels, predicted["test"], data.labels),
    }
    save_file(predicted, stored)
    write_json(numbers, found)
    return {**found, "predicted": predicted["test"]}
