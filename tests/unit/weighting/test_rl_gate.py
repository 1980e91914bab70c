import numpy as np
import pytest
import torch
import torch.nn.functional as F

from distill_core.weighting import Situation, Table, build
from distill_core.weighting.rl_gate import WARM_START, RLGate
from tests.unit.weighting.situations import GOLD, LOGITS, situation, table

LABELS = torch.from_numpy(GOLD)


def fitted(pooled_width=6) -> RLGate:
    return build("rl_gate", table(pooled_width=pooled_width))


def ce(logits, gold):
    return F.cross_entropy(logits, gold, reduction="none", ignore_index=-1)


def test_starts_with_nearly_the_average_of_all_teachers():
    gate = fitted()
    chosen = torch.cat([gate.weights(situation(step=step)) > 0 for step in range(300)]).float()
    assert abs(chosen.mean().item() - WARM_START) < 0.01
    torch.testing.assert_close(gate.eval().weights(situation()), torch.full((12, 3), 1 / 3))


def test_weights_are_the_mean_over_the_chosen_teachers():
    gate = fitted()
    with torch.no_grad():
        gate.bias.zero_()
    seen = set()
    for step in range(40):
        for row in gate.weights(situation(step=step)).tolist():
            chosen = [w for w in row if w > 0]
            assert all(w == pytest.approx(1 / len(chosen)) for w in chosen)
            seen.add(len(chosen))
    assert seen == {0, 1, 2, 3}


def test_draws_come_from_seed_and_step():
    gate = fitted()
    with torch.no_grad():
        gate.bias.zero_()
    first = gate.weights(situation(step=4, seed=1))
    assert (gate.weights(situation(step=4, seed=1)) == first).all()
    assert (gate.weights(situation(step=5, seed=1)) != first).any()
    assert (gate.weights(situation(step=4, seed=2)) != first).any()


def test_evaluation_draws_nothing_and_learns_nothing():
    gate = fitted().eval()
    with torch.no_grad():
        gate.bias.copy_(torch.tensor([0.1, -0.1, 2.0]))
    found = gate.weights(situation(step=1))
    torch.testing.assert_close(found, torch.tensor([[0.5, 0.0, 0.5]]).repeat(12, 1))
    assert gate.policy_loss(torch.ones(12), LABELS) is None


def test_gradient_is_that_of_reinforce_written_out():
    gate = fitted()
    asked = situation(step=2)
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in gate.parameters():
            parameter.copy_(0.1 * torch.randn(parameter.shape, generator=generator))
    weights = gate.weights(asked)
    actions = (weights > 0).float()
    student = asked.student_logits
    gate.policy_loss(ce(student, LABELS), LABELS).backward()

    p = [z.softmax(1) for z in asked.teacher_logits]
    followed = student + sum(weights[:, i : i + 1] * (p[i] - student.softmax(1)) for i in range(3))
    known = LABELS >= 0
    reward = -(ce(followed, LABELS) - ce(student, LABELS))[known]
    usual = torch.stack([ce(z, LABELS)[known].mean() for z in asked.teacher_logits])
    losses = torch.stack([ce(z, LABELS) for z in asked.teacher_logits], dim=1)
    losses = torch.where(known[:, None], losses, usual).clamp(max=10)
    state = torch.cat([asked.student_pooled, losses, *p], dim=1)
    scores = state @ torch.cat([gate.student_and_ce, gate.soft_labels], dim=1).detach().T + gate.bias.detach()
    surprise = (actions - scores.sigmoid())[known]  # d log π/d score
    expected = -((reward - reward.mean())[:, None] * surprise).mean(0)
    torch.testing.assert_close(gate.bias.grad, expected, rtol=1e-4, atol=1e-6)
    per_weight = -((reward - reward.mean())[:, None] * surprise).T @ state[known] / known.sum()
    found = torch.cat([gate.student_and_ce.grad, gate.soft_labels.grad], dim=1)
    torch.testing.assert_close(found, per_weight, rtol=1e-4, atol=1e-6)


