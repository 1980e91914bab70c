"""Uniform, constant and MT-BERT weights, and what holds for every weighting of the catalogue."""

import numpy as np
import pytest
import torch

from distill_core.catalogue import WEIGHTINGS
from distill_core.errors import TrainingError
from distill_core.weighting import Situation, Table, TeacherWeighting, build
from distill_core.weighting.constant import Constant
from distill_core.weighting.mt_bert import MTBert
from distill_core.weighting.uniform import Uniform
from tests.unit.weighting.situations import GOLD, LOGITS, gold_ce, situation, table

NEED_GOLD = {name for name, entry in WEIGHTINGS.items() if "gold" in entry.needs}
#: these look at one unit at a time
ROWWISE = ["uniform", "mt_bert"]
#: these look at the batch, but treat teachers alike
SYMMETRIC = ["uniform", "mt_bert", "adaptive", "unikd", "dynamic"]


def test_mt_bert_equals_float64_numpy_on_labelled_rows():
    found = build("mt_bert", table()).weights(situation())
    assert found.shape == (12, 3)
    known = GOLD >= 0
    np.testing.assert_allclose(found[known], (1 / (1 + gold_ce()))[known], rtol=1e-5)


def test_rows_without_gold_get_the_mean_weight_of_the_labelled_rows():
    found = build("mt_bert", table()).weights(situation())
    mean = (1 / (1 + gold_ce()))[GOLD >= 0].mean()
    np.testing.assert_allclose(found[GOLD < 0], np.full((3, 3), mean), rtol=1e-5)
    assert found.mean().item() == pytest.approx(mean, rel=1e-5)


def test_a_wrong_teacher_counts_less_and_all_weights_lie_in_0_1():
    right, wrong = torch.tensor([[1e4, -1e4], [2.0, 0.0]]), torch.tensor([[-1e4, 1e4], [0.0, 2.0]])
    found = MTBert(0.5).weights(Situation([right, wrong], torch.tensor([0, 0]), torch.zeros(2, 2)))
    assert (found[:, 0] > found[:, 1]).all()
    assert (found > 0).all()
    assert (found <= 1).all()
    assert found[0, 0] == 1.0
    with pytest.raises(ValueError, match="unlabelled_weight"):
        MTBert(0.0)


def test_uniform_is_the_mean_over_teachers():
    torch.testing.assert_close(build("uniform", table()).weights(situation()), torch.full((12, 3), 1 / 3))
    torch.testing.assert_close(Uniform(0.25).weights(situation()), torch.full((12, 3), 0.25))
    with pytest.raises(ValueError, match="weight"):
        Uniform(-1.0)


def test_constant_weights():
    torch.testing.assert_close(Constant(0.7).weights(situation()), torch.full((12, 3), 0.7))
    each = Constant([0.1, 0.2, 0.3])
    torch.testing.assert_close(each.weights(situation()), torch.tensor([[0.1, 0.2, 0.3]]).repeat(12, 1))
    torch.testing.assert_close(Constant.fit(table()).weights(situation()), torch.full((12, 3), 1 / 3))
    again = Constant([0.0, 0.0, 0.0])
    again.load_state_dict(each.state_dict())
    assert (again.weights(situation()) == each.weights(situation())).all()
    with pytest.raises(ValueError, match="2 weights for 3 teachers"):
        Constant([0.1, 0.2]).weights(situation())
    for nonsense in (-0.1, float("nan"), [[0.1]]):
        with pytest.raises(ValueError, match="zero or more"):
            Constant(nonsense)


def test_an_unknown_name_is_refused():
    with pytest.raises(ValueError, match="mt_bert"):
        build("majority", table())


