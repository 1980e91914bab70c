import numpy as np
import pytest
import torch

from distill_core.weighting import Table, build
from distill_core.weighting.dynamic import DynamicKD, uncertainty
from tests.unit.weighting.situations import GOLD, LOGITS, SIZES, STUDENT, log_softmax, situation, table


def entropy():
    logs = log_softmax(STUDENT)
    return -(np.exp(logs) * logs).sum(1) / np.log(4)


def test_uncertainty_equals_float64_numpy_and_lies_in_0_1():
    np.testing.assert_allclose(uncertainty(torch.from_numpy(STUDENT)), entropy(), rtol=1e-5)
    ends = uncertainty(torch.tensor([[1e4, -1e4, 0.0], [5.0, 5.0, 5.0]]))
    torch.testing.assert_close(ends, torch.tensor([0.0, 1.0]))
    assert (ends <= 1).all()


def test_one_teacher_counts_by_the_students_entropy():
    found = build("dynamic", Table([LOGITS[0]], GOLD, [300])).weights(situation(order=[0]))
    np.testing.assert_allclose(found[:, 0], entropy(), rtol=1e-5)


@pytest.mark.parametrize("rows", [12, 7, 2])
def test_the_uncertain_half_learns_from_the_smallest_and_the_rest_from_the_largest(rows):
    found = build("dynamic", table()).weights(situation(slice(0, rows)))
    uncertain = np.argsort(-entropy()[:rows])[: rows // 2]
    expected = np.zeros((rows, 3))
    expected[:, int(np.argmax(SIZES))] = 1
    expected[uncertain] = np.eye(3)[int(np.argmin(SIZES))]
    np.testing.assert_array_equal(found, expected)


def test_equal_sizes_still_use_two_teachers_and_sizes_must_be_known():
    even = DynamicKD.fit(Table(LOGITS, GOLD, [5, 5, 5]))
    assert (even.smallest, even.largest) == (0, 2)
    with pytest.raises(ValueError, match="parameters"):
        DynamicKD.fit(Table(LOGITS, GOLD))
