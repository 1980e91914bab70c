"""Students as ONNX graphs: the same answers whatever the batch, the length and the padding."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
import torch

from distill_core.config import TeacherSection
from distill_core.errors import CheckpointError
from distill_core.export import graph as graph_module
from distill_core.export.graph import input_names, model_bytes, quantise, write_onnx
from distill_core.export.runtime import OnnxModel
from distill_core.models.students import Student, build_student
from distill_core.models.teachers import Teacher, load_teachers
from distill_core.models.types import Batch
from distill_core.students.bilstm.section import BiLSTMStudent
from distill_core.students.transformer.section import TransformerStudent
from tests import tiny

LABELS = ["O", "B-LOC", "I-LOC"]
LSTM = {"kind": "bilstm", "embedding": 12, "lstm_hidden": 8, "initialise": "random", "dropout": 0.3}
SMALL = {"kind": "transformer", "hidden": 16, "heads": 2, "layers": 1, "initialise": "random"}
COPIED = {"kind": "transformer", "layers": 1, "initialise": "teacher_layers"}
#: (task, section): every kind with what makes its graph another one
STUDENTS = {
    "two LSTM layers, max": ("classification", {**LSTM, "lstm_layers": 2, "pooling": "max"}),
    # A gate's weights, 520 × 520, are more than the exporter's own folding writes.
    "two wide LSTM layers": ("classification", {**LSTM, "lstm_layers": 2, "lstm_hidden": 520}),
    "LSTM, last states, projection": ("classification", {**LSTM, "pooling": "last", "projection": 6}),
    "LSTM that tags": ("tagging", {**LSTM, "pooling": "mean"}),
    "factorised, pruned": ("classification", {**SMALL, "embedding": 4, "vocabulary": "seen"}),
    "RoBERTa that tags": ("tagging", {**COPIED, "init_teacher": 2}),
    "BERT that guesses": ("masked_lm", {**SMALL}),
}


@pytest.fixture(scope="module")
def checkpoints(tmp_path_factory) -> list[TeacherSection]:
    root = tmp_path_factory.mktemp("teachers")
    made = [tiny.write_bert(root / "bert"), tiny.write_roberta(root / "roberta")]
    return [TeacherSection(source=str(folder)) for folder in made]


def teachers_for(checkpoints: list[TeacherSection], task: str) -> list[Teacher]:
    mode, labels = ("as_is", []) if task == "masked_lm" else ("cofinetune", LABELS)
    return load_teachers(checkpoints, mode, labels, dropout=None, seed=1, task=task)


def student_for(checkpoints: list[TeacherSection], name: str) -> Student:
    task, values = STUDENTS[name]
    section = (BiLSTMStudent if values["kind"] == "bilstm" else TransformerStudent)(**values)
    teachers = teachers_for(checkpoints, task)
    classes = len(teachers[0].tokenizer) if task == "masked_lm" else len(LABELS)
    seen = np.arange(5, 90)
    return build_student(section, teachers=teachers, classes=classes, max_tokens=60, seed=3, task=task, seen=seen)


def batch_of(model: Student | Teacher, rows: int, length: int) -> Batch:
    """Rows of falling length, filled up."""
    draw = torch.Generator().manual_seed(100 * rows + length)
    ids = torch.randint(5, len(model.tokenizer), (rows, length), generator=draw)
    mask = torch.zeros_like(ids, dtype=torch.bool)
    for row in range(rows):
        mask[row, : max(1, length - 3 * row)] = True
    ids[~mask] = model.tokenizer.pad_token_id
    words = torch.where(mask, torch.arange(length).repeat(rows, 1) // 2, -1)
    types = torch.zeros_like(ids) if "token_type_ids" in model.tokenizer.model_input_names else None
    return Batch(ids, mask, types, words)


def widened(batch: Batch, filler: int) -> Batch:
    """The same with nine more places that are real nowhere."""

    def wide(values: torch.Tensor, fill: int) -> torch.Tensor:
        return torch.nn.functional.pad(values, (0, 9), value=fill)

    types = None if batch.type_ids is None else wide(batch.type_ids, 0)
    return Batch(wide(batch.input_ids, filler), wide(batch.mask, 0), types, wide(batch.words, -1))


@pytest.mark.parametrize("name", STUDENTS)
def test_graphs_answer_like_their_students(name: str, checkpoints: list[TeacherSection], tmp_path: Path) -> None:
    student = student_for(checkpoints, name).eval()
    whole, small = write_onnx(student, tmp_path / "model.onnx"), tmp_path / "small.onnx"
    quantise(whole, small)
    model, rounded = OnnxModel(whole, student.unit), OnnxModel(small, student.unit)
    spread = 0.0
    for rows, length in ((1, 1), (1, 7), (4, 13), (2, 40)):
        batch = batch_of(student, rows, length)
        with torch.inference_mode():
            own = student(batch)
        found = model(batch)
        assert found.logits.shape == own.logits.shape
        torch.testing.assert_close(found.logits, own.logits, atol=1e-5, rtol=1e-4)
        if own.word_mask is not None:
            assert torch.equal(found.word_mask, own.word_mask)
        padded = model(widened(batch, student.tokenizer.pad_token_id)).logits
        torch.testing.assert_close(padded, own.logits, atol=1e-5, rtol=1e-4)
        spread = max(spread, float(own.logits.std()))
        assert float((rounded(batch).logits - own.logits).abs().max()) < 0.2 * max(1.0, float(own.logits.abs().max()))
    assert spread > 0, "a student that always says the same cannot tell graphs apart"
    assert model_bytes(small) < model_bytes(whole)


@pytest.mark.parametrize("name", ["two LSTM layers, max", "two wide LSTM layers"])
def test_an_lstm_is_one_operator_with_its_weights_as_constants(
    name: str, checkpoints: list[TeacherSection], tmp_path: Path
) -> None:
    """So that it is fast, and its weights can be int8."""
    student = student_for(checkpoints, name)
    whole = write_onnx(student, tmp_path / "model.onnx")
    quantise(whole, tmp_path / "small.onnx")
    graph = onnx.load(str(whole)).graph
    constants = {tensor.name for tensor in graph.initializer}
    lstms = [node for node in graph.node if node.op_type == "LSTM"]
    assert len(lstms) == 2 and all(set(node.input[1:4]) <= constants for node in lstms)
    rounded = [node.op_type for node in onnx.load(str(tmp_path / "small.onnx")).graph.node]
    assert rounded.count("DynamicQuantizeLSTM") == 2


@pytest.mark.parametrize("task", ["classification", "tagging", "masked_lm"])
def test_teachers_become_graphs_too(task: str, checkpoints: list[TeacherSection], tmp_path: Path) -> None:
    teacher = teachers_for(checkpoints, task)[0].eval()
    unit = {"classification": "example", "tagging": "word", "masked_lm": "piece"}[task]
    path = write_onnx(teacher, tmp_path / "teacher.onnx")
    quantise(path, tmp_path / "small.onnx")
    batch = batch_of(teacher, 3, 11)
    with torch.inference_mode():
        own = teacher(batch).logits
    torch.testing.assert_close(OnnxModel(path, unit)(batch).logits, own, atol=1e-5, rtol=1e-4)
    assert OnnxModel(tmp_path / "small.onnx", unit)(batch).logits.shape == own.shape


def test_only_models_that_read_types_have_such_an_input(checkpoints: list[TeacherSection]) -> None:
    student = student_for(checkpoints, "BERT that guesses")
    assert input_names(student) == ("input_ids", "attention_mask")  # its tokenizer makes none
    student.tokenizer.model_input_names = ["input_ids", "token_type_ids", "attention_mask"]
    assert input_names(student) == ("input_ids", "attention_mask", "token_type_ids")
    lstm = student_for(checkpoints, "LSTM that tags")
    lstm.tokenizer.model_input_names = ["input_ids", "token_type_ids", "attention_mask"]
    assert input_names(lstm) == ("input_ids", "attention_mask")


def test_what_cannot_be_traced_is_refused_in_words(checkpoints: list[TeacherSection], tmp_path: Path) -> None:
    student = student_for(checkpoints, "LSTM that tags")
    student.forward = lambda batch: exec("raise RuntimeError('as many steps as the first number says')")  # type: ignore
    with pytest.raises(CheckpointError, match=r"cannot be written as an ONNX graph .*as many steps"):
        write_onnx(student, tmp_path / "model.onnx")
    assert not (tmp_path / "model.onnx").exists()


def test_weights_too_large_for_one_file_lie_beside_the_graph(
    checkpoints: list[TeacherSection], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(graph_module, "_ONE_FILE", 1000)
    student = student_for(checkpoints, "LSTM that tags").eval()
    (tmp_path / "small").mkdir()
    whole = write_onnx(student, tmp_path / "model.onnx")
    small = quantise(whole, tmp_path / "small" / "model.onnx")
    batch = batch_of(student, 2, 9)
    with torch.inference_mode():
        own = student(batch).logits
    torch.testing.assert_close(OnnxModel(whole, "word")(batch).logits, own, atol=1e-5, rtol=1e-4)
    assert OnnxModel(small, "word")(batch).logits.shape == own.shape
    for path in (whole, small):
        beside = [file for file in path.parent.iterdir() if file.is_file() and file != path]
        assert len(beside) == 1 and model_bytes(path) == path.stat().st_size + beside[0].stat().st_size
