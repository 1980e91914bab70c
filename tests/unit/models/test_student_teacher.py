"""Saved students as teachers: described without torch, they answer as the student did."""

from __future__ import annotations

import json

import pytest
import torch

from distill_core.checkpoints import inspect
from distill_core.compatibility import misfits
from distill_core.config import BiLSTMStudent, Objective, TeacherSection, TransformerStudent
from distill_core.errors import CheckpointError
from distill_core.models import saving
from distill_core.models.base import count_parameters
from distill_core.models.students import build_student
from distill_core.models.teachers import EncoderTeacher, StudentTeacher, load_teachers
from distill_core.saved_students import SCHEMA
from distill_core.shapes import embedding_width, student_parameters
from tests.unit.models.conftest import IDS, LABELS, batch_of
from tests.unit.models.tagging import TAGS, tagged

SECTIONS = {
    "bilstm": BiLSTMStudent(embedding=6, lstm_hidden=5, lstm_layers=2, projection=7, pooling="mean"),
    "transformer": TransformerStudent(layers=2, hidden=8, heads=2),
    "layers": TransformerStudent(layers=2, initialise="teacher_layers", layer_choice="last"),
    "factorised": TransformerStudent(layers=2, hidden=8, heads=2, embedding=4),
}


@pytest.fixture
def save(teachers, tmp_path):
    def saved(name, *, kind="bert", task="classification", labels=LABELS):
        made = build_student(
            SECTIONS[name], teachers=[teachers[kind]], classes=len(labels), max_tokens=32, seed=1, task=task
        )
        folder = tmp_path / name / "artifacts" / "student"
        saving.save_student(made, folder, labels=labels, max_tokens=32)
        return folder, made

    return saved


def load(folder, labels, mode="as_is", *, task="classification", **section):
    return load_teachers(
        [TeacherSection(source=str(folder), **section)], mode, labels, dropout=None, seed=1, task=task
    )[0]


@pytest.mark.parametrize("name", SECTIONS)
def test_a_saved_student_is_described(teachers, save, name):
    folder, made = save(name)
    info = inspect(str(folder))
    of_run = inspect(str(folder.parent.parent))
    assert (of_run.folder, of_run.fingerprint) == (info.folder, info.fingerprint)
    assert info.name == name and info.student.kind == made.architecture["kind"]
    assert (info.layers, info.hidden, info.total_parameters) == (made.layers, made.width, count_parameters(made))
    assert info.parameters == count_parameters(made) - count_parameters(made.prediction)
    assert (info.is_classifier, info.is_tagger, info.is_masked_lm, info.labels) == (True, False, False, LABELS)
    assert info.vocab_size == len(teachers["bert"].tokenizer) and embedding_width(info) == info.student.embedding
    assert info.student.factorised == (name == "factorised")
    # A student that reads as its own teacher does is compared with it piece by piece.
    assert info.tokenizer_fingerprint == inspect(str(teachers["bert"].info.folder)).tokenizer_fingerprint
    # A second student of the same vocabulary is counted before it is built.
    section = BiLSTMStudent(embedding=3, lstm_hidden=2)
    second = build_student(section, teachers=[load(folder, LABELS)], classes=3, max_tokens=32, seed=2)
    assert student_parameters(section, init_teacher=info, classes=3, max_tokens=32) == count_parameters(second)


@pytest.mark.parametrize("name", SECTIONS)
@torch.no_grad()
def test_it_answers_as_the_student_did_in_the_order_of_the_data(save, name):
    folder, made = save(name)
    order = [LABELS[i] for i in (2, 0, 1)]
    teacher = load(folder, order)
    assert isinstance(teacher, StudentTeacher) and not teacher.training
    batch = batch_of(IDS)
    ours, theirs = teacher(batch, layers=[1, 2]), made(batch, layers=[1, 2])
    assert torch.equal(ours.logits, theirs.logits[:, [2, 0, 1]])
    assert torch.equal(ours.pooled, theirs.pooled) and ours.pooled.shape[-1] == teacher.pooled_width
    for layer in (1, 2):
        assert torch.equal(ours.hidden[layer], theirs.hidden[layer])
        assert ours.hidden[layer].shape[-1] == teacher.width
    with pytest.raises(CheckpointError, match="no label of the teacher stands for 'other'"):
        load(folder, [*LABELS, "other"])
    renamed = load(folder, ["money back", *LABELS[1:]], label_mapping={LABELS[0]: "money back"})
    assert torch.equal(renamed(batch).logits, theirs.logits)


