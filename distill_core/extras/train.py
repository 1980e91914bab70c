"""Training what is asked of a finished run: its student on fewer and more labels without teachers, or without one of
its teachers. Trials that are done are kept and never evaluated again; the run's own files are not touched."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from distill_core.analysis.kept import Split, open_split
from distill_core.config import Objective, RunConfig, load
from distill_core.data.prepare import prepare as prepare_data
from distill_core.data.types import PreparedData, Rows
from distill_core.errors import DataError, JobError, StillroomError
from distill_core.events import EventSink
from distill_core.export.report import read_report
from distill_core.extras.left_out import differences
from distill_core.extras.state import extra_folder
from distill_core.extras.subsets import further_labelled, learning_sets, strata_of
from distill_core.extras.worth import worth
from distill_core.layout import DataHome, RunFolder
from distill_core.measure.machine import choose_device
from distill_core.measure.scores import Scores
from distill_core.pipeline import settle
from distill_core.progress import WorkPlan
from distill_core.sections.teaching import needed
from distill_core.signals.predict import UnitAnswers
from distill_core.stages import arms, cache, plan, prepare, teachers
from distill_core.stages.arms import PREDICTIONS, Course
from distill_core.stages.context import RunContext
from distill_core.stages.plan import StudentPlan
from distill_core.stages.prepare import Prepared
from distill_core.storage import read_json, write_json
from distill_core.tasks.base import Task, build_task
from distill_core.train.phases import Material, epoch_steps, hard_label_phase, plan_phases, total_steps
from distill_core.train.stop import StopToken
from distill_core.train.types import Trial

#: figures of a trial that is done, in its folder
OUTCOME = "outcome.json"
#: tells the figures of a measurement as far as it is
Keep = Callable[[dict[str, Any]], None]


@dataclass
class FinishedRun:
    """A run that is done, opened to measure more of it.

    test: its kept answers. known: how its teachers are found again (models.json), {} where it does not say.
    """

    folder: RunFolder
    home: DataHome
    config: RunConfig
    report: dict[str, Any]
    test: Split
    known: dict[str, Any]

    @classmethod
    def open(cls, folder: RunFolder, home: DataHome) -> FinishedRun:
        """Raises JobError (it is not done, or kept too little), ConfigError, DataError."""
        report, test = read_report(folder.report), open_split(folder.artifacts)
        if report is None:
            raise JobError("This run has no report yet.", hint="Wait until it is done, or resume it.")
        if test is None:
            raise JobError("This run kept no predictions to compare with.", hint="Run it again to have them.")
        known = read_json(folder.artifacts / "models.json")
        return cls(folder, home, load(folder.config), report, test, known if isinstance(known, dict) else {})

    def context(self, config: RunConfig, sink: EventSink, stop: StopToken) -> RunContext:
        settle(config)
        own = RunFolder(extra_folder(self.folder) / "work").create()
        ctx = RunContext(config, own, self.home.create(), sink, stop, choose_device(config.device), WorkPlan(sink))
        ctx.settle_precision()
        return ctx

    def data(self) -> PreparedData:
        """The run's data, split as they were. Raises DataError where they are no longer the same."""
        hint = "This is measured on the run's own rows: put its data back where they were, then try again."
        try:
            found = prepare_data(self.config.data, seed=self.config.seeds[0])
        except StillroomError as error:
            error.hint = f"{hint} {error.hint}".strip()
            raise
        if found.fingerprint != (self.report.get("data") or {}).get("fingerprint"):
            raise DataError("The data of this run have changed since it was made.", hint=hint)
        return found

    def student(self) -> list[Scores]:
        """Test scores of the distilled student, in the order of the config's seeds."""
        return [self.test.scores(f"main:{seed}") for seed in self.config.seeds]


