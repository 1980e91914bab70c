import pytest
import torch

from distill_core.models.base import count_parameters, seeded
from distill_core.models.heads import SharedHead, TokenHead


@pytest.mark.parametrize(("width", "classes"), [(16, 3), (384, 4)])
def test_parameters(width, classes):
    assert count_parameters(SharedHead(width, classes)) == width * 200 + 200 + 200 + width * classes + classes


def test_equals_the_formula_in_float64():
    with seeded(1):
        head = SharedHead(6, 3).double().eval().requires_grad_(False)
        states = torch.randn(1, 4, 6, dtype=torch.float64)
    logits, pooled = head(states, torch.tensor([[True, True, True, False]]))
    scores = [
        sum(
            float(head.query[k]) * float(torch.tanh(head.attention.weight[k] @ states[0, t] + head.attention.bias[k]))
            for k in range(200)
        )
        for t in range(3)
    ]
    share = torch.tensor(scores, dtype=torch.float64).exp()
    share = share / share.sum()
    expected = sum(share[t] * states[0, t] for t in range(3))
    assert torch.allclose(pooled[0], expected, atol=1e-12)
    assert torch.allclose(logits[0], head.prediction.weight @ expected + head.prediction.bias, atol=1e-12)


def test_padding_has_no_weight():
    head = SharedHead(6, 3).eval()
    states, mask = torch.randn(2, 5, 6), torch.tensor([[True] * 5, [True, True, False, False, False]])
    changed = states.clone()
    changed[1, 2:] = 1e4
    assert torch.equal(head(states, mask)[0], head(changed, mask)[0])


# ---- words


def test_token_head_equals_the_formula():
    head = TokenHead(6, 3).eval().requires_grad_(False)
    head.prediction.bias.copy_(torch.tensor([1.0, -2.0, 3.0]))
    states, words = torch.randn(2, 5, 6), torch.tensor([[-1, 0, 0, 1, -1], [-1, 1, 1, -1, -1]])
    logits, pooled, mask = head(states, words)
    assert mask.tolist() == [[True, True], [False, True]]
    for row, word, position in ((0, 0, 1), (0, 1, 3), (1, 1, 1)):
        assert torch.equal(pooled[row, word], states[row, position])
        expected = head.prediction.weight @ states[row, position] + head.prediction.bias
        assert torch.allclose(logits[row, word], expected, atol=1e-6)
    # A word that was cut off has nothing, not even the bias.
    assert not logits[1, 0].any() and not pooled[1, 0].any()


def test_token_head_drops_out_while_training_alone():
    head, states, words = TokenHead(40, 3, dropout=0.5), torch.ones(1, 2, 40), torch.tensor([[0, 1]])
    torch.manual_seed(1)
    assert not torch.equal(*head(states, words)[0][0])
    assert torch.equal(*head.eval()(states, words)[0][0])
    assert count_parameters(head) == 40 * 3 + 3
