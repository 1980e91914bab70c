"""Latency of whole forward passes of the classification path, all models under the same conditions.

Protocol: eval mode, `torch.inference_mode`, fp32, eager; random word pieces of one exact length, no padding; a fixed
number of CPU threads, restored afterwards; warm-up calls that are not counted; then timed calls in turn (A B A B …), so
that a machine that slows down or speeds up hits all models alike; p50 and p95 of the wall clock.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import torch

from distill_core.measure.uncertainty import median_interval
from distill_core.models.types import Batch, Outputs

RUNTIME = "torch eager fp32"
MIN_REPEATS = 5


@dataclass(frozen=True)
class Subject:
    """One model to be timed.

    call: batch → outputs (a Teacher or Student; it must already be on the device). vocab_size: ids are drawn below it.
    type_ids: the model takes token types. pad_id: never drawn (RoBERTa derives positions from it). max_tokens: the
    longest input it takes, where there is a limit. runtime: what computes it.
    """

    role: Literal["teacher", "student"]
    call: Callable[[Batch], Outputs]
    vocab_size: int
    type_ids: bool = False
    pad_id: int | None = None
    max_tokens: int | None = None
    runtime: str = RUNTIME


@dataclass(frozen=True)
class Protocol:
    """How it is measured. tokens: input length; threads: CPU threads; warmup, repeats: calls per model and batch size;
    max_seconds: stop timing a model at a batch size after this long, but not before `least` timed calls; seed: of the
    ids."""

    batch_sizes: Sequence[int] = (1, 32)
    tokens: int = 32
    threads: int = 1
    warmup: int = 5
    repeats: int = 30
    max_seconds: float = 20.0
    device: str = "cpu"
    seed: int = 13
    least: int = MIN_REPEATS

    def calls(self, seconds: float) -> int:
        """How many calls, warm-up included, of so many seconds each are made of a model at one batch size."""
        warm = min(max(1, self.warmup), int(self.max_seconds / 4 / seconds) + 1)
        return warm + min(self.repeats, max(self.least, int(self.max_seconds / seconds) + 1))


@dataclass
class _Cell:
    """Times of one model at one batch size."""

    wall: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)

    def done(self, protocol: Protocol) -> bool:
        count = len(self.wall)
        return count >= protocol.repeats or (count >= protocol.least and sum(self.wall) >= protocol.max_seconds)


def measure_latency(
    subjects: Mapping[str, Subject], protocol: Protocol, *, stop: Callable[[], bool] = lambda: False
) -> list[dict[str, Any]]:
    """One row per model and batch size:
    {name, role, batch, tokens, threads, runtime, device, p50, p95, p50_interval, cpu_ms, repeats}.

    p50, p95: wall clock in ms; p50_interval: [low, high], 95% interval of the median over the timed calls, in ms;
    cpu_ms: median CPU time of this process in ms, over all threads (on an accelerator: the host's share); tokens: the
    length used, `protocol.tokens` or the shortest limit among the models; repeats: timed calls made. With `stop` set
    between two rounds, what is unfinished is left out.
    """
    tokens = min([protocol.tokens, *(s.max_tokens for s in subjects.values() if s.max_tokens)])
    rows: list[dict[str, Any]] = []
    with _prepared(subjects, protocol.threads):
        for batch_size in protocol.batch_sizes:
            batches = {name: _batch(s, batch_size, tokens, protocol) for name, s in subjects.items()}
            cells = _time(subjects, batches, protocol, stop)
            if cells is None:
                break
            for name, cell in cells.items():
                rows.append(
                    {
                        "name": name,
                        "role": subjects[name].role,
                        "batch": batch_size,
                        "tokens": tokens,
                        "threads": protocol.threads,
                        "runtime": subjects[name].runtime,
                        "device": protocol.device,
                        "p50": _milliseconds(cell.wall, 50),
                        "p95": _milliseconds(cell.wall, 95),
                        "p50_interval": [1000 * edge for edge in median_interval(cell.wall)],
                        "cpu_ms": _milliseconds(cell.cpu, 50),
                        "repeats": len(cell.wall),
                    }
                )
    return rows


def describe(protocol: Protocol) -> dict[str, Any]:
    """The protocol for report.json."""
    return {
        "runtime": RUNTIME,
        "device": protocol.device,
        "tokens": protocol.tokens,
        "threads": protocol.threads,
        "warmup": protocol.warmup,
        "repeats": protocol.repeats,
        "max_seconds": protocol.max_seconds,
        "order": "interleaved",
        "inputs": "random word pieces of equal length, no padding",
    }


def _milliseconds(seconds: Sequence[float], percentile: float) -> float:
    return float(np.percentile(seconds, percentile) * 1000)


@contextmanager
def _prepared(subjects: Mapping[str, Subject], threads: int) -> Iterator[None]:
    """Eval mode, inference mode and the thread count; modes and thread count as before afterwards."""
    modules = [s.call for s in subjects.values() if isinstance(s.call, torch.nn.Module)]
    training = [module.training for module in modules]
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(threads)
        for module in modules:
            module.eval()
        with torch.inference_mode():
            yield
    finally:
        torch.set_num_threads(before)
        for module, mode in zip(modules, training, strict=True):
            module.train(mode)


def _batch(subject: Subject, batch_size: int, tokens: int, protocol: Protocol) -> Batch:
    """Random pieces [batch, tokens], every position real, one word per piece."""
    generator = torch.Generator().manual_seed(protocol.seed)
    # Special pieces stand at the front of most vocabularies; ids are drawn from the second half.
    low = subject.vocab_size // 2
    ids = torch.randint(low, subject.vocab_size, (batch_size, tokens), generator=generator)
    if subject.pad_id is not None:
        other = subject.vocab_size - 1 if subject.pad_id != subject.vocab_size - 1 else max(0, subject.pad_id - 1)
        ids[ids == subject.pad_id] = other
    batch = Batch(
        input_ids=ids,
        mask=torch.ones(batch_size, tokens, dtype=torch.bool),
        type_ids=torch.zeros(batch_size, tokens, dtype=torch.int64) if subject.type_ids else None,
        words=torch.arange(tokens).repeat(batch_size, 1),
    )
    return batch.to(torch.device(protocol.device))


def _time(
    subjects: Mapping[str, Subject], batches: Mapping[str, Batch], protocol: Protocol, stop: Callable[[], bool]
) -> dict[str, _Cell] | None:
    """Warm-up, then timed calls in turn over all models; None when stopped."""
    for name, subject in subjects.items():
        started = time.perf_counter()
        for _ in range(max(1, protocol.warmup)):
            _call(subject.call, batches[name], protocol.device)
            if stop():
                return None
            # A slow model is warm after one call; its time is better spent on counted ones.
            if time.perf_counter() - started > protocol.max_seconds / 4:
                break
    cells = {name: _Cell() for name in subjects}
    while not all(cell.done(protocol) for cell in cells.values()):
        for name, cell in cells.items():
            if not cell.done(protocol):
                wall, cpu = _call(subjects[name].call, batches[name], protocol.device)
                cell.wall.append(wall)
                cell.cpu.append(cpu)
        if stop():
            return None
    return cells


def _call(call: Callable[[Batch], Outputs], batch: Batch, device: str) -> tuple[float, float]:
    """(wall seconds, CPU seconds of this process) of one forward pass, the device's work included."""
    _synchronise(device)
    cpu, wall = time.process_time(), time.perf_counter()
    call(batch)
    _synchronise(device)
    return time.perf_counter() - wall, time.process_time() - cpu


def _synchronise(device: str) -> None:
    if device.startswith("cuda"):
        torch.cuda.synchronize(device)
    elif device.startswith("mps"):
        torch.mps.synchronize()
