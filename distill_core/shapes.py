"""Parameters and bytes of students and teacher heads before anything is built: arithmetic that equals torch."""

from __future__ import annotations

from collections.abc import Sequence

from distill_core.arithmetic import embedding_width, linear
from distill_core.checkpoints import CheckpointInfo
from distill_core.sections.students import STUDENT_PRESETS, StudentSection
from distill_core.students.base import Sizing
from distill_core.tasks.base import build_task

__all__ = [
    "STUDENT_PRESETS",
    "compression",
    "embedding_width",
    "fp32_bytes",
    "student_parameters",
    "teacher_head_parameters",
    "teacher_parameters",
]

BYTES_PER_PARAMETER = 4
POOLING_QUERY = 200


def student_parameters(
    student: StudentSection,
    *,
    init_teacher: CheckpointInfo,
    classes: int,
    max_tokens: int,
    task: str = "classification",
    vocab_size: int | None = None,
) -> int:
    """Parameters of a student on its inference path, embeddings and classifier included.

    Args:
        student: its section.
        init_teacher: the checkpoint that gives the tokeniser (and, with `teacher_layers`, architecture and layers).
        classes: ≥ 2; in tagging the tags.
        max_tokens: longest input, in tokens.
        task: its name. Texts and words get one linear layer on their state, so that both count the same; hidden pieces
            an inner layer and its norm, and a bias for each piece, scored by the embedding.
        vocab_size: pieces of a pruned vocabulary (`student.vocabulary` = ``seen``), once they are known. Before that
            the teacher's count, and the result is an upper bound.

    Raises:
        ConfigError: the student has more layers than the teacher they are copied from, or a factorised embedding that
            is no narrower than the teacher's.
        ValueError: another task.
    """
    pieces = init_teacher.vocab_size
    if student.vocabulary == "seen" and vocab_size is not None:
        pieces = vocab_size
    return student.count_parameters(Sizing(init_teacher, pieces, classes, max_tokens, build_task(task).unit))


def teacher_head_parameters(width: int, classes: int, query: int = POOLING_QUERY) -> int:
    """Parameters of a shared head (MT-BERT, 2106.01023; `models.heads.SharedHead`): additive attention, then classes.

    Linear(width, query) with bias, a query vector [query], Linear(width, classes) with bias.
    """
    return linear(width, query) + query + linear(width, classes)


def teacher_parameters(
    widths: Sequence[int], index: int, classes: int, encoder: int, *, mode: str, task: str = "classification"
) -> int:
    """Parameters of teacher `index` on its inference path: encoder, width map, pooling, prediction.

    widths: hidden width of every teacher of the run. encoder: its encoder's parameters. mode: `separate` (own head on
    its own width) or `cofinetune` (one head on the widest width; narrower and wider teachers are mapped to it by a
    Linear with bias as soon as widths differ). task: for words the head is one Linear without pooling
    (`models.heads.TokenHead`). For `as_is`, and masked LM, take CheckpointInfo.total_parameters.
    """
    head = linear if build_task(task).unit == "word" else teacher_head_parameters
    if mode != "cofinetune" or len(set(widths)) == 1:
        return encoder + head(widths[index], classes)
    common = max(widths)
    return encoder + linear(widths[index], common) + head(common, classes)


def fp32_bytes(parameters: int) -> int:
    """Bytes of the parameters in float32, without the few kilobytes of a file's header."""
    return BYTES_PER_PARAMETER * parameters


def compression(teacher: CheckpointInfo, teacher_head: int, student_parameters: int) -> float:
    """Parameters of a teacher (encoder and `teacher_head`) over those of a student."""
    return (teacher.parameters + teacher_head) / student_parameters