@pytest.mark.parametrize("name", ["bilstm", "transformer"])
@torch.no_grad()
def test_a_saved_tagger_tags(save, name):
    folder, made = save(name, task="tagging", labels=TAGS)
    batch = tagged()
    ours, theirs = load(folder, TAGS, task="tagging")(batch), made(batch)
    assert torch.equal(ours.logits, theirs.logits) and torch.equal(ours.word_mask, theirs.word_mask)
    with pytest.raises(CheckpointError, match="no classification layer"):
        load(folder, LABELS)


@torch.no_grad()
def test_a_saved_masked_lm_guesses_and_lends_its_head(teachers, tmp_path):
    pieces = len(teachers["bert"].tokenizer)
    made = build_student(
        SECTIONS["transformer"], teachers=[teachers["bert"]], classes=pieces, max_tokens=32, seed=1, task="masked_lm"
    )
    saving.save_student(made, tmp_path / "student", labels=[], max_tokens=32)
    info = inspect(str(tmp_path / "student"))
    assert info.is_masked_lm and not info.is_classifier and info.labels is None
    teacher = load(tmp_path / "student", [], task="masked_lm")
    batch = batch_of(IDS)
    assert torch.equal(teacher(batch).logits, made(batch).logits)
    section = TransformerStudent(layers=2, initialise="teacher_layers", dropout=0.0)
    copied = build_student(section, teachers=[teacher], classes=pieces, max_tokens=32, seed=2, task="masked_lm")
    assert torch.equal(copied(batch).logits, made(batch).logits)
    with pytest.raises(CheckpointError, match="no head that guesses"):
        load(save_classifier(teachers, tmp_path), [], task="masked_lm")


def save_classifier(teachers, tmp_path):
    made = build_student(SECTIONS["bilstm"], teachers=[teachers["bert"]], classes=3, max_tokens=32, seed=1)
    saving.save_student(made, tmp_path / "classifier", labels=LABELS, max_tokens=32)
    return tmp_path / "classifier"


def test_what_cannot_work_is_refused_in_words(save):
    folder, _ = save("bilstm")
    with pytest.raises(CheckpointError, match="no encoder to finetune") as refused:
        load(folder, LABELS, "separate")
    assert refused.value.field == "teachers.0.source"
    with pytest.raises(CheckpointError, match="teaches as a whole") as refused:
        load(folder, LABELS, keep_layers=1)
    assert refused.value.field == "teachers.0.keep_layers"

    bilstm = inspect(str(folder))
    by_attention = Objective.model_validate({"matching": {"attention": 1.0}})
    (found,) = misfits(TransformerStudent(layers=1, hidden=8, heads=2), by_attention, [bilstm])
    assert "is a BiLSTM" in found.message and found.field == "objective.matching.attention"
    (found,) = misfits(SECTIONS["layers"], Objective(), [bilstm])
    assert found.field == "student.initialise" and "cannot start from its layers" in found.message
    factorised = inspect(str(save("factorised")[0]))
    (found,) = misfits(BiLSTMStudent(embedding=3, lstm_hidden=2, initialise="svd"), Objective(), [factorised])
    assert found.field == "student.initialise" and "embedding" in found.message
    assert misfits(BiLSTMStudent(embedding=3, lstm_hidden=2, initialise="svd"), Objective(), [bilstm]) == []


@torch.no_grad()
def test_a_saved_transformer_can_be_finetuned_and_copied(save):
    folder, made = save("transformer")
    teacher = load(folder, ["x", "y"], "separate")
    assert isinstance(teacher, EncoderTeacher)
    batch = batch_of(IDS)
    assert torch.equal(teacher(batch, layers=[2]).hidden[2], made(batch, layers=[2]).hidden[2])
    assert teacher(batch).logits.shape[-1] == 2
    section = TransformerStudent(layers=1, initialise="teacher_layers", dropout=0.0)
    copied = build_student(section, teachers=[load(folder, LABELS)], classes=3, max_tokens=32, seed=1)
    assert torch.equal(copied(batch, layers=[1]).hidden[1], made(batch, layers=[1]).hidden[1])
    info = inspect(str(folder))
    assert student_parameters(section, init_teacher=info, classes=3, max_tokens=32) == count_parameters(copied)


def test_a_newer_or_damaged_student_says_so(save, tmp_path):
    assert SCHEMA == saving.STUDENT_SCHEMA
    folder, _ = save("bilstm")
    path = folder / "stillroom.json"
    description = json.loads(path.read_text())
    for change, words in (({"schema_version": SCHEMA + 1}, "newer version"), ({"architecture": {}}, "damaged")):
        path.write_text(json.dumps({**description, **change}))
        with pytest.raises(CheckpointError, match=words):
            inspect(str(folder))
    unfinished = tmp_path / "run"
    unfinished.mkdir()
    (unfinished / "config.yaml").touch()
    (unfinished / "events.jsonl").touch()
    with pytest.raises(CheckpointError, match="no finished student"):
        inspect(str(unfinished))
