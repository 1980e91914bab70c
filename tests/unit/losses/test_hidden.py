import numpy as np
import pytest
import torch

from distill_core.losses.hidden import hidden_mse, pooled_mse

RANDOM = np.random.default_rng(0)
STUDENT = torch.from_numpy(RANDOM.normal(size=(4, 6, 3))).float()
TEACHER = torch.from_numpy(RANDOM.normal(size=(4, 6, 3))).float()
MASK = torch.arange(6)[None, :] < torch.tensor([6, 3, 1, 0])[:, None]


def test_values_equal_float64_numpy():
    found = hidden_mse(STUDENT, TEACHER, MASK)
    difference = STUDENT.numpy().astype(np.float64) - TEACHER.numpy().astype(np.float64)
    expected = [np.mean(difference[b, : int(MASK[b].sum())] ** 2) if MASK[b].any() else 0.0 for b in range(4)]
    assert found.dtype == torch.float32
    np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_zero_for_equal_states_and_for_examples_without_positions():
    assert (hidden_mse(TEACHER, TEACHER, MASK) == 0).all()
    leaf = STUDENT.clone().requires_grad_()
    hidden_mse(leaf, TEACHER, MASK).sum().backward()
    assert leaf.grad.isfinite().all()
    assert (leaf.grad[3] == 0).all()


def test_masked_positions_equal_positions_left_out():
    leaf = STUDENT.clone().requires_grad_()
    found = hidden_mse(leaf, TEACHER, MASK)
    found[1].backward()
    short = STUDENT[1:2, :3].clone().requires_grad_()
    alone = hidden_mse(short, TEACHER[1:2, :3], torch.ones(1, 3, dtype=torch.bool))
    alone.sum().backward()
    torch.testing.assert_close(found[1:2], alone)
    torch.testing.assert_close(leaf.grad[1:2, :3], short.grad)


@pytest.mark.parametrize("rubbish", [1e30, float("inf"), float("nan")])
def test_what_stands_under_the_mask_has_no_effect(rubbish):
    student, teacher = STUDENT.clone(), TEACHER.clone()
    student[~MASK], teacher[~MASK] = rubbish, -rubbish
    leaf, clean = student.requires_grad_(), STUDENT.clone().requires_grad_()
    found, expected = hidden_mse(leaf, teacher, MASK), hidden_mse(clean, TEACHER, MASK)
    found.sum().backward()
    expected.sum().backward()
    torch.testing.assert_close(found, expected)
    torch.testing.assert_close(leaf.grad, clean.grad)


def test_half_precision_is_summed_in_fp32():
    big = torch.full((1, 2, 4), 3e4, dtype=torch.float16)
    found = hidden_mse(big, -big, torch.ones(1, 2, dtype=torch.bool))
    assert found.dtype == torch.float32
    assert found.isfinite().all()


def test_any_split_of_a_batch_gives_equal_gradients():
    def gradient(cuts):
        leaf = STUDENT.clone().requires_grad_()
        for part in torch.tensor_split(torch.arange(4), cuts):
            (hidden_mse(leaf[part], TEACHER[part], MASK[part]).sum() / 4).backward()
        return leaf.grad

    for cuts in ([1], [2, 3], [1, 2, 3]):
        torch.testing.assert_close(gradient([]), gradient(cuts))


def test_pooled_vectors():
    found = pooled_mse(STUDENT[:, 0], TEACHER[:, 0])
    expected = ((STUDENT[:, 0].double() - TEACHER[:, 0].double()) ** 2).mean(1)
    np.testing.assert_allclose(found, expected, rtol=1e-5)
    assert (pooled_mse(TEACHER[:, 0], TEACHER[:, 0]) == 0).all()


def test_shapes_that_do_not_fit_are_refused():
    with pytest.raises(ValueError):
        hidden_mse(STUDENT, TEACHER[:, :5], MASK)
    with pytest.raises(ValueError):
        hidden_mse(STUDENT, TEACHER, MASK[:, :5])
    with pytest.raises(ValueError):
        pooled_mse(STUDENT[:, 0], TEACHER[:1, 0])
