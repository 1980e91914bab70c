"""The student of one arm: its terms, summed with their weights, over the rows of one phase after another."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor, nn

from distill_core.losses.hard_labels import hard_label_ce
from distill_core.models.base import derived_seed
from distill_core.models.memory import Room, answers_in_parts
from distill_core.models.mixing import mixture
from distill_core.models.precision import Precision
from distill_core.models.students import Student
from distill_core.models.types import Batch, Outputs, moved
from distill_core.signals.predict import predict_units
from distill_core.signals.types import MixableSource, SignalSource, TeacherSignal
from distill_core.tasks.base import Encoded, Targets
from distill_core.tasks.encoding import collate
from distill_core.terms.base import Step, StudentWants, Term
from distill_core.train.phases import Phase
from distill_core.train.types import StepInfo, StepTerms, Validation
from distill_core.weighting.base import Situation, TeacherWeighting

#: share, and most, of a phase's rows that are held out where its loss chooses the state
HELD_OUT_SHARE, HELD_OUT_MOST = 0.05, 512


@dataclass
class StudentData:
    """The examples in the student's tokens: the training table with its gold, and validation.

    score: [U] predicted classes of the validation units → quality in [0, 1]. held_out: stage → rows that choose its
    state by their loss (`hold_out`).
    """

    encoded: Encoded
    targets: Targets
    validation: Encoded
    score: Callable[[np.ndarray], float]
    held_out: Mapping[int | None, np.ndarray] = field(default_factory=dict)


@dataclass
class Lessons:
    """What teaches: each teacher's name and source, the terms by name, and the teachers' weights per unit.

    sources are empty, and weighting None, for the control without teachers; a teacher that no phase asks has None.
    weighting: of the teachers that answer. others: where phases ask different ones, the further weightings, by the
    numbers of the teachers that answer.
    """

    terms: Mapping[str, Term]
    names: Sequence[str] = ()
    sources: Sequence[SignalSource | None] = ()
    weighting: TeacherWeighting | None = None
    others: Mapping[tuple[int, ...], TeacherWeighting] = field(default_factory=dict)

    def weighting_of(self, answering: Sequence[int] | None) -> TeacherWeighting | None:
        """The weighting of a step in which these teachers answer."""
        return self.weighting if answering is None else self.others.get(tuple(answering), self.weighting)

    def weightings(self) -> dict[str, TeacherWeighting]:
        """All of them, by the names of their parts in a checkpoint."""
        first = {} if self.weighting is None else {"weighting": self.weighting}
        return first | {f"weighting_{'_'.join(map(str, them))}": one for them, one in self.others.items()}


@dataclass
class _Sums:
    """Of the weights used so far, for the constant-weight control. pairs: of a unit and a teacher that was weighed."""

    weights: list[float] = field(default_factory=list)
    pairs: int = 0


class StudentLearner:
    """The total is Σ_k weight_k(t)·mean(term k): every term is a mean over the units (or examples) it applies to.

    Args:
        arm: name in events.
        student: what is trained, on `device`; the terms' maps and a learnt weighting are trained along.
        seed: of fresh heads and of what weightings draw.
        precision: what the student computes in while it learns; validation is in fp32.
    """

    def __init__(
        self,
        arm: str,
        student: Student,
        data: StudentData,
        lessons: Lessons,
        *,
        seed: int,
        device: torch.device,
        precision: Precision = "fp32",
    ) -> None:
        self.arm, self.student, self.data, self.lessons = arm, student, data, lessons
        self.seed, self.device, self.precision = seed, device, precision
        self.room = Room()
        self._module = nn.ModuleDict({"student": student, "terms": nn.ModuleDict(dict(lessons.terms))})
        self._module.update(lessons.weightings())
        self._module.to(device)
        self.phase: Phase | None = None
        self._held_out: np.ndarray | None = None
        self._sums = _Sums([0.0] * len(lessons.names))

    # ---- Learner

    @property
    def arms(self) -> list[str]:
        return [self.arm]

    @property
    def module(self) -> nn.Module:
        return self._module

    def begin_phase(self, phase: Phase) -> None:
        unknown = set(phase.terms) - set(self.lessons.terms)
        if unknown:
            raise ValueError(f"the phase {phase.name!r} wants terms that were not made: {sorted(unknown)}")
        self.phase = phase
        parts = dict(self.student.parts())
        for name, parameters in parts.items():
            for parameter in parameters:
                parameter.requires_grad_(phase.trainable is None or name in phase.trainable)
        if phase.fresh_head:
            self.student.reset_head(derived_seed(self.seed, "fresh head", phase.name))
        self._held_out = self.data.held_out.get(phase.stage) if phase.select == "loss" else None

    def parameter_groups(self) -> list[dict[str, Any]]:
        assert self.phase is not None
        gates = [(one, list(one.parameters())) for one in self.lessons.weightings().values()]
        known = {id(parameter) for _, gate in gates for parameter in gate}
        used = [p for p in self._module.parameters() if p.requires_grad and id(p) not in known]
        groups: list[dict[str, Any]] = [{"params": used, "lr": self.phase.learning_rate}]
        # A learnt weighting is small and is rewarded rarely: it has a rate of its own, and no decay to its start.
        groups += [{"params": gate, "lr": one.learning_rate, "weight_decay": 0.0} for one, gate in gates if gate]
        return groups

    def state(self) -> dict[str, Any]:
        return {"weight_sums": self._sums.weights, "weight_pairs": self._sums.pairs}

    def load_state(self, state: dict[str, Any]) -> None:
        if state:
            self._sums = _Sums(list(state["weight_sums"]), _pairs(state))

    def accumulate(
        self, rows: np.ndarray, info: StepInfo, *, denominators: Mapping[str, float] | None = None
    ) -> StepTerms:
        """denominators: term → what its sum is divided by, instead of its own count: with a whole batch's counts the
        gradients of its parts add up to those of the whole."""
        terms = StepTerms()
        total = self._total(rows, info, terms, denominators or {})
        if total is not None:
            terms.add((self.arm, "loss_total"), total, len(rows))
            # With hard labels alone, a batch without a single labelled row leaves nothing to learn from.
            if total.requires_grad:
                total.backward()
        return terms

    def validate(self) -> Validation:
        assert self.phase is not None
        said = predict_units(self.student, self.data.validation, self.device)
        quality = self.data.score(said.predicted)
        found = {(self.arm, "validation_quality"): quality}
        if self._held_out is None:
            if said.nll is not None:
                found[(self.arm, "validation_loss")] = float(said.nll.mean())
            return Validation(score=quality, rows=found, units={"validation_loss": "nats"})
        loss = self._held_out_loss(self._held_out)
        # The prediction layer has not learnt yet: its quality says nothing about this phase.
        return Validation(score=-loss, rows={(self.arm, "validation_loss"): loss}, units={"validation_loss": "nats"})

    # ---- one step

    def _total(
        self, rows: np.ndarray, info: StepInfo, terms: StepTerms, denominators: Mapping[str, float]
    ) -> Tensor | None:
        assert self.phase is not None
        step = self._step(rows, info)
        total: Tensor | None = None
        for name, weight in self.phase.terms.items():
            found = self.lessons.terms[name](step)
            if found is None or not len(found.values):
                continue
            mean = found.values.sum() / denominators.get(name, len(found.values))
            terms.add((self.arm, f"loss_{name}"), mean, len(found.values))
            for log, values in found.logs.items():
                terms.add((self.arm, log), values.mean(), len(values))
            part = weight.at(info.progress) * mean
            total = part if total is None else total + part
        return self._with_policy(total, step)

    def _step(self, rows: np.ndarray, info: StepInfo) -> Step:
        batch = collate(self.data.encoded, rows).to(self.device)
        wants = self._wants()
        options = {"qkv": tuple(sorted(wants.qkv))} if wants.qkv else {}
        layers = tuple(sorted(wants.layers))
        outputs = answers_in_parts(self.student, batch, self.precision, self.room, layers=layers, **options)
        assert self.phase is not None
        signals = {n: self._source(n).get(rows).to(self.device) for n in self._asked()}
        step = units(batch, outputs, self.data.targets, list(signals.values()), rows)
        step.teachers, step.answering = list(signals), [n for n, signal in signals.items() if signal.answers]
        step.progress = info.progress
        weighting = self.lessons.weighting_of(step.answering)
        # Weights are the soft labels' alone: where these are off, none are drawn, learnt or counted.
        if weighting is not None and step.teacher_logits and "soft" in self.phase.terms:
            situation = Situation(
                step.teacher_logits,
                step.gold,
                step.logits.detach(),
                outputs.pooled.detach() if outputs.word_mask is None else None,
                info.step,
                info.seed,
            )
            step.weights = weighting.weights(situation)
            if self.student.training:
                self._sums.pairs += step.weights.numel()
                for number, weight in zip(step.answering, step.weights.sum(dim=0).tolist(), strict=True):
                    self._sums.weights[number] += weight
        step.number, step.seed = info.step, info.seed
        step.mixed = partial(self._mixed, batch, rows, step.answering)
        return step

    def _asked(self) -> Sequence[int]:
        """Numbers of the teachers of this phase; the control without teachers has none."""
        assert self.phase is not None
        everyone = range(len(self.lessons.sources))
        return everyone if self.phase.teachers is None or not everyone else self.phase.teachers

    def _source(self, number: int) -> SignalSource:
        source = self.lessons.sources[number]
        if source is None:
            raise ValueError(f"teacher {number} is asked in a phase and has no signals")
        return source

    def _mixed(
        self, batch: Batch, rows: np.ndarray, answering: Sequence[int], partners: np.ndarray, share: float
    ) -> tuple[Tensor, list[Tensor]]:
        """`Step.mixed` of these rows."""
        others = batch.take(torch.from_numpy(partners).to(self.device))
        mixed = mixture(batch, others, share)
        ours = answers_in_parts(self.student, mixed, self.precision, self.room).logits
        sources = [cast(MixableSource, self._source(number)) for number in answering]
        return ours, [moved(source.mixed(rows, rows[partners], share), self.device) for source in sources]

    def _with_policy(self, total: Tensor | None, step: Step) -> Tensor | None:
        """Adds what a learnt weighting minimises; its parameters and the student's do not meet in either part."""
        weighting = self.lessons.weighting_of(step.answering)
        if total is None or step.weights is None or weighting is None or not self.student.training:
            return total
        policy = weighting.policy_loss(hard_label_ce(step.logits.detach(), step.gold), step.gold)
        return total if policy is None else total + policy

    def _wants(self) -> StudentWants:
        assert self.phase is not None
        wants = StudentWants()
        for name in self.phase.terms:
            wants = wants | self.lessons.terms[name].student()
        return wants

    @torch.no_grad()
    def _held_out_loss(self, rows: np.ndarray) -> float:
        """Weighted total over the held-out rows, in weights that stand still, so that evaluations can be compared."""
        assert self.phase is not None
        sums: dict[str, list[float]] = {}
        for start in range(0, len(rows), 64):
            step = self._step(rows[start : start + 64], StepInfo(step=0, progress=1.0, seed=self.seed))
            for name in self.phase.terms:
                found = self.lessons.terms[name](step)
                if found is not None:
                    entry = sums.setdefault(name, [0.0, 0.0])
                    entry[0] += float(found.values.sum())
                    entry[1] += len(found.values)
        weights = {name: max(weight.start, weight.end) for name, weight in self.phase.terms.items()}
        return sum(weights[name] * total / max(count, 1.0) for name, (total, count) in sums.items())


