import pytest
import torch

from distill_core.models.base import count_parameters
from distill_core.models.projections import Projections

WIDTHS = {(0, 1): (16, 8), (0, 2): (16, 8), (1, 1): (24, 8), (1, "pooled"): (24, 4)}


def test_one_map_for_each_pair():
    maps = Projections(WIDTHS, seed=1)
    assert sorted(maps.keys) == ["0.1", "0.2", "1.1", "1.pooled"]
    assert maps(0, 2, torch.randn(3, 5, 16)).shape == (3, 5, 8)
    assert maps(1, "pooled", torch.randn(3, 24)).shape == (3, 4)
    assert count_parameters(maps) == 2 * (16 * 8 + 8) + 24 * 8 + 8 + 24 * 4 + 4
    with pytest.raises(KeyError):
        maps(0, 3, torch.randn(3, 16))


def test_each_map_is_drawn_from_its_own_key():
    torch.manual_seed(0)
    whole = Projections(WIDTHS, seed=1)
    torch.manual_seed(9)
    alone = Projections({(1, 1): (24, 8)}, seed=1)
    states = torch.randn(2, 24)
    assert torch.equal(whole(1, 1, states), alone(1, 1, states))
    assert not torch.equal(whole(1, 1, states), Projections(WIDTHS, seed=2)(1, 1, states))
    assert not torch.equal(whole.maps["0"]["1"].weight, whole.maps["0"]["2"].weight)
