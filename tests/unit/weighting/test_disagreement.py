import math

import numpy as np
import torch

from distill_core.weighting.disagreement import disagreement

RANDOM = np.random.default_rng(1)
TENSORS = [torch.from_numpy(RANDOM.normal(0, 2, (9, 5))).float() for _ in range(3)]


def test_values_equal_float64_numpy():
    powers = [np.exp(z.numpy().astype(np.float64)) for z in TENSORS]
    p = np.stack([x / x.sum(1, keepdims=True) for x in powers])
    expected = (p * np.log(p / p.mean(0))).sum(2).mean(0)
    np.testing.assert_allclose(disagreement(TENSORS), expected, rtol=1e-4, atol=1e-6)


def test_zero_where_teachers_agree_and_log_n_where_they_are_sure_of_different_classes():
    assert disagreement([TENSORS[0], TENSORS[0] + 3]).abs().max() < 1e-6
    assert (disagreement([TENSORS[0]]) < 1e-6).all()
    sure = disagreement([torch.tensor([[1e4, -1e4]]), torch.tensor([[-1e4, 1e4]])])
    assert abs(sure.item() - math.log(2)) < 1e-6


def test_bounds_and_order_of_teachers():
    found = disagreement(TENSORS)
    assert (found >= 0).all()
    assert (found <= math.log(3)).all()
    torch.testing.assert_close(found, disagreement(TENSORS[::-1]))
