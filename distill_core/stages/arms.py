"""Stage 4: the arms. The main student, and beside it the controls that show what the teachers were worth."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import load_file, save_file

from distill_core.catalogue import TERMS
from distill_core.models.base import count_parameters
from distill_core.models.students import Student
from distill_core.models.used_rows import rows_in_use
from distill_core.sections.teaching import heard, lessons_of
from distill_core.signals.predict import UnitAnswers, predict_units
from distill_core.stages.cache import TeacherSignals, build_terms, setup, training_logits
from distill_core.stages.context import RunContext, Uncharted
from distill_core.stages.plan import StudentPlan, left_out, new_student, phases_of, trials_of
from distill_core.stages.prepare import Prepared
from distill_core.storage import write_json
from distill_core.terms.base import Term
from distill_core.train.phases import Phase
from distill_core.train.student_learner import Lessons, StudentData, StudentLearner, hold_out, mean_weight
from distill_core.train.trainer import Trainer
from distill_core.train.types import FitResult, Trial
from distill_core.weighting import Table, TeacherWeighting
from distill_core.weighting import build as build_weighting
from distill_core.weighting.constant import Constant

#: a trial's answers on validation and test, in its folder
PREDICTIONS = "predictions.safetensors"


@dataclass
class FinishedArm:
    """One finished trial with its student in the state that validated best. predicted: [U] classes on the test.
    answers: what it said on "validation" and "test"."""

    trial: Trial
    student: Student
    validation: dict[str, Any]
    test: dict[str, Any]
    predicted: np.ndarray
    mean_weight: float | None
    steps: int
    best_step: int
    seconds: float
    phases: list[dict[str, Any]] = field(default_factory=list)
    answers: dict[str, UnitAnswers] = field(default_factory=dict)


def point_of(arm: FinishedArm, metric: str) -> dict[str, Any]:
    """What a measurement on request keeps of a trial."""
    return {
        "seed": arm.trial.seed,
        "steps": arm.steps,
        "validation": arm.validation[metric],
        "test": arm.test[metric],
        "seconds": arm.seconds,
    }


@dataclass(frozen=True)
class Course:
    """How one trial is trained. lessons: made for its student. note: what is said meanwhile."""

    trial: Trial
    phases: Sequence[Phase]
    lessons: Callable[[Student], Lessons]
    note: str


def run(ctx: RunContext, prepared: Prepared, signals: list[TeacherSignals], plan: StudentPlan) -> list[FinishedArm]:
    finished: list[FinishedArm] = []
    main_weight: dict[int, float | None] = {}
    for trial in trials_of(ctx):
        ctx.check_stop()
        arm = train(ctx, prepared, plan, course_of(ctx, prepared, signals, plan, trial, main_weight.get(trial.seed)))
        main_weight.setdefault(trial.seed, arm.mean_weight)
        finished.append(arm)
        if left_out(trial.arm) is not None:
            continue  # told apart from the controls, when it is measured (`stages.results`)
        metric = prepared.task.metric
        ctx.sink.emit(
            "arm",
            arm=trial.arm,
            seed=trial.seed,
            quality={"validation": arm.validation[metric], "test": arm.test[metric]},
        )
    return finished


def course_of(
    ctx: RunContext,
    prepared: Prepared,
    signals: list[TeacherSignals],
    plan: StudentPlan,
    trial: Trial,
    main_weight: float | None = None,
) -> Course:
    """A trial of one of the run's arms. main_weight: mean weight of main, which the uniform control needs."""
    seeds = f" (seed {trial.seed})" if len(ctx.config.seeds) > 1 else ""
    gone = left_out(trial.arm)
    what = _ARM_NOTES[trial.arm] if gone is None else f"the student without {prepared.teachers[gone].name}"
    return Course(
        trial,
        phases_of(ctx, plan, trial.arm),
        lambda student: lessons(ctx, prepared, signals, student, trial, main_weight),
        f"training {what}{seeds}",
    )


def train(ctx: RunContext, prepared: Prepared, plan: StudentPlan, course: Course) -> FinishedArm:
    """A trial to its end, or what an earlier attempt has left of it. Its item of the work plan is `arm-KEY`."""
    trial = course.trial
    student = new_student(ctx, prepared, trial.seed).to(ctx.device)
    folder = ctx.folder.checkpoints / trial.key
    with rows_in_use([(student, [plan.texts.pool, plan.texts.validation])], folder):
        result = fit(ctx, prepared, plan, student, course)
    evaluated = _evaluate_once(ctx, prepared, plan, student, folder)
    return FinishedArm(
        trial=trial,
        student=student,
        mean_weight=mean_weight(result.state),
        steps=result.steps,
        best_step=result.best_step,
        seconds=result.seconds,
        phases=result.phases,
        **evaluated,
    )


