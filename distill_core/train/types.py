"""What the loop and the learners say to each other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from torch import Tensor, nn

if TYPE_CHECKING:
    from distill_core.models.memory import Room
    from distill_core.train.phases import Phase

#: (arm, metric name), e.g. ("main", "loss_soft")
TermKey = tuple[str, str]


@dataclass(frozen=True)
class Trial:
    """One thing that is trained: an arm with a seed. `key` names its folder."""

    arm: str
    seed: int

    @property
    def key(self) -> str:
        return f"{self.arm.replace(':', '-').replace('/', '-')}-seed{self.seed}"


@dataclass(frozen=True)
class StepInfo:
    """Where a step stands. step: optimizer step of the whole trial, from 0. progress: share of the current phase that
    is done, in [0, 1]: 0 at its first step, 1 at its last. seed: the trial's."""

    step: int
    progress: float
    seed: int


@dataclass
class StepTerms:
    """Unweighted means of one step, detached, and how many examples each mean was taken over."""

    values: dict[TermKey, Tensor] = field(default_factory=dict)
    counts: dict[TermKey, int] = field(default_factory=dict)

    def add(self, key: TermKey, value: Tensor, count: int) -> None:
        self.values[key] = value.detach()
        self.counts[key] = count


@dataclass(frozen=True)
class Validation:
    """score chooses the state that is kept (higher is better); rows are logged.

    units: metric name → unit of those that are no share.
    """

    score: float
    rows: Mapping[TermKey, float]
    units: Mapping[str, str] = field(default_factory=dict)


class Learner(Protocol):
    """Something `fit` can train."""

    @property
    def arms(self) -> list[str]: ...

    @property
    def room(self) -> Room:
        """What its forward passes go through in, when the device's memory does not hold a whole batch."""
        ...

    @property
    def module(self) -> nn.Module:
        """Everything that is trained; its state is what checkpoints hold."""
        ...

    def parameter_groups(self) -> list[dict[str, Any]]:
        """AdamW groups, each with its own peak `lr`; of these, what does not require gradients is left alone."""
        ...

    def accumulate(self, rows: np.ndarray, step: StepInfo) -> StepTerms:
        """Forward and backward over these rows; gradients are left in the parameters."""
        ...

    def validate(self) -> Validation: ...

    def state(self) -> dict[str, Any]:
        """JSON-able running sums that have to survive a resume."""
        ...

    def load_state(self, state: dict[str, Any]) -> None: ...


class PhasedLearner(Learner, Protocol):
    """Something `Trainer` can train, phase by phase."""

    def begin_phase(self, phase: Phase) -> None:
        """What follows is this phase: freeze and unfreeze parts, set terms and learning rate, draw a fresh head.

        A resumed trial begins all its phases again, in order, and puts the state of the last finished one back in
        between; so equal calls must do equal things (every draw from the trial's seed and the phase, none from the
        global generator), and what depends on the weights found must be weights itself.
        """
        ...


class TrialProgress(Protocol):
    """Who wants to know how far a trial is (planned steps done, planned steps in all)."""

    def restore(self, done: int, total: int) -> None: ...

    def advance(self, done: int, total: int) -> None: ...


@dataclass(frozen=True)
class FitSettings:
    """How one phase is optimised. steps counts optimizer steps; restarts: cycles of the schedule "cosine_restarts"."""

    steps: int
    schedule: str = "linear"
    restarts: int = 3
    warmup_share: float = 0.1
    weight_decay: float = 0.01
    max_grad_norm: float = 1.0
    evaluations: int = 10
    patience: int | None = None
    log_points: int = 150
    checkpoint_seconds: float = 30.0


@dataclass(frozen=True)
class Position:
    """Where a phase stands in its trial; the default: it is the whole trial.

    index: number of the phase, from 0. offset: optimizer steps really taken before it. planned: steps that were planned
    before it. total: planned steps of the whole trial; None: those of this phase.
    """

    index: int = 0
    offset: int = 0
    planned: int = 0
    total: int | None = None


@dataclass(frozen=True)
class FitResult:
    """What a finished trial (or one phase of it) reports.

    Steps are those really taken, best_step counts from the start of the trial (in a phase's own file: of the phase).
    validation is the score of the kept state, in a trial that of its last phase; seconds is the time of steps over all
    attempts. phases: one {name, from_step, steps, best_step, score} a phase, empty in a phase's own result.
    """

    steps: int
    best_step: int
    validation: float
    seconds: float
    state: dict[str, Any]
    phases: list[dict[str, Any]] = field(default_factory=list)
