import numpy as np
import pytest
import torch

from distill_core.losses.hidden import HIDDEN, POOLED, hidden_cosine, hidden_kl, hidden_mse, pkd, pooled_mse
from tests.unit.losses.references import kl, softmax

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


def cosine_of(student, teacher):
    return 1 - (student * teacher).sum(-1) / np.sqrt((student**2).sum(-1) * (teacher**2).sum(-1))


@pytest.mark.parametrize(("name", "formula"), [("cosine", cosine_of), ("kl", lambda s, t: kl(softmax(t), softmax(s)))])
def test_values_of_the_others_equal_float64_numpy(name, formula):
    each = formula(STUDENT.double().numpy(), TEACHER.double().numpy())
    expected = [each[b, : int(MASK[b].sum())].mean() if MASK[b].any() else 0.0 for b in range(4)]
    found = HIDDEN[name](STUDENT, TEACHER, MASK)
    assert found.dtype == torch.float32
    np.testing.assert_allclose(found, expected, rtol=1e-4)
    np.testing.assert_allclose(POOLED[name](STUDENT[:, 0], TEACHER[:, 0]), each[:, 0], rtol=1e-4)


def test_pkd_equals_float64_numpy_and_sees_directions_only():
    student, teacher = STUDENT[:, 0].double().numpy(), TEACHER[:, 0].double().numpy()
    units = [x / np.linalg.norm(x, axis=1, keepdims=True) for x in (student, teacher)]
    expected = ((units[0] - units[1]) ** 2).mean(1)
    np.testing.assert_allclose(pkd(STUDENT[:, 0], TEACHER[:, 0]), expected, rtol=1e-5)
    np.testing.assert_allclose(pkd(7 * STUDENT[:, 0], 0.1 * TEACHER[:, 0]), expected, rtol=1e-5)
    assert pkd(TEACHER[:, 0], 3 * TEACHER[:, 0]).max() < 1e-12
    assert (pkd(TEACHER[:, 0], TEACHER[:, 0]) == 0).all()


def test_cosine_is_blind_to_length_and_kl_to_an_offset():
    ones = torch.ones(4, 6, dtype=torch.bool)
    torch.testing.assert_close(hidden_cosine(5 * STUDENT, TEACHER, ones), hidden_cosine(STUDENT, TEACHER, ones))
    torch.testing.assert_close(hidden_kl(STUDENT + 5, TEACHER, ones), hidden_kl(STUDENT, TEACHER, ones))
    torch.testing.assert_close(hidden_cosine(-TEACHER, TEACHER, ones), torch.full((4,), 2.0))


@pytest.mark.parametrize("size", [0.0, 1e-30, 1e4, 1e30])
def test_directions_of_extreme_vectors_give_finite_values_and_gradients(size):
    for loss in (pkd, POOLED["cosine"]):
        leaf = (size * STUDENT[:, 0]).clone().requires_grad_()
        found = loss(leaf, TEACHER[:, 0])
        found.sum().backward()
        assert found.isfinite().all()
        assert leaf.grad.isfinite().all()
        if size:
            torch.testing.assert_close(found, loss(STUDENT[:, 0], TEACHER[:, 0]))
        assert (loss(torch.zeros(2, 3), torch.zeros(2, 3)) == 0).all()


def test_kl_at_extreme_states_gives_finite_values_and_gradients():
    leaf = torch.tensor([[1e4, -1e4, 0.0], [0.0, 0.0, 0.0]], requires_grad=True)
    found = POOLED["kl"](leaf, torch.tensor([[-1e4, 1e4, 0.0], [1e4, 1e4, -1e4]]))
    found.sum().backward()
    assert found.isfinite().all()
    assert leaf.grad.isfinite().all()


@pytest.mark.parametrize("loss", [pkd, *POOLED.values()])
def test_gradients_equal_finite_differences(loss):
    leaves = STUDENT[:, 0].double().requires_grad_(), TEACHER[:, 0].double().requires_grad_()
    assert torch.autograd.gradcheck(loss, leaves)


@pytest.mark.parametrize("loss", HIDDEN.values(), ids=HIDDEN)
def test_zero_for_equal_states_and_for_examples_without_positions(loss):
    assert (loss(TEACHER, TEACHER, MASK) == 0).all()
    leaf = STUDENT.clone().requires_grad_()
    loss(leaf, TEACHER, MASK).sum().backward()
    assert leaf.grad.isfinite().all()
    assert (leaf.grad[3] == 0).all()


@pytest.mark.parametrize("loss", HIDDEN.values(), ids=HIDDEN)
def test_masked_positions_equal_positions_left_out(loss):
    leaf = STUDENT.clone().requires_grad_()
    found = loss(leaf, TEACHER, MASK)
    found[1].backward()
    short = STUDENT[1:2, :3].clone().requires_grad_()
    alone = loss(short, TEACHER[1:2, :3], torch.ones(1, 3, dtype=torch.bool))
    alone.sum().backward()
    torch.testing.assert_close(found[1:2], alone)
    torch.testing.assert_close(leaf.grad[1:2, :3], short.grad)


@pytest.mark.parametrize("rubbish", [1e30, float("inf"), float("nan")])
@pytest.mark.parametrize("loss", HIDDEN.values(), ids=HIDDEN)
def test_what_stands_under_the_mask_has_no_effect(loss, rubbish):
    student, teacher = STUDENT.clone(), TEACHER.clone()
    student[~MASK], teacher[~MASK] = rubbish, -rubbish
    leaf, clean = student.requires_grad_(), STUDENT.clone().requires_grad_()
    found, expected = loss(leaf, teacher, MASK), loss(clean, TEACHER, MASK)
    found.sum().backward()
    expected.sum().backward()
    torch.testing.assert_close(found, expected)
    torch.testing.assert_close(leaf.grad, clean.grad)


@pytest.mark.parametrize("loss", HIDDEN.values(), ids=HIDDEN)
def test_half_precision_is_summed_in_fp32(loss):
    big = torch.full((1, 2, 4), 3e4, dtype=torch.float16)
    found = loss(big, -big, torch.ones(1, 2, dtype=torch.bool))
    assert found.dtype == torch.float32
    assert found.isfinite().all()


@pytest.mark.parametrize("loss", HIDDEN.values(), ids=HIDDEN)
def test_any_split_of_a_batch_gives_equal_gradients(loss):
    def gradient(cuts):
        leaf = STUDENT.clone().requires_grad_()
        for part in torch.tensor_split(torch.arange(4), cuts):
            (loss(leaf[part], TEACHER[part], MASK[part]).sum() / 4).backward()
        return leaf.grad

    for cuts in ([1], [2, 3], [1, 2, 3]):
        torch.testing.assert_close(gradient([]), gradient(cuts))


def test_pooled_vectors():
    found = pooled_mse(STUDENT[:, 0], TEACHER[:, 0])
    expected = ((STUDENT[:, 0].double() - TEACHER[:, 0].double()) ** 2).mean(1)
    np.testing.assert_allclose(found, expected, rtol=1e-5)
    assert (pooled_mse(TEACHER[:, 0], TEACHER[:, 0]) == 0).all()


def test_shapes_that_do_not_fit_are_refused():
    for loss in HIDDEN.values():
        with pytest.raises(ValueError, match="shapes"):
            loss(STUDENT, TEACHER[:, :5], MASK)
        with pytest.raises(ValueError, match="shapes"):
            loss(STUDENT, TEACHER, MASK[:, :5])
    for pair in (pkd, *POOLED.values()):
        with pytest.raises(ValueError, match="shapes"):
            pair(STUDENT[:, 0], TEACHER[:1, 0])
