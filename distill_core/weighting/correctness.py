"""How right teachers are on gold: what weightings by correctness and ranks are made from."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from distill_core.errors import TrainingError
from distill_core.losses.hard_labels import NO_LABEL, hard_label_ce
from distill_core.weighting.base import Table


@torch.no_grad()
def teacher_ce(teacher_logits: Sequence[Tensor], gold: Tensor) -> Tensor:
    """CE(y, z_i) of every teacher on every unit: [U, N] fp32 in nats, zero where there is no gold.

    Args:
        teacher_logits: N tensors [U, C], pre-softmax, finite. gold: [U] int64, −1 where there is none.
    """
    return torch.stack([hard_label_ce(z.detach().float(), gold) for z in teacher_logits], dim=1)


def table_ce(table: Table, weighting: str) -> Tensor:
    """`teacher_ce` over the labelled units of the training table that every teacher saw: [labelled, N].

    A word that a teacher cut off has logits of zeros there; its CE of log C says nothing about the teacher.

    Raises:
        TrainingError: no unit has gold; `weighting` is named in the message.
    """
    seen = np.all([np.asarray(z).any(axis=1) for z in table.teacher_logits], axis=0)
    known = np.flatnonzero((np.asarray(table.gold) != NO_LABEL) & seen)
    if not len(known):
        raise TrainingError(
            f"{weighting} compares the teachers with gold labels, and no training row has one.",
            hint="Choose equal weights, or add labelled rows.",
            field="objective.teacher_weighting",
        )
    gold = torch.as_tensor(np.asarray(table.gold)[known], dtype=torch.int64)
    return teacher_ce([torch.from_numpy(np.asarray(z)[known]) for z in table.teacher_logits], gold)