@pytest.mark.parametrize("name", WEIGHTINGS)
class TestEvery:
    def test_gives_finite_fp32_weights_without_gradient(self, name):
        weighting = build(name, table())
        assert isinstance(weighting, TeacherWeighting)
        asked = situation()
        asked.teacher_logits = [z.clone().requires_grad_() for z in asked.teacher_logits]
        asked.student_logits.requires_grad_()
        for step in range(3):
            asked.step = step
            found = weighting.weights(asked)
            assert found.shape == (12, 3)
            assert found.dtype == torch.float32
            assert not found.requires_grad
            assert (found >= 0).all()
            assert found.isfinite().all()

    def test_survives_extreme_and_half_precision_logits(self, name):
        extreme = [torch.tensor([[1e4, -1e4, 0, 0], [-1e4, 1e4, 0, 0], [0.0, 0, 0, 0]]).half() * s for s in (1, -1, 1)]
        for gold in ([0, 0, -1], [-1, -1, -1]):
            asked = Situation(extreme, torch.tensor(gold), extreme[1].float(), torch.zeros(3, 6))
            found = build(name, table()).weights(asked)
            assert found.dtype == torch.float32
            assert found.isfinite().all()

    def test_equal_calls_give_equal_weights_and_leave_the_generators_alone(self, name):
        weighting = build(name, table())
        before = torch.get_rng_state()
        first = weighting.weights(situation(step=5, seed=3))
        weighting.weights(situation(step=6, seed=3))
        assert (weighting.weights(situation(step=5, seed=3)) == first).all()
        assert (build(name, table()).weights(situation(step=5, seed=3)) == first).all()
        assert (torch.get_rng_state() == before).all()

    def test_says_what_to_do_where_it_needs_gold_and_there_is_none(self, name):
        bare = table(gold=np.full(12, -1))
        if name not in NEED_GOLD:
            assert build(name, bare).weights(situation(gold=np.full(12, -1))).isfinite().all()
            return
        with pytest.raises(TrainingError) as caught:
            build(name, bare)
        assert caught.value.field == "objective.teacher_weighting"
        assert caught.value.hint

    def test_works_with_one_teacher_and_one_unit(self, name):
        weighting = build(name, Table([LOGITS[0]], GOLD, [300], 6))
        found = weighting.weights(situation([2], order=[0]))
        assert found.shape == (1, 1)
        assert 0 <= found.item() <= 1 + 1e-6


@pytest.mark.parametrize("name", ROWWISE)
def test_a_row_does_not_depend_on_its_batch(name):
    weighting = build(name, table())
    parts = [weighting.weights(situation(part)) for part in np.split(np.arange(12), [1, 5])]
    torch.testing.assert_close(weighting.weights(situation()), torch.cat(parts))


@pytest.mark.parametrize("name", SYMMETRIC)
def test_permuting_teachers_permutes_weights(name):
    order = [2, 0, 1]
    whole = build(name, table()).weights(situation())
    turned = build(name, table(order)).weights(situation(order=order))
    torch.testing.assert_close(turned, whole[:, order])


@pytest.mark.parametrize("name", [*SYMMETRIC, "skd_student_rank"])
def test_permuting_units_permutes_weights(name):
    order = np.random.default_rng(5).permutation(12)
    weighting = build(name, table())
    torch.testing.assert_close(weighting.weights(situation(order)), weighting.weights(situation())[order])


@pytest.mark.cuda
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("name", WEIGHTINGS)
def test_weights_lie_on_the_logits_device(name):
    here = situation()
    there = Situation(
        [z.cuda() for z in here.teacher_logits], here.gold.cuda(), here.student_logits.cuda(),
        here.student_pooled.cuda(), here.step, here.seed,
    )  # fmt: skip
    weighting = build(name, table())
    expected = weighting.weights(here)
    found = weighting.cuda().weights(there)
    assert found.is_cuda
    torch.testing.assert_close(found.cpu(), expected)


def test_only_the_gate_has_something_to_learn():
    learnt = {name for name in WEIGHTINGS if list(build(name, table()).parameters())}
    assert learnt == {"rl_gate"}
    uniform = build("uniform", table())
    assert uniform.policy_loss(torch.zeros(12), torch.from_numpy(GOLD)) is None
