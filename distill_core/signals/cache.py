"""Teacher signals on disk: each teacher is asked once per example, whatever number of epochs, arms and runs follow."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import numpy as np
import torch
from filelock import FileLock, Timeout

from distill_core.data.batching import cut_by_tokens, sorted_batches
from distill_core.errors import DiskError, Stopped
from distill_core.models.memory import Room, fitting_tokens
from distill_core.models.precision import Precision
from distill_core.signals.files import (
    COMPLETE,
    Meta,
    Plan,
    Writer,
    check_space,
    discard,
    disk_errors,
    distinct,
    open_arrays,
    positions,
)
from distill_core.signals.live import LiveSource, count_units
from distill_core.signals.types import AskableTeacher, SignalSpec, TeacherSignal
from distill_core.tasks.base import Encoded

#: Seconds between two records of progress: at most this much work is lost when a build is killed.
CHECKPOINT_SECONDS = 5.0


class CachedSource:
    """A complete cache, read by memory map (SignalSource). Signals come back on the CPU.

    Args:
        folder: as `build_cache` made it.
        ids: the examples that rows number, in the caller's own order, possibly only some of those stored; without
            them rows number the stored order (by id).

    Raises:
        DiskError: the folder holds no complete cache, or files are missing or of the wrong size.
        DataError: an id is not stored.
    """

    def __init__(self, folder: Path, ids: Sequence[str] | None = None) -> None:
        meta = Meta.load(folder) if (folder / COMPLETE).exists() else None
        arrays = open_arrays(folder, meta) if meta else None
        if meta is None or arrays is None:
            raise DiskError(
                f"{folder} holds no complete signal cache.", hint="Delete it; the next run asks the teacher again."
            )
        self.folder, self.meta, plan = folder, meta, meta.plan
        self.spec = SignalSpec(plan.layers, plan.level, plan.pooled, plan.qkv, plan.top_k)
        self._arrays = arrays
        stored = np.array(arrays["ids"])
        self._rows = np.arange(len(stored)) if ids is None else positions(stored, ids, folder)
        self._offsets = np.array(arrays["offsets"])
        self._words = np.array(arrays["word_offsets"]) if meta.plan.words >= 0 else None

    def __len__(self) -> int:
        return len(self._rows)

    def get(self, rows: np.ndarray) -> TeacherSignal:
        """Signals of these rows (positions in `ids`), in this order, on the CPU."""
        stored = self._rows[np.asarray(rows, dtype=np.int64)]
        flat, real = _spread(self._offsets, stored)
        place = torch.from_numpy(real)
        mask = torch.zeros(real.shape, dtype=torch.bool)
        mask[place] = torch.from_numpy(self._arrays["mask"][flat])

        def ragged(stem: str) -> torch.Tensor:
            values = torch.from_numpy(self._arrays[stem][flat])
            states = torch.zeros(*real.shape, *values.shape[1:])
            states[place] = values.float()
            return states

        logits, pooled, word_mask, classes = self._answers(stored)
        return TeacherSignal(
            logits=logits,
            pooled=pooled,
            hidden={layer: ragged(f"hidden_{layer}") for layer in self.spec.layers},
            mask=mask,
            level=self.spec.level,
            qkv={layer: ragged(f"qkv_{layer}") for layer in self.spec.qkv},
            word_mask=word_mask,
            classes=classes,
        )

    def _answers(
        self, stored: np.ndarray
    ) -> tuple[torch.Tensor, torch.Tensor | None, torch.Tensor | None, torch.Tensor | None]:
        """Logits, pooled vectors and, in tagging, which words the teacher saw; with top_k, whose the logits are."""
        if self._words is None:
            pooled = torch.from_numpy(self._arrays["pooled"][stored]).float() if self.spec.pooled else None
            return torch.from_numpy(self._arrays["logits"][stored]), pooled, None, None
        flat, real = _spread(self._words, stored)
        place = torch.from_numpy(real)

        def padded(values: np.ndarray) -> torch.Tensor:
            found = torch.from_numpy(values)
            table = torch.zeros(*real.shape, *found.shape[1:], dtype=found.dtype)
            table[place] = found
            return table

        vectors = padded(self._arrays["pooled"][flat]).float() if self.spec.pooled else None
        classes = padded(self._arrays["classes"][flat]).long() if self.spec.top_k else None
        return padded(self._arrays["logits"][flat]), vectors, padded(self._arrays["word_mask"][flat]), classes

    def logits(self) -> np.ndarray:
        """[U, C] float32 of all rows, in the order of `ids`, one after the other."""
        if self._words is None:
            return np.array(self._arrays["logits"][self._rows])
        return np.array(self._arrays["logits"][_spread(self._words, self._rows)[0]])


def _spread(offsets: np.ndarray, stored: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Positions [sum u] of all units of these rows, row after row, and [B, max u] bool, where they stand when padded.

    One read per array: row by row would be slow for small batches of long texts.
    """
    starts = offsets[stored]
    units = offsets[stored + 1] - starts
    real = np.arange(int(units.max(initial=1)))[None, :] < units[:, None]
    return (starts[:, None] + np.arange(real.shape[1])[None, :])[real], real


