import pytest
import torch
from torch import nn

from distill_core.config import BiLSTMStudent, TransformerStudent
from distill_core.errors import CheckpointError
from distill_core.models.base import count_parameters
from distill_core.models.students import build_student
from distill_core.shapes import student_parameters
from tests.unit.models.conftest import IDS, KINDS, LAYERS, batch_of

SMALL = {"layers": 2, "hidden": 8, "heads": 2}
SECTIONS = [
    TransformerStudent(**SMALL),
    TransformerStudent(**SMALL, initialise="svd", intermediate=12),
    TransformerStudent(layers=3, initialise="teacher_layers"),
    BiLSTMStudent(embedding=6, lstm_hidden=5, initialise="svd"),
    BiLSTMStudent(embedding=6, lstm_hidden=5, lstm_layers=2, projection=7),
]


def build(section, teacher, seed=1, max_tokens=32):
    return build_student(section, teachers=[teacher], classes=3, max_tokens=max_tokens, seed=seed)


@pytest.mark.parametrize("section", SECTIONS, ids=lambda s: f"{s.kind}-{s.initialise}")
@pytest.mark.parametrize("kind", KINDS)
def test_sizes_equal_the_arithmetic(teachers, kind, section):
    student = build(section, teachers[kind])
    expected = student_parameters(section, init_teacher=teachers[kind].info, classes=3, max_tokens=32)
    assert count_parameters(student) == expected


@pytest.mark.parametrize("kind", KINDS)
@torch.no_grad()
def test_a_student_of_any_teachers_layers(teachers, kind):
    student = build(SECTIONS[2], teachers[kind])
    assert (student.layers, student.width, student.pooled_width) == (3, 16, 16)
    short, long = student(batch_of(IDS), layers=range(4)), student(batch_of(IDS, pad_to=16))
    assert len(short.hidden) == 4
    assert torch.allclose(short.logits, long.logits, atol=1e-5)
    assert torch.equal(short.pooled, short.hidden[3][:, 0])


@torch.no_grad()
def test_own_sizes(teachers):
    student = build(SECTIONS[0], teachers["roberta"], max_tokens=100)
    outputs = student(batch_of(IDS), layers=[0, 1, 2])
    assert outputs.logits.shape == (3, 3)
    assert [outputs.hidden[k].shape for k in range(3)] == [(3, 10, 8)] * 3
    assert torch.allclose(outputs.logits, student(batch_of(IDS, pad_to=16)).logits, atol=1e-5)
    assert student.encoder.config.max_position_embeddings == 100
    assert student.encoder.config.intermediate_size == 32
    assert student.encoder.config._attn_implementation == "sdpa"


@pytest.mark.parametrize("section", SECTIONS, ids=lambda s: f"{s.kind}-{s.initialise}")
def test_equal_seeds_give_equal_students(teachers, section):
    torch.manual_seed(1)
    first = build(section, teachers["bert"])
    torch.manual_seed(2)
    state = torch.get_rng_state()
    second = build(section, teachers["bert"])
    assert torch.equal(torch.get_rng_state(), state)
    for name, tensor in first.state_dict().items():
        assert torch.equal(second.state_dict()[name], tensor), name
    other = build(section, teachers["bert"], seed=2)
    assert any(not torch.equal(other.state_dict()[name], tensor) for name, tensor in first.state_dict().items())


@pytest.mark.parametrize("kind", ["bert", "modernbert"])
def test_dropout_is_the_students_own(teachers, kind):
    student = build(TransformerStudent(layers=2, initialise="teacher_layers", dropout=0.35), teachers[kind])
    assert {part.p for part in student.modules() if isinstance(part, nn.Dropout)} == {0.35}
    assert {part.p for part in teachers[kind].encoder.modules() if isinstance(part, nn.Dropout)} <= {0.0, 0.1}


def test_training_the_student_leaves_the_teacher_alone(teachers):
    teacher = teachers["bert"]
    before = {name: tensor.clone() for name, tensor in teacher.state_dict().items()}
    student = build(SECTIONS[2], teacher)
    with torch.no_grad():
        for parameter in student.parameters():
            parameter.add_(1.0)
    assert all(torch.equal(teacher.state_dict()[name], tensor) for name, tensor in before.items())
    assert teacher.encoder.config.num_hidden_layers == LAYERS


def test_the_chosen_teacher_gives_tokenizer_and_vocabulary(teachers):
    section = BiLSTMStudent(embedding=6, lstm_hidden=5, init_teacher=2)
    pair = [teachers["bert"], teachers["xlm-roberta"]]
    student = build_student(section, teachers=pair, classes=3, max_tokens=32, seed=1)
    assert student.tokenizer is pair[1].tokenizer
    assert student.embedding.num_embeddings == pair[1].info.vocab_size


@pytest.mark.parametrize(
    ("section", "field"),
    [
        (TransformerStudent(layers=5, initialise="teacher_layers"), "student.layers"),
        (TransformerStudent(layers=2, hidden=32, heads=2, initialise="svd"), "student.hidden"),
        (BiLSTMStudent(embedding=17, lstm_hidden=5, initialise="svd"), "student.embedding"),
        (BiLSTMStudent(init_teacher=2), "student.init_teacher"),
    ],
)
def test_what_the_teacher_cannot_give(teachers, section, field):
    with pytest.raises(CheckpointError) as caught:
        build(section, teachers["bert"])
    assert caught.value.field == field


def test_copied_positions_limit_the_input(teachers):
    with pytest.raises(CheckpointError) as caught:
        build(SECTIONS[2], teachers["roberta"], max_tokens=66)
    assert caught.value.field == "data.max_tokens"
    build(SECTIONS[2], teachers["roberta"], max_tokens=65)