def learning_curve(run: FinishedRun, most: int, sink: EventSink, stop: StopToken, keep: Keep) -> dict[str, Any]:
    """The same student from hard labels alone on 1/8, 1/4, 1/2, 1, 2, 4 … times the labelled rows, up to `most`.

    Its students start from the checkpoint as it was before it learnt from labels here, so that no label reaches them in
    their weights; they take as many steps as main, and at least the config's epochs over their rows.

    Returns {task, unit, metric, seeds, own: labelled rows of the run, sets: [rows], points: [{times, labels, seed,
    steps, validation, test, seconds}], worth: `worth.worth` | None while it is not done}.
    """
    task = build_task(run.config.data.task)
    if task.unit == "piece":
        raise JobError("A masked language model learns from texts alone: it needs no labels.")
    config = alone(run.config)
    ctx = run.context(config, sink, stop)
    ctx.plan.begin("reading the data")
    data = run.data()
    sets, widened = _labels(run, data, task, most)
    ctx.check_stop()
    prepared = prepare.run(ctx, widened)
    planned = plan.plan_student(ctx, prepared, plan.new_student(ctx, prepared, ctx.seed, random=True))
    steps = _steps_of_main(run.config, data, planned)
    courses: list[tuple[float, int, Course]] = []
    for seed in config.seeds:  # planned by seed, taught by size: the small sets say something first
        for times, rows in sets:
            material = replace(planned.material, labelled=rows, transfer=rows[:0])
            long = max(steps, epoch_steps(config.training, rows))
            phase = hard_label_phase(config.training, material, steps=long)
            many = f" (seed {seed})" if len(config.seeds) > 1 else ""
            note = f"training on {len(rows):,} labels{many}"
            trial = Trial(f"labels-{len(rows)}", seed)
            courses.append((times, len(rows), Course(trial, [phase], _hard(ctx, prepared), note)))
            ctx.plan.add(f"arm-{trial.key}", "arm", float(long))
    courses.sort(key=lambda one: one[1])
    figures: dict[str, Any] = {
        **_about(prepared, config),
        "own": len(data.train),
        "sets": [len(rows) for _, rows in sets],
        "points": [],
        "worth": None,
    }
    curve: dict[int, list[Scores]] = {}
    for times, labels, course in courses:
        point, scores = _done(ctx, prepared, planned, course)
        figures["points"].append({"times": times, "labels": labels, **point})
        curve.setdefault(labels, []).append(scores)
        keep(figures)
    return {**figures, "worth": worth(len(data.train), run.student(), curve)}


def without_teachers(run: FinishedRun, sink: EventSink, stop: StopToken, keep: Keep) -> dict[str, Any]:
    """The student trained again without each of its teachers, from the answers that are on disk.

    Returns {task, unit, metric, seeds, points: [{teacher, number (from 0), seed, steps, validation, test, seconds}],
    kept_in: [{teacher, why}] (cannot be left out), rows: `left_out.differences`, empty while it is not done}.
    """
    config = run.config
    reasons = {number: needed(config, number) for number in range(len(config.teachers))}
    names = [str(teacher["name"]) for teacher in run.report["teachers"]]
    leaving = [number for number, why in reasons.items() if why is None]
    if not leaving:
        raise JobError("None of this run's teachers can be left out.", hint="It takes two that teach the same.")
    ctx = run.context(config, sink, stop)
    ctx.plan.begin("reading data and checkpoints")
    prepared = prepare.run(ctx, run.data())
    _same_teachers(run, ctx, prepared)
    planned = plan.plan_student(ctx, prepared, plan.new_student(ctx, prepared, ctx.seed, random=True))
    trials = [(number, Trial(plan.without(number), seed)) for seed in config.seeds for number in leaving]
    for group in teachers.groups(ctx, prepared):
        ctx.plan.add(group.item, "teachers", 1.0)
    for number in cache.asked(config):
        ctx.plan.add(cache.item(number), "cache", 1.0)
    for _, trial in trials:
        ctx.plan.add(f"arm-{trial.key}", "arm", 100.0 * total_steps(plan.phases_of(ctx, planned, trial.arm)))
    signals = cache.run(ctx, prepared, teachers.run(ctx, prepared))
    figures: dict[str, Any] = {
        **_about(prepared, config),
        "points": [],
        "kept_in": [{"teacher": names[number], "why": why} for number, why in reasons.items() if why is not None],
        "rows": [],
    }
    found: dict[str, list[Scores]] = {names[number]: [] for number in leaving}
    for number, trial in trials:
        point, scores = _done(ctx, prepared, planned, arms.course_of(ctx, prepared, signals, planned, trial))
        figures["points"].append({"teacher": names[number], "number": number, **point})
        found[names[number]].append(scores)
        keep(figures)
    return {**figures, "rows": differences(run.student(), found)}


