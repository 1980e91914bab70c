"""Mixup: the student also learns from mixtures of two texts (MixKD, 2011.00593 §3)."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

import numpy as np
import torch
from torch import Tensor

from distill_core.catalogue import DIVERGENCES
from distill_core.losses.mixup import mixed_ce
from distill_core.models.base import derived_seed
from distill_core.terms.base import Setup, Step, Term, Values


class Mixup(Term):
    """λ·CE(y_a) + (1−λ)·CE(y_b) + (1/N)·Σ_i D(teacher i, student) per example a, all of them on the mixture of a with
    its partner b; gold that is missing contributes nothing.

    Partners are a permutation of the batch, λ ~ Beta(β, β) is one number a batch (`objective.mixup_beta`). Every model
    mixes its own word embeddings of the two texts. D and its temperature are those of the soft labels; label revision
    and teacher weights, which are about gold of single texts, have no part in it.
    """

    def __init__(self, setup: Setup) -> None:
        super().__init__(setup)
        self.divergence = cast(Callable[..., Tensor], DIVERGENCES[setup.objective.soft_label_loss].load())

    def forward(self, step: Step) -> Values | None:
        if step.mixed is None:
            raise ValueError("mixtures need a step that can ask about them")
        objective = self.setup.objective
        partners, share = draw(step.seed, step.number, len(step.rows), objective.mixup_beta)
        ours, theirs = step.mixed(partners, share)
        partner_gold = step.gold[torch.from_numpy(partners).to(step.gold.device)]
        hard = mixed_ce(ours, step.gold, partner_gold, share)
        if not theirs:
            return Values(hard)
        soft = torch.stack(
            [self.divergence(ours, logits, temperature=objective.distill_temperature) for logits in theirs]
        ).mean(dim=0)
        return Values(hard + soft, {"mixup_hard": hard, "mixup_soft": soft})


def draw(seed: int, number: int, count: int, beta: float) -> tuple[np.ndarray, float]:
    """Partners (a permutation [count] of the batch) and λ ~ Beta(beta, beta) of one step, from the trial's seed and the
    step's number alone: arms with one seed mix alike, and a resumed trial goes on as if it had not been stopped."""
    generator = np.random.Generator(np.random.PCG64(derived_seed(seed, "mixup", number)))
    share = float(generator.beta(beta, beta))
    return generator.permutation(count).astype(np.int64), share
