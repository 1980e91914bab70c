"""Learnt maps from a teacher's states into the student's space (the W_ij of 2106.01023 §3.2)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, cast

import torch
from torch import Tensor, nn

from distill_core.models.base import derived_seed

Target = int | Literal["pooled"]


class Projections(nn.Module):
    """One Linear(teacher width → student width) for each (teacher, student layer), on the teacher's side.

    They serve training only and are no part of the finished student.

    Args:
        widths: {(teacher index from 0, student layer from 1 or "pooled"): (teacher width, student width)}.
        seed: each map is drawn from the seed and its own key, so that others do not change it.
    """

    def __init__(self, widths: Mapping[tuple[int, Target], tuple[int, int]], *, seed: int) -> None:
        super().__init__()
        self.maps = nn.ModuleDict()
        for (teacher, target), (teacher_width, student_width) in sorted(widths.items(), key=lambda item: str(item[0])):
            # The dot of the key "teacher.target" separates modules in torch, hence one ModuleDict a teacher.
            if str(teacher) not in self.maps:
                self.maps[str(teacher)] = nn.ModuleDict()
            own = cast(nn.ModuleDict, self.maps[str(teacher)])
            linear = nn.utils.skip_init(nn.Linear, teacher_width, student_width)
            generator = torch.Generator().manual_seed(derived_seed(seed, "projection", teacher, str(target)))
            nn.init.xavier_uniform_(linear.weight, generator=generator)
            nn.init.zeros_(linear.bias)
            own[str(target)] = linear

    @property
    def keys(self) -> list[str]:
        """``"0.1"``, ``"0.pooled"`` …: teacher and student layer of each map."""
        return [f"{i}.{j}" for i, maps in self.maps.items() for j in cast(nn.ModuleDict, maps)]

    def forward(self, teacher: int, target: Target, states: Tensor) -> Tensor:
        """Teacher states [..., teacher width] → [..., student width]. KeyError for a pair that was not announced."""
        return cast(nn.ModuleDict, self.maps[str(teacher)])[str(target)](states)
