"""Batches that a device's memory holds: what did not fit goes through the model in parts, with the same result.

How much fits is found out when memory runs out, and remembered for what follows. In training a part's inner states are
thrown away and computed again for its backward pass (gradient caching, 2101.06983): the loss still sees the whole
batch, so that terms and weightings which depend on the batch stay what they are. It costs one more forward pass.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import nullcontext
from functools import partial
from typing import Any, TypeVar

import numpy as np
import torch
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from distill_core.errors import MemoryError_
from distill_core.models import fast
from distill_core.models.narrow import answers_narrow, joined
from distill_core.models.precision import Precision, answers
from distill_core.models.types import Batch, Outputs

Answer = TypeVar("Answer")

#: of free memory, how much a forward pass is planned to take; and the most tokens that are worth asking about at once
SHARE, MOST_TOKENS = 0.6, 32_768


class Room:
    """How many padded tokens go through a model at once.

    Args:
        told: called with words for people when that becomes less.

    Attributes:
        most: tokens; None while everything did fit.
    """

    def __init__(self, told: Callable[[str], None] = lambda message: None) -> None:
        self.told = told
        self.most: int | None = None
        self._largest = (0, 0)

    def sizes(self, rows: int, width: int) -> list[int]:
        """Sizes of the parts in which rows × width tokens go through; one, of all of them, while everything fits."""
        per = rows if self.most is None else max(1, self.most // max(1, width))
        count = max(1, -(-rows // max(1, per)))
        sizes = [rows // count + (place < rows % count) for place in range(count)]
        self._largest = max(self._largest, (sizes[0], sizes[0] * width), key=lambda one: one[1])
        return sizes

    def attempt(self, work: Callable[[], Answer], rows: int = 0, width: int = 0) -> tuple[Answer] | None:
        """What `work` gives; None where the device's memory ran out: then all that it had taken was given back.

        rows, width: of what it asks about, where it does not ask for `sizes` itself.
        """
        self._largest = (rows, rows * width)
        try:
            return (work(),)
        except torch.OutOfMemoryError:
            pass  # the error holds the frames, and they their tensors: it has to go first
        if torch.cuda.is_available() and torch.cuda.is_initialized():
            torch.cuda.empty_cache()
        return None

    def shrink(self, note: str) -> None:
        """Half of the largest part of what was tried last is the most from now on.

        note: begins the sentence that tells what is done now.
        Raises MemoryError_ where that was a single text, or nothing of this room's.
        """
        rows, tokens = self._largest
        if rows <= 1:
            what = f"a single text of {tokens:,} tokens" if rows else "what this run needs"
            raise MemoryError_(
                f"The device's memory does not hold {what}.",
                hint="Shorten the longest input, or choose a smaller student or smaller teachers.",
                field="data.max_tokens" if rows else None,
            )
        self.most, self._largest = tokens // 2, (0, 0)
        held = f"The device's memory did not hold {tokens:,} tokens at once."
        self.told(f"{held} {note} at most {self.most:,} at a time.")


def answers_in_parts(
    model: Callable[..., Outputs], batch: Batch, precision: Precision, room: Room, **options: Any
) -> Outputs:
    """As `answers`, in the parts that `room` says; with gradient, each part is computed again when it is needed.

    The parts draw dropout one after the other: with dropout the numbers are others than for the whole batch.
    """
    rows, width = batch.input_ids.shape
    sizes = room.sizes(rows, width)
    if len(sizes) == 1:
        return answers_narrow(model, batch, precision, **options)
    places = torch.arange(rows, device=batch.input_ids.device).split(sizes)
    call = _twice if torch.is_grad_enabled() else answers
    return joined([call(model, batch.take(place), precision, **options) for place in places])


def _twice(model: Callable[..., Outputs], batch: Batch, precision: Precision, **options: Any) -> Outputs:
    taken = fast.are_taken()

    def run(ids: Tensor, part: Batch) -> Outputs:
        # Accelerators compute gradients in a thread of their own, where the switch of the shortcuts stands at off.
        with fast.shortcuts() if taken else nullcontext():
            return answers(model, part, precision, **options)

    # The ids tell whose random state is to be kept: it looks at tensors alone.
    said: Outputs = checkpoint(run, batch.input_ids, batch, use_reentrant=False)
    return said


def within(
    room: Room, rows: np.ndarray, lengths: np.ndarray, ask: Callable[[np.ndarray], Answer]
) -> Iterator[tuple[np.ndarray, Answer]]:
    """(some of these rows, what `ask` says of them), row after row, in parts that memory holds. Nothing is trained.

    lengths: [N] tokens of every row. Raises MemoryError_ where a single row is too much.
    """
    todo = [np.asarray(rows)]
    while todo:
        first, *todo = todo
        width = int(lengths[first].max(initial=1))
        sizes = room.sizes(len(first), width)
        if len(sizes) > 1:
            todo = [*np.split(first, np.cumsum(sizes)[:-1]), *todo]
            continue
        found = room.attempt(partial(ask, first), len(first), width)
        if found is None:
            room.shrink("Texts are asked about")
            todo = [first, *todo]
            continue
        yield first, found[0]


def fitting_tokens(work: Callable[[], object], tokens: int, device: torch.device | str) -> int:
    """How many padded tokens fit into a CUDA device's free memory, by the peak of `work`, which computes on so many.

    At least `tokens`, at most `MOST_TOKENS` where that is more.
    """
    torch.cuda.synchronize(device)
    torch.cuda.reset_peak_memory_stats(device)
    before = torch.cuda.memory_allocated(device)
    work()
    torch.cuda.synchronize(device)
    peak = max(1, torch.cuda.max_memory_allocated(device) - before)
    free = torch.cuda.mem_get_info(device)[0]
    kept = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
    return max(tokens, min(MOST_TOKENS, int(SHARE * (free + kept) / peak * tokens)))
