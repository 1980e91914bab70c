"""Saved students as teachers of a next run (teaching assistants): what their folder says, read without torch."""

from __future__ import annotations

import json
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

from distill_core.catalogue import STUDENTS
from distill_core.errors import CheckpointError
from distill_core.families import Tensors

#: describes a student in its folder; `models.saving` writes it
DESCRIPTION = "stillroom.json"
#: the latest format of the description that can be read, as `models.saving.STUDENT_SCHEMA`
SCHEMA = 2
_AGAIN = "Copy the folder again, or train again."


@dataclass(frozen=True)
class SavedStudent:
    """kind: its name in the catalogue. embedding: columns of its table of pieces; factorised: is that table the narrow
    one of two factors, of which nothing can be copied?"""

    kind: str
    embedding: int
    factorised: bool = False

    @property
    def has_encoder(self) -> bool:
        """Is it an encoder with a head, as checkpoints are?"""
        return bool(STUDENTS[self.kind].load().has_encoder)

    @property
    def gives(self) -> frozenset[str]:
        """What a student can start from: its "embedding", its "layers"."""
        if self.factorised:
            return frozenset()
        return frozenset({"embedding", "layers"} if self.has_encoder else {"embedding"})

    @property
    def words(self) -> str:
        return "a student with a factorised embedding" if self.factorised else f"a {STUDENTS[self.kind].title}"


@dataclass(frozen=True)
class Figures:
    """A saved student in the terms of `checkpoints.CheckpointInfo`, which see; total: all its parameters."""

    student: SavedStudent
    model_type: str
    task: str
    labels: list[str]
    layers: int
    hidden: int
    heads: int
    intermediate: int
    vocab_size: int
    max_positions: int
    parameters: int
    total: int
    per_layer: tuple[int, ...] = ()


def find(folder: Path) -> Path | None:
    """The student's own folder, where `folder` is one or is a finished run's; None where it is something else.

    Raises CheckpointError for the folder of a run that has no student.
    """
    for found in (folder, folder / "artifacts" / "student"):
        if (found / DESCRIPTION).is_file():
            return found
    if (folder / "config.yaml").is_file() and (folder / "events.jsonl").is_file():
        raise CheckpointError(
            f"The run in {folder} has no finished student that could teach.", hint="Wait until it is done."
        )
    return None


def display_name(folder: Path) -> str:
    """The run's own name where the student lies in its run (all these folders are called "student"), else its own."""
    if folder.name == "student" and folder.parent.name == "artifacts" and folder.parent.parent.name:
        return folder.parent.parent.name
    return folder.name


def figures(folder: Path, tensors: Tensors) -> Figures:
    """What a student's description and the header of its weights say. Raises CheckpointError."""
    description = _read(folder)
    try:
        architecture = dict(description["architecture"])
        labels = [str(label) for label in description["labels"]]
        kind = architecture["kind"]
        if kind not in STUDENTS:
            raise ValueError(f"unknown kind of student {kind!r}")
        found: Figures = STUDENTS[kind].load().figures(architecture, tensors, labels, int(description["max_tokens"]))
        return found
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise CheckpointError(f"The student in {folder} is damaged ({error!r}).", hint=_AGAIN) from None


def _read(folder: Path) -> dict[str, Any]:
    try:
        description = json.loads((folder / DESCRIPTION).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise CheckpointError(f"{folder / DESCRIPTION} cannot be read ({error}).", hint=_AGAIN) from None
    version = description.get("schema_version") if isinstance(description, dict) else None
    if not isinstance(version, int):
        raise CheckpointError(f"{folder / DESCRIPTION} describes no student.", hint=_AGAIN)
    if version > SCHEMA:
        raise CheckpointError(
            f"The student in {folder} is from a newer version (format {version}; this one reads up to {SCHEMA}).",
            hint="Update Stillroom.",
        )
    return description


def parameters_in(tensors: Tensors, prefix: str = "") -> int:
    """Parameters of the tensors whose names begin so."""
    return sum(prod(shape) for name, (_, shape) in tensors.items() if name.startswith(prefix))


def retraining_misfit(name: str, student: SavedStudent | None) -> tuple[str, str] | None:
    """(message, hint) where a teacher cannot be finetuned for a run, None where it can."""
    if student is None or student.has_encoder:
        return None
    return (
        f"{name} is a saved {STUDENTS[student.kind].title} student, which can teach as it is but has no encoder to "
        "finetune.",
        "Use all teachers as they are (teacher_training.mode: as_is), or choose another checkpoint.",
    )
