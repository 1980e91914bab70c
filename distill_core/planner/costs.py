"""Measured calls, and what comes of them for models and batches of a run: the part that all stages share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from distill_core.data.batching import sorted_batches
from distill_core.models.base import Student
from distill_core.models.encoders import word_embedding
from distill_core.models.fast import shortcuts
from distill_core.planner import needs
from distill_core.planner.latency import Timed, architecture, quick_protocol
from distill_core.planner.libraries import Products
from distill_core.planner.made_up import MadeUpTeacher
from distill_core.planner.probe import Call, measure, spread, timed, with_saved
from distill_core.planner.store import Cost, Curve, ProbeStore, digest, machine_key, padded_tokens
from distill_core.signals.predict import predict_units
from distill_core.stages import cache, results
from distill_core.stages.context import RunContext
from distill_core.stages.plan import StudentPlan, trials_of
from distill_core.stages.prepare import Prepared
from distill_core.tasks.base import Encoded
from distill_core.train import checkpoint as ckpt
from distill_core.train.loop import Fit
from distill_core.train.schedule import BatchPlan
from distill_core.train.types import FitSettings, Learner, Trial

SAVED_NUMBERS, PREDICT_BATCH = 4_000_000, 64


@dataclass
class Costs:
    """Of one run. After its stages were asked for, in order (`stages.StageCosts`):

    found: names of what earlier runs left. measured, remembered: probes made now, and known. sparable: what patience
    may save. taught: (parameters, bytes kept for backward) of each group that is finetuned. student_saved: the latter
    of each kind of the student's steps. products: of all models. signal_bytes: on disk, of answers that are not there
    yet. parallel: threads at work at a time, in the probe that was disturbed the least.
    """

    ctx: RunContext
    prepared: Prepared
    planned: StudentPlan
    student: Student
    store: ProbeStore
    scratch: Path
    found: list[str] = field(default_factory=list)
    measured: int = 0
    remembered: int = 0
    sparable: Cost = field(default_factory=Cost)
    taught: list[tuple[int, float]] = field(default_factory=list)
    student_saved: list[float] = field(default_factory=list)
    products: Products = field(default_factory=Products)
    signal_bytes: int = 0
    parallel: float = 1.0

    @property
    def trials(self) -> list[Trial]:
        return trials_of(self.ctx)

    def predicted(self, model: Any, encoded: Encoded) -> Cost:
        """Answers of a model, teacher or student, on all rows."""
        if not len(encoded):
            return Cost()
        what = ["predict", architecture(model), needs.parameters([model]), self.prepared.task.name]
        batches = sorted_batches(encoded.lengths, PREDICT_BATCH)
        self.products.note([model] if isinstance(model, nn.Module) else [], batches, encoded.lengths, trained=False)

        def make() -> tuple[Call, nn.Module | None]:
            model.to(self.ctx.device)
            return lambda rows: predict_units(model, encoded.take(rows), self.ctx.device), None

        curve = self.curve(what, batches, encoded.lengths, make)
        return curve.of(padded_tokens(batches, encoded.lengths))

    def latency(self, repeats: int, seconds: float) -> Cost:
        config, device = self.ctx.config, self.ctx.device
        self.ctx.check_stop()
        models = Timed(self.prepared.teachers, self.student.to(device), config.data.max_tokens, self.prepared.task.name)
        quick = quick_protocol(config.measure, models.tokens(config.measure.tokens), device.type)
        protocol, total = results.protocol(self.ctx, repeats, seconds), Cost()
        for row in models.rows(quick, self.store):
            calls = protocol.calls(row["p50"] / 1000)
            total += Cost(row["cpu_ms"] / 1000, row["p50"] / 1000) * calls
        return total

    def saving(self, count: int, evaluations: int, steps: Cost) -> Cost:
        """Checkpoints beside steps that cost so much: weights, two moments and the best state, after each evaluation
        and now and then."""
        key = digest([*self.place(), "save"])
        known = self.store.get(key)
        if known is None:
            numbers = torch.zeros(SAVED_NUMBERS)
            path = self.folder("saved") / "probe.safetensors"
            cost = timed(lambda: ckpt.write_atomically(path, {"numbers": numbers.clone()}, {}), self.ctx.device)
            known = asdict(cost * (1 / SAVED_NUMBERS))
            self.store.put(key, known)
        times = max(evaluations, min(steps.wall, steps.cpu) / FitSettings(steps=1).checkpoint_seconds)
        return Cost(**known) * (count * (4 * times + 1))

    def curve(
        self,
        what: list[Any],
        batches: Sequence[np.ndarray],
        lengths: np.ndarray,
        make: Callable[[], tuple[Call, nn.Module | None]],
        budget_s: float | None = None,
    ) -> Curve:
        """Remembered, or measured now. make: gives the call, and the module whose training it is a step of."""
        key = digest([*self.place(), what])
        known = self.store.curve(key)
        if known is not None and known.reaches(float(padded_tokens(batches, lengths).max())):
            self.remembered += 1
            self._note_threads(known)
            return known
        self.ctx.check_stop()
        call, module = make()
        budget = {} if budget_s is None else {"budget_s": budget_s}
        curve = measure(call, batches, lengths, self.ctx.device, **budget)
        if module is not None:
            curve = with_saved(curve, call, spread(batches, lengths)[0], lengths, module)
        self.store.put_curve(key, curve)
        self.measured += 1
        self._note_threads(curve)
        return curve

    def _note_threads(self, curve: Curve) -> None:
        at_work = max(cpu / wall for cpu, wall in zip(curve.cpu, curve.wall, strict=True))
        self.parallel = max(self.parallel, min(at_work, float(torch.get_num_threads())))

    def stepper(self, learner: Learner, settings: FitSettings) -> Call:
        return _Steps(learner, settings, self.folder("fit"), self.ctx).step

    def place(self) -> list[Any]:
        other = [] if self.ctx.precision == "fp32" else [self.ctx.precision]
        return [*machine_key(), str(self.ctx.device), torch.get_num_threads(), *other]

    def shape(self, number: int) -> list[Any]:
        """What a teacher's cost depends on."""
        teacher = self.prepared.teachers[number]
        level = cache.comparison_level(self.ctx, self.prepared, number)
        return [
            architecture(teacher),
            needs.parameters([teacher]),
            self.prepared.task.name,
            self.prepared.classes,
            level,
        ]

    def made_up(self, number: int) -> MadeUpTeacher:
        return MadeUpTeacher(self.prepared.teachers[number], self.classes(number), self.prepared.task.unit)

    def classes(self, number: int) -> int:
        """Width of a teacher's logits; 0 of one that stays as pre-trained."""
        teacher = self.prepared.teachers[number]
        if self.prepared.task.unit == "piece":
            return int(word_embedding(teacher.encoder).shape[0])
        return self.prepared.classes if teacher.answers else 0

    def folder(self, name: str) -> Path:
        """A new name in the scratch folder."""
        self._names = getattr(self, "_names", 0) + 1
        return self.scratch / f"{name}-{self._names}"


class _Steps(Fit):
    """A fit whose steps are taken one by one, on given rows; it evaluates and saves nothing."""

    def __init__(self, learner: Learner, settings: FitSettings, folder: Path, ctx: RunContext) -> None:
        endless = replace(settings, steps=10**9, evaluations=1, patience=None)
        self._now: list[np.ndarray] = [np.empty(0, dtype=np.int64)]
        trial = Trial("probe", ctx.seed)
        super().__init__(learner, _Now(self._now), endless, trial, folder=folder, sink=ctx.sink, stop=ctx.stop)

    def step(self, rows: np.ndarray) -> None:
        self._now[0] = rows
        with shortcuts(self.learner.module):
            self._one_step()


class _Now(BatchPlan):
    """The plan of a fit that is told its rows."""

    def __init__(self, now: list[np.ndarray]) -> None:
        self._rows = now

    def __getitem__(self, step: int) -> np.ndarray:
        return self._rows[0]