def hold_out(phases: Sequence[Phase], seed: int) -> tuple[list[Phase], dict[int | None, np.ndarray]]:
    """Takes a seeded share of the rows out of every stage whose loss chooses the state: (phases, stage → those rows).

    All phases of one stage hold out the same rows.
    """
    kept: list[Phase] = []
    held: dict[int | None, np.ndarray] = {}
    for phase in phases:
        first = phase.rows[: len(phase.rows) // phase.copies]
        if phase.select == "loss" and len(first) > 1:
            if phase.stage not in held:
                count = min(HELD_OUT_MOST, max(1, round(HELD_OUT_SHARE * len(first))))
                generator = np.random.Generator(np.random.PCG64(derived_seed(seed, "held out", phase.stage)))
                held[phase.stage] = np.sort(generator.permutation(first)[:count])
            # An example is held out with all its copies.
            gone = np.isin(first, held[phase.stage])
            phase = replace(phase, rows=phase.rows[~np.tile(gone, phase.copies)])
        kept.append(phase)
    return kept, held


def units(batch: Batch, outputs: Outputs, targets: Targets, signals: Sequence[TeacherSignal], rows: np.ndarray) -> Step:
    """What all sides say, unit by unit. In tagging a unit is a word that the student and every teacher saw, in masked
    LM a hidden piece."""
    logits, mask = outputs.logits, outputs.word_mask
    device = logits.device
    if mask is None:
        gold = moved(targets.batch(rows, 0), device)
        owner = torch.arange(len(rows), device=device)
        return Step(batch, outputs, logits, gold, owner, rows, [s.logits for s in signals if s.answers], list(signals))
    width = min([mask.shape[1], *(signal.logits.shape[1] for signal in signals)])
    seen = mask[:, :width]
    for signal in signals:
        assert signal.word_mask is not None
        seen = seen & signal.word_mask[:, :width]
    gold = moved(targets.batch(rows, width), device)[seen]
    owner = torch.arange(len(rows), device=device).unsqueeze(1).expand(-1, width)[seen]
    answers = [signal for signal in signals if signal.answers]
    theirs = [signal.logits[:, :width][seen] for signal in answers]
    step = Step(batch, outputs, logits[:, :width][seen], gold, owner, rows, theirs, list(signals))
    step.teacher_classes = [None if s.classes is None else s.classes[:, :width][seen] for s in answers]
    return step


def mean_weight(state: dict[str, Any]) -> float | None:
    """Mean over units and teachers of the weights a finished arm used (from FitResult.state)."""
    pairs, sums = _pairs(state), state.get("weight_sums", [])
    return sum(sums) / pairs if pairs and sums else None


def _pairs(state: dict[str, Any]) -> int:
    """Pairs weighed so far; states of version 0.1 count units, which all teachers had been weighed on."""
    return int(state.get("weight_pairs", state.get("weight_rows", 0) * len(state.get("weight_sums", []))))