def test_only_units_with_gold_are_rewarded_and_each_choice_once():
    gate = fitted()
    gate.weights(situation())
    assert gate.policy_loss(torch.zeros(12), torch.full((12,), -1)) is None
    gate.weights(situation())
    student_ce = ce(situation().student_logits, LABELS)
    first = gate.policy_loss(student_ce, LABELS)
    assert gate.policy_loss(student_ce, LABELS) is None
    gate.weights(situation())
    spoilt = student_ce.masked_fill(LABELS < 0, 1e6)
    torch.testing.assert_close(gate.policy_loss(spoilt, LABELS), first)
    gate.weights(situation())
    with pytest.raises(ValueError, match="choices"):
        gate.policy_loss(student_ce[:3], LABELS[:3])


def test_without_a_pooled_vector_the_students_probabilities_stand_in():
    gate = fitted(pooled_width=0)
    asked = situation()
    asked.student_pooled = None
    assert gate.weights(asked).shape == (12, 3)
    assert gate.student_and_ce.shape == (3, 4 + 3)
    assert fitted().student_and_ce.shape == (3, 6 + 3)
    with pytest.raises(ValueError, match="pooled"):
        fitted().weights(asked)


def test_what_it_learnt_is_in_its_state():
    gate, other = fitted(), fitted()
    with torch.no_grad():
        gate.bias.copy_(torch.tensor([-3.0, 0.0, 3.0]))
    other.load_state_dict(gate.state_dict())
    assert (other.weights(situation(step=3)) == gate.weights(situation(step=3))).all()


def test_units_without_gold_show_the_teachers_usual_loss():
    gate = fitted()
    usual = [ce(torch.from_numpy(z), LABELS)[LABELS >= 0].mean().item() for z in LOGITS]
    np.testing.assert_allclose(gate.usual_ce, usual, rtol=1e-5)
    with torch.no_grad():
        gate.student_and_ce[:, 6:] = -torch.eye(3)
        gate.bias.copy_(gate.usual_ce - 0.1)
    found = gate.eval().weights(situation())
    assert (found[GOLD < 0] == 0).all()
    assert (found[GOLD >= 0] > 0).any()


@pytest.mark.parametrize("seed", [0, 1])
def test_learns_to_drop_a_teacher_that_answers_at_random(seed):
    """A linear student with teachers good and random: a few hundred steps of distillation and REINFORCE together."""
    torch.set_num_threads(1)
    draw = np.random.default_rng(seed)
    inputs = torch.from_numpy(draw.normal(size=(600, 8))).float()
    gold = (inputs @ torch.from_numpy(draw.normal(size=(8, 3))).float()).argmax(1)
    good = 3 * F.one_hot(gold, 3).float() + torch.from_numpy(draw.normal(size=(600, 3))).float()
    random = 3 * torch.from_numpy(np.eye(3)[draw.integers(0, 3, 600)]).float()
    gold[::3] = -1
    gate = build("rl_gate", Table([good.numpy(), random.numpy()], gold.numpy()))
    student = torch.nn.Linear(8, 3)
    torch.nn.init.zeros_(student.weight)
    torch.nn.init.zeros_(student.bias)
    optimizer = torch.optim.Adam(
        [{"params": student.parameters(), "lr": 0.01}, {"params": gate.parameters(), "lr": gate.learning_rate}]
    )

    def chances():
        logits = student(inputs).detach()
        gate.eval()
        state = gate._state(Situation([good, random], gold, logits))
        gate.train()
        return gate.probabilities(state).detach().mean(0)

    before = chances()
    for step in range(400):
        rows = torch.from_numpy(draw.integers(0, 600, 48))
        logits = student(inputs[rows])
        asked = Situation([good[rows], random[rows]], gold[rows], logits.detach(), step=step, seed=seed)
        weights = gate.weights(asked)
        kl = [F.kl_div(logits.log_softmax(1), z[rows].softmax(1), reduction="none").sum(1) for z in (good, random)]
        loss = (weights * torch.stack(kl, dim=1)).sum(1).mean()
        loss = loss + gate.policy_loss(ce(logits.detach(), gold[rows]), gold[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    torch.testing.assert_close(before, torch.full((2,), WARM_START))
    after = chances()
    assert after[0] > 0.85
    assert after[1] < 0.5
