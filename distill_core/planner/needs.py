"""Memory and disk of a run, by arithmetic on its shapes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import psutil
from torch import nn

from distill_core.planner.libraries import bytes_kept

if TYPE_CHECKING:
    from distill_core.planner.stages import StageCosts

#: bytes of an fp32 number
FP32 = 4


def resident() -> int:
    """Bytes this process holds in memory now."""
    return int(psutil.Process().memory_info().rss)


def parameters(modules: Iterable[nn.Module]) -> int:
    """Of all modules together, shared ones once."""
    return sum(parameter.numel() for parameter in nn.ModuleList(modules).parameters())


def bytes_of(modules: Iterable[nn.Module]) -> int:
    return FP32 * parameters(modules)


def training(count: int, saved: float) -> float:
    """Bytes beside the weights while so many parameters are trained: gradients, AdamW's two moments and the best state;
    and then either what a step keeps for its backward pass (`saved` bytes), or the copies a checkpoint is written from.
    """
    return FP32 * 4 * count + max(saved, FP32 * 3 * count)


def memory(costs: StageCosts, base: int, texts: int) -> int:
    """The most the process holds at once. base: with everything loaded, before the run. texts: of the data, as read."""
    teachers = bytes_of(costs.prepared.teachers)
    student = parameters([costs.student])
    peaks = [training(count, saved) for count, saved in costs.taught]
    peaks += [FP32 * student + training(student, saved) for saved in costs.student_saved]
    # All finished students stay until the end.
    finished = FP32 * student * (len(costs.trials) - 1)
    kept = bytes_kept(costs.products)
    return int(base + texts + teachers + finished + kept + max(peaks, default=0.0))


def disk(costs: StageCosts) -> int:
    """What the run leaves on disk (signals, finetuned teachers, each trial's state, the student), and its largest
    checkpoint on the way."""
    student = FP32 * parameters([costs.student])
    taught = [FP32 * count for count, _ in costs.taught]
    checkpoint = max([4 * student, *(4 * size for size in taught)])
    return int(costs.signal_bytes + sum(taught) + student * (len(costs.trials) + 1) + checkpoint)
