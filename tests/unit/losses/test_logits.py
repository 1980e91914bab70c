import numpy as np
import pytest
import torch

from distill_core.catalogue import DIVERGENCES
from distill_core.losses.logits import log_odds, log_odds_mse, logit_mse
from tests.unit.losses.references import EXTREME, gradient_in_parts, normal, softmax

BOTH = [logit_mse, log_odds_mse]


def odds(logits):
    p = softmax(logits)
    return np.log(p / (1 - p))


def test_values_equal_float64_numpy():
    student, teacher = normal(0, 3, 4, 5), normal(1, 3, 4, 5)
    s, t = student.double().numpy(), teacher.double().numpy()
    np.testing.assert_allclose(logit_mse(student, teacher), ((s - t) ** 2).sum(-1) / 10, rtol=1e-5)
    np.testing.assert_allclose(log_odds_mse(student, teacher), ((s - odds(t)) ** 2).sum(-1) / 10, rtol=1e-4)
    np.testing.assert_allclose(log_odds(teacher.double()), odds(t), rtol=1e-9)


def test_log_odds_where_probabilities_round_to_one():
    scores = torch.tensor([[50.0, 0.0, -3.0], [1e4, 0.0, 0.0], [-1e4, 1e4, 5e3]])
    expected = [
        [50 - np.logaddexp(0, -3), -50.0, -53.0],
        [1e4 - np.log(2), -1e4, -1e4],
        [-2e4, 5e3, -5e3],
    ]
    np.testing.assert_allclose(log_odds(scores), expected, rtol=1e-6)


def test_two_classes_have_the_difference_of_their_scores():
    scores = torch.cat([normal(2, 6, 2, scale=5), torch.tensor([[1e4, -1e4], [3.0, 3.0]])])
    difference = scores[:, 0] - scores[:, 1]
    torch.testing.assert_close(log_odds(scores), torch.stack([difference, -difference], dim=1))


def test_ties_at_the_top():
    torch.testing.assert_close(log_odds(torch.zeros(1, 4)), torch.full((1, 4), -float(np.log(3))))


@pytest.mark.parametrize("loss", BOTH)
def test_zero_for_equal_scores_and_no_temperature(loss):
    student, teacher = normal(0, 6, 4), normal(1, 6, 4)
    same = teacher if loss is logit_mse else log_odds(teacher)
    assert (loss(same, teacher) == 0).all()
    assert (loss(student, teacher, temperature=1.0) == loss(student, teacher, temperature=7.0)).all()
    assert (loss(student, teacher) > 0).all()


def test_the_teachers_log_odds_see_no_constant():
    student, teacher = normal(0, 6, 4).double(), normal(1, 6, 4).double()
    torch.testing.assert_close(log_odds_mse(student, teacher - 2), log_odds_mse(student, teacher))
    torch.testing.assert_close(logit_mse(teacher + 3, teacher), torch.full((6,), 4.5, dtype=torch.float64))


@pytest.mark.parametrize("loss", BOTH)
@pytest.mark.parametrize("student", EXTREME)
@pytest.mark.parametrize("teacher", EXTREME)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
def test_extreme_logits_give_finite_values_and_gradients(loss, student, teacher, dtype):
    leaf, other = (torch.tensor([z], requires_grad=True) for z in (student, teacher))
    found = loss(leaf.to(dtype), other.to(dtype))
    found.sum().backward()
    assert found.dtype == torch.float32
    assert found.isfinite().all()
    assert leaf.grad.isfinite().all()
    assert other.grad.isfinite().all()


@pytest.mark.parametrize("loss", BOTH)
def test_gradients_equal_finite_differences(loss):
    leaves = normal(6, 3, 4).double().requires_grad_(), normal(7, 3, 4).double().requires_grad_()
    assert torch.autograd.gradcheck(loss, leaves)
    pair = normal(6, 3, 2).double().requires_grad_(), normal(7, 3, 2).double().requires_grad_()
    assert torch.autograd.gradcheck(loss, pair)


@pytest.mark.parametrize("loss", BOTH)
def test_any_split_of_a_batch_gives_equal_gradients(loss):
    student, teacher = normal(6, 10, 4), normal(7, 10, 4)
    whole, *parts = [
        gradient_in_parts(lambda rows, at: loss(rows, teacher[at]), student, cuts) for cuts in ([], [1], [3, 4, 9])
    ]
    for part in parts:
        torch.testing.assert_close(whole, part)


def test_nonsense_is_refused():
    for loss in BOTH:
        with pytest.raises(ValueError, match="shapes"):
            loss(torch.zeros(2, 3), torch.zeros(1, 3))
    with pytest.raises(ValueError, match="two classes"):
        log_odds_mse(torch.zeros(2, 1), torch.zeros(2, 1))


@pytest.mark.parametrize("name", DIVERGENCES)
def test_every_divergence_of_the_catalogue_is_called_alike(name):
    student, teacher = normal(0, 3, 4, 5), normal(1, 3, 4, 5)
    loss = DIVERGENCES[name].load()
    assert loss(student, teacher, temperature=2.0).shape == (3, 4)
    same = log_odds(teacher) if name == "log_odds_mse" else teacher
    assert (loss(same, teacher, temperature=2.0) == 0).all()
    one, two = loss(student[0], teacher[0], temperature=2.0), loss(student[1:], teacher[1:], temperature=2.0)
    torch.testing.assert_close(torch.cat([one[None], two]), loss(student, teacher, temperature=2.0))
