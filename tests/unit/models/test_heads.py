import pytest
import torch

from distill_core.models.base import count_parameters, seeded
from distill_core.models.heads import SharedHead


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
