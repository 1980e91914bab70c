"""Weights on disk, as safetensors: teachers' states between stages, and the finished student as its own folder."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load_model, save_model
from torch import nn

from distill_core.errors import CheckpointError
from distill_core.models.base import Student, seeded, student_class_of
from distill_core.models.encoders import load_tokenizer

#: 2: descriptions name the task, and may hold a factorised embedding; those of 1 are read as classifiers
STUDENT_SCHEMA = 2
WEIGHTS = "model.safetensors"
DESCRIPTION = "stillroom.json"
TEACHERS = "teachers.safetensors"
_DAMAGE = (OSError, ValueError, KeyError, TypeError, AttributeError, RuntimeError, SafetensorError)


# ---------------------------------------------------------------- teachers


def save_teachers(teachers: Sequence[nn.Module], folder: Path) -> None:
    """Writes all parameters of the teachers into one file of `folder`; a head they share is stored once."""
    folder.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=TEACHERS, suffix=".tmp", dir=folder)
    os.close(handle)
    try:
        save_model(nn.ModuleList(teachers), name)
        _sync(Path(name))
        Path(name).replace(folder / TEACHERS)
    finally:
        Path(name).unlink(missing_ok=True)


def load_teacher_states(teachers: Sequence[nn.Module], folder: Path) -> None:
    """Reads what `save_teachers` wrote into teachers of the same sections and mode.

    Raises:
        CheckpointError: the file is missing, damaged, or was written by other teachers.
    """
    try:
        load_model(nn.ModuleList(teachers), folder / TEACHERS)
    except _DAMAGE as error:
        raise CheckpointError(
            f"the finetuned teachers in {folder.name} cannot be read ({_reason(error)}).",
            hint="Delete that folder; the teachers are then finetuned again.",
        ) from error


# ---------------------------------------------------------------- student


def save_student(student: Student, folder: Path, *, labels: list[str], max_tokens: int) -> None:
    """Writes the student so that `load_student` needs nothing else: weights, description and tokenizer.

    A folder that was there is replaced as a whole; readers see the old one or the new one. `stillroom.json` holds
    schema_version, kind, architecture, labels (none in masked LM), max_tokens and the names of the tokenizer's files.
    """
    if student.unit != "piece" and len(labels) != student.classes:
        raise ValueError(f"{len(labels)} labels for a student of {student.classes} classes")
    folder.parent.mkdir(parents=True, exist_ok=True)
    temp = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", suffix=".tmp", dir=folder.parent))
    try:
        temp.chmod(0o755)  # mkdtemp's 0700 would keep the result from other users
        student.tokenizer.save_pretrained(temp)
        description = {
            "schema_version": STUDENT_SCHEMA,
            "kind": student.architecture["kind"],
            "architecture": student.architecture,
            "labels": list(labels),
            "max_tokens": max_tokens,
            "tokenizer_files": sorted(path.name for path in temp.iterdir()),
        }
        save_model(student, str(temp / WEIGHTS))
        (temp / WEIGHTS).chmod(0o644)  # safetensors writes 0600
        text = json.dumps(description, indent=2, ensure_ascii=False) + "\n"
        (temp / DESCRIPTION).write_text(text, encoding="utf-8")
        for path in temp.iterdir():
            _sync(path)
        _replace_folder(temp, folder)
    finally:
        shutil.rmtree(temp, ignore_errors=True)


def load_student(folder: Path) -> tuple[Student, list[str], int]:
    """The student, in evaluation mode, its labels in the order of its logits, and max_tokens.

    Raises:
        CheckpointError: no student, a damaged one, or one from a newer version.
    """
    description = _read_description(folder)
    tokenizer = load_tokenizer(folder)
    try:
        labels, max_tokens = [str(label) for label in description["labels"]], int(description["max_tokens"])
        student = rebuild(description["architecture"], tokenizer)
        load_model(student, folder / WEIGHTS)
        if student.unit != "piece" and len(labels) != student.classes:
            raise ValueError(f"{len(labels)} labels for {student.classes} classes")
    except _DAMAGE as error:
        raise CheckpointError(
            f"the student in {folder.name} is damaged ({_reason(error)}).",
            hint="Copy the folder again, or train again.",
        ) from error
    student.eval()
    return student, labels, max_tokens


def rebuild(architecture: dict[str, Any], tokenizer: Any) -> Student:
    """The module that `Student.architecture` describes, with arbitrary weights. ValueError for an unknown kind or task.

    Descriptions that name no task are of versions that knew classification alone.
    """
    values = dict(architecture)
    kind = student_class_of(values.pop("kind"))
    with seeded(0, "rebuild"):
        return kind.rebuild(values, tokenizer)


def _read_description(folder: Path) -> dict[str, Any]:
    try:
        description = json.loads((folder / DESCRIPTION).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise CheckpointError(
            f"{folder.name} holds no student: there is no {DESCRIPTION}.",
            hint="Name the folder that a finished run calls its student.",
        ) from None
    except (OSError, ValueError) as error:
        raise CheckpointError(f"{DESCRIPTION} in {folder.name} cannot be read ({_reason(error)}).") from error
    version = description.get("schema_version") if isinstance(description, dict) else None
    if not isinstance(version, int) or isinstance(version, bool):
        raise CheckpointError(f"{DESCRIPTION} in {folder.name} describes no student.")
    if version > STUDENT_SCHEMA:
        raise CheckpointError(
            f"this student was written by a newer version (format {version}; this one reads up to {STUDENT_SCHEMA}).",
            hint="Update Stillroom.",
        )
    return description


# ---------------------------------------------------------------- files


def _replace_folder(new: Path, folder: Path) -> None:
    """Puts `new` where `folder` is or was; the old one is out of the way only for the moment between two renames."""
    if folder.exists():
        old = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", suffix=".old", dir=folder.parent))
        folder.replace(old)
        new.replace(folder)
        shutil.rmtree(old, ignore_errors=True)
    else:
        new.replace(folder)


def _sync(path: Path) -> None:
    with path.open("rb+") as file:
        os.fsync(file.fileno())


def _reason(error: BaseException) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return " ".join(lines[:2])[:200] or type(error).__name__
