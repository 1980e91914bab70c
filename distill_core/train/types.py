"""What the loop and the learners say to each other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from torch import Tensor, nn

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
    """score chooses the state that is kept (higher is better); rows are logged."""

    score: float
    rows: Mapping[TermKey, float]


class Learner(Protocol):
    """Something `fit` can train."""

    @property
    def arms(self) -> list[str]: ...

    @property
    def module(self) -> nn.Module:
        """Everything that is trained; its state is what checkpoints hold."""
        ...

    def parameter_groups(self) -> list[dict[str, Any]]:
        """AdamW groups, each with its own peak `lr`."""
        ...

    def accumulate(self, rows: np.ndarray) -> StepTerms:
        """Forward and backward over these rows; gradients are left in the parameters."""
        ...

    def validate(self) -> Validation: ...

    def state(self) -> dict[str, Any]:
        """JSON-able running sums that have to survive a resume."""
        ...

    def load_state(self, state: dict[str, Any]) -> None: ...


class TrialProgress(Protocol):
    """Who wants to know how far a trial is (steps done, steps in all)."""

    def restore(self, done: int, total: int) -> None: ...

    def advance(self, done: int, total: int) -> None: ...


@dataclass(frozen=True)
class FitSettings:
    """How one trial is optimised. steps counts optimizer steps."""

    steps: int
    schedule: str = "linear"
    warmup_share: float = 0.1
    weight_decay: float = 0.01
    max_grad_norm: float = 1.0
    evaluations: int = 10
    patience: int | None = None
    log_points: int = 150
    checkpoint_seconds: float = 30.0


@dataclass(frozen=True)
class FitResult:
    """What a finished trial reports. seconds is wall clock over all attempts."""

    steps: int
    best_step: int
    validation: float
    seconds: float
    state: dict[str, Any]
