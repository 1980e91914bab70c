import numpy as np
import pytest
import torch

from distill_core.errors import TrainingError
from distill_core.losses.soft_labels import soft_label_kl
from distill_core.weighting import Situation, Table, build
from distill_core.weighting.draws import uniform_draws
from distill_core.weighting.sampling import SampleByTeacherRank, rank_probabilities
from tests.unit.weighting.situations import GOLD, LOGITS, drawn, gold_ce, situation, table

#: the 0.1% point of chi-square with two degrees of freedom; seeds are fixed, so the tests are deterministic
CHI_SQUARE_2 = 13.8
STEPS = 3000


def chi_square(found, chances):
    expected = len(found) * np.asarray(chances)
    return float((np.square(np.bincount(found, minlength=len(chances)) - expected) / expected).sum())


@pytest.mark.parametrize("seed", [0, 7])
def test_uniform_draws_each_teacher_equally_often(seed):
    found = drawn(build("skd_uniform", table()), STEPS, seed)
    assert chi_square(found, [1 / 3] * 3) < CHI_SQUARE_2
    assert chi_square(found, [1 / 6, 2 / 6, 3 / 6]) > 10 * CHI_SQUARE_2


def test_teacher_rank_draws_better_teachers_more_often():
    losses = gold_ce()[GOLD >= 0].mean(0)
    chances = (3 + 1 - (1 + losses.argsort().argsort())) / 6
    found = drawn(build("skd_teacher_rank", table()), STEPS)
    assert chi_square(found, chances) < CHI_SQUARE_2
    assert np.bincount(found).argmax() == losses.argmin()


def test_student_rank_draws_nearer_teachers_more_often():
    weighting = build("skd_student_rank", table())
    one = situation([0])
    distances = [soft_label_kl(one.student_logits, z, temperature=1.0).item() for z in one.teacher_logits]
    chances = (4 - (1 + np.argsort(np.argsort(distances)))) / 6
    np.testing.assert_allclose(weighting.probabilities(one), chances)
    assert chi_square(drawn(weighting, STEPS), chances) < CHI_SQUARE_2


def test_student_rank_follows_the_student():
    weighting = build("skd_student_rank", table())
    for number in range(3):
        asked = situation()
        asked.student_logits = asked.teacher_logits[number].clone()
        assert int(weighting.probabilities(asked).argmax()) == number


@pytest.mark.parametrize("name", ["skd_uniform", "skd_teacher_rank", "skd_student_rank"])
def test_one_teacher_a_step_for_all_units(name):
    weighting = build(name, table())
    for step in range(20):
        found = weighting.weights(situation(step=step))
        assert found.sum().item() == 12
        assert (found == found[0]).all()
        assert found[0].max() == 1


def test_draws_come_from_seed_and_step_alone():
    weighting = build("skd_uniform", table())
    first = drawn(weighting, 200, seed=1)
    assert (drawn(build("skd_uniform", table()), 200, seed=1) == first).all()
    assert (drawn(weighting, 200, seed=2) != first).any()
    whole = weighting.weights(situation(step=9))
    assert (weighting.weights(situation(slice(0, 5), step=9)) == whole[:5]).all()


def test_a_drawn_teachers_chance_moves_with_its_teacher():
    order = [2, 0, 1]
    before = build("skd_teacher_rank", table()).probabilities(situation())
    after = build("skd_teacher_rank", table(order)).probabilities(situation(order=order))
    torch.testing.assert_close(after, before[order])


def test_ranks_become_probabilities():
    found = rank_probabilities(torch.tensor([0.5, 0.1, 0.9, 0.7]))
    torch.testing.assert_close(found, torch.tensor([3, 4, 1, 2], dtype=torch.float64) / 10)
    tied = rank_probabilities(torch.tensor([0.3, 0.3, 0.1]))
    torch.testing.assert_close(tied, torch.tensor([1.5, 1.5, 3], dtype=torch.float64) / 6)
    torch.testing.assert_close(rank_probabilities(torch.ones(1)), torch.ones(1, dtype=torch.float64))


def test_the_last_teacher_is_drawn_and_no_one_beyond():
    weighting = SampleByTeacherRank(torch.tensor([1.0, 2.0]))
    logits = [torch.zeros(1, 2)] * 2
    found = [
        int(weighting.weights(Situation(logits, torch.tensor([0]), torch.zeros(1, 2), step=step)).argmax())
        for step in range(300)
    ]
    assert set(found) == {0, 1}
    assert 60 < sum(found) < 140  # a third of 300


def test_ranks_come_from_labelled_rows_alone():
    spoilt = [z.copy() for z in LOGITS]
    spoilt[0][GOLD < 0] = 1e3
    before = build("skd_teacher_rank", table()).probabilities(situation())
    after = build("skd_teacher_rank", Table(spoilt, GOLD)).probabilities(situation())
    torch.testing.assert_close(after, before)


@pytest.mark.parametrize("name", ["skd_teacher_rank", "mt_bert"])
def test_words_a_teacher_never_saw_say_nothing_of_it(name):
    cut = [z.copy() for z in LOGITS]
    cut[0][[0, 3]] = 0.0  # as `predict_logits` leaves words that were cut off
    gone = np.where(np.isin(np.arange(12), [0, 3]), -1, GOLD)
    found, wanted = build(name, Table(cut, GOLD)), build(name, Table(LOGITS, gone))
    if name == "mt_bert":
        assert found.unlabelled_weight == wanted.unlabelled_weight
    else:
        torch.testing.assert_close(found.chances, wanted.chances)
    with pytest.raises(TrainingError):
        build(name, Table([np.zeros((12, 4), dtype=np.float32), LOGITS[1]], GOLD))


def test_uniform_draws_are_even_and_keep_purposes_apart():
    found = torch.cat([uniform_draws(3, step, "a", 100) for step in range(50)])
    assert ((found >= 0) & (found < 1)).all()
    assert abs(found.mean().item() - 0.5) < 0.015
    counts = np.histogram(found.numpy(), bins=10, range=(0, 1))[0]
    assert float((np.square(counts - 500) / 500).sum()) < 27.9  # 0.1% point, nine degrees of freedom
    assert (uniform_draws(3, 0, "a", 4) != uniform_draws(3, 0, "b", 4)).any()
