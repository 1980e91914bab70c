"""Parameters and bytes of students and teacher heads before anything is built: arithmetic that equals torch."""

from __future__ import annotations

from collections.abc import Sequence

from distill_core.checkpoints import CheckpointInfo
from distill_core.config import BiLSTMStudent, TransformerStudent
from distill_core.errors import ConfigError, FieldError

BYTES_PER_PARAMETER = 4
TOKEN_TYPES = 2
LEAST_POSITIONS = 64
POOLING_QUERY = 200


def student_parameters(
    student: TransformerStudent | BiLSTMStudent, *, init_teacher: CheckpointInfo, classes: int, max_tokens: int
) -> int:
    """Parameters of a student on its inference path, embeddings and classifier included.

    init_teacher: the whole checkpoint that gives the tokeniser (and, with `teacher_layers`, architecture and layers).
    classes: ≥ 2. max_tokens: longest input, in tokens. Raises ConfigError when the student has more layers than the
    teacher they are copied from.
    """
    if isinstance(student, BiLSTMStudent):
        return _bilstm(student, init_teacher.vocab_size, classes)
    if student.initialise == "teacher_layers":
        return _cut_teacher(student, init_teacher) + linear(init_teacher.hidden, classes)
    return _transformer(student, init_teacher.vocab_size, max_tokens) + linear(student.hidden, classes)


def teacher_head_parameters(width: int, classes: int, query: int = POOLING_QUERY) -> int:
    """Parameters of a shared head (MT-BERT, 2106.01023; `models.heads.SharedHead`): additive attention, then classes.

    Linear(width, query) with bias, a query vector [query], Linear(width, classes) with bias.
    """
    return linear(width, query) + query + linear(width, classes)


def teacher_parameters(widths: Sequence[int], index: int, classes: int, encoder: int, *, mode: str) -> int:
    """Parameters of teacher `index` on its inference path: encoder, width map, pooling, prediction.

    widths: hidden width of every teacher of the run. encoder: its encoder's parameters. mode: `separate` (own head on
    its own width) or `cofinetune` (one head on the widest width; narrower and wider teachers are mapped to it by a
    Linear with bias as soon as widths differ). For `as_is` take CheckpointInfo.total_parameters.
    """
    if mode != "cofinetune" or len(set(widths)) == 1:
        return encoder + teacher_head_parameters(widths[index], classes)
    common = max(widths)
    return encoder + linear(widths[index], common) + teacher_head_parameters(common, classes)


def fp32_bytes(parameters: int) -> int:
    """Bytes of the parameters in float32, without the few kilobytes of a file's header."""
    return BYTES_PER_PARAMETER * parameters


def compression(teacher: CheckpointInfo, teacher_head: int, student_parameters: int) -> float:
    """Parameters of a teacher (encoder and `teacher_head`) over those of a student."""
    return (teacher.parameters + teacher_head) / student_parameters


def linear(inputs: int, outputs: int) -> int:
    """Parameters of a Linear layer with bias."""
    return inputs * outputs + outputs


def _transformer(student: TransformerStudent, vocab_size: int, max_tokens: int) -> int:
    hidden = student.hidden
    inner = student.intermediate or 4 * hidden
    norm = 2 * hidden
    positions = max(LEAST_POSITIONS, max_tokens)
    embeddings = (vocab_size + positions + TOKEN_TYPES) * hidden + norm
    attention = 4 * linear(hidden, hidden) + norm  # query, key, value, output
    feed_forward = linear(hidden, inner) + linear(inner, hidden) + norm
    return embeddings + student.layers * (attention + feed_forward)


def _cut_teacher(student: TransformerStudent, teacher: CheckpointInfo) -> int:
    if student.layers > teacher.layers:
        raise ConfigError(
            [
                FieldError(
                    "student.layers",
                    f"{student.layers} layers cannot be copied from {teacher.name}, which has {teacher.layers}.",
                    f"Choose at most {teacher.layers}, or another initialisation.",
                )
            ]
        )
    return teacher.parameters - sum(teacher.per_layer[student.layers :])


def _bilstm(student: BiLSTMStudent, vocab_size: int, classes: int) -> int:
    hidden = student.lstm_hidden
    total, inputs = vocab_size * student.embedding, student.embedding
    for _ in range(student.lstm_layers):
        # Per direction: four gates on inputs and on states, and torch's two bias vectors.
        total += 2 * (4 * hidden * (inputs + hidden) + 2 * 4 * hidden)
        inputs = 2 * hidden
    if student.projection:
        total += linear(inputs, student.projection)
        inputs = student.projection
    return total + linear(inputs, classes)
