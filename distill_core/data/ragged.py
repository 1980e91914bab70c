"""Columns of a million entries that take little memory: in one flat array, on disk where a folder is given for it.

A Python list of a million texts, keys or small arrays takes 100 bytes an entry and more beside what they say, and all
of it stays in memory. Here entries stand one after the other in one array; inside `on_disk(folder)`, what is longer
than `KEPT_IN_MEMORY` is written to a file without a name, mapped into memory and gone with its last reader.
"""

from __future__ import annotations

import ctypes
import gc
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from itertools import islice
from pathlib import Path
from typing import IO, Any, overload

import numpy as np

from distill_core.errors import DiskError

#: bytes of one column that stay in memory where there is a folder for more
KEPT_IN_MEMORY = 1_000_000
#: entries that are worked on at once
BLOCK = 50_000
#: single entries that wait to be joined: each takes 100 bytes and more
ENTRIES = 2_000

_folder: ContextVar[Path | None] = ContextVar("folder of columns", default=None)


@contextmanager
def on_disk(folder: Path) -> Iterator[None]:
    """Long columns that are made inside lie in nameless files on this folder's disk; it is made if need be."""
    folder.mkdir(parents=True, exist_ok=True)
    token = _folder.set(folder)
    try:
        yield
    finally:
        _folder.reset(token)


def give_back() -> None:
    """Memory that is free again goes back to the system, where it can: after lists became columns, most of it."""
    gc.collect()
    with suppress(OSError, AttributeError):
        ctypes.CDLL("libc.so.6").malloc_trim(0)


class Ragged(Sequence[np.ndarray]):
    """N arrays of unequal lengths and one type: entry n is flat[starts[n] : starts[n] + counts[n]], a view.

    Entries that are taken from others share their flat array, which is only read.
    """

    def __init__(self, flat: np.ndarray, starts: np.ndarray, counts: np.ndarray) -> None:
        self.flat, self.starts, self.counts = flat, starts, counts

    @classmethod
    def of(cls, parts: Iterable[np.ndarray], dtype: Any = np.int32) -> Ragged:
        """These arrays, one after the other, as `dtype`."""
        builder = Builder(dtype)
        for part in parts:
            builder.add(part)
        return builder.done()

    @classmethod
    def concat(cls, parts: Sequence[Ragged]) -> Ragged:
        """All entries, one part after the other; parts of one flat array go on sharing it."""
        if all(part.flat is parts[0].flat for part in parts):
            starts, counts = (np.concatenate([getattr(part, name) for part in parts]) for name in ("starts", "counts"))
            return cls(parts[0].flat, starts, counts)
        builder = Builder(parts[0].flat.dtype)
        for part in parts:
            for rows in _blocks(len(part)):
                builder.extend(part.joined(rows), part.counts[rows])
        return builder.done()

    def __len__(self) -> int:
        return len(self.starts)

    @overload
    def __getitem__(self, place: int) -> np.ndarray: ...
    @overload
    def __getitem__(self, place: slice) -> Ragged: ...
    def __getitem__(self, place: int | slice) -> np.ndarray | Ragged:
        if isinstance(place, slice):
            return Ragged(self.flat, self.starts[place], self.counts[place])
        start = int(self.starts[place])
        return self.flat[start : start + int(self.counts[place])]

    def __iter__(self) -> Iterator[np.ndarray]:
        for first in range(0, len(self), BLOCK):
            starts, counts = self.starts[first : first + BLOCK], self.counts[first : first + BLOCK]
            for start, count in zip(starts.tolist(), counts.tolist(), strict=True):
                yield self.flat[start : start + count]

    def take(self, rows: np.ndarray) -> Ragged:
        """The entries at these places, in this order."""
        return Ragged(self.flat, self.starts[rows], self.counts[rows])

    def beside(self, other: Ragged) -> Ragged:
        """The same, where entries are as long as the other's: it keeps one table of starts and counts for both."""
        return Ragged(self.flat, other.starts, other.counts) if np.array_equal(self.counts, other.counts) else self

    def joined(self, rows: np.ndarray) -> np.ndarray:
        """A new array: the entries at these places, one after the other."""
        counts = self.counts[rows]
        before = np.cumsum(counts) - counts
        return self.flat[np.repeat(self.starts[rows] - before, counts) + np.arange(int(counts.sum()))]

    def blocks(self) -> Iterator[np.ndarray]:
        """Everything, `BLOCK` entries at a time, joined."""
        for rows in _blocks(len(self)):
            yield self.joined(rows)

    def all(self) -> np.ndarray:
        """All entries joined, in memory."""
        return self.joined(np.arange(len(self)))

    def distinct(self) -> np.ndarray:
        """The values that occur, sorted."""
        found = np.empty(0, dtype=self.flat.dtype)
        for block in self.blocks():
            found = np.union1d(found, block)
        return found

    def mapped(self, change: Callable[[np.ndarray], np.ndarray]) -> Ragged:
        """Other values in the same places; change: [n] → [n], given a stretch of entries at a time."""
        builder = Builder(self.flat.dtype)
        for block in self.blocks():
            builder.extend(change(block), ())
        starts = np.cumsum(self.counts) - self.counts
        return Ragged(builder.done().flat, starts, self.counts)


def _blocks(length: int) -> Iterator[np.ndarray]:
    """0 … length − 1 in stretches."""
    for first in range(0, length, BLOCK):
        yield np.arange(first, min(first + BLOCK, length))


