"""Files that are handed out: copies in the page's own folder, the only place they are served from."""

from __future__ import annotations

import shutil
from pathlib import Path


def lay_out(archive: Path, folder: Path) -> Path:
    """A copy of an archive in this folder, made anew where the archive is newer."""
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / archive.name
    if not target.exists() or target.stat().st_mtime < archive.stat().st_mtime:
        partial = target.with_suffix(".part")
        shutil.copyfile(archive, partial)
        partial.replace(target)
    return target
