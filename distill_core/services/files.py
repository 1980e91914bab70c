"""Files that come in from the page and go out to it. Nothing outside the data folder is read or written."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path

from distill_core.data.languages import LANGUAGE, PLACEHOLDER
from distill_core.data.sources import TAGGED_ENDINGS
from distill_core.errors import DataError, DiskError, JobError
from distill_core.export.bundle import zip_folder
from distill_core.jobs.queue import slug
from distill_core.layout import DataHome, RunFolder
from distill_core.storage import read_json

__all__ = ["UPLOADS", "read_json", "slug", "store_upload", "store_uploads", "student_archive", "tail"]

#: endings of files that may be uploaded
UPLOADS = (".csv", ".tsv", ".txt", ".jsonl", ".json", ".parquet", ".yaml", ".yml", *sorted(TAGGED_ENDINGS))
_BLOCK = 2**20


def store_upload(home: DataHome, source: Path, original_name: str, max_mb: int) -> str:
    """Copy an uploaded file to uploads/HASH-NAME and return its path; the same content and name give the same file.

    max_mb in 10^6 bytes. Raises DataError (ending, size, unreadable), DiskError.
    """
    name = original_name.replace("\\", "/").rpartition("/")[2]
    ending = Path(name).suffix.lower()
    if ending not in UPLOADS:
        raise DataError(
            f"{name or 'this file'} cannot be used here: its ending is {ending or 'missing'}.",
            hint=f"Give a file that ends in {', '.join(UPLOADS)}.",
        )
    try:
        size = source.stat().st_size
    except OSError:
        raise DataError(f"{name} did not arrive.", hint="Choose the file again.") from None
    if size > max_mb * 1_000_000:
        raise DataError(
            f"{name} has {size / 1e6:.0f} MB; at most {max_mb} MB are taken.",
            hint="Give a smaller file, or raise MAX_UPLOAD_MB where the app is started.",
        )
    try:
        target = home.uploads / f"{_content_hash(source)[:12]}-{slug(Path(name).stem, 60)}{ending}"
        if not target.exists():
            home.uploads.mkdir(parents=True, exist_ok=True)
            _copy_atomic(source, target)
    except OSError as error:
        raise DiskError(
            f"{name} could not be stored: {error.strerror or error}.", hint="Make room on the disk."
        ) from None
    return str(target)


#: endings of files with one word a line, which are read alike
_ONE_WORD_A_LINE = {*TAGGED_ENDINGS, ".tsv"}
#: a language with its script or country: no common beginning is taken off zh-Hans and zh-Hant
_CODE = re.compile(r"[a-z]{2,3}(?:[-_](?:[A-Z][a-z]{3}|[A-Z]{2}))?")


def store_uploads(home: DataHome, sources: Sequence[tuple[Path, str]], max_mb: int) -> tuple[str, list[str]]:
    """Copy uploaded files and return (path, languages) for the config: of one file its own path and no language; of
    several, named after their languages (de.conll, en.conll or train-de.csv, train-en.csv), a path with `{language}`.

    Raises DataError (as `store_upload`; names that tell no languages, kinds of files that differ), DiskError.
    """
    if len(sources) == 1:
        return store_upload(home, *sources[0], max_mb), []
    names = [original.replace("\\", "/").rpartition("/")[2] for _, original in sources]
    languages, ending = _languages(names), _common_ending(names)
    stored = [Path(store_upload(home, source, name, max_mb)) for (source, _), name in zip(sources, names, strict=True)]
    address = "\n".join(f"{code} {path.name}" for code, path in sorted(zip(languages, stored, strict=True)))
    folder = home.uploads / f"{hashlib.sha256(address.encode()).hexdigest()[:12]}-languages"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for code, path in zip(languages, stored, strict=True):
            if not (folder / f"{code}{ending}").exists():
                _copy_atomic(path, folder / f"{code}{ending}")
    except OSError as error:
        raise DiskError(
            f"The files could not be stored: {error.strerror or error}.", hint="Make room on the disk."
        ) from None
    return str(folder / f"{PLACEHOLDER}{ending}"), sorted(languages)


def _languages(names: Sequence[str]) -> list[str]:
    """The language of each file: its name, without the ending and what all names begin or end with ("train-")."""
    stems = [Path(name).stem for name in names]
    start, end = 0, 0
    if not all(_CODE.fullmatch(stem) for stem in stems):
        start, end = _shared(stems), _shared([stem[::-1] for stem in stems])
    codes = [stem[start : len(stem) - end] for stem in stems]
    strange = [name for name, code in zip(names, codes, strict=True) if not LANGUAGE.fullmatch(code)]
    if strange or len({code.casefold() for code in codes}) < len(codes):
        said = f"{strange[0]} does not name its language" if strange else "two of these files name the same language"
        raise DataError(
            f"Several files are taken as one for each language, but {said}.",
            hint="Name each file after its language, as in de.conll and en.conll, or give one file.",
        )
    return codes


def _shared(stems: Sequence[str]) -> int:
    """How many characters all begin with, up to and with a separator."""
    same = 0
    for place, letters in enumerate(zip(*stems, strict=False), start=1):
        if len(set(letters)) > 1:
            break
        same = place if letters[0] in "-_. " else same
    return same


def _common_ending(names: Sequence[str]) -> str:
    endings = {Path(name).suffix.lower() for name in names}
    if len(endings) > 1 and endings <= _ONE_WORD_A_LINE:
        return ".conll"
    if len(endings) > 1:
        raise DataError(
            f"The languages' files are of different kinds ({', '.join(sorted(endings))}).",
            hint="Give all of them in one format.",
        )
    return endings.pop()


def _content_hash(path: Path) -> str:
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while block := file.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()


def _copy_atomic(source: Path, target: Path) -> None:
    handle, temporary = tempfile.mkstemp(dir=target.parent, suffix=".tmp")
    try:
        with os.fdopen(handle, "wb") as out, open(source, "rb") as file:
            shutil.copyfileobj(file, out, _BLOCK)
        Path(temporary).replace(target)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def tail(path: Path, lines: int, most: int = 200_000) -> str:
    """The last lines of a text file ("" when there is none), at most `most` bytes of it."""
    try:
        with open(path, "rb") as file:
            file.seek(0, os.SEEK_END)
            file.seek(max(0, file.tell() - most))
            data = file.read()
    except OSError:
        return ""
    return "\n".join(data.decode("utf-8", errors="replace").splitlines()[-lines:])


def student_archive(home: DataHome, folder: RunFolder) -> Path:
    """cache/downloads/RUN/RUN-student.zip, built once. Raises JobError while there is no student, DiskError."""
    if not (folder.student / "model.safetensors").is_file():
        raise JobError("This run has no finished student yet.", hint="Wait until it is done.")
    target = home.cache / "downloads" / folder.run_id / f"{folder.run_id}-student.zip"
    newest = max(path.stat().st_mtime for path in folder.student.rglob("*"))
    if target.exists() and target.stat().st_mtime >= newest:
        return target
    try:
        zip_folder(folder.student, target, top=f"{folder.run_id}-student")
    except OSError as error:
        raise DiskError(
            f"The archive could not be written: {error.strerror or error}.", hint="Make room on the disk."
        ) from None
    return target