def alone(config: RunConfig) -> RunConfig:
    """The same student with nothing but hard labels, and of the teachers only the one it starts from."""
    section = config.student
    return config.model_copy(
        update={
            "teachers": [config.teachers[section.init_teacher - 1]],
            "student": section.model_copy(update={"init_teacher": 1}),
            "objective": Objective(hard_label_weight=1.0, soft_label_weight=0.0),
            "training": config.training.model_copy(update={"stages": []}),
            "controls": [],
        }
    )


def _labels(
    run: FinishedRun, data: PreparedData, task: Task, most: int
) -> tuple[list[tuple[float, np.ndarray]], PreparedData]:
    """(the sets as positions in the pool, the data whose pool begins with all labelled rows)."""
    config = run.config
    more = data.train.take([])
    if most > 1:
        pruned = config.student.vocabulary == "seen"
        more = further_labelled(config.data, data, seed=config.seeds[0], known_only=pruned)
    rows = Rows.concat([data.train, more])
    strata = strata_of(rows, "language" if task.unit == "word" else "label")
    sets = learning_sets(strata, rows.ids, len(data.train), most=most, seed=config.seeds[0])
    gone = set(more.ids)
    rest = data.transfer.take([place for place, key in enumerate(data.transfer.ids) if key not in gone])
    return sets, replace(data, train=rows, transfer=rest)


def _steps_of_main(config: RunConfig, data: PreparedData, planned: StudentPlan) -> int:
    own = len(data.train)
    material = Material(
        parts=planned.material.parts,
        labelled=np.arange(own),
        transfer=np.arange(own, own + len(data.transfer)),
        learning_rate=planned.material.learning_rate,
        teachers=config.teachers,
    )
    return total_steps(plan_phases(config.training, config.objective, material))


def _about(prepared: Prepared, config: RunConfig) -> dict[str, Any]:
    task = prepared.task
    return {"task": task.name, "unit": task.unit, "metric": task.metric, "seeds": list(config.seeds)}


def _hard(ctx: RunContext, prepared: Prepared) -> Callable[[Any], Any]:
    return lambda student: arms.hard_lessons(ctx, prepared)


def _same_teachers(run: FinishedRun, ctx: RunContext, prepared: Prepared) -> None:
    if teachers.fingerprints(ctx, prepared) != run.known.get("fingerprints"):
        raise JobError(
            "The teachers of this run cannot be had as they were: it was made with another version of torch, other "
            "threads or another machine, so arms of today could not be compared with it.",
            hint="Run it again here, then measure.",
        )


def _done(ctx: RunContext, prepared: Prepared, planned: StudentPlan, course: Course) -> tuple[dict[str, Any], Scores]:
    """One trial, trained and evaluated now or by an earlier attempt: its figures, and its scores on test."""
    ctx.check_stop()
    trial, metric = course.trial, prepared.task.metric
    folder = ctx.folder.checkpoints / trial.key
    known = read_json(folder / OUTCOME)
    if isinstance(known, dict) and (folder / PREDICTIONS).is_file():
        ctx.plan.skip(f"arm-{trial.key}")
        answers = arms.stored_answers(folder)
        return known, _scores(prepared, answers["test"])
    arm = arms.train(ctx, prepared, planned, course)
    point = arms.point_of(arm, metric)
    write_json(folder / OUTCOME, point)
    _forget_weights(folder)
    return point, _scores(prepared, arm.answers["test"])


def _scores(prepared: Prepared, answers: UnitAnswers) -> Scores:
    return Scores(*prepared.task.scores(prepared.data.test, answers.predicted, prepared.data.labels))


def _forget_weights(folder: Path) -> None:
    """A point is its figures and answers: nobody takes these students away."""
    for path in folder.rglob("*.safetensors"):
        if path.name != PREDICTIONS:
            with suppress(OSError):
                path.unlink()
