"""Dropout from cheaper random numbers is dropout: its share, its mean, its gradient, its seed, and where it is used."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from distill_core.models.fast_dropout import FastDropout, draw, dropout, fast_dropouts, share_kept


@pytest.mark.parametrize("p", [0.0, 0.1, 0.5, 0.9, 1.0])
def test_a_share_of_p_is_dropped_and_entries_do_not_know_of_each_other(p: float) -> None:
    torch.manual_seed(1)
    found = draw(torch.empty(1000, 404), p)
    assert set(found.unique().tolist()) <= {0.0, 1.0}
    assert found.mean().item() == pytest.approx(1 - p, abs=0.002)
    # One draw decides about four neighbours.
    for apart in range(1, 8):
        together = (found.flatten()[:-apart] * found.flatten()[apart:]).mean().item()
        assert together == pytest.approx((1 - p) ** 2, abs=0.004)
    # Each of a draw's four parts drops as often as the others.
    assert found.view(-1, 4).mean(dim=0).tolist() == pytest.approx([1 - p] * 4, abs=0.005)


@pytest.mark.parametrize("shape", [(), (1,), (3,), (5, 7), (0, 4)])
def test_any_shape_is_filled(shape: tuple[int, ...]) -> None:
    assert draw(torch.full(shape, 9.0), 0.5).shape == shape
    assert not (draw(torch.full(shape, 9.0), 0.5) == 9).any()


def test_what_is_kept_makes_up_for_the_rest() -> None:
    torch.manual_seed(1)
    x = torch.ones(1000, 100, requires_grad=True)
    found = dropout(x, 0.1)
    kept = found != 0
    torch.testing.assert_close(found[kept], torch.full_like(found[kept], 1 / share_kept(0.1)))
    assert share_kept(0.1) == pytest.approx(0.9, abs=1e-5)
    (gradient,) = torch.autograd.grad(found.sum(), x)
    torch.testing.assert_close(gradient, found.detach())


def test_gradients() -> None:
    def dropped(x: torch.Tensor) -> torch.Tensor:
        torch.manual_seed(4)
        return dropout(x, 0.3)

    assert torch.autograd.gradcheck(dropped, torch.randn(4, 5, dtype=torch.float64, requires_grad=True))


def test_equal_seeds_drop_equally_and_the_generator_goes_on() -> None:
    found = []
    for _ in range(2):
        torch.manual_seed(7)
        found.append([dropout(torch.ones(50), 0.5) for _ in range(2)])
    assert torch.equal(found[0][0], found[1][0]) and torch.equal(found[0][1], found[1][1])
    assert not torch.equal(found[0][0], found[0][1])


def test_the_dropouts_of_a_model_are_swapped_and_put_back() -> None:
    model = nn.Sequential(nn.Linear(3, 3), nn.Dropout(0.5), nn.Dropout(0.5, inplace=True), nn.AlphaDropout(0.5))
    with pytest.raises(RuntimeError), fast_dropouts(model, object()):
        assert [type(part) for part in model] == [nn.Linear, FastDropout, nn.Dropout, nn.AlphaDropout]
        raise RuntimeError
    assert [type(part) for part in model] == [nn.Linear, nn.Dropout, nn.Dropout, nn.AlphaDropout]


def test_nothing_is_drawn_where_nothing_is_dropped() -> None:
    x = torch.randn(100)
    for part in (FastDropout(0.5).eval(), FastDropout(0.0), FastDropout(1e-9)):
        before = torch.get_rng_state()
        torch.testing.assert_close(part(x), x)
        if part.p != 1e-9:
            assert torch.equal(torch.get_rng_state(), before)
    assert not FastDropout(1.0)(x).any()
    assert FastDropout(0.5)(x.bfloat16()).dtype == torch.bfloat16
