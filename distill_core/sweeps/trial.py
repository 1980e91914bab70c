"""One trial: the stages of a run up to the trained student, and its validation.

Test rows are dropped before anything is trained; teachers and their answers are those of the stores that runs share.
"""

from __future__ import annotations

import gc
from dataclasses import replace
from typing import Any

import numpy as np
import torch

from distill_core.config import RunConfig
from distill_core.events import EventSink
from distill_core.layout import DataHome, RunFolder
from distill_core.measure.latency import measure_latency
from distill_core.measure.machine import choose_device
from distill_core.measure.size import module_size
from distill_core.models.students import Student
from distill_core.models.used_rows import rows_in_use
from distill_core.pipeline import plan_work, settle
from distill_core.progress import WorkPlan
from distill_core.signals.predict import predict_units
from distill_core.stages import arms, cache, plan, prepare, results, teachers
from distill_core.stages.context import RunContext
from distill_core.stages.prepare import Prepared
from distill_core.train.stop import StopToken
from distill_core.train.types import Trial


def run_trial(
    config: RunConfig, folder: RunFolder, home: DataHome, sink: EventSink, stop: StopToken, *, ask: bool, timed: bool
) -> dict[str, Any]:
    """Train `config`'s student (one seed, main arm) in `folder`, or go on where an earlier attempt left off.

    ask: tell how good the teachers are (`teacher` events). timed: measure the student's latency.
    Returns {values: {quality, parameters, time (s of training), latency (ms, p50 at the smallest batch; when timed)},
    steps, best_step}. Raises Stopped after a checkpoint, StillroomError when the trial cannot go on.
    """
    settle(config)
    home.create()
    folder.create()
    ctx = RunContext(config, folder, home, sink, stop, choose_device(config.device), WorkPlan(sink))
    ctx.settle_precision()
    trial = Trial("main", ctx.seed)
    try:
        with ctx.stage("prepare"):
            ctx.plan.begin("reading data and checkpoints")
            prepared = without_test(prepare.run(ctx))
            planned = plan.plan_student(ctx, prepared, plan.new_student(ctx, prepared, ctx.seed, random=True))
            plan_work(ctx, prepared, planned)
            ctx.plan.skip(results.ITEM)
        with ctx.stage("teachers"):
            taught = teachers.run(ctx, prepared, ask=ask)
        with ctx.stage("cache"):
            signals = cache.run(ctx, prepared, taught)
        with ctx.stage("distil"):
            student = plan.new_student(ctx, prepared, trial.seed).to(ctx.device)
            with rows_in_use(
                [(student, [planned.texts.pool, planned.texts.validation])], folder.checkpoints / trial.key
            ):
                fitted = arms.fit(
                    ctx, prepared, planned, student, arms.course_of(ctx, prepared, signals, planned, trial)
                )
            answers = predict_units(student, planned.texts.validation, ctx.device)
            quality = prepared.quality(prepared.data.validation, answers)
        values = {
            "quality": float(quality[prepared.task.metric]),
            "parameters": float(module_size(student).parameters),
            "time": fitted.seconds,
        }
        if timed:
            with ctx.stage("measure"):
                values["latency"] = _latency(ctx, student)
        return {"values": values, "steps": fitted.steps, "best_step": fitted.best_step}
    finally:
        # The next trial starts with an empty machine.
        gc.collect()
        if torch.cuda.is_initialized():
            torch.cuda.empty_cache()


def without_test(prepared: Prepared) -> Prepared:
    """The same without its test rows: they were needed to keep equal texts out of the training rows, and for nothing
    else."""
    none = np.zeros(0, dtype=np.int64)
    return replace(
        prepared,
        data=replace(prepared.data, test=prepared.data.test.take(none)),
        texts=[replace(texts, test=texts.test.take(none)) for texts in prepared.texts],
    )


def _latency(ctx: RunContext, student: Student) -> float:
    """Median ms of one call at the smallest batch size of the config."""
    measure = ctx.config.measure
    protocol = replace(
        results.protocol(ctx, measure.repeats, results.FINAL_SECONDS), batch_sizes=measure.batch_sizes[:1]
    )
    subjects = {"student": results.subject("student", student, ctx.config.data.max_tokens)}
    rows = measure_latency(subjects, protocol, stop=ctx.stop.is_set)
    ctx.check_stop()
    return float(rows[0]["p50"])
