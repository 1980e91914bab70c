"""Teacher weightings by the name a config gives them (`catalogue.WEIGHTINGS`)."""

from __future__ import annotations

from typing import cast

from distill_core.catalogue import WEIGHTINGS
from distill_core.weighting.base import Table, TeacherWeighting


def build(name: str, table: Table) -> TeacherWeighting:
    """The weighting called `name`, fitted where it needs fitting.

    Raises:
        ValueError: there is no such weighting.
        TrainingError: it needs gold labels and there are none.
    """
    if name not in WEIGHTINGS:
        raise ValueError(f"no teacher weighting is called {name!r}; there are {', '.join(sorted(WEIGHTINGS))}")
    return cast(type[TeacherWeighting], WEIGHTINGS[name].load()).fit(table)
