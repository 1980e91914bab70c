"""The faster product is the same product: values, gradients, strides, and only where it is meant."""

import pytest
import torch
from torch import nn
from transformers.activations import GELUActivation

from distill_core.models import fast_linear
from distill_core.models.fast_linear import FastLinear, fast_linears, linear


@pytest.fixture
def onednn(monkeypatch):
    """As on a machine where oneDNN is faster."""
    if not fast_linear._works():
        pytest.skip("this torch has no oneDNN product")
    monkeypatch.setattr(fast_linear, "onednn_is_faster", lambda: True)


@pytest.mark.parametrize("shape", [(3, 5), (2, 4, 5), (1, 1, 5)])
@pytest.mark.parametrize("bias", [True, False])
def test_values_and_gradients_are_those_of_torch(onednn, shape, bias):
    torch.manual_seed(1)
    layer = nn.Linear(5, 7, bias=bias)
    inputs = torch.randn(*shape)
    weighting = torch.randn(*shape[:-1], 7)
    found = {}
    for fast in (False, True):
        x = inputs.clone().requires_grad_()
        layer.zero_grad(set_to_none=True)
        said = linear(x, layer.weight, layer.bias) if fast else layer(x)
        (said * weighting).sum().backward()
        found[fast] = [said.detach(), x.grad, *(p.grad for p in layer.parameters())]
    for ours, theirs in zip(found[True], found[False], strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-5, atol=1e-6)


def test_inputs_of_any_stride(onednn):
    torch.manual_seed(1)
    weight = torch.randn(7, 5)
    for x in (torch.randn(5, 4).t(), torch.randn(3, 8, 5)[:, :1], torch.randn(6, 10)[:, ::2]):
        torch.testing.assert_close(linear(x, weight), x @ weight.t(), rtol=1e-5, atol=1e-6)


def test_products_of_a_step_are_of_dense_matrices(onednn, monkeypatch):
    """The last layer computes the first token alone, a view with rows far apart: oneDNN has no fast path for it."""
    seen = []

    def product(x, weight, bias):
        seen.extend(min(part.reshape(-1, part.shape[-1]).stride()) == 1 and _dense(part) for part in (x, weight))
        return x @ weight.t() + (0 if bias is None else bias)

    monkeypatch.setattr(fast_linear, "product", product)
    states = torch.randn(3, 8, 5, requires_grad=True)
    weight = torch.randn(7, 5, requires_grad=True)
    given = torch.randn(3, 8, 7)
    (linear(states[:, 0], weight) * given[:, 0]).sum().backward()
    assert len(seen) == 6 and all(seen[2:])  # those of the gradients; forwards torch copes by itself
    torch.testing.assert_close(weight.grad, given[:, 0].t() @ states[:, 0].detach())


def _dense(part):
    return part.is_contiguous() or part.t().is_contiguous()


def test_frozen_weights_get_no_gradient_and_hand_theirs_down(onednn):
    layer = nn.Linear(5, 7).requires_grad_(False)
    x = torch.randn(3, 5, requires_grad=True)
    linear(x, layer.weight, layer.bias).sum().backward()
    assert layer.weight.grad is None
    torch.testing.assert_close(x.grad, layer.weight.sum(dim=0).expand(3, 5))


def test_other_precisions_and_empty_batches_take_torch_s_own_way(onednn):
    assert linear(torch.randn(2, 5).double(), torch.randn(7, 5).double()).dtype == torch.float64
    assert linear(torch.randn(0, 5), torch.randn(7, 5)).shape == (0, 7)


def test_only_plain_linear_layers_change_and_only_inside(onednn):
    class Own(nn.Linear):
        pass

    model = nn.Sequential(nn.Linear(3, 3), Own(3, 3), nn.ReLU())
    before = model.state_dict()
    with pytest.raises(RuntimeError), fast_linears(model, object()):
        assert [type(part) for part in model] == [FastLinear, Own, nn.ReLU]
        raise RuntimeError
    assert [type(part) for part in model] == [nn.Linear, Own, nn.ReLU]
    assert model.state_dict().keys() == before.keys()


def test_a_block_inside_a_block_changes_nothing_back(onednn):
    model = nn.Sequential(nn.Linear(3, 3))
    with fast_linears(model):
        with fast_linears(model):
            pass
        assert type(model[0]) is FastLinear


@pytest.mark.parametrize(
    ("machine", "vendor", "faster"),
    [("x86_64", "AuthenticAMD", True), ("x86_64", "GenuineIntel", False), ("x86_64", "", False), ("arm64", "x", False)],
)
def test_the_choice_depends_on_the_machine_alone(monkeypatch, machine, vendor, faster):
    monkeypatch.setattr(fast_linear.platform, "machine", lambda: machine)
    monkeypatch.setattr(fast_linear, "_vendor", lambda: vendor)
    monkeypatch.setattr(fast_linear, "_works", lambda: True)
    monkeypatch.setattr(torch.backends.mkl, "is_available", lambda: True)
    assert fast_linear.onednn_is_faster.__wrapped__() is faster


class Intermediate(nn.Module):
    """As BERT's."""

    def __init__(self, gelu=None):
        super().__init__()
        self.dense, self.intermediate_act_fn = nn.Linear(5, 7), gelu or GELUActivation()

    def forward(self, states):
        return self.intermediate_act_fn(self.dense(states))


@pytest.mark.parametrize("gradients", [True, False])
def test_gelu_taken_at_once_is_the_same(onednn, gradients):
    torch.manual_seed(2)
    part, x = Intermediate(), torch.randn(3, 4, 5)
    plain = part(x)
    with fast_linears(part), torch.set_grad_enabled(gradients):
        assert "forward" in vars(part)
        found = part(x)
    assert "forward" not in vars(part) and found.requires_grad == gradients
    torch.testing.assert_close(found, plain, rtol=1e-5, atol=1e-6)
    if gradients:
        own, other = (torch.autograd.grad(said.sum(), list(part.parameters())) for said in (found, plain))
        for one, two in zip(own, other, strict=True):
            torch.testing.assert_close(one, two, rtol=1e-5, atol=1e-6)


def test_another_activation_is_left_alone(onednn):
    for part in (Intermediate(nn.ReLU()), Intermediate(GELUActivation(use_gelu_python=True))):
        with fast_linears(part):
            assert "forward" not in vars(part)
