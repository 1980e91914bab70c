"""One run, from config to report: prepare → teachers → cache → distil → measure. Reads top to bottom."""

from __future__ import annotations

import os
from typing import Any

import torch

from distill_core.config import RunConfig
from distill_core.events import EventSink
from distill_core.layout import DataHome, RunFolder
from distill_core.measure.energy import metered
from distill_core.measure.machine import choose_device, cores
from distill_core.progress import WorkPlan
from distill_core.stages import arms, cache, plan, prepare, results, teachers
from distill_core.stages.context import RunContext
from distill_core.stages.plan import StudentPlan
from distill_core.stages.prepare import Prepared
from distill_core.train.phases import total_steps
from distill_core.train.stop import StopToken


def run(config: RunConfig, folder: RunFolder, home: DataHome, sink: EventSink, stop: StopToken) -> dict[str, Any]:
    """Run `config` in `folder`, or go on where an earlier attempt left off; returns the report.

    Everything an interrupted attempt finished is found again by content (teachers, signals) or in the folder
    (trials), so the result equals that of an uninterrupted run (on the CPU: bit for bit).

    Raises Stopped when the stop token was set (after a checkpoint), StillroomError when the run cannot go on.
    """
    settle(config)
    home.create()
    folder.create()
    ctx = RunContext(config, folder, home, sink, stop, choose_device(config.device), WorkPlan(sink))
    ctx.settle_precision()
    ctx.started()
    with metered(config.measure, ctx.energy_path) as ctx.meter:
        report = _stages(ctx)
    sink.emit("stage", stage="done", state="finished", seconds=sum(ctx.stage_seconds().values()))
    return report


def _stages(ctx: RunContext) -> dict[str, Any]:
    with ctx.stage("prepare"):
        ctx.plan.begin("reading data and checkpoints")
        prepared = prepare.run(ctx)
        student = plan.new_student(ctx, prepared, ctx.seed, random=True)
        planned = plan.plan_student(ctx, prepared, student)
        plan_work(ctx, prepared, planned)
        results.preview(ctx, prepared, student)
        del student
    with ctx.stage("teachers"):
        taught = teachers.run(ctx, prepared)
    with ctx.stage("cache"):
        signals = cache.run(ctx, prepared, taught)
    with ctx.stage("distil"):
        finished = arms.run(ctx, prepared, signals, planned)
    with ctx.stage("measure"):
        return results.run(ctx, prepared, planned, taught, finished)


def settle(config: RunConfig) -> None:
    """Threads and determinism, before the first tensor operation."""
    torch.set_num_threads(config.threads or cores())
    # cuBLAS needs this to repeat itself; it must be set before the first CUDA call.
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")


def plan_work(ctx: RunContext, prepared: Prepared, planned: StudentPlan) -> None:
    """Tell the progress plan what is to come, in floating-point operations (2 a weight and token, 6 with backward)."""
    config = ctx.config
    for group in teachers.groups(ctx, prepared):
        tokens = sum(
            float(prepared.texts[n].pool.lengths[prepared.labelled].sum()) * _weights(prepared, n)
            for n in group.numbers
        )
        ctx.plan.add(group.item, "teachers", 6 * config.teacher_training.epochs * tokens / prepared.task.copies)
    for number in sorted(cache.asked(config)):
        texts = prepared.texts[number]
        ctx.plan.add(cache.item(number), "cache", 2 * float(texts.pool.lengths.sum()) * _weights(prepared, number))
    student_weights = config.student.token_weights()
    batch = float(planned.texts.pool.lengths.mean()) * config.training.batch_size
    for trial in plan.trials_of(ctx):
        steps = total_steps(plan.phases_of(ctx, planned, trial.arm))
        ctx.plan.add(f"arm-{trial.key}", f"arm-{trial.arm}", 6 * batch * steps * student_weights)
    calls = config.measure.repeats * sum(config.measure.batch_sizes) * config.measure.tokens
    everyone = sum(_weights(prepared, n) for n in range(len(prepared.teachers)))
    tests = sum(float(t.test.lengths.sum()) * _weights(prepared, n) for n, t in enumerate(prepared.texts))
    ctx.plan.add(results.ITEM, "measure", 2 * (calls * everyone + tests))


def _weights(prepared: Prepared, number: int) -> float:
    """Weights a token is multiplied with: all but the embedding table."""
    info = prepared.infos[number]
    return max(1.0, float(info.parameters - info.vocab_size * info.hidden))
