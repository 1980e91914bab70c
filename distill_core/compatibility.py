"""Do student, teachers and objective fit each other? Told from checkpoint descriptions, before anything is trained."""

from __future__ import annotations

from collections.abc import Sequence

from distill_core.checkpoints import CheckpointInfo
from distill_core.config import BiLSTMStudent, Objective, TransformerStudent
from distill_core.errors import FieldError


def misfits(
    student: TransformerStudent | BiLSTMStudent,
    objective: Objective,
    infos: Sequence[CheckpointInfo],
    *,
    embedding_width: int | None = None,
) -> list[FieldError]:
    """Settings that cannot work with these teachers, each with its field.

    embedding_width: of the teacher the student starts from, where it is known to differ from its hidden width.
    """
    own = infos[student.init_teacher - 1]
    found = []
    width, field = (
        (student.embedding, "student.embedding")
        if isinstance(student, BiLSTMStudent)
        else (student.hidden, "student.hidden")
    )
    limit = embedding_width or own.hidden
    if student.initialise == "svd" and width > limit:
        found.append(
            FieldError(
                field,
                f"an SVD of {own.name}'s embedding gives at most {limit} units, not {width}.",
                "Choose fewer, or random initialisation.",
            )
        )
    if objective.hidden_weight and objective.hidden_level == "token":
        foreign = [info.name for info in infos if info.tokenizer_fingerprint != own.tokenizer_fingerprint]
        if foreign:
            found.append(
                FieldError(
                    "objective.hidden_level",
                    f"hidden states cannot be compared token by token: {', '.join(foreign)} cuts text into other "
                    f"pieces than the student, which uses {own.name}'s tokeniser.",
                    "Set it to auto or word.",
                )
            )
    return found
