"""Trainer: a trial's phases one after the other, each from the best state of the one before."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from distill_core.config import Training
from distill_core.events import EventSink
from distill_core.train.loop import Fit, phase_seed, stored_result
from distill_core.train.phases import Phase, total_steps
from distill_core.train.schedule import BatchPlan
from distill_core.train.stop import StopToken
from distill_core.train.types import FitResult, FitSettings, PhasedLearner, Position, Trial, TrialProgress


def fit_settings(training: Training, phase: Phase) -> FitSettings:
    """How a phase is optimised: its own steps, schedule and end, the rest from the training."""
    return FitSettings(
        steps=phase.steps,
        schedule=phase.schedule,
        restarts=training.restarts,
        warmup_share=training.warmup_share,
        weight_decay=training.weight_decay,
        max_grad_norm=training.max_grad_norm,
        evaluations=phase.evaluations,
        patience=phase.patience,
    )


class Trainer:
    """One trial. A second call on the same folder returns the stored result; one that was broken off goes on from its
    last checkpoint, bit for bit (CPU).

    Args:
        learner: what is trained. It is told of each phase before its optimizer is made.
        phases: at least one, in order. A single one lies in the trial's folder itself, several in `phase-<k>` of it.
        training: what all phases have in common.
        trial: arm and seed.
        lengths: [N] tokens of every row of the table of examples.
        folder: the trial's.
        sink, stop: reporting and stopping.
        progress: told how much of the planned steps is done; a phase that patience ends early counts as done.
    """

    def __init__(
        self,
        learner: PhasedLearner,
        phases: Sequence[Phase],
        training: Training,
        trial: Trial,
        *,
        lengths: np.ndarray,
        folder: Path,
        sink: EventSink,
        stop: StopToken,
        progress: TrialProgress | None = None,
    ) -> None:
        if not phases:
            raise ValueError("a trial needs at least one phase")
        self.learner, self.phases, self.training, self.trial = learner, list(phases), training, trial
        self.lengths, self.folder = np.asarray(lengths), folder
        self.sink, self.stop, self.told = sink, stop, progress

    def run(self) -> FitResult:
        """Raises what `Fit.run` raises: Stopped, TrainingError, CheckpointError."""
        finished = self._finished()
        results: list[FitResult] = []
        for index, phase in enumerate(self.phases):
            position = self._position(results)
            self.learner.begin_phase(phase)
            if index < len(finished) - 1:
                # A later phase is finished too, and its state is what counts.
                results.append(finished[index])
                continue
            if index >= len(finished):
                self._announce(position)
            results.append(self._fit(index, position).run())
            if index:
                (self._folder(index - 1) / "final.safetensors").unlink(missing_ok=True)
        return self._merged(results)

    def _folder(self, index: int) -> Path:
        return self.folder if len(self.phases) == 1 else self.folder / f"phase-{index}"

    def _finished(self) -> list[FitResult]:
        """Results of the phases, from the first on, that an earlier attempt finished."""
        found: list[FitResult] = []
        for index in range(len(self.phases)):
            result = stored_result(self._folder(index))
            if result is None:
                break
            found.append(result)
        return found

    def _position(self, results: list[FitResult]) -> Position:
        done = len(results)
        return Position(
            index=done,
            offset=sum(result.steps for result in results),
            planned=total_steps(self.phases[:done]),
            total=total_steps(self.phases),
        )

    def _announce(self, position: Position) -> None:
        """Let the charts draw the phase; a trial of one phase is just a trial."""
        if len(self.phases) == 1:
            return
        for arm in self.learner.arms:
            self.sink.emit(
                "phase",
                arm=arm,
                seed=self.trial.seed,
                name=self.phases[position.index].name,
                index=position.index,
                of=len(self.phases),
                from_step=position.offset,
            )

    def _fit(self, index: int, position: Position) -> Fit:
        phase = self.phases[index]
        return Fit(
            self.learner,
            BatchPlan(
                phase.rows,
                self.lengths[phase.rows],
                self.training.batch_size,
                seed=phase_seed(self.trial.seed, index),
                copies=phase.copies,
            ),
            fit_settings(self.training, phase),
            self.trial,
            folder=self._folder(index),
            sink=self.sink,
            stop=self.stop,
            progress=self.told,
            position=position,
        )

    def _merged(self, results: list[FitResult]) -> FitResult:
        phases: list[dict[str, Any]] = []
        before = 0
        for phase, result in zip(self.phases, results, strict=True):
            phases.append(
                {
                    "name": phase.name,
                    "from_step": before,
                    "steps": result.steps,
                    "best_step": before + result.best_step,
                    "score": result.validation,
                }
            )
            before += result.steps
        return FitResult(
            steps=before,
            best_step=phases[-1]["best_step"],
            validation=results[-1].validation,
            seconds=sum(result.seconds for result in results),
            state=results[-1].state,
            phases=phases,
        )
