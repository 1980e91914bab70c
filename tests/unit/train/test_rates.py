import pytest

from distill_core.config import BiLSTMStudent, TeacherTraining, Training, TransformerStudent
from distill_core.train.rates import student_rate, teacher_rates


def test_open_rates_fall_with_the_encoder_s_width():
    wide, narrow = teacher_rates(TeacherTraining(), 768), teacher_rates(TeacherTraining(), 384)
    assert wide[0] == pytest.approx(5e-5)
    assert narrow[0] == pytest.approx(2 * wide[0])
    assert wide[1] == pytest.approx(5 * wide[0])


def test_what_the_config_says_is_taken():
    assert teacher_rates(TeacherTraining(learning_rate=0.01, head_learning_rate=0.02), 99) == (0.01, 0.02)
    assert student_rate(Training(learning_rate=0.03), BiLSTMStudent(), 8) == 0.03


@pytest.mark.parametrize(
    ("student", "rate"),
    [
        (BiLSTMStudent(), 2e-3),
        (TransformerStudent(), 5e-4),
        (TransformerStudent(initialise="teacher_layers"), 1e-4),
    ],
)
def test_a_student_s_open_rate_fits_its_kind(student, rate):
    assert student_rate(Training(), student, 384) == pytest.approx(rate)
