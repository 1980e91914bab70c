"""The arithmetic of sizes equals torch's count of real modules."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter
from torch import nn
from transformers import BertConfig, BertModel

from distill_core import checkpoints, shapes
from distill_core.config import BiLSTMStudent, TransformerStudent
from distill_core.errors import ConfigError
from distill_core.families import FAMILIES
from distill_core.models.factorised import install_factorised
from distill_core.models.heads import SharedHead, TokenHead
from distill_core.sections.students import Student
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
        TransformerStudent(layers=2, hidden=16, heads=2, embedding=5),
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
    if student.embedding:
        install_factorised(encoder, student.embedding)
    counted = shapes.student_parameters(student, init_teacher=teacher, classes=CLASSES, max_tokens=max_tokens)
    assert counted == numel(encoder, nn.Linear(student.hidden, CLASSES))


@pytest.mark.parametrize("model_type", sorted(FAMILIES))
def test_layers_of_a_teacher(model_type: str, tmp_path: Path) -> None:
    info = checkpoints.inspect(str(tiny.save(tmp_path, model_type)))
    for layers in (1, 3):
        student = TransformerStudent(layers=layers, initialise="teacher_layers")
        counted = shapes.student_parameters(student, init_teacher=info, classes=CLASSES, max_tokens=32)
        assert counted == tiny.reference_parameters(tmp_path, layers) + numel(nn.Linear(info.hidden, CLASSES))


@pytest.mark.parametrize("model_type", sorted(FAMILIES))
def test_more_layers_by_remapping(model_type: str, tmp_path: Path) -> None:
    info = checkpoints.inspect(str(tiny.save(tmp_path, model_type)))
    model = tiny.build(model_type)
    last = [p.numel() for name, p in model.named_parameters() if re.search(r"(layer|layers)\.2\.", name)]
    assert bool(last) == bool(info.per_layer)
    student = TransformerStudent(layers=5, initialise="teacher_layers", layer_choice="remap")
    counted = shapes.student_parameters(student, init_teacher=info, classes=CLASSES, max_tokens=32)
    assert counted == tiny.reference_parameters(tmp_path) + 2 * sum(last) + numel(nn.Linear(info.hidden, CLASSES))


@pytest.mark.parametrize("model_type", sorted(FAMILIES))
def test_fewer_pieces_and_a_factorised_embedding_of_a_teacher(model_type: str, tmp_path: Path) -> None:
    info = checkpoints.inspect(str(tiny.save(tmp_path, model_type)))
    model = tiny.build(model_type)
    words = model.get_input_embeddings().weight
    rest = tiny.reference_parameters(tmp_path) - words.numel() + numel(nn.Linear(info.hidden, CLASSES))
    width = words.shape[1]
    assert shapes.embedding_width(info) == width

    def counted(known: int | None = None, **more: Any) -> int:
        student = TransformerStudent(layers=3, initialise="teacher_layers", vocabulary="seen", **more)
        return shapes.student_parameters(
            student, init_teacher=info, classes=CLASSES, max_tokens=32, task="tagging", vocab_size=known
        )

    assert counted(17) == rest + 17 * width
    assert counted(17, embedding=3) == rest + 17 * 3 + 3 * width
    assert counted(embedding=3) == rest + tiny.VOCAB * 3 + 3 * width, "all pieces while they are not known"
    with pytest.raises(ConfigError, match="saves nothing") as caught:
        counted(17, embedding=width)
    assert caught.value.field == "student.embedding"


@pytest.mark.parametrize("model_type", ["albert", "convbert", "electra", "mobilebert", "rembert", "deberta-v2"])
def test_widths_that_a_config_leaves_out(model_type: str, tmp_path: Path) -> None:
    folder = tiny.save(tmp_path, model_type)
    info = checkpoints.inspect(str(folder))
    values = json.loads((folder / "config.json").read_text())
    sizes = {"embedding_size", "input_embedding_size"}
    (folder / "config.json").write_text(json.dumps({k: v for k, v in values.items() if k not in sizes}))
    config = tiny.configuration(folder)
    expected = getattr(config, "input_embedding_size", getattr(config, "embedding_size", config.hidden_size))
    assert shapes.embedding_width(info) == expected


def test_a_full_vocabulary_does_not_care_what_was_seen(teacher: checkpoints.CheckpointInfo) -> None:
    for student in (BiLSTMStudent(), TransformerStudent(), TransformerStudent(layers=2, initialise="teacher_layers")):
        plain = shapes.student_parameters(student, init_teacher=teacher, classes=CLASSES, max_tokens=32)
        told = shapes.student_parameters(student, init_teacher=teacher, classes=CLASSES, max_tokens=32, vocab_size=7)
        assert plain == told
    with pytest.raises(ValueError, match="unknown task"):
        shapes.student_parameters(
            BiLSTMStudent(), init_teacher=teacher, classes=CLASSES, max_tokens=32, task="translation"
        )


# Published totals of the checkpoints, bare model with 30,522 pieces and 512 positions, less its pooler.
PUBLISHED = {
    "bert_base": 109_482_240 - 768 * 769,
    "minilm_6": 22_713_216 - 384 * 385,
    "tinybert_4": 14_350_248 - 312 * 313,
    "bert_tiny": 4_385_920 - 128 * 129,
    # DistilBERT has no pooler, and none of the two token types that our students have.
    "distilbert": 66_362_880 + 2 * 768,
}


@pytest.mark.parametrize("name", shapes.STUDENT_PRESETS)
def test_presets(name: str, teacher: checkpoints.CheckpointInfo) -> None:
    title, fields = shapes.STUDENT_PRESETS[name]
    section = TypeAdapter(Student).validate_python(fields)
    assert title and section.kind == fields["kind"]
    uncased = replace(teacher, vocab_size=30_522)
    counted = shapes.student_parameters(section, init_teacher=uncased, classes=CLASSES, max_tokens=512)
    if section.kind == "transformer":
        assert counted == PUBLISHED[name] + numel(nn.Linear(section.hidden, CLASSES))
    else:
        lstm = nn.LSTM(section.embedding, section.lstm_hidden, bidirectional=True)
        assert counted > numel(lstm) + 30_522 * section.embedding


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


@pytest.mark.parametrize("mode", ["separate", "cofinetune"])
def test_taggers_read_words_without_pooling(mode: str) -> None:
    counted = shapes.teacher_parameters([16, 48], 1, CLASSES, 1000, mode=mode, task="tagging")
    mapped = numel(nn.Linear(48, 48)) if mode == "cofinetune" else 0
    assert counted == 1000 + mapped + numel(TokenHead(48, CLASSES))


def test_bytes_and_compression(teacher: checkpoints.CheckpointInfo) -> None:
    assert shapes.fp32_bytes(250) == 1000
    assert shapes.compression(teacher, 24, (teacher.parameters + 24) // 4) == pytest.approx(4, rel=1e-3)
