"""Masked language models as teachers and students: transformers' own scores, at hidden pieces alone."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from distill_core import checkpoints, shapes
from distill_core.config import TeacherSection, TransformerStudent
from distill_core.errors import CheckpointError
from distill_core.models.heads import MaskedHead
from distill_core.models.masked_teacher import take_over_head
from distill_core.models.saving import load_student, load_teacher_states, save_student, save_teachers
from distill_core.models.students import build_student, count_parameters
from distill_core.models.teachers import load_teachers
from distill_core.models.types import Batch
from tests.unit import tiny_checkpoints as tiny

FAMILIES = ["bert", "roberta", "distilbert", "electra", "albert", "modernbert", "deberta-v2"]


@pytest.fixture(scope="module")
def folders(tmp_path_factory) -> dict[str, Path]:
    root = tmp_path_factory.mktemp("masked")
    made = {family: tiny.save(root / family, family, "masked") for family in FAMILIES}
    for folder in made.values():  # said outright: not every family's config leads to BERT's special pieces
        special = {"tokenizer_class": "PreTrainedTokenizerFast", "pad_token": "[PAD]", "mask_token": "[MASK]"}
        (folder / "tokenizer_config.json").write_text(json.dumps(special))
    return made


def teachers_of(*folders: Path, mode: str = "as_is", **section):
    sections = [TeacherSection(source=str(folder), **section) for folder in folders]
    return load_teachers(sections, mode, [], dropout=0.0, seed=1, task="masked_lm")


@pytest.fixture
def batch() -> Batch:
    ids = torch.tensor([[2, 5, 4, 7, 4, 3], [2, 4, 6, 3, 0, 0]])
    mask = torch.tensor([[True] * 6, [True] * 4 + [False] * 2])
    targets = torch.tensor([[-1, -1, 0, -1, 1, -1], [-1, 0, -1, -1, -1, -1]])
    return Batch(ids, mask, None, torch.full_like(ids, -1), targets=targets)


@pytest.mark.parametrize("family", FAMILIES)
def test_scores_are_those_of_the_whole_model_at_hidden_pieces(folders, batch, family):
    (teacher,) = teachers_of(folders[family])
    layers = (0, teacher.layers)
    outputs = teacher(batch, layers=layers)
    with torch.no_grad():
        whole = teacher.model(input_ids=batch.input_ids, attention_mask=batch.mask.long()).logits
    assert outputs.logits.shape == (2, 2, tiny.VOCAB)
    assert outputs.word_mask.tolist() == [[True, True], [True, False]]
    for row, unit, place in ((0, 0, 2), (0, 1, 4), (1, 0, 1)):
        assert torch.allclose(outputs.logits[row, unit], whole[row, place], atol=1e-5)
    assert not outputs.logits[1, 1].any()
    assert all(outputs.hidden[layer].shape == (2, 6, teacher.width) for layer in layers)


def test_without_targets_every_real_piece_is_asked_for(folders, batch):
    (teacher,) = teachers_of(folders["bert"])
    every = teacher(Batch(batch.input_ids, batch.mask, None, batch.words))
    some = teacher(batch)
    assert every.word_mask.tolist() == batch.mask.tolist()
    assert torch.allclose(every.logits[0, 4], some.logits[0, 1], atol=1e-5)


@pytest.mark.parametrize("family", FAMILIES)
def test_a_checkpoint_says_whether_it_has_a_masked_head(folders, family, tmp_path):
    assert checkpoints.inspect(str(folders[family])).is_masked_lm
    for head in ("base", "classifier"):
        folder = tiny.save(tmp_path / f"{family}-{head}", family, head)
        assert not checkpoints.inspect(str(folder)).is_masked_lm


def test_a_teacher_without_a_masked_head_is_refused(tmp_path):
    with pytest.raises(CheckpointError, match="no head that guesses") as caught:
        teachers_of(tiny.save(tmp_path / "base", "bert", "base"), mode="separate")
    assert caught.value.field == "teachers.0.source"


def test_finetuned_teachers_come_back_from_the_disk(folders, batch, tmp_path):
    (teacher,) = teachers_of(folders["bert"], mode="separate", keep_layers=2)
    with torch.no_grad():
        for parameter in teacher.parameters():
            parameter.add_(0.05 * torch.randn_like(parameter))
    save_teachers([teacher], tmp_path / "kept")
    (fresh,) = teachers_of(folders["bert"], mode="separate", keep_layers=2)
    load_teacher_states([fresh], tmp_path / "kept")
    assert torch.equal(fresh(batch).logits, teacher(batch).logits)
    assert fresh.layers == 2


STUDENTS = {
    "own": TransformerStudent(layers=1, hidden=24, heads=3),
    "svd": TransformerStudent(layers=1, hidden=8, heads=2, initialise="svd"),
    "factorised": TransformerStudent(layers=1, hidden=24, heads=3, embedding=5),
    "copied": TransformerStudent(layers=2, initialise="teacher_layers"),
    "copied and factorised": TransformerStudent(layers=2, initialise="teacher_layers", embedding=5),
}


def student_of(section, teachers):
    student = build_student(section, teachers=teachers, classes=tiny.VOCAB, max_tokens=16, seed=3, task="masked_lm")
    return student.eval()


@pytest.mark.parametrize("section", STUDENTS.values(), ids=STUDENTS.keys())
@pytest.mark.parametrize("family", ["bert", "electra"])
def test_students_score_by_their_own_embedding(folders, batch, section, family, tmp_path):
    teachers = teachers_of(folders[family])
    student = student_of(section, teachers)
    outputs = student(batch, layers=(section.layers,))
    words = student.encoder.get_input_embeddings()
    table = (words.product() if hasattr(words, "product") else words.weight).double()
    head = student.prediction
    state = (
        student.encoder(input_ids=batch.input_ids, attention_mask=batch.mask.long()).last_hidden_state[0, 4].double()
    )
    inner = F.gelu(head.dense.weight.double() @ state + head.dense.bias.double())
    normed = F.layer_norm(inner, inner.shape, head.norm.weight.double(), head.norm.bias.double(), 1e-12)
    assert torch.allclose(outputs.logits[0, 1].double(), table @ normed + head.bias.double(), atol=1e-4)
    info = checkpoints.inspect(str(folders[family]))
    expected = shapes.student_parameters(section, init_teacher=info, classes=2, max_tokens=16, task="masked_lm")
    assert count_parameters(student) == expected
    save_student(student, tmp_path / "student", labels=[], max_tokens=16)
    loaded, labels, _ = load_student(tmp_path / "student")
    assert labels == []
    assert torch.equal(loaded(batch).logits, outputs.logits)


@pytest.mark.parametrize("family", ["bert", "roberta", "distilbert"])
def test_a_student_of_all_layers_says_what_its_teacher_says(folders, batch, family):
    teachers = teachers_of(folders[family])
    student = student_of(TransformerStudent(layers=3, initialise="teacher_layers", dropout=0.0), teachers)
    assert torch.allclose(student(batch).logits, teachers[0](batch).logits, atol=1e-5)


def test_a_head_of_another_size_is_left_alone(folders):
    (teacher,) = teachers_of(folders["bert"])
    head = MaskedHead(10, 10, tiny.VOCAB)
    before = head.dense.weight.clone()
    assert not take_over_head(head, teacher)
    assert torch.equal(head.dense.weight, before)


def test_padding_changes_nothing(folders, batch):
    (teacher,) = teachers_of(folders["bert"])
    student = student_of(STUDENTS["own"], [teacher])
    cut = [part[1:, :4] for part in (batch.input_ids, batch.mask, batch.words, batch.targets)]
    short = Batch(cut[0], cut[1], None, cut[2], targets=cut[3])
    for model in (teacher, student):
        assert np.allclose(model(short).logits[0, 0].detach(), model(batch).logits[1, 0].detach(), atol=1e-5)
