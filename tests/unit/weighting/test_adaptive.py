import numpy as np
import torch

from distill_core.weighting import build
from tests.unit.weighting.situations import GOLD, gold_ce, situation, table


def test_equals_float64_numpy_on_the_batch():
    for rows in (np.arange(12), np.array([0, 4, 5])):
        known = GOLD[rows] >= 0
        scores = np.exp(-gold_ce()[rows][known].mean(0))
        found = build("adaptive", table()).weights(situation(rows))
        np.testing.assert_allclose(found, np.tile(scores / scores.sum(), (len(rows), 1)), rtol=1e-5)


def test_rows_sum_to_one_and_units_without_gold_do_not_count():
    adaptive = build("adaptive", table())
    whole = adaptive.weights(situation())
    torch.testing.assert_close(whole.sum(1), torch.ones(12))
    labelled = np.flatnonzero(GOLD >= 0)
    torch.testing.assert_close(adaptive.weights(situation(labelled)), whole[labelled])


def test_a_batch_without_gold_is_weighted_uniformly():
    found = build("adaptive", table()).weights(situation(np.flatnonzero(GOLD < 0)))
    torch.testing.assert_close(found, torch.full((3, 3), 1 / 3))
