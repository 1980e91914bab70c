import numpy as np
import pytest
import torch

from distill_core.losses.hard_labels import hard_label_ce
from distill_core.losses.mixup import mix, mixed_ce
from tests.unit.losses.references import normal, softmax

A, B = normal(0, 4, 3, 5), normal(1, 4, 3, 5)
LOGITS, FIRST, SECOND = normal(2, 4, 3), torch.tensor([0, 1, -1, -1]), torch.tensor([2, -1, 0, -1])
SHARES = torch.tensor([0.0, 0.25, 0.5, 1.0])


def test_mix_is_a_straight_line_between_the_two():
    torch.testing.assert_close(mix(A, B, 0.3), 0.3 * A + 0.7 * B)
    each = mix(A, B, SHARES)
    for row, share in enumerate(SHARES.tolist()):
        torch.testing.assert_close(each[row], share * A[row] + (1 - share) * B[row])
    assert (mix(A, B, 1.0) == A).all()
    assert (mix(A, B, 0.0) == B).all()
    assert (mix(A, A, 0.37) - A).abs().max() < 1e-6


def test_mixed_distributions_stay_distributions_and_dtypes_stay():
    p, q = A.softmax(-1), B.softmax(-1)
    mixed = mix(p, q, SHARES)
    torch.testing.assert_close(mixed.sum(-1), torch.ones(4, 3))
    assert mix(A.half(), B.half(), SHARES).dtype == torch.float16


def test_values_equal_float64_numpy_and_sides_without_gold_contribute_nothing():
    logs = np.log(softmax(LOGITS))
    shares = SHARES.numpy()
    expected = [
        -(1 - shares[0]) * logs[0, 2] - shares[0] * logs[0, 0],
        -shares[1] * logs[1, 1],
        -(1 - shares[2]) * logs[2, 0],
        0.0,
    ]
    found = mixed_ce(LOGITS, FIRST, SECOND, SHARES)
    assert found.dtype == torch.float32
    np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_equals_cross_entropy_with_mixed_one_hot_labels():
    gold = torch.tensor([0, 1, 2, 1]), torch.tensor([2, 1, 0, 0])
    hots = [torch.nn.functional.one_hot(g, 3).float() for g in gold]
    expected = -(mix(*hots, SHARES) * LOGITS.log_softmax(1)).sum(1)
    torch.testing.assert_close(mixed_ce(LOGITS, *gold, SHARES), expected)
    torch.testing.assert_close(mixed_ce(LOGITS, gold[0], gold[1], 1.0), hard_label_ce(LOGITS, gold[0]))


def test_extreme_logits_and_rows_without_gold_have_finite_gradients():
    leaf = torch.tensor([[1e4, -1e4, 0.0], [-1e4, 1e4, 0.0]], requires_grad=True)
    mixed_ce(leaf, torch.tensor([1, -1]), torch.tensor([0, -1]), 0.5).sum().backward()
    assert leaf.grad.isfinite().all()
    assert (leaf.grad[1] == 0).all()
    assert (leaf.grad[0] != 0).any()


def test_nonsense_is_refused():
    for share in (-0.1, 1.1, float("nan")):
        with pytest.raises(ValueError, match="λ"):
            mix(A, B, share)
    with pytest.raises(ValueError, match="λ"):
        mix(A, B, torch.full((3,), 0.5))
    with pytest.raises(ValueError, match="shapes"):
        mix(A, B[:3], 0.5)
    with pytest.raises(ValueError, match="shapes"):
        mixed_ce(LOGITS, FIRST[:3], SECOND, 0.5)
