"""The arithmetic of sizes equals torch's count of real modules."""

from __future__ import annotations

from pathlib import Path

import pytest
from torch import nn
from transformers import BertConfig, BertModel

from distill_core import checkpoints, shapes
from distill_core.config import BiLSTMStudent, TransformerStudent
from distill_core.errors import ConfigError
from distill_core.families import FAMILIES
from distill_core.models.heads import SharedHead
from tests.unit import tiny_checkpoints as tiny

CLASSES = 5


@pytest.fixture(scope="module")
def teacher(tmp_path_factory: pytest.TempPathFactory) -> checkpoints.CheckpointInfo:
    return checkpoints.inspect(str(tiny.save(tmp_path_factory.mktemp("teacher"))))


def numel(*modules: nn.Module) -> int:
    return sum(p.numel() for module in modules for p in module.parameters())


@pytest.mark.parametrize("max_tokens", [8, 64, 200])
@pytest.mark.parametrize(
    "student",
    [
        TransformerStudent(layers=1, hidden=24, heads=3),
        TransformerStudent(layers=4, hidden=312, heads=12, intermediate=1200),
        TransformerStudent(layers=2, hidden=16, heads=2, initialise="svd"),
    ],
    ids=lambda student: f"{student.layers}x{student.hidden}",
)
def test_transformer(student: TransformerStudent, teacher: checkpoints.CheckpointInfo, max_tokens: int) -> None:
    encoder = BertModel(
        BertConfig(
            vocab_size=teacher.vocab_size,
            hidden_size=student.hidden,
            num_hidden_layers=student.layers,
            num_attention_heads=student.heads,
            intermediate_size=student.intermediate or 4 * student.hidden,
            max_position_embeddings=max(64, max_tokens),
            type_vocab_size=2,
        ),
        add_pooling_layer=False,
    )
    counted = shapes.student_parameters(student, init_teacher=teacher, classes=CLASSES, max_tokens=max_tokens)
    assert counted == numel(encoder, nn.Linear(student.hidden, CLASSES))


@pytest.mark.parametrize("model_type", sorted(FAMILIES))
def test_layers_of_a_teacher(model_type: str, tmp_path: Path) -> None:
    info = checkpoints.inspect(str(tiny.save(tmp_path, model_type)))
    for layers in (1, 3):
        student = TransformerStudent(layers=layers, initialise="teacher_layers")
        counted = shapes.student_parameters(student, init_teacher=info, classes=CLASSES, max_tokens=32)
        assert counted == tiny.reference_parameters(tmp_path, layers) + numel(nn.Linear(info.hidden, CLASSES))


def test_more_layers_than_the_teacher_has(teacher: checkpoints.CheckpointInfo) -> None:
    student = TransformerStudent(layers=4, initialise="teacher_layers")
    with pytest.raises(ConfigError, match="4 layers cannot be copied") as caught:
        shapes.student_parameters(student, init_teacher=teacher, classes=CLASSES, max_tokens=32)
    assert caught.value.field == "student.layers"


@pytest.mark.parametrize("projection", [None, 7])
@pytest.mark.parametrize("layers", [1, 3])
def test_bilstm(layers: int, projection: int | None, teacher: checkpoints.CheckpointInfo) -> None:
    student = BiLSTMStudent(embedding=6, lstm_hidden=10, lstm_layers=layers, projection=projection)
    modules: list[nn.Module] = [
        nn.Embedding(teacher.vocab_size, 6, padding_idx=0),
        nn.LSTM(6, 10, layers, bidirectional=True),
    ]
    if projection:
        modules.append(nn.Linear(20, projection))
    modules.append(nn.Linear(projection or 20, CLASSES))
    counted = shapes.student_parameters(student, init_teacher=teacher, classes=CLASSES, max_tokens=32)
    assert counted == numel(*modules)


@pytest.mark.parametrize("width", [16, 48])
def test_shared_head(width: int) -> None:
    assert shapes.teacher_head_parameters(width, CLASSES) == numel(SharedHead(width, CLASSES))


def test_teachers_on_the_inference_path() -> None:
    head = shapes.teacher_head_parameters
    assert shapes.teacher_parameters([16, 48], 0, CLASSES, 1000, mode="separate") == 1000 + head(16, CLASSES)
    assert shapes.teacher_parameters([16, 16], 0, CLASSES, 1000, mode="cofinetune") == 1000 + head(16, CLASSES)
    for index, width in enumerate([16, 48]):
        mapped = numel(nn.Linear(width, 48))
        counted = shapes.teacher_parameters([16, 48], index, CLASSES, 1000, mode="cofinetune")
        assert counted == 1000 + mapped + head(48, CLASSES)


def test_bytes_and_compression(teacher: checkpoints.CheckpointInfo) -> None:
    assert shapes.fp32_bytes(250) == 1000
    assert shapes.compression(teacher, 24, (teacher.parameters + 24) // 4) == pytest.approx(4, rel=1e-3)
