import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from distill_core.losses.revision import kl_to_probabilities, revise
from distill_core.losses.soft_labels import soft_label_kl
from tests.unit.losses.references import EXTREME, kl, normal, softmax

TEACHER, GOLD = normal(0, 6, 4, scale=3), torch.tensor([0, 1, -1, 3, 2, -1])


@pytest.mark.parametrize("temperature", [1.0, 3.0])
def test_values_equal_float64_numpy(temperature):
    p = softmax(TEACHER, temperature)
    expected = p.copy()
    for row, gold in enumerate(GOLD.tolist()):
        if gold >= 0:
            beta = 0.8 / (p[row].max() - p[row, gold] + 1)
            expected[row] = beta * p[row] + (1 - beta) * np.eye(4)[gold]
    found = revise(TEACHER, GOLD, 0.8, temperature=temperature)
    np.testing.assert_allclose(found, expected, rtol=1e-5)
    assert found.dtype == torch.float32


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    eta=st.floats(0.001, 0.999),
    scale=st.sampled_from([0.1, 3.0, 1e4]),
    classes=st.integers(2, 7),
)
def test_gold_leads_by_at_least_one_minus_eta_and_rows_stay_distributions(seed, eta, scale, classes):
    teacher = normal(seed, 8, classes, scale=scale)
    gold = torch.from_numpy(np.random.default_rng(seed).integers(0, classes, 8))
    found = revise(teacher, gold, eta).double()
    torch.testing.assert_close(found.sum(1), torch.ones(8, dtype=torch.float64), rtol=0, atol=1e-5)
    assert (found >= 0).all()
    own = found.gather(1, gold[:, None])
    rest = found.scatter(1, gold[:, None], -1.0).amax(1, keepdim=True)
    assert (found.argmax(1) == gold).all()
    assert (own > rest).all()
    assert (own - rest >= 1 - eta - 1e-6).all()


def test_wrong_classes_keep_their_order():
    found, before = revise(TEACHER, GOLD, 0.9), TEACHER.softmax(1)
    for row, gold in enumerate(GOLD.tolist()):
        rest = [c for c in range(4) if c != gold]
        assert found[row, rest].argsort().tolist() == before[row, rest].argsort().tolist()


def test_rows_without_gold_are_unchanged():
    found = revise(TEACHER, GOLD, 0.5)
    torch.testing.assert_close(found[GOLD < 0], TEACHER.softmax(1)[GOLD < 0], rtol=0, atol=0)
    assert not revise(TEACHER.clone().requires_grad_(), GOLD, 0.5).requires_grad


def test_kl_to_probabilities_equals_float64_numpy_and_the_soft_labels_of_the_teacher():
    student = normal(1, 6, 4)
    revised = revise(TEACHER, GOLD, 0.7)
    expected = kl(revised.double().numpy(), softmax(student))
    np.testing.assert_allclose(kl_to_probabilities(student, revised), expected, rtol=1e-4, atol=1e-6)
    for temperature in (1.0, 4.0):
        targets = (TEACHER / temperature).softmax(1)
        found = kl_to_probabilities(student, targets, temperature=temperature)
        torch.testing.assert_close(
            found, soft_label_kl(student, TEACHER, temperature=temperature), rtol=1e-3, atol=1e-5
        )


def test_zero_at_the_target_and_not_negative():
    targets = normal(2, 50, 5).double().softmax(1)
    assert kl_to_probabilities(targets.log(), targets).abs().max() < 1e-14
    assert (kl_to_probabilities(normal(3, 50, 5).double(), targets) >= 0).all()


@pytest.mark.parametrize("student", EXTREME)
def test_extreme_logits_and_one_hot_targets_give_finite_values_and_gradients(student):
    for target in ([1.0, 0.0, 0.0], [0.0, 0.5, 0.5]):
        leaf = torch.tensor([student], requires_grad=True)
        found = kl_to_probabilities(leaf, torch.tensor([target]))
        found.sum().backward()
        assert found.isfinite().all()
        assert leaf.grad.isfinite().all()
    extreme = revise(torch.tensor([student]), torch.tensor([1]), 0.9)
    assert extreme.isfinite().all()
    assert extreme.argmax() == 1


def test_nonsense_is_refused():
    for eta in (0.0, 1.0, float("nan")):
        with pytest.raises(ValueError, match="eta"):
            revise(TEACHER, GOLD, eta)
    with pytest.raises(ValueError, match="temperature"):
        revise(TEACHER, GOLD, 0.5, temperature=0.0)
    with pytest.raises(ValueError, match="shapes"):
        revise(TEACHER, GOLD[:3], 0.5)
    with pytest.raises(ValueError, match="shapes"):
        kl_to_probabilities(TEACHER, TEACHER[:3])
    with pytest.raises(ValueError, match="temperature"):
        kl_to_probabilities(TEACHER, TEACHER.softmax(1), temperature=-1.0)
