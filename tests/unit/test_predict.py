from pathlib import Path

import numpy as np
import pytest
import torch

from distill_core.config import BiLSTMStudent, TeacherSection
from distill_core.errors import CheckpointError, DataError, JobError
from distill_core.events import EventLog
from distill_core.layout import RunFolder
from distill_core.models.saving import load_student, save_student
from distill_core.models.students import build_student
from distill_core.models.teachers import load_teachers
from distill_core.predict import StudentPredictor, student_folder
from tests.unit import tiny_checkpoints

LABELS = ["billing", "cancel", "login"]
TEXTS = ["where is my order", "cancel", "the login does not work and I have waited for a very long time now"]


def save_tiny_student(folder: Path) -> Path:
    """A random BiLSTM student at `folder`."""
    checkpoint = tiny_checkpoints.save(folder.parent / "tiny-bert")
    teachers = load_teachers([TeacherSection(source=str(checkpoint))], "separate", LABELS, dropout=None, seed=1)
    section = BiLSTMStudent(embedding=8, lstm_hidden=8, initialise="random")
    student = build_student(section, teachers=teachers, classes=3, max_tokens=24, seed=3)
    save_student(student, folder, labels=LABELS, max_tokens=24)
    return folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_tiny_student(tmp_path_factory.mktemp("predict") / "student")


@pytest.fixture(scope="module")
def predictor(folder: Path) -> StudentPredictor:
    return StudentPredictor.load(folder)


def test_probabilities_are_the_softmax_of_the_student(folder: Path, predictor: StudentPredictor) -> None:
    from distill_core.data.types import Rows
    from distill_core.tasks.classification import encode
    from distill_core.tasks.encoding import collate

    student, labels, max_tokens = load_student(folder)
    rows = Rows(TEXTS, None, np.full(3, -1), [1, 2, 3])
    with torch.no_grad():
        batch = collate(encode(student.tokenizer, rows, max_tokens), np.arange(3))
        expected = student.eval()(batch).logits.softmax(dim=1).numpy()
    assert labels == LABELS
    assert predictor.probabilities(TEXTS) == pytest.approx(expected, abs=1e-6)


def test_predictions_keep_the_order_and_rank_the_labels(predictor: StudentPredictor) -> None:
    found, scores = predictor.predict(TEXTS), predictor.probabilities(TEXTS)
    assert [p.text for p in found] == TEXTS
    for prediction, row in zip(found, scores, strict=True):
        values = list(prediction.probabilities.values())
        assert prediction.label == LABELS[int(row.argmax())] == next(iter(prediction.probabilities))
        assert values == sorted(values, reverse=True) and sum(values) == pytest.approx(1.0)


def test_batch_size_does_not_change_the_answer(predictor: StudentPredictor) -> None:
    assert predictor.probabilities(TEXTS, batch_size=1) == pytest.approx(predictor.probabilities(TEXTS), abs=1e-6)


def test_pairs_are_read(predictor: StudentPredictor) -> None:
    (found,) = predictor.predict(["where"], ["order"])
    assert found.as_dict() == {
        "text": "where",
        "text_pair": "order",
        "label": found.label,
        "probabilities": found.probabilities,
    }
    assert predictor.probabilities(["where"], ["order"]) != pytest.approx(predictor.probabilities(["where"]))
    with pytest.raises(DataError, match="2 texts but 1"):
        predictor.predict(["a", "b"], ["c"])


def test_no_texts_give_no_predictions(predictor: StudentPredictor) -> None:
    assert predictor.predict([]) == [] and predictor.probabilities([]).shape == (0, 3)


# ---------------------------------------------------------------- folders


def test_a_student_is_found_in_its_run(folder: Path, tmp_path: Path) -> None:
    run = RunFolder(tmp_path / "Any Name").create()
    run.student.symlink_to(folder)
    assert student_folder(run.path) == run.student and student_folder(folder) == folder


def test_a_folder_that_holds_neither_says_so(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="no folder"):
        student_folder(tmp_path / "nothing")
    with pytest.raises(CheckpointError, match="neither a run nor a student"):
        student_folder(tmp_path)


@pytest.mark.parametrize(
    ("events", "words"),
    [
        ([], "not been started"),
        (["started"], "not finished"),
        (["started", "failed"], "it failed"),
        (["started", "stopped"], "it was stopped. Resume it"),
        (["started", "stopped", "started"], "not finished"),
    ],
)
def test_a_run_without_a_student_says_why(tmp_path: Path, events: list[str], words: str) -> None:
    run = RunFolder(tmp_path / "run").create()
    run.config.write_text("name: x\n")
    if events:
        log = EventLog(run.events)
        for kind in events:
            log.emit(kind)
        log.close()
    with pytest.raises(JobError, match=words):
        student_folder(run.path)