class Builder:
    """Makes a `Ragged` bit by bit."""

    def __init__(self, dtype: Any) -> None:
        self._dtype = np.dtype(dtype)
        self._entries: list[np.ndarray] = []
        self._parts: list[np.ndarray] = []
        self._counts: list[np.ndarray] = []
        self._held = self._written = 0
        self._file: IO[bytes] | None = None

    def add(self, part: np.ndarray) -> None:
        """One entry."""
        self._entries.append(np.asarray(part, dtype=self._dtype))
        if len(self._entries) >= ENTRIES:
            self._settle()

    def extend(self, flat: np.ndarray, counts: Sequence[int] | np.ndarray) -> None:
        """Several entries of these lengths, joined."""
        self._settle()
        self._append(np.asarray(flat, dtype=self._dtype), np.asarray(counts, dtype=np.int64))

    def done(self) -> Ragged:
        """All entries. Raises DiskError where they do not fit on the disk."""
        self._settle()
        counts = np.concatenate(self._counts) if self._counts else np.empty(0, dtype=np.int64)
        return Ragged(self._whole(), np.cumsum(counts) - counts, counts)

    def _settle(self) -> None:
        """The single entries as one array."""
        if self._entries:
            counts = np.asarray([len(entry) for entry in self._entries], dtype=np.int64)
            flat = np.concatenate(self._entries)
            self._entries = []
            self._append(flat, counts)

    def _append(self, flat: np.ndarray, counts: np.ndarray) -> None:
        """To disk, once there is much and a folder for it."""
        self._parts.append(np.ascontiguousarray(flat))
        self._counts.append(counts)
        self._held += flat.nbytes
        folder = _folder.get()
        if folder is not None and self._held > KEPT_IN_MEMORY:
            self._write(folder)

    def _write(self, folder: Path | None) -> None:
        try:
            if self._file is None:
                self._file = tempfile.TemporaryFile(dir=folder, prefix=".column.")  # noqa: SIM115 - lives as long as self
            for part in self._parts:
                self._file.write(part.data)
                self._written += part.nbytes
        except OSError as error:
            raise DiskError(
                f"the data could not be written to {folder}: {error.strerror or error}.",
                hint="Free some space on that disk, and start the run again.",
            ) from error
        self._parts, self._held = [], 0

    def _whole(self) -> np.ndarray:
        if self._file is None:
            return np.concatenate(self._parts) if self._parts else np.empty(0, dtype=self._dtype)
        self._write(_folder.get())
        try:
            self._file.flush()
            # The map holds the file open after this; a plain view of it makes small slices cheap.
            mapped = np.memmap(self._file, dtype=self._dtype, mode="r", shape=(self._written // self._dtype.itemsize,))
        except OSError as error:
            raise DiskError(
                f"the data could not be written: {error.strerror or error}.", hint="Free some space on the disk."
            ) from error
        self._file.close()
        return mapped.view(np.ndarray)


class _Stored(Sequence[str]):
    """Strings kept as bytes in `raw`, one after the other; equal to any sequence of the same strings."""

    raw: Any

    def __len__(self) -> int:
        return len(self.raw)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and list(self) == list(other)

    __hash__ = None  # type: ignore[assignment]


class Texts(_Stored):
    """N texts as UTF-8 in one flat array; each is decoded when it is asked for."""

    def __init__(self, raw: Ragged) -> None:
        self.raw = raw

    @classmethod
    def of(cls, texts: Iterable[str]) -> Texts:
        """Lone surrogates are kept, as JSON can carry them."""
        builder, rest = Builder(np.uint8), iter(texts)
        while part := [text.encode(errors="surrogatepass") for text in islice(rest, BLOCK)]:
            builder.extend(np.frombuffer(b"".join(part), dtype=np.uint8), [len(raw) for raw in part])
        return cls(builder.done())

    @overload
    def __getitem__(self, place: int) -> str: ...
    @overload
    def __getitem__(self, place: slice) -> list[str]: ...
    def __getitem__(self, place: int | slice) -> str | list[str]:
        if isinstance(place, slice):
            return [_text(raw) for raw in self.raw[place]]
        return _text(self.raw[place])

    def __iter__(self) -> Iterator[str]:
        return map(_text, self.raw)

    @classmethod
    def joined(cls, parts: Sequence[Sequence[str]]) -> Texts:
        """All texts, one part after the other."""
        return cls(Ragged.concat([part.raw if isinstance(part, Texts) else cls.of(part).raw for part in parts]))

    def take(self, rows: np.ndarray) -> Texts:
        """The texts at these places, in this order."""
        return Texts(self.raw.take(rows))


def _text(raw: np.ndarray) -> str:
    return raw.tobytes().decode(errors="surrogatepass")


class Keys(_Stored):
    """N keys of plain ASCII in an array of bytes. raw: [N], type S, as long as the longest."""

    def __init__(self, raw: np.ndarray) -> None:
        self.raw = raw

    @classmethod
    def of(cls, keys: Sequence[str]) -> Keys:
        """Keys without zero bytes at their ends, which this would not keep."""
        if isinstance(keys, Keys):
            return keys
        return cls(np.fromiter((key.encode("ascii") for key in keys), dtype=f"S{max(map(len, keys), default=1)}"))

    @overload
    def __getitem__(self, place: int) -> str: ...
    @overload
    def __getitem__(self, place: slice) -> list[str]: ...
    def __getitem__(self, place: int | slice) -> str | list[str]:
        found = self.raw[place]
        return [key.decode() for key in found.tolist()] if isinstance(place, slice) else bytes(found).decode()

    def __iter__(self) -> Iterator[str]:
        for first in range(0, len(self.raw), BLOCK):
            for key in self.raw[first : first + BLOCK].tolist():
                yield key.decode()

    @classmethod
    def joined(cls, parts: Sequence[Sequence[str]]) -> Keys:
        """All keys, one part after the other."""
        return cls(np.concatenate([cls.of(part).raw for part in parts]))

    def take(self, rows: np.ndarray) -> Keys:
        """The keys at these places, in this order."""
        return Keys(self.raw[rows])
