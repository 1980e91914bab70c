"""The files of a signal cache: their names, shapes and sizes, and writing into them.

A complete cache is a folder with `meta.json`, the empty file `complete` and npy arrays; R rows are distinct examples
in the order of their ids, U units are tokens or words of all rows one after the other:

    ids.npy [R] bytes · offsets.npy [R+1] int64 (row r has units offsets[r]:offsets[r+1]) · mask.npy [U] bool
    logits.npy [L, C] float32 · pooled.npy [L, P] float16 · hidden_{layer}.npy [U, H] float16
    qkv_{layer}.npy [U, 3, H] float16

L = R, or in tagging all given words of all rows one after the other, with word_offsets.npy [R+1] int64 and
word_mask.npy [L] bool (False: the teacher did not see the word, its logits are zero). In masked LM words are hidden
pieces; with top_k, logits.npy is [L, k+1] and classes.npy [L, k] int32 says whose the first k are.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import IO, Any

import numpy as np

from distill_core.data.ragged import Keys
from distill_core.errors import DataError, DiskError
from distill_core.signals.fingerprint import FORMAT
from distill_core.signals.types import Level, SignalSpec

#: arrays with one entry an answer
_ANSWERS = ("logits", "pooled", "word_mask", "classes")
META, COMPLETE, DONE = "meta.json", "complete", "done.npy"


@dataclass(frozen=True)
class Plan:
    """What a cache is to hold, known before the teacher is asked. ids, offsets and word_offsets are sha256 of those
    arrays; words: given words of all rows, −1 where a row has one logits vector."""

    level: Level
    layers: tuple[int, ...]
    pooled: bool
    rows: int
    units: int
    ids: str
    offsets: str
    qkv: tuple[int, ...] = ()
    words: int = -1
    word_offsets: str = ""
    top_k: int = 0
    format: int = FORMAT

    @property
    def logit_rows(self) -> int:
        return self.rows if self.words < 0 else self.words

    @classmethod
    def of(cls, spec: SignalSpec, ids: np.ndarray, offsets: np.ndarray, words: np.ndarray | None = None) -> Plan:
        """words: [R+1] word_offsets in tagging."""
        return cls(
            level=spec.level,
            layers=spec.layers,
            pooled=spec.pooled,
            rows=len(ids),
            units=int(offsets[-1]),
            ids=_digest(ids),
            offsets=_digest(offsets),
            qkv=spec.qkv,
            words=-1 if words is None else int(words[-1]),
            word_offsets="" if words is None else _digest(words),
            top_k=spec.top_k,
        )


@dataclass(frozen=True)
class Meta:
    """A plan and the widths the teacher turned out to have: classes C, pooled width P, and H of each layer."""

    plan: Plan
    classes: int
    pooled_width: int
    widths: dict[int, int] = field(default_factory=dict)
    qkv_widths: dict[int, int] = field(default_factory=dict)

    def arrays(self) -> dict[str, tuple[np.dtype[Any], tuple[int, ...]]]:
        """File stem → element type and shape of everything the teacher's answers fill."""
        found: dict[str, tuple[np.dtype[Any], tuple[int, ...]]] = {
            "logits": (np.dtype(np.float32), (self.plan.logit_rows, self.classes)),
            "mask": (np.dtype(np.bool_), (self.plan.units,)),
        }
        if self.plan.pooled:
            found["pooled"] = (np.dtype(np.float16), (self.plan.logit_rows, self.pooled_width))
        if self.plan.words >= 0:
            found["word_mask"] = (np.dtype(np.bool_), (self.plan.words,))
        if self.plan.top_k:
            found["classes"] = (np.dtype(np.int32), (self.plan.logit_rows, self.classes - 1))
        for layer, width in self.widths.items():
            found[f"hidden_{layer}"] = (np.dtype(np.float16), (self.plan.units, width))
        for layer, width in self.qkv_widths.items():
            found[f"qkv_{layer}"] = (np.dtype(np.float16), (self.plan.units, 3, width))
        return found

    def bytes(self) -> int:
        """Bytes of all these arrays, headers left out."""
        return sum(int(np.prod(shape, dtype=np.int64)) * dtype.itemsize for dtype, shape in self.arrays().values())

    def save(self, folder: Path) -> None:
        (folder / META).write_text(json.dumps(asdict(self), indent=1), encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> Meta | None:
        """The meta of a cache folder; None where there is none that this version understands."""
        try:
            raw = json.loads((folder / META).read_text(encoding="utf-8"))
            tuples = {name: tuple(raw["plan"][name]) for name in ("layers", "qkv")}
            plan = Plan(**{**raw["plan"], **tuples})
            widths, qkv = (
                {int(layer): int(width) for layer, width in raw[name].items()} for name in ("widths", "qkv_widths")
            )
            meta = cls(plan, int(raw["classes"]), int(raw["pooled_width"]), widths, qkv)
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return None
        fits = tuple(widths) == plan.layers and tuple(qkv) == plan.qkv
        return meta if plan.format == FORMAT and fits else None


def open_arrays(folder: Path, meta: Meta, *extra: str) -> dict[str, np.ndarray] | None:
    """Read-only memory maps of the meta's arrays, ids, offsets and `extra`; None where one is missing or wrong."""
    found: dict[str, np.ndarray] = {}
    expected = meta.arrays()
    words = ("word_offsets",) if meta.plan.words >= 0 else ()
    for stem in (*expected, "ids", "offsets", *words, *extra):
        try:
            found[stem] = np.load(folder / f"{stem}.npy", mmap_mode="r", allow_pickle=False)
        except (OSError, ValueError, EOFError):
            return None
        if stem in expected and (found[stem].dtype, found[stem].shape) != expected[stem]:
            return None
    plan = meta.plan
    return found if (_digest(found["ids"]), _digest(found["offsets"])) == (plan.ids, plan.offsets) else None


def _digest(array: np.ndarray) -> str:
    return hashlib.sha256(array.tobytes()).hexdigest()


def discard(folder: Path) -> None:
    """Delete a cache folder. Only files a cache consists of are touched: anything else in it makes this fail.

    Raises:
        DiskError: it holds other files, or cannot be deleted.
    """
    with disk_errors(folder):
        for path in sorted(folder.iterdir()):
            if path.is_file() and (path.suffix == ".npy" or path.name in (META, COMPLETE)):
                path.unlink()
        folder.rmdir()


@contextmanager
def disk_errors(folder: Path) -> Iterator[None]:
    """Turns an OSError into a DiskError that says what happened to the cache in `folder`."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise DiskError(
                f"the disk became full while teacher signals were written to {folder}.",
                hint="Free some space and resume: what is already written is kept.",
            ) from error
        raise DiskError(
            f"the signal cache {folder} cannot be written: {error.strerror or error}.",
            hint="Check that the folder exists, is writable and holds nothing else.",
        ) from error


def check_space(folder: Path, needed: int) -> None:
    """Refuse before writing what cannot fit. `needed` in bytes; `folder` any existing folder on that disk.

    Raises:
        DiskError: naming both what is needed and what is free.
    """
    free = shutil.disk_usage(folder).free
    if needed > free:
        raise DiskError(
            f"the teacher signals need {in_words(needed)} and the disk has {in_words(free)} free ({folder}).",
            hint="Free some space, or compare no hidden states (objective.hidden_weight 0).",
        )


def in_words(size: int) -> str:
    """Bytes for people, in decimal units: 1.5 GB, 12.0 MB, 900 bytes."""
    for unit, step in (("TB", 10**12), ("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if size >= step:
            return f"{size / step:.1f} {unit}"
    return f"{size} bytes"


def write_at(handle: IO[bytes], offset: int, data: memoryview) -> None:
    """All of `data` at this byte offset; an unbuffered file may take it in several pieces."""
    handle.seek(offset)
    while data:
        data = data[handle.write(data) :]


class Writer:
    """Fills the arrays of a partial cache, row by row, and records which rows are safely on disk.

    Plain writes rather than a memory map: on a full disk a write fails with an error, a mapped page kills the process.
    """

    def __init__(
        self, folder: Path, meta: Meta, ids: np.ndarray, offsets: np.ndarray, words: np.ndarray | None = None
    ) -> None:
        self.folder, self.meta, self.offsets, self.words = folder, meta, offsets, words
        shapes = {**meta.arrays(), Path(DONE).stem: (np.dtype(np.bool_), (meta.plan.rows,))}
        known = open_arrays(folder, meta, "done") if folder.exists() else None
        if known is None:
            with disk_errors(folder):
                folder.mkdir(parents=True, exist_ok=True)
                np.save(folder / "ids.npy", ids, allow_pickle=False)
                np.save(folder / "offsets.npy", offsets, allow_pickle=False)
                if words is not None:
                    np.save(folder / "word_offsets.npy", words, allow_pickle=False)
                for stem, (dtype, shape) in shapes.items():
                    np.lib.format.open_memmap(folder / f"{stem}.npy", mode="w+", dtype=dtype, shape=shape)
                # The meta comes last: a folder without it is not resumed.
                meta.save(folder)
            known = open_arrays(folder, meta, "done") or {}
        self.done = np.array(known["done"])
        #: what a row is turned into, and how many bytes of a file one entry takes
        self._types = {stem: dtype for stem, (dtype, _) in shapes.items()}
        self._strides = {
            s: int(np.prod(shape[1:], dtype=np.int64)) * dtype.itemsize for s, (dtype, shape) in shapes.items()
        }
        self._starts = {stem: _data_start(folder / f"{stem}.npy") for stem in shapes}
        self._handles: dict[str, IO[bytes]] = {}
        self._pending: list[int] = []
        with disk_errors(folder):
            for stem in shapes:
                self._handles[stem] = (folder / f"{stem}.npy").open("r+b", buffering=0)

    def put(self, row: int, values: dict[str, np.ndarray]) -> None:
        """One row: logits [C], pooled [P], mask [u], hidden_{layer} [u, H], qkv_{layer} [u, 3, H] for its u units; in
        tagging logits [w, C], pooled [w, P], word_mask [w] and classes [w, k] for its w given words."""
        start = row if self.words is None else int(self.words[row])
        with disk_errors(self.folder):
            for stem, value in values.items():
                first = start if stem in _ANSWERS else int(self.offsets[row])
                data = np.ascontiguousarray(value, dtype=self._types[stem])
                write_at(self._handles[stem], self._starts[stem] + first * self._strides[stem], _bytes(data))
        self._pending.append(row)

    def checkpoint(self) -> None:
        """Make the rows written so far count as done. Data reach the disk before the record that says so."""
        with disk_errors(self.folder):
            for handle in self._handles.values():
                os.fsync(handle.fileno())
            self.done[self._pending] = True
            write_at(self._handles["done"], self._starts["done"], _bytes(self.done))
            os.fsync(self._handles["done"].fileno())
        self._pending.clear()

    def finish(self, target: Path) -> None:
        """Mark the cache complete and give it its final name, in one step."""
        self.checkpoint()
        self.close()
        with disk_errors(self.folder):
            (self.folder / COMPLETE).touch()
            self.folder.replace(target)
            (target / DONE).unlink()

    def close(self) -> None:
        for handle in self._handles.values():
            handle.close()


def _bytes(array: np.ndarray) -> memoryview:
    return array.reshape(-1).view(np.uint8).data


def _data_start(path: Path) -> int:
    """Byte at which the values of an npy file begin."""
    array = np.load(path, mmap_mode="r", allow_pickle=False)
    return int(array.offset)


def distinct(ids: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    """Each id once, sorted, as bytes; and the position where it first stands in `ids`."""
    found, first = np.unique(as_bytes(ids), return_index=True)
    return found, first


def as_bytes(ids: Sequence[str]) -> np.ndarray:
    if isinstance(ids, Keys) and len(ids):
        return ids.raw
    return np.asarray([key.encode() for key in ids], dtype=np.bytes_ if len(ids) else "S1")


def positions(stored: np.ndarray, ids: Sequence[str], folder: Path) -> np.ndarray:
    """[N] int64: where each id stands in the sorted ids of a cache.

    Raises:
        DataError: the cache does not hold some of them.
    """
    wanted = as_bytes(ids)
    place = np.minimum(np.searchsorted(stored, wanted), max(len(stored) - 1, 0))
    missing = np.flatnonzero(stored[place] != wanted) if len(stored) else np.arange(len(wanted))
    if len(missing):
        raise DataError(
            f"the signal cache {folder} lacks {len(missing)} of {len(wanted)} examples "
            f"(the first is {ids[int(missing[0])]}).",
            hint="It was built from other data; build it again for these.",
        )
    return place.astype(np.int64)
