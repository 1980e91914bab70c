"""Second formulations in float64 NumPy, and inputs, shared by the tests of losses."""

import numpy as np
import torch

EXTREME = [[1e4, -1e4, 0.0], [-1e4, 1e4, 0.0], [1e4, 1e4, 1e4], [0.0, 0.0, 0.0], [-1e4, -1e4, 1e4]]


def normal(seed, *shape, scale=2.0):
    return torch.from_numpy(np.random.default_rng(seed).normal(0, scale, shape)).float()


def softmax(logits, temperature=1.0):
    scaled = np.asarray(logits, dtype=np.float64) / temperature
    powers = np.exp(scaled - scaled.max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)


def kl(p, q):
    """Σ p log(p/q) over the last axis, 0·log 0 = 0."""
    return np.where(p > 0, p * np.log(np.where(p > 0, p, 1.0) / q), 0.0).sum(axis=-1)


def gradient_in_parts(loss, leaf_values, cuts):
    """Gradient of Σ loss(rows)/B summed over the parts of a split of B rows."""
    leaf = leaf_values.clone().requires_grad_()
    rows = torch.arange(len(leaf))
    for part in torch.tensor_split(rows, cuts):
        (loss(leaf[part], part).sum() / len(rows)).backward()
    return leaf.grad
