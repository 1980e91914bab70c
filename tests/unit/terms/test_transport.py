from itertools import permutations

import numpy as np
import pytest
import torch
from scipy.optimize import linprog

from distill_core.terms.transport import flow

COST = torch.from_numpy(np.random.default_rng(0).uniform(0.1, 5, (3, 5))).float()
OURS, THEIRS = torch.tensor([0.2, 0.5, 0.3]), torch.tensor([0.1, 0.3, 0.2, 0.25, 0.15])


def cheapest(cost, ours, theirs):
    """The least ΣF·D as a linear programme of SciPy: a second solver."""
    k, n = cost.shape
    rows = np.kron(np.eye(k), np.ones(n))
    columns = np.kron(np.ones(k), np.eye(n))
    return linprog(cost.ravel(), A_eq=np.vstack([rows, columns]), b_eq=np.concatenate([ours, theirs])).fun


def test_marginals_and_least_cost():
    found = flow(COST, OURS, THEIRS)
    assert found.dtype == torch.float64
    assert (found >= 0).all()
    torch.testing.assert_close(found.sum(1).float(), OURS)
    torch.testing.assert_close(found.sum(0).float(), THEIRS)
    ours, theirs = OURS.double() / OURS.double().sum(), THEIRS.double() / THEIRS.double().sum()
    best = cheapest(COST.double().numpy(), ours.numpy(), theirs.numpy())
    assert (found * COST).sum().item() == pytest.approx(best, rel=1e-9)


def test_equal_numbers_of_equal_weight_are_the_best_assignment():
    square = COST[:, :3]
    found = flow(square, torch.ones(3), torch.ones(3))
    best = min(sum(square[i, p[i]].item() for i in range(3)) for p in permutations(range(3))) / 3
    assert (found * square).sum().item() == pytest.approx(best, rel=1e-6)
    matched = flow(5 - 5 * torch.eye(4), torch.ones(4), torch.ones(4))
    torch.testing.assert_close(matched, torch.eye(4, dtype=torch.float64) / 4)


def test_weights_are_scaled_and_layers_of_no_weight_get_nothing():
    torch.testing.assert_close(flow(COST, 4 * OURS, THEIRS), flow(COST, OURS, THEIRS), rtol=1e-6, atol=1e-9)
    found = flow(COST, torch.tensor([1.0, 0.0, 1.0]), torch.ones(5))
    assert (found[1] == 0).all()


def test_flow_is_a_constant_and_the_gradient_of_the_least_cost():
    leaf = COST.clone().double().requires_grad_()
    found = flow(leaf, OURS, THEIRS)
    assert not found.requires_grad
    total = (found * leaf).sum()
    total.backward()
    torch.testing.assert_close(leaf.grad, found)
    step = 1e-5
    moved = COST.double().clone()
    moved[1, 2] += step
    change = ((flow(moved, OURS, THEIRS) * moved).sum() - total.detach()) / step
    assert change.item() == pytest.approx(found[1, 2].item(), abs=1e-4)


def test_single_layers_and_views_of_memory():
    torch.testing.assert_close(flow(COST[:1], torch.ones(1), THEIRS)[0].float(), THEIRS)
    turned = flow(COST.T, THEIRS, OURS).T
    assert (turned * COST).sum().item() == pytest.approx((flow(COST, OURS, THEIRS) * COST).sum().item(), rel=1e-6)


def test_nonsense_is_refused():
    with pytest.raises(ValueError, match="shapes"):
        flow(COST, THEIRS, OURS)
    with pytest.raises(ValueError, match="finite"):
        flow(COST * float("nan"), OURS, THEIRS)
    for weights in (torch.zeros(3), torch.tensor([1.0, -1.0, 2.0]), torch.tensor([float("nan"), 1.0, 1.0])):
        with pytest.raises(ValueError, match="weights"):
            flow(COST, weights, THEIRS)
