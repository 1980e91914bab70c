"""The texts of a run's held-out rows, read again from its data: a run keeps their ids alone."""

from __future__ import annotations

import threading
from collections import OrderedDict
from pathlib import Path

from distill_core.config import RunConfig, load
from distill_core.data.languages import PLACEHOLDER
from distill_core.data.prepare import prepare
from distill_core.errors import StillroomError
from distill_core.layout import RunFolder
from distill_core.services.drafts import refuse_foreign_paths

#: bytes of files that are read again for a page
MOST_BYTES = 200_000_000
HELD = 2
#: why there are no texts
HUB, LARGE, FOREIGN, UNREAD = "hub", "large", "foreign", "unread"

_lock = threading.Lock()
_held: OrderedDict[str, tuple[dict[int, str], str]] = OrderedDict()


def texts_of(folder: RunFolder, uploads_only: Path | None = None) -> tuple[dict[int, str], str]:
    """({id: text}, why there are none: "" where there are). Of pairs both texts, a line apart.

    uploads_only: as in `services.check`. Data of the Hub are not fetched again for this.
    """
    key = f"{folder.path}:{folder.config.stat().st_mtime_ns}:{uploads_only}"
    with _lock:
        if key in _held:
            _held.move_to_end(key)
            return _held[key]
        found = _read(folder, uploads_only)
        _held[key] = found
        while len(_held) > HELD:
            _held.popitem(last=False)
        return found


def _read(folder: RunFolder, uploads_only: Path | None) -> tuple[dict[int, str], str]:
    try:
        config = load(folder.config)
        if config.data.source == "hub":
            return {}, HUB
        refuse_foreign_paths(config, uploads_only)
    except StillroomError:
        return {}, FOREIGN
    if _size(config) > MOST_BYTES:
        return {}, LARGE
    try:
        data = prepare(config.data, seed=config.seeds[0])
    except (StillroomError, OSError, ValueError):
        return {}, UNREAD
    found = {}
    for rows in (data.validation, data.test):
        pairs = rows.pairs if rows.pairs is not None else [""] * len(rows)
        for ident, text, pair in zip(rows.ids, rows.texts, pairs, strict=True):
            found[int(ident[:16], 16)] = f"{text}\n{pair}" if pair else text
    return found, ""


def _size(config: RunConfig) -> int:
    """Bytes of the files that would be read; languages' files counted each."""
    total = 0
    for name in ("train", "test", "validation", "transfer"):
        given = getattr(config.data, name, None)
        if not given:
            continue
        path = Path(str(given))
        pattern = path.name.replace(PLACEHOLDER, "*")
        files = list(path.parent.glob(pattern)) if PLACEHOLDER in path.name else [path]
        total += sum(file.stat().st_size for file in files if file.is_file())
    return total
