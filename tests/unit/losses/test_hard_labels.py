import numpy as np
import pytest
import torch

from distill_core.losses.hard_labels import hard_label_ce

LOGITS = torch.from_numpy(np.random.default_rng(0).normal(0, 3, (8, 4))).float()
LABELS = torch.tensor([0, 1, -1, 3, 2, -1, 0, 1])


def reference(logits, labels):
    logits = np.asarray(logits, dtype=np.float64)
    logs = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
    return np.where(labels >= 0, -logs[np.arange(len(labels)), np.maximum(labels, 0)], 0.0)


def test_values_equal_float64_numpy_and_rows_without_gold_are_zero():
    found = hard_label_ce(LOGITS, LABELS)
    assert found.dtype == torch.float32
    np.testing.assert_allclose(found, reference(LOGITS, LABELS.numpy()), rtol=1e-5)
    assert found[2] == found[5] == 0


def test_rows_without_gold_equal_rows_left_out():
    leaf = LOGITS.clone().requires_grad_()
    hard_label_ce(leaf, LABELS).sum().backward()
    known = LABELS >= 0
    rest = LOGITS[known].clone().requires_grad_()
    hard_label_ce(rest, LABELS[known]).sum().backward()
    torch.testing.assert_close(leaf.grad[known], rest.grad)
    assert (leaf.grad[~known] == 0).all()


@pytest.mark.parametrize("row", [[1e4, -1e4, 0.0], [-1e4, 1e4, 0.0], [5.0, 5.0, 5.0]])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float16])
def test_extreme_logits_give_finite_values_and_gradients(row, dtype):
    leaf = torch.tensor([row], dtype=dtype, requires_grad=True)
    found = hard_label_ce(leaf, torch.tensor([0]))
    found.sum().backward()
    assert found.dtype == torch.float32
    assert found.isfinite().all()
    assert leaf.grad.isfinite().all()


def test_only_unlabelled_rows_give_zero_and_no_nan():
    leaf = LOGITS.clone().requires_grad_()
    found = hard_label_ce(leaf, torch.full((8,), -1))
    found.sum().backward()
    assert (found == 0).all()
    assert (leaf.grad == 0).all()


def test_any_split_of_a_batch_gives_equal_gradients():
    count = int((LABELS >= 0).sum())

    def gradient(cuts):
        leaf = LOGITS.clone().requires_grad_()
        for part in torch.tensor_split(torch.arange(8), cuts):
            (hard_label_ce(leaf[part], LABELS[part]).sum() / count).backward()
        return leaf.grad

    for cuts in ([2, 3], [1], list(range(1, 8))):
        torch.testing.assert_close(gradient([]), gradient(cuts))
