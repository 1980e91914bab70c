import pytest
import torch
from torch import nn

from distill_core.models.base import Student, check_task, count_parameters, derived_seed, seeded


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


def test_tasks():
    check_task("classification")
    check_task("tagging")
    with pytest.raises(ValueError, match="translation"):
        check_task("translation")


class Bare(Student):
    """A student whose middle part has nothing of its own and whose head is tied to its table."""

    def __init__(self):
        super().__init__()
        self.table = nn.Linear(2, 3, bias=False)
        self.prediction = nn.Linear(2, 3)
        self.prediction.weight = self.table.weight
        self.offset = nn.Parameter(torch.zeros(1))

    def upper_parts(self):
        return [("head", self.prediction), ("middle", nn.Identity())]


def test_parts_name_shared_parameters_once_and_nothing_that_is_empty():
    student = Bare()
    assert [(name, [id(p) for p in parameters]) for name, parameters in student.parts()] == [
        ("head", [id(student.prediction.weight), id(student.prediction.bias)]),
        ("embeddings", [id(student.offset)]),
    ]
