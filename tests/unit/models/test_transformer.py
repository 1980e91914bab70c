import pytest
import torch

from distill_core.models.base import seeded
from distill_core.models.encoders import choose_layers, new_encoder
from distill_core.students.transformer.model import TransformerClassifier
from tests.unit.models.conftest import IDS, KINDS, batch_of, make_config
from tests.unit.models.tagging import CLASSES, check_padding, check_words, tagged


def build(kind="bert", task="classification", layers=2, **options):
    with seeded(options.pop("seed", 1), kind):
        encoder = new_encoder(make_config(kind, 60, layers=layers))
        student = TransformerClassifier(encoder, None, classes=CLASSES, dropout=options.pop("dropout", 0.2), task=task)
    return student.eval()


# ---- words


@pytest.mark.parametrize("kind", KINDS)
@torch.no_grad()
def test_tagging(kind):
    student = build(kind, "tagging")
    outputs = student(tagged(), layers=[1, 2])
    check_words(outputs, outputs.hidden[2])
    assert torch.allclose(outputs.logits[1, 1], student.prediction(outputs.hidden[2][1, 2]), atol=1e-6)
    check_padding(student)


@pytest.mark.parametrize("kind", KINDS)
@torch.no_grad()
def test_padding_changes_no_classification(kind):
    student = build(kind).double()
    together = student(batch_of(IDS))
    assert together.word_mask is None
    for row, ids in enumerate(IDS):
        alone = student(batch_of([ids]))
        assert torch.allclose(alone.logits[0], together.logits[row], atol=1e-6)
        assert torch.allclose(alone.pooled[0], together.pooled[row], atol=1e-6)
    assert torch.allclose(student(batch_of(IDS, pad_to=17, pad=9)).logits, together.logits, atol=1e-6)


def test_dropout_acts_on_words_in_training_alone():
    student = build(task="tagging", dropout=0.5)
    student.encoder.requires_grad_(False)
    torch.manual_seed(1)
    student.train().encoder.eval()
    assert not torch.equal(student(tagged()).logits, student(tagged()).logits)
    assert torch.equal(student(tagged()).pooled, student(tagged()).pooled)


def test_both_tasks_start_from_the_same_tensors():
    first, second = build().state_dict(), build(task="tagging").state_dict()
    assert all(torch.equal(second[name], tensor) for name, tensor in first.items())


def test_unknown_tasks():
    with pytest.raises(ValueError, match="parsing"):
        build(task="parsing")


# ---- attention


def test_the_gradient_flows_through_queries_keys_and_values():
    student = build().train()
    outputs = student(batch_of(IDS), qkv=[2])
    assert list(outputs.qkv) == [2]
    for place, name in enumerate(("query", "key", "value")):
        student.zero_grad()
        outputs.qkv[2][:, :, place].square().sum().backward(retain_graph=True)
        reached = {n for n, p in student.named_parameters() if p.grad is not None and p.grad.abs().sum() > 0}
        own = {n for n in reached if n.startswith("encoder.encoder.layer.1.")}
        # The key's bias moves no score, but it moves the keys.
        assert own == {f"encoder.encoder.layer.1.attention.self.{name}.{part}" for part in ("weight", "bias")}
        assert "encoder.embeddings.word_embeddings.weight" in reached
        assert not any(n.startswith("prediction") for n in reached)


# ---- parts


def names_of(student, parameters):
    names = {id(parameter): name for name, parameter in student.named_parameters()}
    return [names[id(parameter)] for parameter in parameters]


def test_parts_from_the_top_down():
    student = build(layers=3)
    parts = student.parts()
    assert [name for name, _ in parts] == ["head", "layer 3", "layer 2", "layer 1", "embeddings"]
    assert names_of(student, parts[0][1]) == ["prediction.weight", "prediction.bias"]
    for name, parameters in parts[1:4]:
        index = int(name[-1]) - 1
        expected = [n for n, _ in student.named_parameters() if n.startswith(f"encoder.encoder.layer.{index}.")]
        assert names_of(student, parameters) == expected
    assert names_of(student, parts[4][1]) == [n for n, _ in student.named_parameters() if ".embeddings." in n]


@pytest.mark.parametrize("kind", KINDS)
def test_every_parameter_is_in_one_part(kind):
    student = build(kind)
    parts = student.parts()
    layers = ["layer group 1"] if kind == "albert" else ["layer 2", "layer 1"]
    assert [name for name, _ in parts] == ["head", *layers, "embeddings"]
    found = [id(parameter) for _, parameters in parts for parameter in parameters]
    assert len(found) == len(set(found))
    assert set(found) == {id(parameter) for parameter in student.parameters()}


def test_albert_groups_are_parts_of_their_own():
    config = make_config("albert", 60, layers=4)
    config.num_hidden_groups = 2
    choose_layers(config, [0, 1, 2, 3])
    student = TransformerClassifier(new_encoder(config), None, classes=3, dropout=0.0)
    assert [name for name, _ in student.parts()] == ["head", "layer group 2", "layer group 1", "embeddings"]


def test_shared_parameters_belong_to_the_uppermost_part():
    student = build(layers=2)
    lower, upper = student.encoder.encoder.layer
    lower.attention.self.query.weight = upper.attention.self.query.weight
    parts = dict(student.parts())
    shared = upper.attention.self.query.weight
    assert any(parameter is shared for parameter in parts["layer 2"])
    assert not any(parameter is shared for parameter in parts["layer 1"])
    assert sum(len(parameters) for parameters in parts.values()) == len(list(student.parameters()))


# ---- a new head


def test_a_new_head_is_drawn_in_place_from_its_seed():
    student, twin = build(), build()
    weight, bias = student.prediction.weight, student.prediction.bias
    before = {name: tensor.clone() for name, tensor in student.state_dict().items()}
    with torch.no_grad():
        bias.fill_(3.0)
    state = torch.get_rng_state()
    student.reset_head(5)
    assert torch.equal(torch.get_rng_state(), state)
    assert student.prediction.weight is weight and student.prediction.bias is bias
    assert weight.requires_grad and not bias.any()
    changed = [name for name, tensor in student.state_dict().items() if not torch.equal(tensor, before[name])]
    assert changed == ["prediction.weight"]
    twin.reset_head(5)
    assert torch.equal(twin.prediction.weight, weight)
    twin.reset_head(6)
    assert not torch.equal(twin.prediction.weight, weight)


def test_a_new_head_has_the_distribution_of_the_first():
    student = TransformerClassifier(new_encoder(make_config("bert", 60, hidden=64)), None, classes=500, dropout=0.0)
    first = student.prediction.weight.std().item()
    student.reset_head(1)
    assert first == pytest.approx(0.02, rel=0.03)
    assert student.prediction.weight.std().item() == pytest.approx(0.02, rel=0.03)