def build_cache(
    folder: Path,
    teacher: AskableTeacher,
    encoded: Encoded,
    ids: Sequence[str],
    spec: SignalSpec,
    *,
    device: torch.device | str = "cpu",
    batch_size: int = 64,
    precision: Precision = "fp32",
    room: Room | None = None,
    on_progress: Callable[[int, int], None] = lambda done, total: None,
    stop: Callable[[], bool] = lambda: False,
) -> CachedSource:
    """Ask a teacher about every example and keep the answers in `folder`; a complete cache there is opened as it is.

    The work happens in `<folder>.partial` and takes the final name in one step. A build that was stopped or killed
    goes on where it was; a partial of other examples or another format is thrown away. Two processes that want the
    same cache build it once: the second waits.

    Args:
        folder: named after `fingerprint`, so that a name stands for one content.
        teacher: asked in eval mode on `device`.
        encoded: the N examples in the teacher's pieces. ids: their N keys; equal keys are asked once.
        batch_size: examples per forward pass; on a CUDA device as many more as its free memory holds.
        precision: what the teacher computes in; the folder's name tells it. room: as of `LiveSource`.
        on_progress: called with (distinct examples done, of how many), first with what an earlier build left.
        stop: asked before every batch.

    Raises:
        Stopped: `stop` said so; progress is kept.
        DiskError: too little room (refused before writing), the disk became full (progress is kept), or no writing.
    """
    if len(ids) != len(encoded):
        raise ValueError(f"{len(ids)} ids for {len(encoded)} examples")
    if not len(ids):
        raise ValueError("a cache needs at least one example")
    keys, first = distinct(ids)
    counts = count_units(encoded, spec.level)[first]
    offsets = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    words = None
    if encoded.word_counts is not None:
        words = np.concatenate([[0], np.cumsum(encoded.word_counts[first])]).astype(np.int64)
    plan = Plan.of(spec, keys, offsets, words)
    live = LiveSource(teacher, encoded, spec, device, batch_size=batch_size, precision=precision, room=room)
    with _only_one(folder, stop):
        if not _usable(folder, plan):
            partial = folder.with_name(f"{folder.name}.partial")
            writer = Writer(partial, _prepare(partial, plan, live), keys, offsets, words)
            try:
                _fill(writer, live, first, on_progress, stop)
                writer.finish(folder)
            finally:
                writer.close()
        source = CachedSource(folder, ids)
    on_progress(len(keys), len(keys))
    return source


def _usable(folder: Path, plan: Plan) -> bool:
    """Is there a complete cache of this plan? What else stands under its name is thrown away."""
    if not folder.exists():
        return False
    meta = Meta.load(folder)
    whole = (folder / COMPLETE).exists() and meta is not None and open_arrays(folder, meta) is not None
    if whole and meta is not None and meta.plan == plan:
        return True
    discard(folder)
    return False


def _prepare(partial: Path, plan: Plan, live: LiveSource) -> Meta:
    """The meta to write by: a resumable partial's own, or a new one from a look at the teacher's widths."""
    if partial.exists():
        meta = Meta.load(partial)
        if meta is not None and meta.plan == plan and open_arrays(partial, meta, "done") is not None:
            _check_space(partial, meta)
            return meta
        discard(partial)
    seen = live.get(np.argsort(live.encoded.lengths, kind="stable")[:1])
    meta = Meta(
        plan=plan,
        classes=seen.logits.shape[-1],
        pooled_width=seen.pooled.shape[-1] if seen.pooled is not None else 0,
        widths={layer: states.shape[2] for layer, states in seen.hidden.items()},
        qkv_widths={layer: states.shape[3] for layer, states in seen.qkv.items()},
    )
    _check_space(partial, meta)
    return meta


def _check_space(partial: Path, meta: Meta) -> None:
    taken = sum(_allocated(path) for path in partial.glob("*.npy")) if partial.exists() else 0
    check_space(partial.parent, max(meta.bytes() - taken, 0))


