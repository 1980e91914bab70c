import numpy as np
import pytest
import torch

from distill_core.config import BiLSTMStudent, TransformerStudent
from distill_core.errors import CheckpointError
from distill_core.models.encoders import word_embedding
from distill_core.models.initialise import truncated_svd
from distill_core.models.layers import chosen_layers
from distill_core.models.students import build_student
from tests.unit.models.conftest import IDS, LAYERS, batch_of


@pytest.mark.parametrize(
    ("choice", "student", "teacher", "expected"),
    [
        ("first", 3, 6, [0, 1, 2]),
        ("last", 3, 6, [3, 4, 5]),
        ("every_other", 3, 6, [0, 2, 4]),
        ("every_other", 6, 12, [0, 2, 4, 6, 8, 10]),
        ("every_other", 4, 6, [0, 1, 3, 4]),
        ("every_other", 4, 4, [0, 1, 2, 3]),
        ("remap", 4, 4, [0, 1, 2, 3]),
        ("remap", 7, 4, [0, 1, 2, 3, 3, 3, 3]),
        ("remap", 3, 1, [0, 0, 0]),
    ],
)
def test_chosen_layers(choice, student, teacher, expected):
    assert chosen_layers(choice, student, teacher) == expected


def test_more_layers_than_there_are():
    with pytest.raises(CheckpointError, match="has 2") as caught:
        chosen_layers("first", 3, 2)
    assert caught.value.field == "student.layers" and "remap" in caught.value.hint


def test_remapping_is_for_deeper_students():
    with pytest.raises(CheckpointError, match="at least as deep") as caught:
        chosen_layers("remap", 2, 3)
    assert caught.value.field == "student.layers"


def from_layers(teacher, choice, layers=2, **more):
    seen = more.pop("seen", None)
    section = TransformerStudent(layers=layers, initialise="teacher_layers", layer_choice=choice, **more)
    return build_student(section, teachers=[teacher], classes=3, max_tokens=32, seed=1, seen=seen)


PREFIX = {
    "bert": "encoder.layer.",
    "roberta": "encoder.layer.",
    "electra": "encoder.layer.",
    "deberta-v2": "encoder.layer.",
    "xlm-roberta": "encoder.layer.",
    "distilbert": "transformer.layer.",
    "modernbert": "layers.",
}


@pytest.mark.parametrize(("choice", "layers"), [("first", 2), ("every_other", 2), ("last", 2), ("remap", LAYERS + 2)])
@pytest.mark.parametrize("kind", PREFIX)
def test_layers_are_copied_tensor_for_tensor(teachers, kind, choice, layers):
    chosen = chosen_layers(choice, layers, LAYERS)
    source = teachers[kind].encoder.state_dict()
    copy = from_layers(teachers[kind], choice, layers).encoder.state_dict()
    compared = 0
    for name, tensor in copy.items():
        if name.startswith(PREFIX[kind]):
            number, rest = name[len(PREFIX[kind]) :].split(".", 1)
            name = f"{PREFIX[kind]}{chosen[int(number)]}.{rest}"
        assert torch.equal(tensor, source[name]), name
        assert tensor.data_ptr() != source[name].data_ptr()
        compared += 1
    assert compared > 10


@pytest.mark.parametrize("kind", [*PREFIX, "albert"])
@torch.no_grad()
def test_a_remapped_student_goes_on_where_its_teacher_ends(teachers, kind):
    student = from_layers(teachers[kind], "remap", LAYERS + 2)
    assert student.layers == student.encoder.config.num_hidden_layers == LAYERS + 2
    ours = student(batch_of(IDS), layers=range(LAYERS + 3)).hidden
    theirs = teachers[kind](batch_of(IDS), layers=range(LAYERS)).hidden
    for layer in range(LAYERS):
        assert torch.allclose(ours[layer], theirs[layer], atol=1e-5)
    assert not torch.allclose(ours[LAYERS + 2], ours[LAYERS + 1], atol=1e-3)


