import numpy as np
import pytest
import torch

from distill_core.weighting import Situation, build
from tests.unit.weighting.situations import GOLD, LOGITS, gold_ce, log_softmax, situation, table


def reference():
    p = np.exp(np.stack([log_softmax(z) for z in LOGITS]))
    mean = p.mean(0)
    correct = 1 / (1 + gold_ce())
    ensemble = -np.log(mean[np.arange(12), np.maximum(GOLD, 0)])
    labelled = correct / correct.sum(1, keepdims=True) / (1 + ensemble[:, None])
    spread = (p * np.log(p / mean)).sum(2).mean(0)
    unlabelled = (spread / spread[GOLD < 0].mean() / 3)[:, None].repeat(3, axis=1)
    return np.where((GOLD >= 0)[:, None], labelled, unlabelled)


def test_equals_float64_numpy_with_and_without_gold():
    np.testing.assert_allclose(build("unikd", table()).weights(situation()), reference(), rtol=1e-4)


def test_rows_without_gold_sum_to_one_on_average_and_follow_disagreement():
    bare = np.full(12, -1)
    found = build("unikd", table(gold=bare)).weights(situation(gold=bare))
    assert found.sum(1).mean().item() == pytest.approx(1.0, rel=1e-5)
    assert found.std(0).min() > 0.05


def test_labelled_rows_do_not_depend_on_the_batch():
    unikd = build("unikd", table())
    labelled = np.flatnonzero(GOLD >= 0)
    torch.testing.assert_close(unikd.weights(situation(labelled)), unikd.weights(situation())[labelled])


def test_teachers_that_agree_leave_all_examples_alike():
    z = torch.from_numpy(LOGITS[0])
    found = build("unikd", table()).weights(Situation([z, z + 3], torch.full((12,), -1), z))
    torch.testing.assert_close(found, torch.full((12, 2), 0.5), rtol=0.2, atol=0)
    exactly = build("unikd", table()).weights(Situation([z], torch.full((12,), -1), z))
    torch.testing.assert_close(exactly, torch.ones(12, 1), rtol=0.2, atol=0)


def test_the_right_teacher_counts_more_and_an_ensemble_that_is_wrong_less():
    right, wrong = torch.tensor([[4.0, 0.0]]), torch.tensor([[0.0, 4.0]])

    def weights(*teachers):
        return build("unikd", table()).weights(Situation(teachers, torch.tensor([0]), right))[0]

    mixed = weights(right, wrong)
    assert mixed[0] > mixed[1]
    assert weights(right, right).sum() > mixed.sum() > weights(wrong, wrong).sum()
    assert weights(right, right).sum().item() == pytest.approx(1 / (1 + np.log1p(np.exp(-4))), rel=1e-5)
