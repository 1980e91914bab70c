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
from distill_core.predict import StudentPredictor, _entities, student_folder
from tests.unit import tiny_checkpoints

LABELS = ["billing", "cancel", "login"]
TAGS = ["O", "B-LOC", "I-LOC", "B-PER", "I-PER"]
TEXTS = ["where is my order", "cancel", "the login does not work and I have waited for a very long time now"]


def save_tiny_student(folder: Path, *, labels: list[str] = LABELS, task: str = "classification") -> Path:
    """A random BiLSTM student at `folder`."""
    checkpoint = tiny_checkpoints.save(folder.parent / "tiny-bert")
    teachers = load_teachers(
        [TeacherSection(source=str(checkpoint))], "separate", labels, dropout=None, seed=1, task=task
    )
    section = BiLSTMStudent(embedding=8, lstm_hidden=8, initialise="random")
    student = build_student(section, teachers=teachers, classes=len(labels), max_tokens=24, seed=3, task=task)
    if task == "tagging":
        with torch.no_grad():  # so decided that words of one text get different tags
            student.embedding.weight.mul_(40)
            student.prediction.weight.mul_(40)
    save_student(student, folder, labels=labels, max_tokens=24)
    return folder


def save_tiny_tagger(folder: Path) -> Path:
    return save_tiny_student(folder, labels=TAGS, task="tagging")


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


# ---------------------------------------------------------------- tagging


@pytest.fixture(scope="module")
def tagger(tmp_path_factory: pytest.TempPathFactory) -> StudentPredictor:
    return StudentPredictor.load(save_tiny_tagger(tmp_path_factory.mktemp("tag") / "student"))


SENTENCES = ["Hello a b order?", "", "cancel b, a: the hello (again) is ab bc", "  two  spaces\tand a tab "]


def test_tags_are_the_students_most_probable_ones(tagger: StudentPredictor) -> None:
    from distill_core.tasks.encoding import collate
    from distill_core.tasks.tagging import encode_words

    found = tagger.tag(SENTENCES)
    assert [one.text for one in found] == SENTENCES
    assert found[0].words == ["Hello", "a", "b", "order", "?"]
    assert found[1].words == found[1].tags == found[1].entities == []
    assert len({tag for one in found for tag in one.tags}) > 1, "a tagger that always says the same tests nothing"
    for one in found:
        if not one.words:
            continue
        encoded = encode_words(tagger.student.tokenizer, [one.words], tagger.max_tokens)
        with torch.no_grad():
            expected = tagger.student(collate(encoded, np.arange(1))).logits[0].softmax(dim=-1)
        assert one.tags == [TAGS[i] for i in expected.argmax(dim=-1).tolist()]
        assert one.scores == pytest.approx(expected.max(dim=-1).values.tolist(), abs=1e-5)


def test_entities_are_runs_of_tags_with_their_characters(tagger: StudentPredictor) -> None:
    for one in tagger.tag(SENTENCES):
        covered = 0
        for entity in one.entities:
            assert one.text[entity.start : entity.end] == entity.text
            assert 0 < entity.score <= 1
            covered += len(words_in(entity.text))
        assert covered == sum(tag != "O" for tag in one.tags)


def words_in(text: str) -> list[str]:
    from distill_core.tasks.words import WORD

    return WORD.findall(text)


def test_entities_by_hand() -> None:
    text = "Ada Lovelace left New York"
    places = [(0, 3), (4, 12), (13, 17), (18, 21), (22, 26)]
    scores = [0.9, 0.8, 0.99, 0.7, 0.6]

    def found(*tags: str) -> list[tuple[str, str, float]]:
        return [(one.type, one.text, one.score) for one in _entities(text, places, tags, scores)]

    assert found("B-PER", "I-PER", "O", "B-LOC", "I-LOC") == [("PER", "Ada Lovelace", 0.8), ("LOC", "New York", 0.6)]
    # As emitted: an I- that continues nothing begins an entity, and so does one of another type; a B- always does.
    assert found("I-PER", "I-PER", "O", "O", "O") == [("PER", "Ada Lovelace", 0.8)]
    assert found("B-PER", "I-LOC", "O", "O", "O") == [("PER", "Ada", 0.9), ("LOC", "Lovelace", 0.8)]
    assert found("B-PER", "B-PER", "O", "O", "O") == [("PER", "Ada", 0.9), ("PER", "Lovelace", 0.8)]
    assert found("O", "O", "O", "O", "O") == []


def test_words_beyond_the_limit_are_no_guess(tagger: StudentPredictor) -> None:
    (found,) = tagger.tag([" ".join(["order"] * 60)])
    assert len(found.words) == len(found.tags) == len(found.scores) == 60
    assert found.scores[0] > 0 and found.scores[-1] == 0
    assert found.tags[-1] == "O"
    first = found.scores.index(0.0)
    assert not any(found.scores[first:]) and set(found.tags[first:]) == {"O"}


def test_how_texts_are_batched_does_not_change_their_tags(tagger: StudentPredictor) -> None:
    one, together = tagger.tag(SENTENCES, batch_size=1), tagger.tag(SENTENCES)
    assert [found.tags for found in one] == [found.tags for found in together]
    for mine, theirs in zip(one, together, strict=True):
        assert mine.scores == pytest.approx(theirs.scores, abs=1e-6)


def test_texts_without_words_need_no_student(tagger: StudentPredictor) -> None:
    assert tagger.tag([]) == []
    assert [found.as_dict() for found in tagger.tag(["", "  "])] == [
        {"text": text, "words": [], "tags": [], "scores": [], "entities": []} for text in ("", "  ")
    ]


def test_each_kind_of_student_refuses_the_others_work(predictor: StudentPredictor, tagger: StudentPredictor) -> None:
    assert (predictor.task, tagger.task) == ("classification", "tagging")
    with pytest.raises(DataError, match="tags words") as caught:
        tagger.predict(["a"])
    assert "tag" in caught.value.hint
    with pytest.raises(DataError, match="whole texts"):
        predictor.tag(["a"])


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
