import pytest
import torch
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from distill_core.config import BiLSTMStudent
from distill_core.models.base import count_parameters, seeded
from distill_core.models.students import build_student
from distill_core.students.bilstm.model import BiLSTMClassifier, BiLSTMShape
from distill_core.students.bilstm.padded import PaddedTexts
from tests.unit.models.conftest import IDS, batch_of
from tests.unit.models.tagging import CLASSES, check_padding, check_words, tagged


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


@pytest.mark.parametrize("frozen", [False, True])
@pytest.mark.parametrize("lengths", [(7, 3, 1), (4, 4, 4), (1,)])
def test_padded_texts_go_through_as_packed_ones(lengths, frozen):
    """Values, final states and gradients, of texts and of what is learnt."""
    torch.manual_seed(1)
    lstm = torch.nn.LSTM(6, 5, batch_first=True, bidirectional=True).requires_grad_(not frozen)
    inputs, weighting = torch.randn(len(lengths), 7, 6), torch.randn(len(lengths), 7, 10)
    mask = torch.arange(7) < torch.tensor(lengths).unsqueeze(1)
    found = []
    for padded in (True, False):
        lstm.zero_grad(set_to_none=True)
        x = inputs.clone().requires_grad_()
        if padded:
            states, final = PaddedTexts(mask).through(lstm, x)
        else:
            packed, (final, _) = lstm(pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False))
            states = pad_packed_sequence(packed, batch_first=True, total_length=7)[0]
        ((states * weighting).sum() + final.square().sum()).backward()
        found.append([states.detach(), final.detach(), x.grad, *(p.grad for p in lstm.parameters() if not frozen)])
    for ours, theirs in zip(*found, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-5, atol=1e-6)


def test_turned_twice_is_as_before():
    texts, states = PaddedTexts(torch.arange(5) < torch.tensor([[5], [2], [1]])), torch.randn(3, 5, 2)
    assert torch.equal(texts.turn(texts.turn(states)), states)
    assert torch.equal(texts.turn(states)[1], states[1][[1, 0, 2, 3, 4]])


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


# ---- words


def plain(seed=1, **options):
    """A BiLSTM without a teacher."""
    sizes = {"vocab_size": 60, "embedding": 6, "lstm_hidden": 5, "lstm_layers": 2, "pooling": "max", "projection": None}
    shape = BiLSTMShape(**{**sizes, "classes": CLASSES, "padding_id": 0, "dropout": 0.2, **options})
    with seeded(seed):
        return BiLSTMClassifier(shape, None).eval()


@torch.no_grad()
def test_tagging_reads_the_first_piece_of_each_word():
    student = plain(task="tagging")
    outputs = student(tagged(), layers=[2])
    check_words(outputs, outputs.hidden[2])
    assert torch.allclose(outputs.logits[2, 2], student.prediction(outputs.hidden[2][2, 5]), atol=1e-6)


@torch.no_grad()
def test_tagging_through_the_projection():
    student = plain(task="tagging", projection=7)
    outputs = student(tagged(), layers=[2])
    check_words(outputs, torch.nn.functional.gelu(student.projection(outputs.hidden[2])))
    # GELU(x) = x·Φ(x), worked out in float64.
    inner = student.projection(outputs.hidden[2][2, 5]).double()
    assert torch.allclose(outputs.pooled[2, 2].double(), inner * (1 + torch.erf(inner / 2**0.5)) / 2, atol=1e-6)
    assert torch.allclose(outputs.logits[2, 2], student.prediction(outputs.pooled[2, 2]), atol=1e-6)
    assert student.pooled_width == 7


@pytest.mark.parametrize("projection", [None, 7])
def test_no_tag_depends_on_padding(projection):
    check_padding(plain(task="tagging", projection=projection))


@pytest.mark.parametrize("pooling", ["max", "mean", "last"])
@torch.no_grad()
def test_tagging_ignores_the_pooling(pooling):
    assert torch.equal(plain(task="tagging", pooling=pooling)(tagged()).logits, plain(task="tagging")(tagged()).logits)


def test_gradients_of_tags_reach_everything_but_the_padding_row():
    student = plain(task="tagging", projection=7).train()
    student(tagged()).logits.square().sum().backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in student.parameters())
    assert student.embedding.weight.grad[0].abs().sum() == 0


def test_the_task_can_be_given_beside_the_shape():
    shape = plain().shape
    student = BiLSTMClassifier(shape, None, task="tagging")
    assert (student.task, student.shape.task, student.architecture["task"]) == ("tagging",) * 3
    assert BiLSTMClassifier(student.shape, None).task == "tagging"
    assert plain().task == "classification"
    with pytest.raises(ValueError, match="parsing"):
        plain(task="parsing")


def test_a_bilstm_has_no_attention():
    with pytest.raises(ValueError, match="no attention"):
        plain()(batch_of(IDS), qkv=[1])


# ---- dropout after the embedding


def test_embedding_dropout_is_its_own_where_given():
    assert (plain().embedding_dropout.p, plain().dropout.p) == (0.2, 0.2)
    assert (plain(embedding_dropout=0.0).embedding_dropout.p, plain(embedding_dropout=0.0).dropout.p) == (0.0, 0.2)
    still = plain(embedding_dropout=0.0, lstm_layers=1, pooling="last").train()
    assert torch.equal(still(batch_of(IDS)).pooled, still(batch_of(IDS)).pooled)
    moving = plain(dropout=0.0, embedding_dropout=0.5, lstm_layers=1, pooling="last").train()
    assert not torch.equal(moving(batch_of(IDS)).pooled, moving(batch_of(IDS)).pooled)


# ---- parts and head


@pytest.mark.parametrize("task", ["classification", "tagging"])
def test_parts_from_the_top_down(task):
    student = plain(task=task, projection=7, lstm_layers=3)
    names = {id(parameter): name.rsplit(".", 1)[0] for name, parameter in student.named_parameters()}
    assert [(name, {names[id(p)] for p in parameters}, len(parameters)) for name, parameters in student.parts()] == [
        ("head", {"prediction"}, 2),
        ("projection", {"projection"}, 2),
        ("LSTM layer 3", {"lstm.2"}, 8),
        ("LSTM layer 2", {"lstm.1"}, 8),
        ("LSTM layer 1", {"lstm.0"}, 8),
        ("embeddings", {"embedding"}, 1),
    ]
    assert [name for name, _ in plain(lstm_layers=1).parts()] == ["head", "LSTM layer 1", "embeddings"]


def test_a_new_head_is_drawn_like_the_first():
    student = plain(classes=400)
    weight, bias = student.prediction.weight, student.prediction.bias
    bound = 10**-0.5
    for seed in (None, 3):
        if seed is not None:
            student.reset_head(seed)
        assert student.prediction.weight is weight
        for tensor in (weight, bias):
            assert tensor.abs().max() <= bound
            assert tensor.std().item() == pytest.approx(bound / 3**0.5, rel=0.1)
    other = plain(classes=400, seed=9)
    other.reset_head(3)
    assert torch.equal(other.prediction.weight, weight) and torch.equal(other.prediction.bias, bias)
    assert not torch.equal(other.embedding.weight, student.embedding.weight)
