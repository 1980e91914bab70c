"""The first part of files that are too long to be looked at whole, as files of the same kind."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from distill_core.config import FileData
from distill_core.data.languages import PLACEHOLDER
from distill_core.data.load import SPLITS
from distill_core.data.sources import ENDINGS
from distill_core.tasks.base import build_task

#: bytes of a text file, or of a Parquet file's rows in memory, that are looked at
HEAD_BYTES = 8_000_000
_BATCH_ROWS = 1000
_MOST_STEPS = 1000
_UTF16 = (b"\xff\xfe", b"\xfe\xff")


@dataclass(frozen=True)
class Heads:
    """A data section whose files are heads of the given ones. share: of the training files' bytes (or rows) there are,
    in (0, 1]; 1 only where every file is whole."""

    data: FileData
    share: float
    whole: bool


def is_long(data: FileData, limit: int = HEAD_BYTES) -> bool:
    """Is one of the files longer than what is looked at? False where sizes cannot be told."""
    try:
        return any(_bytes_of(path) > limit for _, path in _files(data))
    except OSError:
        return False


def heads_of(data: FileData, folder: Path, limit: int = HEAD_BYTES) -> Heads:
    """Heads of all files, written below `folder`, each named as its file is.

    Raises OSError, pyarrow.ArrowException or ValueError where a file cannot be read.
    """
    templates: dict[str, str] = {}
    wholes: list[bool] = []
    kept, total = 0.0, 0.0
    for split, path in _files(data):
        template = Path(getattr(data, split))
        parts = template.parts
        first = next((i for i, part in enumerate(parts) if PLACEHOLDER in part), len(parts) - 1)
        own = folder / split / Path(*path.parts[first:])
        own.parent.mkdir(parents=True, exist_ok=True)
        share = _write_head(path, own, limit, blank_lines=build_task(data.task).unit == "word")
        templates[split] = str(folder / split / Path(*parts[first:]))
        wholes.append(share >= 1)
        if split == "train":
            size = path.stat().st_size
            kept, total = kept + share * size, total + size
    return Heads(data.model_copy(update=templates), kept / total if total else 1.0, all(wholes))


def _files(data: FileData) -> list[tuple[str, Path]]:
    found = []
    for split in SPLITS:
        template = getattr(data, split)
        for language in data.languages if template and PLACEHOLDER in template and data.languages else [""]:
            if template:
                found.append((split, Path(template.replace(PLACEHOLDER, language) if language else template)))
    return [(split, path.expanduser()) for split, path in found]


def _bytes_of(path: Path) -> int:
    if ENDINGS.get(path.suffix.casefold()) != "parquet":
        return path.stat().st_size
    try:
        meta = pq.ParquetFile(path).metadata
    except (pa.ArrowException, ValueError):
        return 0  # reading it says what is wrong with it
    return sum(meta.row_group(i).total_byte_size for i in range(meta.num_row_groups))


def _write_head(path: Path, target: Path, limit: int, *, blank_lines: bool) -> float:
    """Returns the share of the file that was kept."""
    if ENDINGS.get(path.suffix.casefold()) == "parquet":
        return _parquet_head(path, target, limit)
    with path.open("rb") as file:
        data = file.read(limit + 1)
        # Neither a JSON list nor UTF-16 can be cut at a byte that ends a line.
        if len(data) <= limit or data.lstrip()[:1] == b"[" or data.startswith(_UTF16):
            data += file.read()
            target.write_bytes(data)
            return 1.0
    data = data[: _end(data[:limit], _blank_line if blank_lines else _outside_quotes)]
    target.write_bytes(data)
    return len(data) / path.stat().st_size


def _end(data: bytes, fits: Callable[[bytes, int], bool]) -> int:
    """Where to cut: after the last line end that `fits`, or, where none of the last does, after the last one."""
    last = end = data.rfind(b"\n") + 1
    for _ in range(_MOST_STEPS):
        if end <= 0:
            break
        if fits(data, end):
            return end
        end = data.rfind(b"\n", 0, end - 1) + 1
    return last or len(data)


def _outside_quotes(data: bytes, end: int) -> bool:
    return data.count(b'"', 0, end) % 2 == 0


def _blank_line(data: bytes, end: int) -> bool:
    """In CoNLL a sentence ends with a blank line; a line of JSONL is a whole one."""
    return data[:end].endswith((b"\n\n", b"\n\r\n", b"}\n", b"}\r\n"))


def _parquet_head(path: Path, target: Path, limit: int) -> float:
    file = pq.ParquetFile(path)
    rows = size = 0
    with pq.ParquetWriter(target, file.schema_arrow) as writer:
        for batch in file.iter_batches(batch_size=_BATCH_ROWS):
            writer.write_batch(batch)
            rows, size = rows + batch.num_rows, size + batch.nbytes
            if size >= limit:
                break
    return rows / file.metadata.num_rows if file.metadata.num_rows else 1.0
