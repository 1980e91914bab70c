import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from distill_core.losses.soft_labels import soft_label_kl


def reference(student, teacher, temperature):
    """τ²·KL in float64, written out."""

    def distribution(logits):
        scaled = np.asarray(logits, dtype=np.float64) / temperature
        powers = np.exp(scaled - scaled.max(axis=-1, keepdims=True))
        return powers / powers.sum(axis=-1, keepdims=True)

    p, q = distribution(teacher), distribution(student)
    return temperature**2 * (p * np.log(p / q)).sum(axis=-1)


def logits(seed, *shape):
    return torch.from_numpy(np.random.default_rng(seed).normal(0, 2, shape)).float()


@pytest.mark.parametrize("temperature", [0.5, 1.0, 4.0, 20.0])
def test_values_equal_float64_numpy(temperature):
    student, teacher = logits(0, 7, 5), logits(1, 7, 5)
    found = soft_label_kl(student, teacher, temperature=temperature)
    assert found.shape == (7,)
    assert found.dtype == torch.float32
    np.testing.assert_allclose(found, reference(student, teacher, temperature), rtol=2e-4, atol=1e-6)


def test_per_token_logits_give_a_value_per_token():
    student, teacher = logits(0, 3, 4, 5), logits(1, 3, 4, 5)
    found = soft_label_kl(student, teacher, temperature=2.0)
    assert found.shape == (3, 4)
    np.testing.assert_allclose(found, reference(student, teacher, 2.0), rtol=1e-5)


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 10**6), st.floats(0.1, 50), st.floats(-100, 100))
def test_zero_for_equal_inputs_nonnegative_and_blind_to_shifts(seed, temperature, shift):
    student, teacher = logits(seed, 4, 6).double(), logits(seed + 1, 4, 6).double()
    assert (soft_label_kl(teacher, teacher, temperature=temperature) == 0).all()
    found = soft_label_kl(student, teacher, temperature=temperature)
    assert (found >= -1e-9).all()
    moved = soft_label_kl(student + shift, teacher - shift, temperature=temperature)
    torch.testing.assert_close(found, moved, rtol=1e-6, atol=1e-8)


def test_large_temperatures_tend_to_half_the_mean_squared_centred_difference():
    student, teacher = logits(2, 6, 5).double(), logits(3, 6, 5).double()
    difference = (student - student.mean(1, keepdim=True)) - (teacher - teacher.mean(1, keepdim=True))
    limit = difference.pow(2).sum(1) / (2 * 5)
    gaps = [(soft_label_kl(student, teacher, temperature=t) - limit).abs().max().item() for t in (10.0, 100.0, 1000.0)]
    assert gaps[0] > gaps[1] > gaps[2]
    assert gaps[2] < 0.01 * limit.max().item()


@pytest.mark.parametrize("temperature", [1.0, 2.0, 10.0])
def test_gradient_is_temperature_times_the_difference_of_distributions(temperature):
    student, teacher = logits(4, 3, 5).requires_grad_(), logits(5, 3, 5)
    soft_label_kl(student, teacher, temperature=temperature).sum().backward()
    expected = temperature * ((student / temperature).softmax(1) - (teacher / temperature).softmax(1))
    torch.testing.assert_close(student.grad, expected.detach(), rtol=1e-4, atol=1e-6)


def test_temperature_keeps_the_gradients_scale():
    student, teacher = logits(4, 50, 5), logits(5, 50, 5)
    sizes = []
    for temperature in (4.0, 64.0):
        leaf = student.clone().requires_grad_()
        soft_label_kl(leaf, teacher, temperature=temperature).sum().backward()
        sizes.append(leaf.grad.norm().item())
    assert 0.5 < sizes[0] / sizes[1] < 2  # without τ² this would be 256


@pytest.mark.parametrize("student", [[1e4, -1e4, 0.0], [-1e4, 1e4, 0.0], [1e4, 1e4, 1e4], [0.0, 0.0, 0.0]])
@pytest.mark.parametrize("teacher", [[1e4, -1e4, 0.0], [-1e4, -1e4, 1e4], [0.0, 0.0, 0.0]])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
def test_extreme_logits_give_finite_values_and_gradients(student, teacher, dtype):
    leaf = torch.tensor([student], dtype=dtype, requires_grad=True)
    found = soft_label_kl(leaf, torch.tensor([teacher], dtype=dtype), temperature=1.0)
    found.sum().backward()
    assert found.dtype == torch.float32
    assert found.isfinite().all()
    assert leaf.grad.isfinite().all()


def test_any_split_of_a_batch_gives_equal_gradients():
    student, teacher = logits(6, 10, 4), logits(7, 10, 4)

    def gradient(cuts):
        leaf = student.clone().requires_grad_()
        for part in torch.tensor_split(torch.arange(10), cuts):
            (soft_label_kl(leaf[part], teacher[part], temperature=2.0).sum() / 10).backward()
        return leaf.grad

    for cuts in ([1], [3, 4, 9], list(range(1, 10))):
        torch.testing.assert_close(gradient([]), gradient(cuts))


def test_nonsense_is_refused():
    with pytest.raises(ValueError):
        soft_label_kl(torch.zeros(2, 3), torch.zeros(2, 3), temperature=0.0)
    with pytest.raises(ValueError):
        soft_label_kl(torch.zeros(2, 3), torch.zeros(1, 3), temperature=1.0)
