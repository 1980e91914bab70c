"""MixKD's term: its value by hand, gold that is missing, what its draws depend on, gradients."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from distill_core.catalogue import DIVERGENCES, TERMS
from distill_core.config import Objective
from distill_core.models.types import Batch, Outputs
from distill_core.signals.live import LiveSource
from distill_core.signals.types import SignalSpec
from distill_core.tasks.base import Targets
from distill_core.tasks.encoding import collate
from distill_core.terms.base import Setup, Step, StudentShape, TeacherShape
from distill_core.terms.mixup import Mixup, draw
from distill_core.train.phases import LABEL_TERMS, Phase, objective_weights
from distill_core.train.student_learner import Lessons, StudentData, StudentLearner
from distill_core.train.types import StepInfo
from distill_core.weighting.constant import Constant
from tests.unit.signals.builders import TEXTS, TinyTeacher, examples

C, ROWS = 3, 5
GOLD = torch.tensor([0, 2, -1, 1, -1])


def objective(**changes) -> Objective:
    return Objective(hard_label_weight=0, soft_label_weight=0, matching={"mixup": 1.0}, **changes)


def term_of(teachers: int = 2, **changes) -> Mixup:
    shapes = [TeacherShape(f"t{i}", 2, 4, 4, 1, "word") for i in range(teachers)]
    return TERMS["mixup"].load()(Setup(objective(**changes), StudentShape("bilstm", 1, 0), shapes))


def numbers(seed: int, scale: float = 1.0) -> torch.Tensor:
    return scale * torch.randn(ROWS, C, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def step_of(ours: torch.Tensor, theirs: list[torch.Tensor], *, number: int = 4, seed: int = 9, gold=GOLD) -> Step:
    asked = []

    def mixed(partners, share):
        asked.append((partners, share))
        return ours, theirs

    blank = torch.zeros(ROWS, 1, dtype=torch.int64)
    batch = Batch(blank, blank == 0, None, blank)
    step = Step(batch, Outputs(ours, ours), ours, gold, torch.arange(ROWS), np.arange(ROWS), number=number, seed=seed)
    step.mixed = mixed
    step.asked = asked
    return step


def log_softmax(z: np.ndarray) -> np.ndarray:
    top = z - z.max(axis=1, keepdims=True)
    return top - np.log(np.exp(top).sum(axis=1, keepdims=True))


def test_the_value_by_hand():
    ours, theirs = numbers(1), [numbers(2), numbers(3)]
    step = step_of(ours, theirs)
    found = term_of(distill_temperature=2.0, mixup_beta=0.7)(step)
    ((partners, share),) = step.asked
    logs, gold = log_softmax(ours.numpy()), GOLD.numpy()
    hard = np.zeros(ROWS)
    for row, other in enumerate(partners):
        for part, label in ((share, gold[row]), (1 - share, gold[other])):
            if label >= 0:
                hard[row] -= part * logs[row, label]
    soft = np.zeros(ROWS)
    for logits in theirs:
        p, q = log_softmax(logits.numpy() / 2), log_softmax(ours.numpy() / 2)
        soft += 4 * (np.exp(p) * (p - q)).sum(axis=1) / 2
    np.testing.assert_allclose(found.logs["mixup_hard"].numpy(), hard, atol=1e-6)
    np.testing.assert_allclose(found.logs["mixup_soft"].numpy(), soft, atol=1e-6)
    np.testing.assert_allclose(found.values.numpy(), hard + soft, atol=1e-6)


def test_without_gold_the_teachers_alone_speak():
    step = step_of(numbers(1), [numbers(2)], gold=torch.full((ROWS,), -1))
    found = term_of(1)(step)
    assert float(found.logs["mixup_hard"].abs().max()) == 0
    torch.testing.assert_close(found.values, found.logs["mixup_soft"])
    assert float(term_of(1)(step_of(numbers(2), [numbers(2)], gold=step.gold)).values.abs().max()) < 1e-6


@pytest.mark.parametrize("divergence", sorted(DIVERGENCES))
@pytest.mark.parametrize("scale", [1.0, 1e4])
def test_gradients_are_finite_and_reach_the_student_alone(divergence, scale):
    ours, theirs = numbers(1, scale).float().requires_grad_(), [numbers(2, scale).float(), numbers(3, scale).float()]
    values = term_of(soft_label_loss=divergence)(step_of(ours, theirs)).values
    assert values.shape == (ROWS,)
    values.sum().backward()
    assert bool(ours.grad.isfinite().all())
    assert float(ours.grad.abs().sum()) > 0


def test_draws_depend_on_seed_and_step_alone():
    partners, share = draw(9, 4, ROWS, 0.4)
    torch.manual_seed(1)
    np.random.seed(1)
    again, same = draw(9, 4, ROWS, 0.4)
    assert np.array_equal(partners, again) and share == same
    assert sorted(partners.tolist()) == list(range(ROWS))
    assert draw(9, 4, 2, 0.4)[1] == share, "λ is the batch's, however many rows it has"
    assert len({draw(9, number, ROWS, 0.4)[1] for number in range(20)}) == 20
    assert len({draw(seed, 4, ROWS, 0.4)[1] for seed in range(20)}) == 20
    assert len({tuple(draw(9, number, ROWS, 0.4)[0]) for number in range(20)}) > 10


@pytest.mark.parametrize("beta", [0.01, 0.4, 4.0, 100.0])
def test_shares_follow_the_beta_distribution(beta):
    shares = np.array([draw(1, number, 1, beta)[1] for number in range(1500)])
    assert bool(((shares >= 0) & (shares <= 1)).all())
    variance = 1 / (4 * (2 * beta + 1))
    assert shares.mean() == pytest.approx(0.5, abs=4 * (variance / 1500) ** 0.5)
    assert shares.var() == pytest.approx(variance, rel=0.15)


def test_a_step_that_cannot_ask_is_an_error():
    step = step_of(numbers(1), [])
    step.mixed = None
    with pytest.raises(ValueError, match="mixtures"):
        term_of()(step)


def test_mixtures_teach_the_prediction_layer():
    assert "mixup" in LABEL_TERMS


# ---------------------------------------------------------------- through the learner


class Pupil(TinyTeacher):
    """A tiny BERT as a student."""

    layers, width, pooled_width, classes, task = 2, 16, 16, C, "classification"

    def parts(self):
        return [("all", list(self.parameters()))]


def learner(gold: np.ndarray) -> tuple[StudentLearner, list[LiveSource]]:
    table, _ = examples()
    sources = []
    for scale in (1.0, 2.0):
        sources.append(LiveSource(TinyTeacher(scale=scale), table, SignalSpec()))
    term = term_of(2)
    data = StudentData(table, Targets(gold, None), table, lambda predicted: 0.0)
    lessons = Lessons({"mixup": term}, ["t0", "t1"], sources, Constant(0.5))
    pupil = Pupil()
    with torch.no_grad():
        pupil.head.weight.mul_(-1)
    made = StudentLearner("main", pupil, data, lessons, seed=1, device=torch.device("cpu"))
    phase = Phase("joint", 2, objective_weights(objective()), np.arange(len(TEXTS)), "linear", 0.1, None, 1)
    made.begin_phase(phase)
    made.module.eval()
    return made, sources


def test_the_learner_asks_all_sides_about_the_same_mixtures():
    gold = np.array([0, 1, 2, -1, 0, 1, 2, -1])
    made, sources = learner(gold)
    rows, info = np.array([6, 1, 3, 4]), StepInfo(step=7, progress=0.0, seed=1)
    terms = made.accumulate(rows, info)
    partners, share = draw(1, 7, 4, 0.4)
    seen = made._step(rows, info)
    ours, theirs = seen.mixed(partners, share)
    for source, logits in zip(sources, theirs, strict=True):
        assert not logits.requires_grad
        torch.testing.assert_close(logits, source.mixed(rows, rows[partners], share))
    assert ours.requires_grad
    found = made.lessons.terms["mixup"](seen).values.mean().detach()
    assert float(terms.values[("main", "loss_mixup")]) == pytest.approx(float(found), rel=1e-6)
    assert terms.counts[("main", "loss_mixup")] == 4
    assert all(p.grad is not None and bool(p.grad.isfinite().all()) for p in made.student.parameters())
    assert all(p.grad is None for source in sources for p in source.teacher.parameters())
    again, _ = learner(gold)
    assert float(again.accumulate(rows, info).values[("main", "loss_mixup")]) == pytest.approx(float(found), rel=1e-6)
    other = again.accumulate(rows, StepInfo(step=8, progress=0.0, seed=1)).values[("main", "loss_mixup")]
    assert float(other) != pytest.approx(float(found), rel=1e-5)


def test_a_source_mixes_rows_of_different_lengths():
    (encoded, _), teacher = examples(), TinyTeacher()
    source = LiveSource(teacher, encoded, SignalSpec())
    rows, partners = np.array([1, 3]), np.array([4, 7])
    teacher.eval()
    with torch.no_grad():
        first, second = teacher(collate(encoded, rows)).logits, teacher(collate(encoded, partners)).logits
    torch.testing.assert_close(source.mixed(rows, partners, 1.0), first, rtol=0, atol=1e-6)
    torch.testing.assert_close(source.mixed(rows, partners, 0.0), second, rtol=0, atol=1e-6)
    half = source.mixed(rows, partners, 0.5)
    assert half.shape == (2, C) and half.dtype == torch.float32
    torch.testing.assert_close(source.mixed(partners, rows, 0.5), half, rtol=0, atol=1e-6)


def test_it_asks_nothing_of_caches_and_layers():
    term = term_of()
    assert term.signals(0) == SignalSpec()
    assert term.student().layers == frozenset()
    assert list(term.parameters()) == []
    term.attach(SimpleNamespace(), seed=1)
