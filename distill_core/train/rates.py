"""Learning rates where a config leaves them open: the field's usual ones, scaled with the width of what is trained."""

from __future__ import annotations

from distill_core.config import StudentSection, TeacherTraining, Training

#: the usual finetuning rate of a 768-wide encoder; narrower ones want, and bear, a proportionally larger one
ENCODER_RATE, ENCODER_WIDTH = 5e-5, 768
#: a new head over a finetuned encoder learns this much faster
HEAD_FACTOR = 5.0


def encoder_rate(width: int) -> float:
    """Peak rate for finetuning an encoder of this width."""
    return ENCODER_RATE * ENCODER_WIDTH / width


def teacher_rates(settings: TeacherTraining, width: int) -> tuple[float, float]:
    """(encoder, pooling and prediction layers) of a teacher of this width."""
    encoder = settings.learning_rate or encoder_rate(width)
    return encoder, settings.head_learning_rate or HEAD_FACTOR * encoder


def student_rate(training: Training, student: StudentSection, width: int) -> float:
    """Peak rate of a student whose hidden states have this width."""
    return training.learning_rate or student.usual_rate(encoder_rate(width))
