import pytest
import torch

from distill_core.config import BiLSTMStudent
from distill_core.models.base import count_parameters
from distill_core.models.students import build_student
from tests.unit.models.conftest import IDS, batch_of


def build(teachers, seed=1, **options):
    section = BiLSTMStudent(**{"embedding": 6, "lstm_hidden": 5, "lstm_layers": 2, "initialise": "random", **options})
    return build_student(section, teachers=[teachers["bert"]], classes=3, max_tokens=32, seed=seed)


@pytest.mark.parametrize("pooling", ["max", "mean", "last"])
@pytest.mark.parametrize("projection", [None, 7])
@torch.no_grad()
def test_padding_reaches_nothing(teachers, pooling, projection):
    student = build(teachers, pooling=pooling, projection=projection)
    short = batch_of(IDS)
    first, second = student(short, layers=[1, 2]), student(batch_of(IDS, pad_to=19), layers=[1, 2])
    assert torch.allclose(first.logits, second.logits, atol=1e-6)
    for layer in (1, 2):
        assert second.hidden[layer].shape == (3, 19, 10)
        assert torch.allclose(first.hidden[layer], second.hidden[layer][:, :10], atol=1e-6)
    for row, ids in enumerate(IDS):
        assert torch.allclose(student(batch_of([ids])).logits[0], first.logits[row], atol=1e-6)
    # What stands in the padding does not matter either.
    other = batch_of(IDS, pad=9)
    assert torch.equal(student(other).logits, first.logits)


@torch.no_grad()
def test_equals_one_deep_lstm_of_torch(teachers):
    student = build(teachers, pooling="last")
    deep = torch.nn.LSTM(6, 5, num_layers=2, batch_first=True, bidirectional=True)
    for layer, lstm in enumerate(student.lstm):
        for name, parameter in lstm.named_parameters():
            getattr(deep, name.replace("_l0", f"_l{layer}")).copy_(parameter)
    ids = torch.tensor([IDS[0]])
    states, (final, _) = deep(student.embedding(ids))
    outputs = student(batch_of(IDS[:1]), layers=[0, 2])
    assert torch.allclose(outputs.hidden[2], states, atol=1e-6)
    assert torch.equal(outputs.hidden[0], student.embedding(ids))
    assert torch.allclose(outputs.pooled, torch.cat([final[2], final[3]], dim=-1), atol=1e-6)
    assert sum(p.numel() for p in deep.parameters()) == count_parameters(student.lstm)


@torch.no_grad()
def test_pooling_sees_real_pieces_alone(teachers):
    batch = batch_of(IDS)
    for pooling, reduce in (("max", lambda x: x.amax(0)), ("mean", lambda x: x.mean(0))):
        outputs = build(teachers, pooling=pooling)(batch, layers=[2])
        for row, ids in enumerate(IDS):
            assert torch.allclose(outputs.pooled[row], reduce(outputs.hidden[2][row, : len(ids)]), atol=1e-6)


def test_sizes(teachers):
    student = build(teachers, projection=7)
    vocab = teachers["bert"].info.vocab_size
    expected = vocab * 6 + 2 * (20 * (6 + 5) + 40) + 2 * (20 * (10 + 5) + 40) + 10 * 7 + 7 + 7 * 3 + 3
    assert count_parameters(student) == expected
    assert (student.layers, student.width, student.pooled_width, student.classes) == (2, 10, 7, 3)


def test_gradients_reach_everything_but_the_padding_row(teachers):
    student = build(teachers, dropout=0.3, projection=7).train()
    student(batch_of(IDS)).logits.square().sum().backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in student.parameters())
    assert student.embedding.weight.grad[0].abs().sum() == 0


def test_dropout_acts_in_training_alone(teachers):
    student = build(teachers, dropout=0.5)
    with torch.no_grad():
        assert torch.equal(student(batch_of(IDS)).logits, student(batch_of(IDS)).logits)
        student.train()
        assert not torch.equal(student(batch_of(IDS)).logits, student(batch_of(IDS)).logits)


def test_layers_that_do_not_exist_are_refused(teachers):
    with pytest.raises(ValueError, match="no layer 3"):
        build(teachers)(batch_of(IDS), layers=[3])