def fit(ctx: RunContext, prepared: Prepared, plan: StudentPlan, student: Student, course: Course) -> FitResult:
    """Train one student as its course says, validation alone choosing the state it is left in."""
    trial = course.trial
    phases, held = hold_out(course.phases, trial.seed)
    learner = StudentLearner(
        trial.arm,
        student,
        StudentData(plan.texts.pool, prepared.targets, plan.texts.validation, prepared.score, held),
        course.lessons(student),
        seed=trial.seed,
        device=ctx.device,
        precision=ctx.precision,
    )
    item = f"arm-{trial.key}"
    ctx.plan.begin(course.note)
    result = Trainer(
        learner,
        phases,
        ctx.config.training,
        trial,
        lengths=plan.texts.pool.lengths,
        folder=ctx.folder.checkpoints / trial.key,
        sink=ctx.sink if left_out(trial.arm) is None else Uncharted(ctx.sink),
        stop=ctx.stop,
        progress=ctx.plan.item(item),
    ).run()
    ctx.plan.advance(item, 1.0)
    return result


_ARM_NOTES = {
    "main": "the student",
    "uniform": "the control with constant teacher weights",
    "no_teacher": "the control without teachers",
}


def hard_lessons(ctx: RunContext, prepared: Prepared) -> Lessons:
    """Hard labels alone, whatever main gives them."""
    return Lessons({"hard": TERMS["hard"].load()(setup(ctx, prepared))})


def lessons(
    ctx: RunContext,
    prepared: Prepared,
    signals: list[TeacherSignals],
    student: Student,
    trial: Trial,
    main_weight: float | None,
) -> Lessons:
    """What this arm learns from."""
    if trial.arm == "no_teacher":
        return hard_lessons(ctx, prepared)
    terms: dict[str, Term] = build_terms(ctx, prepared)
    for term in terms.values():
        term.attach(student, seed=trial.seed)
    names, sources = [teacher.name for teacher in prepared.teachers], [signal.source for signal in signals]
    if trial.arm == "uniform":
        return Lessons(terms, names, sources, Constant(main_weight or 0.0))
    # Fitted among the teachers of a phase alone, as if the others were no part of the run.
    fitted = {them: _weighting(ctx, prepared, signals, student, them) for them in _answering(ctx, left_out(trial.arm))}
    weighting = fitted.pop(next(iter(fitted))) if fitted else None
    return Lessons(terms, names, sources, weighting, fitted)


def _answering(ctx: RunContext, gone: int | None) -> list[tuple[int, ...]]:
    """The sets of teachers whose soft labels are weighed against each other in some phase, each once, the largest
    first. gone: a teacher that is left out."""
    teachers = ctx.config.teachers
    asked = [(terms, [n for n in them if n != gone]) for terms, them in lessons_of(ctx.config)]
    found = [heard("soft", teachers, them) for terms, them in asked if "soft" in terms]
    return sorted(dict.fromkeys(found), key=len, reverse=True)


def _weighting(
    ctx: RunContext, prepared: Prepared, signals: list[TeacherSignals], student: Student, them: tuple[int, ...]
) -> TeacherWeighting:
    """The config's weighting of these teachers."""
    # No weighting that is fitted is in use in masked LM, where each teacher has its own classes.
    logits = [] if prepared.task.unit == "piece" else training_logits(signals, them)
    table = Table(
        teacher_logits=logits,
        gold=prepared.targets.gold,
        parameters=[count_parameters(prepared.teachers[number]) for number in them],
        pooled_width=student.pooled_width if prepared.task.unit == "example" else 0,
    )
    return build_weighting(ctx.config.objective.teacher_weighting, table)


def _evaluate_once(
    ctx: RunContext, prepared: Prepared, plan: StudentPlan, student: Student, folder: Path
) -> dict[str, Any]:
    """Validation and test quality of the kept state. Test is looked at once per trial; a resume reads it."""
    stored, numbers = folder / PREDICTIONS, folder / "quality.json"
    if stored.exists() and numbers.exists():
        answers = stored_answers(folder)
        return {**json.loads(numbers.read_text()), "predicted": answers["test"].predicted, "answers": answers}
    data = prepared.data
    validation = predict_units(student, plan.texts.validation, ctx.device, confident=True)
    test = predict_units(student, plan.texts.test, ctx.device, confident=True)
    found = {"validation": prepared.quality(data.validation, validation), "test": prepared.quality(data.test, test)}
    answers = {"validation": validation, "test": test}
    save_file(_storable(answers), stored)
    write_json(numbers, found)
    return {**found, "predicted": test.predicted, "answers": answers}


def _storable(answers: dict[str, UnitAnswers]) -> dict[str, np.ndarray]:
    found = {}
    for split, said in answers.items():
        found[split] = said.predicted
        for name, values in (("nll", said.nll), ("confidence", said.confidence), ("logits", said.logits)):
            if values is not None:
                found[f"{split}/{name}"] = values
    return found


def stored_answers(folder: Path) -> dict[str, UnitAnswers]:
    """Of a trial that an earlier attempt finished, in its folder; one of an earlier version kept its classes alone."""
    tensors = load_file(folder / PREDICTIONS)

    def of(split: str) -> UnitAnswers:
        return UnitAnswers(
            tensors[split], *(tensors.get(f"{split}/{name}") for name in ("nll", "confidence", "logits"))
        )

    return {split: of(split) for split in ("validation", "test")}