def _allocated(path: Path) -> int:
    """Bytes a file really takes on disk: arrays that are not filled yet have holes."""
    stat = path.stat()
    return min(getattr(stat, "st_blocks", 0) * 512, stat.st_size)


def _fill(
    writer: Writer,
    live: LiveSource,
    first: np.ndarray,
    on_progress: Callable[[int, int], None],
    stop: Callable[[], bool],
) -> None:
    """Ask about all rows that are not done yet. `first`: position in `live.encoded` of each stored row."""
    total, done = len(writer.done), int(writer.done.sum())
    on_progress(done, total)
    last = time.monotonic()
    try:
        # Batches are cut from all rows, so a resumed build meets the same ones and writes the same numbers.
        for batch in _batches(live, first):
            rows = batch[~writer.done[batch]]
            if not len(rows):
                continue
            if stop():
                raise Stopped
            for part, signal in _answered(live, first, rows):
                _write(writer, part, signal)
                done += len(part)
                on_progress(done, total)
            if time.monotonic() - last >= CHECKPOINT_SECONDS:
                writer.checkpoint()
                last = time.monotonic()
    except BaseException:
        # Whatever went wrong, rows already written are whole; on a full disk the record of them may not fit.
        with suppress(DiskError):
            writer.checkpoint()
        raise


def _batches(live: LiveSource, first: np.ndarray) -> list[np.ndarray]:
    """Rows in the batches they are asked about in, longest first. On a CUDA device a first batch tells how many tokens
    its memory holds: free memory may have changed when a build goes on, and so may the batches."""
    lengths = live.encoded.lengths[first]
    batches = sorted_batches(lengths, live.batch_size)
    if not on_cuda(live.device):
        return batches
    tokens = fitting_tokens(
        lambda: live.get(first[batches[0]]), int(len(batches[0]) * lengths[batches[0]].max()), live.device
    )
    return cut_by_tokens(lengths, tokens)


def on_cuda(device: torch.device | str) -> bool:
    return torch.device(device).type == "cuda"


def _answered(live: LiveSource, first: np.ndarray, rows: np.ndarray) -> Iterator[tuple[np.ndarray, TeacherSignal]]:
    """(some of these rows, what the teacher says of them), in parts that the device's memory holds."""
    done = 0
    for part, signal in live.parts(first[rows]):
        yield rows[done : done + len(part)], signal
        done += len(part)


def _write(writer: Writer, rows: np.ndarray, signal: TeacherSignal) -> None:
    """Each row's own share of a padded signal. A word beyond the padding was seen by no one: zeros and False."""
    vectors = {"logits": signal.logits.cpu().numpy()}
    if signal.pooled is not None:
        vectors["pooled"] = signal.pooled.half().cpu().numpy()
    if signal.classes is not None:
        vectors["classes"] = signal.classes.cpu().numpy()
    if signal.word_mask is not None:
        vectors["word_mask"] = signal.word_mask.cpu().numpy()
    states = {"mask": signal.mask.cpu().numpy()}
    states |= {f"hidden_{layer}": values.half().cpu().numpy() for layer, values in signal.hidden.items()}
    states |= {f"qkv_{layer}": values.half().cpu().numpy() for layer, values in signal.qkv.items()}
    for number, row in enumerate(rows.tolist()):
        units = int(writer.offsets[row + 1] - writer.offsets[row])
        own = {stem: values[number, :units] for stem, values in states.items()}
        for stem, values in vectors.items():
            if writer.words is None:
                own[stem] = values[number]
            else:
                own[stem] = _filled(values[number], int(writer.words[row + 1] - writer.words[row]))
        writer.put(row, own)


def _filled(values: np.ndarray, length: int) -> np.ndarray:
    """The first `length` rows, with zeros where there are fewer."""
    missing = length - len(values)
    return (
        values[:length]
        if missing <= 0
        else np.concatenate([values, np.zeros((missing, *values.shape[1:]), values.dtype)])
    )


@contextmanager
def _only_one(folder: Path, stop: Callable[[], bool]) -> Iterator[None]:
    """Held by one process at a time; freed by the system when its holder dies."""
    with disk_errors(folder):
        folder.parent.mkdir(parents=True, exist_ok=True)
        lock = FileLock(folder.with_name(f"{folder.name}.lock"))
        while True:
            try:
                lock.acquire(timeout=0.5)
                break
            except Timeout:
                if stop():
                    raise Stopped from None
    try:
        yield
    finally:
        lock.release()
