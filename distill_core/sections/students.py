"""The student's section: one of those in the catalogue, told apart by `kind`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Union

from pydantic import Field

from distill_core.catalogue import STUDENTS
from distill_core.students.base import StudentSection
from distill_core.students.bilstm.section import BiLSTMStudent
from distill_core.students.transformer.section import TransformerStudent

#: for configs written in Python; nothing else here or elsewhere needs a kind by its name
__all__ = ["STUDENT_PRESETS", "BiLSTMStudent", "Student", "StudentSection", "TransformerStudent"]

if TYPE_CHECKING:
    Student = StudentSection
else:
    kinds = tuple(entry.load() for entry in STUDENTS.values())
    Student = Annotated[Union[kinds], Field(discriminator="kind")]  # noqa: UP007

#: name → (title, settings of the student): sizes that papers or much-used checkpoints have
STUDENT_PRESETS: dict[str, tuple[str, dict[str, Any]]] = {
    name: (title, {"kind": kind, **fields})
    for kind, entry in STUDENTS.items()
    for name, (title, fields) in entry.load().presets.items()
}