def test_modernberts_first_layer_cannot_stand_further_up(checkpoints):
    from tests.unit.models.conftest import load

    teacher = load(checkpoints["modernbert"], keep_layers=1)
    with pytest.raises(CheckpointError, match="first layer") as caught:
        from_layers(teacher, "remap", 2)
    assert caught.value.field == "student.layers"


@pytest.mark.parametrize(("choice", "layers"), [("first", 2), ("last", 2), ("remap", 6)])
def test_albert_shares_its_layers(teachers, choice, layers):
    student = from_layers(teachers["albert"], choice, layers)
    source = teachers["albert"].encoder.state_dict()
    assert all(torch.equal(tensor, source[name]) for name, tensor in student.encoder.state_dict().items())


@pytest.mark.parametrize("kind", [*PREFIX, "albert"])
@torch.no_grad()
def test_the_first_layers_compute_what_the_teachers_do(teachers, kind):
    hidden = from_layers(teachers[kind], "first", layers=3)(batch_of(IDS), layers=[0, 1, 2]).hidden
    expected = teachers[kind](batch_of(IDS), layers=[0, 1, 2]).hidden
    for layer in range(3):
        assert torch.allclose(hidden[layer], expected[layer], atol=1e-6)


@torch.no_grad()
def test_modernbert_keeps_the_attention_kind_of_each_copied_layer(teachers):
    teacher = teachers["modernbert"].encoder.config
    copied = from_layers(teachers["modernbert"], "last").encoder
    assert copied.config.layer_types == teacher.layer_types[2:]
    assert [layer.attention_type for layer in copied.layers] == teacher.layer_types[2:]


def best_approximation(matrix: torch.Tensor, rank: int) -> np.ndarray:
    left, values, right = np.linalg.svd(matrix.double().numpy(), full_matrices=False)
    return (left[:, :rank] * values[:rank]) @ right[:rank]


@pytest.mark.parametrize("rank", [1, 3, 8])
def test_truncated_svd_is_the_best_approximation(rank):
    matrix = torch.randn(40, 8, generator=torch.Generator().manual_seed(1))
    scores, directions = truncated_svd(matrix, rank)
    assert scores.shape == (40, rank)
    assert np.allclose((scores @ directions.T).numpy(), best_approximation(matrix, rank), atol=1e-9)
    assert torch.allclose(directions.T @ directions, torch.eye(rank, dtype=torch.float64), atol=1e-9)
    assert torch.equal(scores, truncated_svd(matrix, rank)[0])


@pytest.mark.parametrize("kind", ["bert", "albert"])
def test_svd_students_keep_the_best_of_the_teachers_embedding(teachers, kind):
    teacher = teachers[kind]
    matrix = word_embedding(teacher.encoder).detach()
    directions = truncated_svd(matrix, 6)[1]
    bilstm = build_student(
        BiLSTMStudent(embedding=6, lstm_hidden=4, initialise="svd"),
        teachers=[teacher],
        classes=3,
        max_tokens=32,
        seed=1,
    )
    transformer = build_student(
        TransformerStudent(layers=1, hidden=8, heads=2, initialise="svd"),
        teachers=[teacher],
        classes=3,
        max_tokens=32,
        seed=1,
    )
    approximation = bilstm.embedding.weight.detach().double() @ directions.T
    assert np.allclose(approximation.numpy(), best_approximation(matrix, 6), atol=1e-5)
    wide = word_embedding(transformer.encoder).detach().double() @ truncated_svd(matrix, 8)[1].T
    assert np.allclose(wide.numpy(), best_approximation(matrix, 8), atol=1e-5)


def test_svd_takes_the_weights_the_teacher_has_now(checkpoints):
    from tests.unit.models.conftest import load

    teacher = load(checkpoints["bert"])
    section = BiLSTMStudent(embedding=6, lstm_hidden=4, initialise="svd")
    before = build_student(section, teachers=[teacher], classes=3, max_tokens=32, seed=1)
    with torch.no_grad():
        word_embedding(teacher.encoder).mul_(2.0)
    after = build_student(section, teachers=[teacher], classes=3, max_tokens=32, seed=1)
    assert torch.allclose(after.embedding.weight, 2 * before.embedding.weight, atol=1e-5)
