"""Stage 5: measure teachers and students, write the report and the student to take away."""

from __future__ import annotations

import platform
import resource
import sys
import time
from collections.abc import Callable, Sequence
from importlib.metadata import version
from typing import Any

import numpy as np

from distill_core import __version__
from distill_core.export.bundle import write_student_readme
from distill_core.export.report import ArmResult, ReportParts, TeacherResult, build_report, write_report
from distill_core.extras.left_out import differences
from distill_core.extras.state import ExtraState, write_state
from distill_core.measure.latency import Protocol, Subject, describe, measure_latency
from distill_core.measure.machine import describe_machine
from distill_core.measure.scores import Scores
from distill_core.measure.size import module_size, saved_size
from distill_core.models.saving import save_student
from distill_core.models.students import Student
from distill_core.models.teachers import Teacher
from distill_core.sections.teaching import needed
from distill_core.signals.predict import UnitAnswers, predict_units
from distill_core.stages.arms import FinishedArm, point_of
from distill_core.stages.context import RunContext
from distill_core.stages.keep import Answered, keep
from distill_core.stages.plan import StudentPlan, left_out, skipped_uniform
from distill_core.stages.prepare import Prepared
from distill_core.stages.teachers import TaughtTeachers
from distill_core.storage import read_json

ITEM = "measure"
#: seconds a model may take at one batch size: a glance before training, a proper look after it
PREVIEW_SECONDS, FINAL_SECONDS = 0.5, 15.0
PREVIEW_REPEATS = 7


def preview(ctx: RunContext, prepared: Prepared, student: Student) -> None:
    """Sizes and a first look at latency, before anything is trained: neither depends on the weights' values."""
    student = student.to(ctx.device)
    own = module_size(student)
    sizes = [module_size(teacher) for teacher in prepared.teachers]
    answering = [size for size, teacher in zip(sizes, prepared.teachers, strict=True) if teacher.answers]
    rows = [
        {"name": teacher.name, "parameters": size.parameters, "bytes": size.bytes}
        for teacher, size in zip(prepared.teachers, sizes, strict=True)
    ]
    ctx.sink.emit(
        "shapes",
        teachers=rows,
        student={"parameters": own.parameters, "bytes": own.bytes},
        compression={
            # Against the smallest that answers: which teacher is best is not known yet.
            "parameters": min(size.parameters for size in answering) / own.parameters,
            "bytes": min(size.bytes for size in answering) / own.bytes,
        },
        metric=prepared.task.metric,
    )
    measured = _latency(
        ctx, prepared.teachers, student, repeats=PREVIEW_REPEATS, seconds=PREVIEW_SECONDS, stop=ctx.stop.is_set
    )
    ctx.sink.emit("latency", phase="preview", rows=measured)


