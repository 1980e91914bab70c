"""fit: the one training loop, for teachers and students alike. It runs one phase; most trials have only one."""

from __future__ import annotations

import contextlib
import copy
import json
import math
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import load_file
from torch import Tensor

from distill_core.errors import Stopped, TrainingError
from distill_core.events import EventSink, metric
from distill_core.models.base import derived_seed
from distill_core.models.fast import shortcuts
from distill_core.storage import write_json
from distill_core.train import checkpoint as ckpt
from distill_core.train.schedule import RESTARTS_FLOOR, BatchPlan, evaluation_steps, learning_rate_factor
from distill_core.train.stop import StopToken
from distill_core.train.types import (
    FitResult,
    FitSettings,
    Learner,
    Position,
    StepInfo,
    StepTerms,
    Trial,
    TrialProgress,
)


def phase_seed(seed: int, index: int) -> int:
    """Seed of a phase's dropout and order of rows: the trial's own in the first, others in those that follow."""
    return seed if index == 0 else derived_seed(seed, "phase", index)


def stored_result(folder: Path) -> FitResult | None:
    """What a finished phase or trial left in its folder."""
    path = folder / "result.json"
    return FitResult(**json.loads(path.read_text())) if path.exists() else None


class Fit:
    """The training of one phase. Call it once; a second call on the same folder returns the stored result.

    Args:
        learner: what is trained; what requires no gradients when this is made stays as it is.
        plan: which rows each step sees.
        settings: see FitSettings.
        trial: arm and seed; the seed also drives dropout.
        folder: where checkpoint.safetensors, final.safetensors and result.json of this phase lie.
        sink, stop: reporting and stopping.
        progress: told how far the trial is.
        position: which part of the trial this is; steps are reported as steps of the trial.
    """

    def __init__(
        self,
        learner: Learner,
        plan: BatchPlan,
        settings: FitSettings,
        trial: Trial,
        *,
        folder: Path,
        sink: EventSink,
        stop: StopToken,
        progress: TrialProgress | None = None,
        position: Position | None = None,
    ) -> None:
        self.learner, self.plan, self.settings, self.trial = learner, plan, settings, trial
        self.folder, self.sink, self.stop, self.told = folder, sink, stop, progress
        self.position = position or Position()
        self.trial_steps = self.position.total or settings.steps
        self.device = next(learner.module.parameters()).device
        # AdamW must not even know frozen parameters: with any gradient left in them, weight decay would shrink them.
        groups = [
            {**group, "params": [p for p in group["params"] if p.requires_grad]} for group in learner.parameter_groups()
        ]
        self.optimizer = torch.optim.AdamW(
            [group for group in groups if group["params"]],
            weight_decay=settings.weight_decay,
            fused=self.device.type != "mps",
        )
        self.peaks = [group["lr"] for group in self.optimizer.param_groups]
        self.trained = [p for group in self.optimizer.param_groups for p in group["params"]]
        self.evaluate_at = evaluation_steps(settings.steps, settings.evaluations)
        self.log_every = max(1, min(50, self.trial_steps // settings.log_points))
        self.best: dict[str, Tensor] = {}
        self.progress = ckpt.Progress()

    @property
    def trial_step(self) -> int:
        """Optimizer steps taken since the start of the trial."""
        return self.position.offset + self.progress.step

    @property
    def checkpoint_path(self) -> Path:
        return self.folder / "checkpoint.safetensors"

    def run(self) -> FitResult:
        """Train to the end (or go on where a checkpoint left off), keep the state that validated best.

        Raises Stopped after writing a checkpoint when the stop token is set, TrainingError when the loss is no number.
        """
        finished = self._finished()
        if finished is not None:
            return finished
        self.learner.room.told = lambda message: self.sink.emit("log", level="warning", message=message)
        with shortcuts(self.learner.module):
            return self._train()

    def _train(self) -> FitResult:
        self._begin()
        last_save = time.monotonic()
        progress = self.progress
        while progress.step < self.settings.steps:
            if self.stop.is_set():
                self._save()
                raise Stopped
            better_stop = self._one_step()
            evaluated = progress.step in self.evaluate_at
            if self.told:
                self.told.advance(self.position.planned + progress.step, self.trial_steps)
            if better_stop:
                break
            if evaluated or time.monotonic() - last_save > self.settings.checkpoint_seconds:
                self._save()
                last_save = time.monotonic()
        return self._finish()

    # ---- the parts of a run

    def _finished(self) -> FitResult | None:
        result = stored_result(self.folder)
        if result is None:
            return None
        self.learner.module.load_state_dict(load_file(self.folder / "final.safetensors"))
        self.learner.load_state(result.state)
        if self.told:
            self.told.restore(self.position.planned + self.settings.steps, self.trial_steps)
        return result

    def _begin(self) -> None:
        torch.manual_seed(phase_seed(self.trial.seed, self.position.index))
        # What an earlier phase left in parameters that are frozen now.
        self.learner.module.zero_grad(set_to_none=True)
        if self.checkpoint_path.exists():
            self.best, self.progress = ckpt.load(self.checkpoint_path, self.learner.module, self.optimizer, self.device)
            self.learner.load_state(self.progress.learner)
            if self.told:
                self.told.restore(self.position.planned + self.progress.step, self.trial_steps)
        if self.folder.exists():
            # Also when from step 0: what an earlier attempt logged for this trial after its checkpoint is void.
            for arm in self.learner.arms:
                self.sink.emit("resumed", arm=arm, seed=self.trial.seed, from_step=self.trial_step)
        self.folder.mkdir(parents=True, exist_ok=True)

    def _one_step(self) -> bool:
        """One optimizer step with its logging; True when patience has run out."""
        progress, settings = self.progress, self.settings
        started = time.perf_counter()
        factor = learning_rate_factor(
            progress.step,
            steps=settings.steps,
            warmup_share=settings.warmup_share,
            schedule=settings.schedule,
            restarts=settings.restarts,
            floor=RESTARTS_FLOOR if settings.schedule == "cosine_restarts" else 0.0,
        )
        for group, peak in zip(self.optimizer.param_groups, self.peaks, strict=True):
            group["lr"] = peak * factor
        rows = self.plan[progress.step]
        self.learner.module.train()
        self.optimizer.zero_grad(set_to_none=True)
        info = StepInfo(self.trial_step, progress.step / max(1, settings.steps - 1), self.trial.seed)
        terms = self._accumulate(rows, info)
        norm = torch.nn.utils.clip_grad_norm_(self.trained, settings.max_grad_norm)
        if not math.isfinite(float(norm)):
            raise TrainingError(
                f"the loss of {self.trial.arm} stopped being a number at step {self.trial_step + 1}.",
                hint="Lower the learning rate, or the temperature and weights of the loss.",
                field="training.learning_rate",
            )
        self.optimizer.step()
        progress.step += 1
        spent = time.perf_counter() - started
        progress.seconds += spent
        self._collect(terms, len(rows), spent)
        out_of_patience = False
        if progress.step in self.evaluate_at:
            out_of_patience = self._evaluate()
        return out_of_patience

    def _accumulate(self, rows: np.ndarray, info: StepInfo) -> StepTerms:
        """Gradients of these rows; where the device's memory does not hold them, in parts, as if nothing had been."""
        while True:
            undo = self._remembered()
            found = self.learner.room.attempt(lambda: self.learner.accumulate(rows, info))
            if found is not None:
                return found[0]
            self.optimizer.zero_grad(set_to_none=True)
            undo()
            self.learner.room.shrink("Batches stay as large as they are, but go through the model in parts:")

    def _remembered(self) -> Callable[[], None]:
        """Puts back what a broken-off step may have moved: random state, running sums, buffers."""
        draws, sums = torch.get_rng_state(), copy.deepcopy(self.learner.state())
        on_device = torch.cuda.get_rng_state(self.device) if self.device.type == "cuda" else None
        kept = [(buffer, buffer.clone()) for buffer in self.learner.module.buffers() if buffer.is_floating_point()]

        def undo() -> None:
            torch.set_rng_state(draws)
            if on_device is not None:
                torch.cuda.set_rng_state(on_device, self.device)
            for buffer, value in kept:
                buffer.copy_(value)
            self.learner.load_state(sums)

        return undo

    def _collect(self, terms: StepTerms, examples: int, seconds: float) -> None:
        progress = self.progress
        for (arm, name), value in terms.values.items():
            entry = progress.window.setdefault(f"{arm}\t{name}", [0.0, 0.0])
            count = terms.counts[(arm, name)]
            entry[0] += float(value) * count
            entry[1] += count
        progress.window_examples += examples
        progress.window_seconds += seconds
        first = progress.step == 1
        if first or progress.step % self.log_every == 0 or progress.step == self.settings.steps:
            self._log_window()

    def _log_window(self) -> None:
        progress, step = self.progress, self.trial_step
        rows: list[dict[str, Any]] = []
        for key, (total, count) in progress.window.items():
            arm, name = key.split("\t")
            if count:
                rows.append(metric(arm, self.trial.seed, name, step, total / count))
        rate = progress.window_examples / max(progress.window_seconds, 1e-9)
        for arm in self.learner.arms:
            rows.append(metric(arm, self.trial.seed, "examples_per_second", step, rate, "examples/s"))
            rows.append(metric(arm, self.trial.seed, "learning_rate", step, self.optimizer.param_groups[0]["lr"]))
        self.sink.emit("metric", rows=rows)
        progress.window, progress.window_examples, progress.window_seconds = {}, 0, 0.0

    def _evaluate(self) -> bool:
        progress = self.progress
        self.learner.module.eval()
        result = self.learner.validate()
        rows = [
            metric(arm, self.trial.seed, name, self.trial_step, value, result.units.get(name, "share"))
            for (arm, name), value in result.rows.items()
        ]
        self.sink.emit("metric", rows=rows)
        score = result.score if math.isfinite(result.score) else float("-inf")
        if score > progress.best_score or not self.best:
            progress.best_score, progress.best_step = score, progress.step
            progress.evaluations_without_better = 0
            self.best = ckpt.module_tensors(self.learner.module)
        else:
            progress.evaluations_without_better += 1
        patience = self.settings.patience
        return patience is not None and progress.evaluations_without_better >= patience

    def _save(self) -> None:
        self.progress.learner = self.learner.state()
        ckpt.save(self.checkpoint_path, self.learner.module, self.optimizer, self.best, self.progress)

    def _finish(self) -> FitResult:
        progress = self.progress
        if progress.window:
            self._log_window()
        self.learner.module.load_state_dict(self.best)
        self.learner.module.eval()
        if self.told and progress.step < self.settings.steps:
            # Steps that patience saved count as done, but say nothing about how fast steps are.
            self.told.restore(self.position.planned + self.settings.steps, self.trial_steps)
        result = FitResult(
            steps=progress.step,
            best_step=progress.best_step,
            validation=progress.best_score,
            seconds=progress.seconds,
            state=self.learner.state(),
        )
        ckpt.write_atomically(self.folder / "final.safetensors", self.best, {"step": str(progress.best_step)})
        write_json(self.folder / "result.json", result.__dict__)
        with contextlib.suppress(FileNotFoundError):
            self.checkpoint_path.unlink()
        return result
