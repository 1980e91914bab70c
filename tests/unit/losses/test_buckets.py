"""The k most probable classes and one bucket for all others."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from distill_core.losses.buckets import bucket, top_classes
from distill_core.losses.divergences import soft_label_js, soft_label_reverse_kl
from distill_core.losses.soft_labels import soft_label_kl

U, V = 7, 12


@pytest.fixture
def pair() -> tuple[torch.Tensor, torch.Tensor]:
    draw = torch.Generator().manual_seed(3)
    return tuple(3 * torch.randn(U, V, generator=draw, dtype=torch.float64) for _ in range(2))


def test_probabilities_are_those_of_the_classes_and_the_sum_of_the_rest(pair):
    student, teacher = pair
    kept, classes = top_classes(teacher, 4)
    for logits, got in ((teacher, kept), (student, bucket(student, classes))):
        values = logits.numpy()
        exact = np.exp(values) / np.exp(values).sum(axis=1, keepdims=True)
        named = np.take_along_axis(exact, classes.numpy(), axis=1)
        shares = got.softmax(dim=-1).numpy()
        assert np.allclose(shares[:, :4], named, atol=1e-12)
        assert np.allclose(shares[:, 4], 1 - named.sum(axis=1), atol=1e-12)
    order = np.sort(teacher.numpy(), axis=1)[:, ::-1]
    assert np.array_equal(kept[:, :4].numpy(), order[:, :4])


@pytest.mark.parametrize("divergence", [soft_label_kl, soft_label_reverse_kl, soft_label_js])
def test_a_bucketed_divergence_never_exceeds_the_whole_one_and_equals_it_for_all_but_one(pair, divergence):
    student, teacher = pair
    whole = divergence(student, teacher, temperature=1.0)
    last = torch.zeros_like(whole)
    for k in (1, 3, 6, V - 1):
        kept, classes = top_classes(teacher, k)
        found = divergence(bucket(student, classes), kept, temperature=1.0)
        assert bool((found <= whole + 1e-12).all())
        # Finer buckets tell more.
        assert bool((found >= last - 1e-12).all())
        last = found
    assert torch.allclose(last, whole, atol=1e-12)


def test_more_classes_than_there_are_keep_all_but_one(pair):
    kept, classes = top_classes(pair[0], 500)
    assert classes.shape == (U, V - 1) and kept.shape == (U, V)


def test_gradients_reach_every_class_and_are_finite_at_the_extremes():
    logits = torch.tensor([[1e4, -1e4, 0.0, 5.0], [0.0, 0.0, 0.0, 0.0]], requires_grad=True)
    teacher = torch.tensor([[0.0, 1e4, -1e4, 3.0], [4.0, 3.0, 2.0, 1.0]])
    kept, classes = top_classes(teacher, 2)
    soft_label_kl(bucket(logits, classes), kept, temperature=1.0).sum().backward()
    assert bool(torch.isfinite(logits.grad).all())
    assert bool((logits.grad[1] != 0).all())


def test_no_units_give_no_units():
    kept, classes = top_classes(torch.zeros(0, V), 3)
    assert kept.shape == (0, 4) and classes.shape == (0, 3)
