"""What libraries keep in memory: counted by the different shapes of products, up to what is kept."""

import numpy as np
import pytest
import torch
from torch import nn

from distill_core.planner import libraries
from distill_core.planner.libraries import CODE, COMPILER, KEPT, Products, bytes_kept

LENGTHS = np.array([5, 5, 7, 7, 2])
BATCHES = [np.array([0, 1]), np.array([2, 3]), np.array([0, 4]), np.array([4])]  # 10, 14, 10 and 2 padded tokens


def layers():
    return nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 4), nn.Linear(4, 8))


def counted(*, trained, times=1):
    products = Products()
    for _ in range(times):
        products.note([layers()], BATCHES, LENGTHS, trained=trained)
    return len(products)


@pytest.fixture
def onednn(monkeypatch):
    monkeypatch.setattr(libraries, "onednn_is_faster", lambda: True)


def test_equal_shapes_count_once_and_training_has_three_products():
    # Two shapes of layers, three numbers of tokens.
    assert counted(trained=False) == 6
    assert counted(trained=True) == 18
    assert counted(trained=True, times=3) == 18


def test_other_models_add_their_own_shapes():
    products = Products()
    products.note([layers()], BATCHES, LENGTHS, trained=True)
    products.note([nn.Linear(4, 9), nn.LSTM(4, 4)], BATCHES, LENGTHS, trained=False)
    assert len(products) == 18 + 3


def test_bytes_grow_with_the_shapes_up_to_what_is_kept(onednn):
    products = Products()
    assert bytes_kept(products) == COMPILER
    products.note([layers()], BATCHES, LENGTHS, trained=True)
    assert bytes_kept(products) == COMPILER + 18 * CODE
    lengths = np.arange(1, 3 * KEPT)
    products.note([nn.Linear(2, 2)], [np.array([row]) for row in range(len(lengths))], lengths, trained=False)
    assert bytes_kept(products) == COMPILER + KEPT * CODE


def test_where_torch_multiplies_by_itself_nothing_is_kept(monkeypatch):
    monkeypatch.setattr(libraries, "onednn_is_faster", lambda: False)
    products = Products()
    products.note([layers()], BATCHES, LENGTHS, trained=True)
    assert bytes_kept(products) == COMPILER


def test_an_optimizer_loads_the_compiler():
    import sys

    torch.optim.AdamW([nn.Parameter(torch.zeros(2))]).step()
    assert "torch._dynamo" in sys.modules
