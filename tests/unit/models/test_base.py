import torch
from torch import nn

from distill_core.models.base import count_parameters, derived_seed, seeded


def test_seeded_is_repeatable_and_leaves_the_generator_alone():
    torch.manual_seed(3)
    expected = torch.randn(4)
    torch.manual_seed(3)
    with seeded(1, "a"):
        first = torch.randn(2)
    assert torch.equal(torch.randn(4), expected)
    with seeded(1, "a"):
        assert torch.equal(torch.randn(2), first)
    with seeded(1, "b"):
        assert not torch.equal(torch.randn(2), first)


def test_derived_seeds_tell_purposes_apart():
    seeds = {derived_seed(s, *salt) for s in (0, 1, 2) for salt in ((), ("a",), ("a", 1), ("a", "1"))}
    assert len(seeds) == 12
    assert all(0 <= seed < 2**63 for seed in seeds)


def test_shared_tensors_count_once():
    linear = nn.Linear(3, 3)
    assert count_parameters(nn.ModuleList([linear, linear])) == 12
    tied = nn.Linear(3, 3)
    tied.weight = linear.weight
    assert count_parameters(nn.ModuleList([linear, tied])) == 15