def run(
    ctx: RunContext, prepared: Prepared, plan: StudentPlan, taught: TaughtTeachers, arms: list[FinishedArm]
) -> dict[str, Any]:
    """The report, also written to the run folder; the best-validating main student lies in artifacts/student, and what
    everybody answered in artifacts/predictions."""
    ctx.plan.begin("measuring quality, size and latency")
    metric = prepared.task.metric
    apart, arms = _told_apart(arms)
    best = max((arm for arm in arms if arm.trial.arm == "main"), key=lambda arm: arm.validation[metric])
    save_student(best.student, ctx.folder.student, labels=prepared.data.labels, max_tokens=ctx.config.data.max_tokens)
    test = prepared.data.test
    said = _teachers_on_test(ctx, prepared)
    teachers = [_teacher_result(ctx, prepared, taught, said, number) for number in range(len(prepared.teachers))]
    ctx.check_stop()
    kept = keep(ctx, prepared, plan, taught, Answered(taught.answers, said, arms, best, taught.reference))
    ctx.check_stop()
    repeats = ctx.config.measure.repeats
    latency = _latency(
        ctx, prepared.teachers, best.student, repeats=repeats, seconds=FINAL_SECONDS, stop=ctx.stop.is_set
    )
    ctx.check_stop()
    ctx.plan.advance(ITEM, 0.9)
    ctx.sink.emit("latency", phase="final", rows=latency)
    size = saved_size(best.student, ctx.folder.student)
    report = build_report(
        ReportParts(
            task=prepared.task.name,
            metric=metric,
            unit=prepared.task.unit,
            name=ctx.config.name,
            run_id=ctx.folder.run_id,
            gold=prepared.task.gold(test),
            labels=prepared.data.labels,
            data={"name": prepared.data.name, "sizes": _sizes(prepared), "fingerprint": prepared.data.fingerprint},
            teachers=teachers,
            arms=[_arm_result(prepared, arm, size.parameters, size.bytes) for arm in arms],
            latency=latency,
            seconds=ctx.stage_seconds(),
            cpu_seconds=ctx.cpu_seconds(),
            peak_memory=peak_memory(),
            estimate=_expected(ctx),
            energy=None if ctx.meter is None else ctx.meter.read(),
            config=ctx.config.model_dump(mode="json", exclude_none=True),
            device={**describe_machine(ctx.device.type), "precision": ctx.precision},
            versions=versions(),
            findings=[finding.as_dict() for finding in prepared.data.findings],
            latency_protocol=describe(protocol(ctx, repeats, FINAL_SECONDS)),
            missing_controls=_missing(ctx),
            student_seed=best.trial.seed,
            kept=kept,
        )
    )
    write_student_readme(ctx.folder.student, report)
    if apart:
        _write_left_out(ctx, prepared, apart, [arm for arm in arms if arm.trial.arm == "main"])
    write_report(ctx.folder.report, report)
    ctx.plan.advance(ITEM, 1.0)
    ctx.plan.emit(force=True)
    return report


def _told_apart(arms: list[FinishedArm]) -> tuple[list[FinishedArm], list[FinishedArm]]:
    """(those without one of the teachers, the others)."""
    return [a for a in arms if left_out(a.trial.arm) is not None], [a for a in arms if left_out(a.trial.arm) is None]


def _write_left_out(ctx: RunContext, prepared: Prepared, apart: list[FinishedArm], mains: list[FinishedArm]) -> None:
    """What each teacher adds: beside the report, as where it is measured later (`extras.train`)."""
    metric, names = prepared.task.metric, [teacher.name for teacher in prepared.teachers]
    points, scores = [], dict[str, list[Scores]]()
    for arm in apart:
        number = left_out(arm.trial.arm)
        assert number is not None
        points.append({"teacher": names[number], "number": number, **point_of(arm, metric)})
        scores.setdefault(names[number], []).append(_scores(prepared, arm.predicted))
    reasons = {name: needed(ctx.config, number) for number, name in enumerate(names)}
    figures = {
        "task": prepared.task.name,
        "unit": prepared.task.unit,
        "metric": metric,
        "seeds": list(ctx.config.seeds),
        "points": points,
        "kept_in": [{"teacher": name, "why": why} for name, why in reasons.items() if why is not None],
        "rows": differences([_scores(prepared, main.predicted) for main in mains], scores),
    }
    seconds = sum(arm.seconds for arm in apart)
    write_state(ctx.folder, ExtraState("without", "done", share=1.0, at=time.time(), figures=figures, seconds=seconds))


def peak_memory() -> int:
    """Bytes this process held in memory at most, so far."""
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else most * 1024


def _expected(ctx: RunContext) -> dict[str, Any] | None:
    """The estimate the run was started with, from its meta.json."""
    meta = read_json(ctx.folder.meta)
    found = meta.get("estimate") if isinstance(meta, dict) else None
    return found if isinstance(found, dict) else None


def versions() -> dict[str, str]:
    packages = ("torch", "transformers", "tokenizers", "numpy")
    return {"stillroom": __version__, "python": platform.python_version(), **{p: version(p) for p in packages}}


