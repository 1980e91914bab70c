"""The cost of each stage: the run's own plan of batches, evaluations and calls, times a curve measured for each."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import asdict

import numpy as np
from torch import nn

from distill_core.data.batching import sorted_batches
from distill_core.models.teachers import Teacher
from distill_core.models.used_rows import rows_in_use
from distill_core.planner import needs
from distill_core.planner.costs import PREDICT_BATCH, Costs
from distill_core.planner.made_up import LiveRows, SomeRows
from distill_core.planner.probe import Call, spread, timed
from distill_core.planner.store import Cost, Curve, digest, padded_tokens
from distill_core.sections.teaching import listeners
from distill_core.signals.cache import build_cache
from distill_core.signals.files import COMPLETE, Meta, Plan, distinct
from distill_core.signals.live import LiveSource, count_units
from distill_core.signals.types import SignalSource
from distill_core.stages import arms, cache, results
from distill_core.stages import teachers as teaching
from distill_core.stages.cache import TeacherSignals
from distill_core.stages.plan import new_student, phases_of
from distill_core.stages.prepare import TeacherTexts
from distill_core.train.phases import Phase
from distill_core.train.schedule import BatchPlan
from distill_core.train.student_learner import StudentData, StudentLearner, hold_out
from distill_core.train.trainer import fit_settings
from distill_core.train.types import Trial

TEACH_BUDGET_S, WRITTEN_ROWS = 3.0, 96


class StageCosts(Costs):
    """Costs of a run's stages, to be asked for in their order."""

    # ---- stages

    def preview(self) -> Cost:
        """The glance at latency that ends the stage prepare."""
        return self.latency(results.PREVIEW_REPEATS, results.PREVIEW_SECONDS)

    def teachers(self) -> Cost:
        """Finetuning of what is not in the store, and every teacher's answers on validation."""
        total = Cost()
        for group in teaching.groups(self.ctx, self.prepared):
            if teaching.is_kept(self.ctx, group):
                self.found += [self.prepared.teachers[number].name for number in group.numbers if group.fold is None]
                continue
            total += self._taught(group)
        for teacher, texts in self._answering():
            total += self.predicted(teacher, texts.validation)
        return total

    def cache(self) -> Cost:
        """Each teacher that some phase asks, about the whole pool, and its folds' teachers about their rows."""
        total, prints = Cost(), teaching.fingerprints(self.ctx, self.prepared)
        asked = [] if self.ctx.config.signals == "live" else sorted(cache.asked(self.ctx.config))
        for number in asked:
            teacher = self.prepared.teachers[number]
            if (cache.folder_of(self.ctx, self.prepared, number, prints[number]) / COMPLETE).exists():
                self.found.append(f"{teacher.name}'s answers")
                continue
            _, first = distinct(self.prepared.pool.ids)
            total += self._asked(number, first)
            if self.ctx.config.teacher_training.folds > 1 and teacher.answers:
                total += self._asked(number, self.prepared.labelled)
        return total

    def distil(self) -> Cost:
        """All trials: building, training, evaluating."""
        total = Cost()
        for trial in self.trials:
            total += self._trial(trial)
        if self.ctx.config.signals == "live":
            # Weightings are fitted on what the teachers say of the whole pool: once a run.
            for number in listeners(self.ctx.config).get("soft", ()):
                if self.prepared.task.unit != "piece":
                    total += self.predicted(self.prepared.teachers[number], self.prepared.texts[number].pool)
        return total

    def measure(self) -> Cost:
        """Teachers on the test, and latency."""
        total = self.latency(self.ctx.config.measure.repeats, results.FINAL_SECONDS)
        for teacher, texts in self._answering():
            total += self.predicted(teacher, texts.test)
        return total

    def _answering(self) -> list[tuple[Teacher, TeacherTexts]]:
        """Teachers whose quality is measured, with their texts."""
        pairs = zip(self.prepared.teachers, self.prepared.texts, strict=True)
        return [(teacher, texts) for teacher, texts in pairs if teacher.answers]

    # ---- teachers

    def _taught(self, group: teaching.Group) -> Cost:
        members = [self.prepared.teachers[number] for number in group.numbers]
        plan = teaching.batches_of(self.ctx, self.prepared, group)
        lengths = self.prepared.texts[group.numbers[0]].pool.lengths
        batches = [plan[step] for step in range(plan.per_epoch)]
        steps = self.ctx.config.teacher_training.epochs * plan.per_epoch
        settings = teaching.fit_settings(self.ctx, steps)
        what = ["teach", *(self.shape(number) for number in group.numbers), len(batches[0])]

        def make() -> tuple[Call, nn.Module]:
            learner = teaching.learner_of(self.ctx, self.prepared, group, members)
            return self.stepper(learner, settings), learner.module

        texts = [self.prepared.texts[number] for number in group.numbers]
        read = [(one, [own.pool, own.validation]) for one, own in zip(members, texts, strict=True)]
        with rows_in_use(read, self.folder("rows")):
            curve = self.curve(what, batches, lengths, make, TEACH_BUDGET_S)
        self.products.note(members, batches, lengths, trained=True)
        for member in members:
            member.zero_grad(set_to_none=True)
            member.eval()
        count = needs.parameters(members)
        self.taught.append((count, curve.saved * float(padded_tokens(batches, lengths).max())))
        steps_cost = curve.of(padded_tokens(batches, lengths)) * (steps / len(batches))
        check = Cost()
        for number in group.numbers:
            check += self.predicted(self.prepared.teachers[number], self.prepared.texts[number].validation)
        evaluations = min(settings.evaluations, steps)
        return steps_cost + check * evaluations + self.saving(count, evaluations, steps_cost)

    def _asked(self, number: int, rows: np.ndarray) -> Cost:
        """Answers of a teacher on these rows, kept on disk."""
        teacher, encoded = self.prepared.teachers[number], self.prepared.texts[number].pool
        spec = cache.signal_spec(self.ctx, self.prepared, number)
        source = LiveSource(teacher, encoded, spec, self.ctx.device, precision=self.ctx.precision)
        batches = [rows[batch] for batch in sorted_batches(encoded.lengths[rows], cache.BATCH_SIZE)]
        curve = self.curve(
            ["ask", self.shape(number), spec.as_dict()], batches, encoded.lengths, lambda: (source.get, None)
        )
        self.products.note([teacher], batches, encoded.lengths, trained=False)
        few = rows[:: max(1, len(rows) // WRITTEN_ROWS)][:WRITTEN_ROWS]
        write = self._write_cost(number, few)
        self.signal_bytes += self._signal_bytes(number, rows)
        return curve.of(padded_tokens(batches, encoded.lengths)) + write * len(rows)

    def _write_cost(self, number: int, rows: np.ndarray) -> Cost:
        """Of one row's answers: what a cache of some takes longer than one of one, with made-up answers."""
        encoded = self.prepared.texts[number].pool
        spec = cache.signal_spec(self.ctx, self.prepared, number)
        silent = self.made_up(number)

        def built(some: np.ndarray) -> Cost:
            folder, ids = self.folder("written"), [f"{row:012d}" for row in some.tolist()]
            return timed(lambda: build_cache(folder, silent, encoded.take(some), ids, spec), self.ctx.device)

        one, all_ = built(rows[:1]), built(rows)
        share = 1 / max(1, len(rows) - 1)
        return Cost(max(0.0, all_.cpu - one.cpu), max(0.0, all_.wall - one.wall)) * share

    def _signal_bytes(self, number: int, rows: np.ndarray) -> int:
        """Exactly what the cache's arrays take."""
        encoded = self.prepared.texts[number].pool
        spec, teacher = cache.signal_spec(self.ctx, self.prepared, number), self.prepared.teachers[number]
        counts = count_units(encoded, spec.level)[rows]
        words = None if encoded.word_counts is None else np.concatenate([[0], np.cumsum(encoded.word_counts[rows])])
        plan = Plan.of(spec, np.zeros(len(rows)), np.concatenate([[0], np.cumsum(counts)]), words)
        return Meta(
            plan=plan,
            classes=spec.top_k + 1 if spec.top_k else self.classes(number),
            pooled_width=teacher.pooled_width,
            widths=dict.fromkeys(spec.layers, teacher.width),
            qkv_widths=dict.fromkeys(spec.qkv, teacher.width),
        ).bytes()

    # ---- students

    def _trial(self, trial: Trial) -> Cost:
        ctx, texts = self.ctx, self.planned.texts
        total = timed(lambda: new_student(ctx, self.prepared, trial.seed), ctx.device)
        phases, held = hold_out(phases_of(ctx, self.planned, trial.arm), trial.seed)
        lengths, count = texts.pool.lengths, needs.parameters([self.student])
        check = self.predicted(self.student, texts.validation)
        for phase in phases:
            plan = BatchPlan(
                phase.rows, lengths[phase.rows], ctx.config.training.batch_size, seed=trial.seed, copies=phase.copies
            )
            batches = [plan[step] for step in range(plan.per_epoch)]
            curve, held_out = self._phase_curves(trial, phase, batches, held)
            self.products.note([self.student], batches, lengths, trained=True)
            tokens = padded_tokens(batches, lengths)
            self.student_saved.append(curve.saved * float(tokens.max()))
            steps = curve.of(tokens) * (phase.steps / len(batches))
            evaluations = min(phase.evaluations, phase.steps)
            cost = steps + (check + held_out) * evaluations + self.saving(count, evaluations, steps)
            if phase.patience is not None:
                self.sparable += cost * max(0.0, 1 - phase.patience / evaluations)
            total += cost
        return total + check + self.predicted(self.student, texts.test)

    def _phase_curves(
        self, trial: Trial, phase: Phase, batches: Sequence[np.ndarray], held: dict[int | None, np.ndarray]
    ) -> tuple[Curve, Cost]:
        """A training step's curve, and what one look at held-out rows costs."""
        config, texts = self.ctx.config, self.planned.texts
        lengths, begun = texts.pool.lengths, ExitStack()
        out = (
            held.get(phase.stage, np.empty(0, dtype=np.int64))
            if phase.select == "loss"
            else np.empty(0, dtype=np.int64)
        )
        learners: list[StudentLearner] = []

        def make() -> tuple[Call, nn.Module]:
            rows = np.unique(np.concatenate([*spread(batches, lengths), out[:PREDICT_BATCH]]))
            learners.append(self._learner(trial, phase, rows, out[:PREDICT_BATCH]))
            begun.enter_context(
                rows_in_use([(learners[0].student, [texts.pool, texts.validation])], self.folder("rows"))
            )
            return self.stepper(learners[0], fit_settings(config.training, phase)), learners[0].module

        what = [
            "step",
            "no_teacher" if trial.arm == "no_teacher" else "taught",
            config.student.model_dump(mode="json", exclude={"init_teacher"}),
            needs.parameters([self.student]),
            sorted(phase.terms),
            phase.trainable,
            config.objective.model_dump(mode="json"),
            config.signals,
            config.signal_top_k,
            config.data.task,
            self.prepared.classes,
            [[self.shape(n), cache.signal_spec(self.ctx, self.prepared, n).as_dict()] for n in self._asked_in(phase)],
            config.training.batch_size,
        ]
        with begun:
            curve = self.curve(what, batches, lengths, make)
        if not len(out):
            return curve, Cost()
        key = digest([*self.place(), "held out", what, len(out)])
        known = self.store.get(key)
        if known is None:
            if not learners:
                make()
            learners[0].module.eval()
            known = asdict(timed(learners[0].validate, self.ctx.device))
            self.store.put(key, known)
        return curve, Cost(**known) * (len(out) / min(len(out), PREDICT_BATCH))

    def _learner(self, trial: Trial, phase: Phase, rows: np.ndarray, held: np.ndarray) -> StudentLearner:
        ctx, prepared, texts = self.ctx, self.prepared, self.planned.texts
        student = new_student(ctx, prepared, trial.seed, random=True).to(ctx.device)
        # Those of other phases too: weightings are fitted on what they say.
        asked = set() if trial.arm == "no_teacher" else cache.asked(ctx.config)
        sources = [self._source(n, rows) if n in asked else None for n in range(len(prepared.teachers))]
        learner = StudentLearner(
            trial.arm,
            student,
            StudentData(
                texts.pool,
                prepared.targets,
                texts.validation.take(np.arange(1)),
                lambda predicted: 0.0,
                {phase.stage: held},
            ),
            arms.lessons(ctx, prepared, [TeacherSignals(source) for source in sources], student, trial, 0.5),
            seed=trial.seed,
            device=ctx.device,
            precision=ctx.precision,
        )
        learner.begin_phase(phase)
        return learner

    def _asked_in(self, phase: Phase) -> Sequence[int]:
        """Numbers of the teachers that steps of this phase ask."""
        return range(len(self.prepared.teachers)) if phase.teachers is None else phase.teachers

    def _source(self, number: int, rows: np.ndarray) -> SignalSource:
        teacher, encoded = self.prepared.teachers[number], self.prepared.texts[number].pool
        spec = cache.signal_spec(self.ctx, self.prepared, number)
        shape = (len(self.prepared.targets.gold), self.classes(number))
        if self.ctx.config.signals == "live":
            source = LiveRows(teacher, encoded, spec, self.ctx.device, precision=self.ctx.precision)
            source.shape = shape
            return source
        return SomeRows(self.folder("source"), self.made_up(number), encoded, rows, spec, shape)
