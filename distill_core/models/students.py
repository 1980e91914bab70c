"""Students: build one from its section of the config and the teachers it starts from."""

from __future__ import annotations

from typing import Any

import numpy as np

from distill_core.config import StudentSection
from distill_core.errors import CheckpointError
from distill_core.models.base import Origin, Student, count_parameters, seeded, student_class
from distill_core.models.encoders import word_embedding
from distill_core.models.prune import prune_tokenizer
from distill_core.models.saving import load_student, save_student
from distill_core.models.teachers import Teacher

__all__ = ["Student", "build_student", "count_parameters", "load_student", "save_student"]


def build_student(
    section: StudentSection,
    *,
    teachers: list[Teacher],
    classes: int,
    max_tokens: int,
    seed: int,
    task: str = "classification",
    seen: np.ndarray | None = None,
) -> Student:
    """A student on the CPU, in evaluation mode; equal arguments give equal tensors, whatever was drawn before.

    Args:
        section: what to build. `section.init_teacher` (from 1) names the teacher that gives the tokenizer and, as
            `section.initialise` says, weights: those it has now, so finetune teachers first.
        teachers: all teachers of the run.
        classes: number of labels; in masked LM the pieces of the vocabulary.
        max_tokens: longest input, special pieces included.
        seed: draws everything that is not copied.
        task: its name in `catalogue.TASKS`.
        seen: ids, in that teacher's tokenizer, that occur in the run's texts, in any shape; needed where
            `section.vocabulary` is ``seen``. The student then has its own `tokenizer`, and `kept_ids` says which old
            id each of its pieces had (`prune.renumber` takes texts over that are cut already).

    Raises:
        CheckpointError: with the setting at fault, when the teacher cannot give what is asked for.
        ValueError: the vocabulary should be pruned and `seen` is missing.
    """
    if section.init_teacher > len(teachers):
        raise CheckpointError(
            f"the student should start from teacher {section.init_teacher}, but there are {len(teachers)}.",
            field="student.init_teacher",
        )
    teacher = teachers[section.init_teacher - 1]
    tokenizer, kept = _vocabulary(section, teacher, seen)
    pieces = word_embedding(teacher.encoder).shape[0] if kept is None else len(kept)
    origin = Origin(teacher, tokenizer, pieces, kept, classes, max_tokens, task)
    with seeded(seed, "student"):
        student = student_class(type(section)).build(section, origin)
    student.kept_ids = kept
    return student.eval()


def _vocabulary(section: StudentSection, teacher: Teacher, seen: np.ndarray | None) -> tuple[Any, np.ndarray | None]:
    if section.vocabulary == "full":
        return teacher.tokenizer, None
    if seen is None:
        raise ValueError("a vocabulary of the seen pieces needs the ids that were seen")
    seen = np.union1d(seen, student_class(type(section)).needed_pieces(section, teacher)).astype(np.int64)
    tokenizer, kept = prune_tokenizer(teacher.tokenizer, seen)
    rows = word_embedding(teacher.encoder).shape[0]
    if kept[-1] >= rows:
        raise CheckpointError(
            f"{teacher.name}'s tokenizer has the piece {tokenizer.convert_ids_to_tokens(len(kept) - 1)!r}, "
            "for which its model has no embedding.",
            hint="Keep the full vocabulary.",
            field="student.vocabulary",
        )
    return tokenizer, kept
