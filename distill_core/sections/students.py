"""The students: one section a kind."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from distill_core.students.bilstm.section import BiLSTMStudent
from distill_core.students.transformer.section import TransformerStudent

Student = Annotated[TransformerStudent | BiLSTMStudent, Field(discriminator="kind")]
