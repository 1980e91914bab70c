"""meta.json of a run: its name, and what a person writes beside it (tags, notes, archived)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from distill_core.errors import DiskError, JobError
from distill_core.layout import RunFolder
from distill_core.storage import read_json, write_text

LONGEST_NAME, LONGEST_TAG, MOST_TAGS, LONGEST_NOTES = 120, 40, 20, 20_000


def write_meta(
    folder: RunFolder,
    name: str,
    created: float,
    token: str | None = None,
    estimate: Mapping[str, Any] | None = None,
) -> None:
    """meta.json of a new run."""
    meta: dict[str, Any] = {"name": name, "created": created, "tags": [], "notes": "", "archived": False}
    if token:
        meta["token"] = token
    if estimate:
        meta["estimate"] = dict(estimate)
    write_text(folder.meta, json.dumps(meta, ensure_ascii=False, indent=1))


@dataclass(frozen=True)
class Words:
    """What a person writes beside a run; None leaves what stands there. archived: kept, but out of the list."""

    name: str | None = None
    tags: list[str] | None = None
    notes: str | None = None
    archived: bool | None = None

    def checked(self) -> dict[str, Any]:
        """The given ones, trimmed. Raises JobError (empty or over-long name, too many or too long tags, long notes)."""
        given: dict[str, Any] = {}
        if self.name is not None:
            given["name"] = _one_line(self.name)
            if not 1 <= len(given["name"]) <= LONGEST_NAME:
                raise JobError(f"A name has 1 to {LONGEST_NAME} characters.", hint="Choose another one.", field="name")
        if self.tags is not None:
            given["tags"] = _tags(self.tags)
        if self.notes is not None:
            given["notes"] = self.notes.strip()
            if len(given["notes"]) > LONGEST_NOTES:
                raise JobError(f"Notes have at most {LONGEST_NOTES:,} characters.", hint="Shorten them.", field="notes")
        if self.archived is not None:
            given["archived"] = bool(self.archived)
        return given


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _tags(tags: list[str]) -> list[str]:
    """Without empty and repeated ones (upper and lower case alike), in the given order."""
    found: dict[str, str] = {}
    for tag in map(_one_line, tags):
        if tag:
            found.setdefault(tag.casefold(), tag)
    if len(found) > MOST_TAGS or any(len(tag) > LONGEST_TAG for tag in found.values()):
        raise JobError(
            f"A run has at most {MOST_TAGS} tags of at most {LONGEST_TAG} characters.",
            hint="Separate tags by commas, and put sentences into the notes.",
            field="tags",
        )
    return list(found.values())


def read_meta(folder: RunFolder) -> dict[str, Any]:
    """meta.json of a run; {} when it cannot be read."""
    meta = read_json(folder.meta)
    return meta if isinstance(meta, dict) else {}


def written_beside(meta: dict[str, Any], name: str) -> dict[str, Any]:
    """The store's columns of what a person wrote in meta.json, whatever else stands there; name: when it has none."""
    tags = meta.get("tags")
    return {
        "name": str(meta.get("name") or name),
        "tags": [str(tag) for tag in tags] if isinstance(tags, list) else [],
        "notes": str(meta.get("notes") or ""),
        "archived": int(bool(meta.get("archived"))),
    }


def annotate(folder: RunFolder, words: Words) -> dict[str, Any]:
    """Write words into a run's meta.json; the store's columns as they are then. Raises JobError, DiskError."""
    given = words.checked()
    meta = {**read_meta(folder), **given}
    _write(folder, meta)
    return written_beside(meta, folder.run_id)


def keep_beside(folder: RunFolder, key: str, value: Any) -> None:
    """Set one more entry of a run's meta.json (None: take it away). Raises DiskError."""
    meta = read_meta(folder)
    if value is None:
        meta.pop(key, None)
    else:
        meta[key] = value
    _write(folder, meta)


def _write(folder: RunFolder, meta: dict[str, Any]) -> None:
    try:
        write_text(folder.meta, json.dumps(meta, ensure_ascii=False, indent=1))
    except OSError as error:
        raise DiskError(
            f"It could not be written: {error.strerror or error}.", hint="Make room on the disk, then try again."
        ) from None
