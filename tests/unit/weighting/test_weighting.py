import numpy as np
import pytest
import torch

from distill_core.errors import TrainingError
from distill_core.weighting import WEIGHTINGS, build
from distill_core.weighting.constant import Constant
from distill_core.weighting.mt_bert import MTBert
from distill_core.weighting.uniform import Uniform

RANDOM = np.random.default_rng(0)
LOGITS = [RANDOM.normal(0, 3, (12, 4)).astype(np.float32) for _ in range(3)]
LABELS = np.array([0, 1, 2, 3, -1, 0, -1, 2, 3, 1, -1, 0])
TENSORS, GOLD = [torch.from_numpy(z) for z in LOGITS], torch.from_numpy(LABELS)


def expected_weights():
    columns = []
    for logits in LOGITS:
        z = logits.astype(np.float64)
        logs = z - np.log(np.exp(z).sum(1, keepdims=True))
        columns.append(1 / (1 - logs[np.arange(12), np.maximum(LABELS, 0)]))
    return np.stack(columns, axis=1)


def every_weighting():
    fitted = [build(name, teacher_logits=LOGITS, labels=LABELS) for name in WEIGHTINGS]
    return [*fitted, Constant(0.3), Constant([0.1, 0.2, 0.3]), Uniform(0.5)]


def test_mt_bert_equals_float64_numpy_on_labelled_rows():
    found = build("mt_bert", teacher_logits=LOGITS, labels=LABELS).weights(TENSORS, GOLD)
    assert found.shape == (12, 3)
    assert found.dtype == torch.float32
    known = LABELS >= 0
    np.testing.assert_allclose(found[known], expected_weights()[known], rtol=1e-5)


def test_rows_without_gold_get_the_mean_weight_of_the_labelled_rows():
    found = build("mt_bert", teacher_logits=LOGITS, labels=LABELS).weights(TENSORS, GOLD)
    mean = expected_weights()[LABELS >= 0].mean()
    np.testing.assert_allclose(found[LABELS < 0], np.full((3, 3), mean), rtol=1e-5)
    assert found.mean().item() == pytest.approx(mean, rel=1e-5)


def test_a_wrong_teacher_counts_less_and_all_weights_lie_in_0_1():
    right, wrong = torch.tensor([[1e4, -1e4], [2.0, 0.0]]), torch.tensor([[-1e4, 1e4], [0.0, 2.0]])
    found = MTBert(0.5).weights([right, wrong], torch.tensor([0, 0]))
    assert (found[:, 0] > found[:, 1]).all()
    assert (found > 0).all()
    assert (found <= 1).all()
    assert found[0, 0] == 1.0


def test_mt_bert_needs_gold_labels_in_the_table():
    with pytest.raises(TrainingError) as caught:
        build("mt_bert", teacher_logits=LOGITS, labels=np.full(12, -1))
    assert caught.value.field == "objective.teacher_weighting"
    with pytest.raises(ValueError):
        MTBert(0.0)


def test_uniform_is_the_mean_over_teachers():
    found = build("uniform", teacher_logits=LOGITS, labels=LABELS).weights(TENSORS, GOLD)
    torch.testing.assert_close(found, torch.full((12, 3), 1 / 3))
    torch.testing.assert_close(Uniform(0.25).weights(TENSORS, GOLD), torch.full((12, 3), 0.25))


def test_constant_weights():
    torch.testing.assert_close(Constant(0.7).weights(TENSORS, GOLD), torch.full((12, 3), 0.7))
    torch.testing.assert_close(
        Constant([0.1, 0.2, 0.3]).weights(TENSORS, GOLD), torch.tensor([[0.1, 0.2, 0.3]]).repeat(12, 1)
    )
    with pytest.raises(ValueError):
        Constant([0.1, 0.2]).weights(TENSORS, GOLD)
    for nonsense in (-0.1, float("nan"), [[0.1]]):
        with pytest.raises(ValueError):
            Constant(nonsense)


@pytest.mark.parametrize("weighting", every_weighting(), ids=lambda w: type(w).__name__)
def test_a_row_does_not_depend_on_its_batch(weighting):
    whole = weighting.weights(TENSORS, GOLD)
    parts = [
        weighting.weights([z[part] for z in TENSORS], GOLD[part])
        for part in torch.tensor_split(torch.arange(12), [1, 5])
    ]
    torch.testing.assert_close(whole, torch.cat(parts))


@pytest.mark.parametrize("name", sorted(WEIGHTINGS))
def test_permuting_teachers_permutes_weights(name):
    order = [2, 0, 1]
    whole = build(name, teacher_logits=LOGITS, labels=LABELS).weights(TENSORS, GOLD)
    turned = build(name, teacher_logits=[LOGITS[i] for i in order], labels=LABELS)
    torch.testing.assert_close(turned.weights([TENSORS[i] for i in order], GOLD), whole[:, order])


@pytest.mark.parametrize("weighting", every_weighting(), ids=lambda w: type(w).__name__)
def test_weights_carry_no_gradient(weighting):
    leaves = [z.clone().requires_grad_() for z in TENSORS]
    assert not weighting.weights(leaves, GOLD).requires_grad


def test_an_unknown_name_is_refused():
    with pytest.raises(ValueError, match="mt_bert"):
        build("majority", teacher_logits=LOGITS, labels=LABELS)
