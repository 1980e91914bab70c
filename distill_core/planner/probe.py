"""Probes: a few calls of what a run does over and over, timed at several lengths."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import torch
from torch import nn

from distill_core.planner.store import Cost, Curve, padded_tokens

#: seconds that one curve may take, about; batches that would not fit are cut to fewer rows
BUDGET_S = 1.5
POINTS, MOST_CALLS = 4, 5

Call = Callable[[np.ndarray], object]


def timed(work: Callable[[], object], device: torch.device) -> Cost:
    """What one call costs, the device's work included."""
    _synchronise(device)
    cpu, wall = time.process_time(), time.perf_counter()
    work()
    _synchronise(device)
    return Cost(time.process_time() - cpu, time.perf_counter() - wall)


def spent(cost: Cost, device: torch.device) -> float:
    """Seconds that count: on the CPU those it computed, however busy the machine is; elsewhere those of the clock."""
    return cost.cpu if device.type == "cpu" else cost.wall


def measure(
    call: Call, batches: Sequence[np.ndarray], lengths: np.ndarray, device: torch.device, *, budget_s: float = BUDGET_S
) -> Curve:
    """The cost of `call(rows)` by tokens: at the smallest of these batches, the largest, and some between.

    Small ones come first; where the next would take more than is left, it is cut to the rows that fit, and is the last.
    """
    chosen = spread(batches, lengths)
    few = chosen[0][:2]
    call(few)  # not counted: what happens only once
    rate = spent(timed(lambda: call(few), device), device) / padded_tokens([few], lengths)[0]
    left = budget_s
    points: list[tuple[float, Cost]] = []
    cut = False
    for number, batch in enumerate(chosen):
        share = left / (len(chosen) - number)
        expected = rate * padded_tokens([batch], lengths)[0]
        cut = bool(expected > max(share, left / 2))
        if cut:
            batch = batch[-max(1, min(len(batch), int(len(batch) * max(share, left / 2) / expected))) :]
        elif expected < share / 4:
            call(batch)  # not counted: memory of this size is asked for the first time
            left -= expected
        costs: list[Cost] = []
        while not costs or (len(costs) < MOST_CALLS and spent(sum(costs, costs[-1]), device) < share):
            costs.append(timed(lambda rows=batch: call(rows), device))  # type: ignore[misc]
        tokens = float(padded_tokens([batch], lengths)[0])
        middle = Cost(float(np.median([c.cpu for c in costs])), float(np.median([c.wall for c in costs])))
        points.append((tokens, middle))
        rate = spent(middle, device) / tokens
        left = max(budget_s / 10, left - spent(sum(costs, Cost()), device))
        if cut:
            break
    points = sorted(dict(points).items())
    return Curve(
        tuple(tokens for tokens, _ in points),
        tuple(cost.cpu for _, cost in points),
        tuple(cost.wall for _, cost in points),
        cut=cut,
    )


def spread(batches: Sequence[np.ndarray], lengths: np.ndarray) -> list[np.ndarray]:
    """Up to `POINTS` batches from the fewest tokens to the most, none twice."""
    tokens = padded_tokens(batches, lengths)
    order = np.argsort(tokens, kind="stable")
    places = np.unique(np.linspace(0, len(order) - 1, POINTS).round().astype(int))
    found: dict[float, np.ndarray] = {}
    for place in places:
        found.setdefault(float(tokens[order[place]]), batches[order[place]])
    return list(found.values())


def with_saved(curve: Curve, call: Call, batch: np.ndarray, lengths: np.ndarray, module: nn.Module) -> Curve:
    """The curve with what a step keeps for its backward pass, in bytes for each token of this batch."""
    own = {p.untyped_storage().data_ptr() for p in module.parameters()}
    kept: dict[int, int] = {}

    def pack(tensor: torch.Tensor) -> torch.Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in own:
            kept[storage.data_ptr()] = storage.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        call(batch)
    return replace(curve, saved=sum(kept.values()) / float(padded_tokens([batch], lengths)[0]))


def _synchronise(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    elif device.type == "mps":
        torch.mps.synchronize()