def _sizes(prepared: Prepared) -> dict[str, int]:
    data = prepared.data
    return {
        "train": len(data.train),
        "transfer": len(data.transfer),
        "validation": len(data.validation),
        "test": len(data.test),
    }


def _missing(ctx: RunContext) -> dict[str, str]:
    reason = skipped_uniform(ctx)
    return {"uniform": reason} if reason else {}


def _teachers_on_test(ctx: RunContext, prepared: Prepared) -> list[UnitAnswers | None]:
    """What each teacher says on the test; None of one that answers nothing."""
    return [
        predict_units(teacher, texts.test, ctx.device, confident=True) if teacher.answers else None
        for teacher, texts in zip(prepared.teachers, prepared.texts, strict=True)
    ]


def _teacher_result(
    ctx: RunContext,
    prepared: Prepared,
    taught: TaughtTeachers,
    said: Sequence[UnitAnswers | None],
    number: int,
) -> TeacherResult:
    teacher, data = prepared.teachers[number], prepared.data
    size, source = module_size(teacher), ctx.config.teachers[number].source
    validation, test = taught.answers[number], said[number]
    if validation is None or test is None:
        return TeacherResult(name=teacher.name, source=source, parameters=size.parameters, bytes=size.bytes)
    return TeacherResult(
        name=teacher.name,
        source=source,
        parameters=size.parameters,
        bytes=size.bytes,
        validation=prepared.quality(data.validation, validation),
        test=prepared.quality(data.test, test),
        predicted=test.predicted,
        scores=_scores(prepared, test.predicted),
    )


def _scores(prepared: Prepared, predicted: np.ndarray) -> Scores:
    """What each test row adds to a model's quality."""
    return Scores(*prepared.task.scores(prepared.data.test, predicted, prepared.data.labels))


def _arm_result(prepared: Prepared, arm: FinishedArm, parameters: int, size: int) -> ArmResult:
    """All arms share one architecture, hence one size."""
    return ArmResult(
        name=arm.trial.arm,
        seed=arm.trial.seed,
        parameters=parameters,
        bytes=size,
        validation=arm.validation,
        test=arm.test,
        predicted=arm.predicted,
        scores=_scores(prepared, arm.predicted),
        steps=arm.steps,
        best_step=arm.best_step,
        phases=arm.phases if len(arm.phases) > 1 else (),
        seconds=arm.seconds,
    )


def protocol(ctx: RunContext, repeats: int, seconds: float) -> Protocol:
    """How latency is measured in this run: so many timed calls, of a slow model as many as fit into the seconds."""
    measure = ctx.config.measure
    return Protocol(
        batch_sizes=measure.batch_sizes,
        tokens=measure.tokens,
        threads=measure.threads,
        repeats=repeats,
        max_seconds=seconds,
        device=ctx.device.type,
    )


def _latency(
    ctx: RunContext,
    teachers: list[Teacher],
    student: Student,
    *,
    repeats: int,
    seconds: float,
    stop: Callable[[], bool],
) -> list[dict[str, Any]]:
    # One that stays as pre-trained answers nobody, so nobody waits for it.
    subjects = {
        teacher.name: subject("teacher", teacher, teacher.max_tokens) for teacher in teachers if teacher.answers
    }
    subjects[student_name(subjects)] = subject("student", student, ctx.config.data.max_tokens)
    return measure_latency(subjects, protocol(ctx, repeats, seconds), stop=stop)


def student_name(taken: Any) -> str:
    """What the student is called among teachers of these names."""
    return "student" if "student" not in taken else "student (this run)"


def subject(role: Any, model: Teacher | Student, max_tokens: int | None) -> Subject:
    """A model as latency is measured of it. max_tokens: the longest input it takes."""
    tokenizer = model.tokenizer
    return Subject(
        role=role,
        call=model,
        vocab_size=len(tokenizer),
        type_ids="token_type_ids" in tokenizer.model_input_names,
        pad_id=tokenizer.pad_token_id,
        max_tokens=max_tokens,
    )
