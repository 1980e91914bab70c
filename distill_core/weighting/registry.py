"""Teacher weightings by the name a config gives them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from distill_core.weighting.base import TeacherWeighting
from distill_core.weighting.mt_bert import MTBert
from distill_core.weighting.uniform import Uniform

#: name → maker, from every teacher's logits [rows, C] on the training table and its labels [rows].
WEIGHTINGS: dict[str, Callable[[Sequence[np.ndarray], np.ndarray], TeacherWeighting]] = {
    "uniform": lambda teacher_logits, labels: Uniform(),
    "mt_bert": MTBert.fit,
}


def build(name: str, *, teacher_logits: Sequence[np.ndarray], labels: np.ndarray) -> TeacherWeighting:
    """The weighting called `name`, fitted where it needs fitting.

    Args:
        teacher_logits: one array [rows, C] for each teacher, over the whole training table.
        labels: [rows] int64, −1 where there is no gold.

    Raises:
        ValueError: there is no such weighting.
        TrainingError: it needs gold labels and there are none.
    """
    if name not in WEIGHTINGS:
        raise ValueError(f"no teacher weighting is called {name!r}; there are {', '.join(sorted(WEIGHTINGS))}")
    return WEIGHTINGS[name](teacher_logits, labels)
