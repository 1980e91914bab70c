import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from distill_core.losses.divergences import soft_label_js, soft_label_reverse_kl, soft_label_tvd
from distill_core.losses.soft_labels import soft_label_kl
from tests.unit.losses.references import EXTREME, gradient_in_parts, kl, normal, softmax

ALL = [soft_label_reverse_kl, soft_label_js, soft_label_tvd]


def reference(loss, student, teacher, temperature):
    p, q = softmax(teacher, temperature), softmax(student, temperature)
    if loss is soft_label_reverse_kl:
        value = kl(q, p)
    elif loss is soft_label_js:
        value = 0.5 * (kl(p, (p + q) / 2) + kl(q, (p + q) / 2))
    else:
        value = np.maximum(p - q, 0).sum(axis=-1)  # ½Σ|p−q| is the mass that has to move
    return temperature**2 * value


@pytest.mark.parametrize("loss", ALL)
@pytest.mark.parametrize("temperature", [0.5, 1.0, 4.0, 20.0])
def test_values_equal_float64_numpy(loss, temperature):
    student, teacher = normal(0, 3, 4, 5), normal(1, 3, 4, 5)
    found = loss(student, teacher, temperature=temperature)
    assert found.shape == (3, 4)
    assert found.dtype == torch.float32
    np.testing.assert_allclose(found, reference(loss, student, teacher, temperature), rtol=5e-4, atol=1e-6)
    exact = loss(student.double(), teacher.double(), temperature=temperature)
    np.testing.assert_allclose(exact, reference(loss, student, teacher, temperature), rtol=1e-9)


@pytest.mark.parametrize("loss", ALL)
@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10**6), temperature=st.floats(0.1, 50), shift=st.floats(-100, 100))
def test_zero_for_equal_inputs_nonnegative_and_blind_to_shifts(loss, seed, temperature, shift):
    student, teacher = normal(seed, 4, 6).double(), normal(seed + 1, 4, 6).double()
    assert (loss(teacher, teacher, temperature=temperature) == 0).all()
    found = loss(student, teacher, temperature=temperature)
    assert (found >= -1e-9).all()
    moved = loss(student + shift, teacher - shift, temperature=temperature)
    torch.testing.assert_close(found, moved, rtol=1e-6, atol=1e-8)


def test_reverse_kl_is_kl_with_sides_exchanged_and_the_others_are_symmetric():
    student, teacher = normal(2, 6, 5), normal(3, 6, 5)
    swapped = soft_label_kl(teacher, student, temperature=2.0)
    torch.testing.assert_close(soft_label_reverse_kl(student, teacher, temperature=2.0), swapped)
    for loss in (soft_label_js, soft_label_tvd):
        there, back = loss(student, teacher, temperature=2.0), loss(teacher, student, temperature=2.0)
        torch.testing.assert_close(there, back)


@pytest.mark.parametrize(("loss", "most"), [(soft_label_js, math.log(2)), (soft_label_tvd, 1.0)])
def test_bounds_are_reached_where_the_two_share_no_class(loss, most):
    apart = loss(torch.tensor([[1e4, -1e4]]), torch.tensor([[-1e4, 1e4]]), temperature=3.0)
    assert apart.item() == pytest.approx(9 * most, rel=1e-6)
    near = loss(normal(4, 200, 3, scale=30), normal(5, 200, 3, scale=30), temperature=1.0)
    assert (near <= most * (1 + 1e-6)).all()


@pytest.mark.parametrize(("loss", "share"), [(soft_label_reverse_kl, 2), (soft_label_js, 8)])
def test_large_temperatures_tend_to_a_share_of_the_squared_centred_difference(loss, share):
    student, teacher = normal(2, 6, 5).double(), normal(3, 6, 5).double()
    difference = (student - student.mean(1, keepdim=True)) - (teacher - teacher.mean(1, keepdim=True))
    limit = difference.pow(2).sum(1) / (share * 5)
    gaps = [(loss(student, teacher, temperature=t) - limit).abs().max().item() for t in (10.0, 100.0, 1000.0)]
    assert gaps[0] > gaps[1] > gaps[2]
    assert gaps[2] < 0.01 * limit.max().item()


@pytest.mark.parametrize("loss", ALL)
@pytest.mark.parametrize("student", EXTREME)
@pytest.mark.parametrize("teacher", EXTREME)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
def test_extreme_logits_give_finite_values_and_gradients(loss, student, teacher, dtype):
    leaf, other = (torch.tensor([z], dtype=dtype, requires_grad=True) for z in (student, teacher))
    found = loss(leaf, other, temperature=1.0)
    found.sum().backward()
    assert found.dtype == torch.float32
    assert found.isfinite().all()
    assert leaf.grad.isfinite().all()
    assert other.grad.isfinite().all()


@pytest.mark.parametrize("loss", ALL)
def test_gradients_equal_finite_differences(loss):
    student, teacher = normal(6, 3, 4).double().requires_grad_(), normal(7, 3, 4).double().requires_grad_()
    assert torch.autograd.gradcheck(lambda s, t: loss(s, t, temperature=2.0), (student, teacher))


def test_js_has_no_gradient_at_equal_logits_and_follows_classes_that_agree():
    teacher = normal(8, 2, 4).double()
    leaf = teacher.clone().requires_grad_()
    soft_label_js(leaf, teacher, temperature=1.0).sum().backward()
    assert leaf.grad.abs().max() < 1e-12
    # The first two classes have equal probabilities on both sides, where the formula has its kink.
    equal = torch.tensor([[0.0, 0.0, 1.0, 2.0]], dtype=torch.float64)
    found = equal.clone().requires_grad_()
    soft_label_js(found, equal[:, [0, 1, 3, 2]], temperature=1.0).sum().backward()

    def mixture(z):
        p, q = z.softmax(1), equal[:, [0, 1, 3, 2]].softmax(1)
        m = (p + q) / 2
        return 0.5 * ((p * (p / m).log()).sum() + (q * (q / m).log()).sum())

    other = equal.clone().requires_grad_()
    mixture(other).backward()
    torch.testing.assert_close(found.grad, other.grad)


@pytest.mark.parametrize("loss", ALL)
def test_any_split_of_a_batch_gives_equal_gradients(loss):
    student, teacher = normal(6, 10, 4), normal(7, 10, 4)
    whole, *parts = [
        gradient_in_parts(lambda rows, at: loss(rows, teacher[at], temperature=2.0), student, cuts)
        for cuts in ([], [1], [3, 4, 9], list(range(1, 10)))
    ]
    for part in parts:
        torch.testing.assert_close(whole, part)


@pytest.mark.parametrize("loss", ALL)
def test_nonsense_is_refused(loss):
    with pytest.raises(ValueError, match="temperature"):
        loss(torch.zeros(2, 3), torch.zeros(2, 3), temperature=0.0)
    with pytest.raises(ValueError, match="shapes"):
        loss(torch.zeros(2, 3), torch.zeros(1, 3), temperature=1.0)
