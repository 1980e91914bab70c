"""The student's objective: terms add up, masks leave rows out, splitting a batch changes nothing."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from distill_core.config import Objective
from distill_core.models.projections import Projections
from distill_core.models.types import Batch, Outputs
from distill_core.signals.types import TeacherSignal
from distill_core.tasks.classification import Encoded
from distill_core.train.student_learner import Lesson, StudentData, StudentLearner, mean_weight
from distill_core.weighting.constant import Constant
from distill_core.weighting.mt_bert import MTBert

ROWS, CLASSES, WIDTH, TEACHER_WIDTH, WORDS = 12, 3, 4, 5, 6


class ToyStudent(nn.Module):
    layers, width, pooled_width, classes = 1, WIDTH, WIDTH, CLASSES

    def __init__(self) -> None:
        super().__init__()
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(3)
            self.embedding = nn.Embedding(20, WIDTH)
            self.out = nn.Linear(WIDTH, CLASSES)

    def forward(self, batch: Batch, layers=()) -> Outputs:
        states = self.embedding(batch.input_ids)
        real = batch.mask.unsqueeze(-1)
        pooled = (states * real).sum(1) / real.sum(1)
        return Outputs(self.out(pooled), pooled, dict.fromkeys(layers, states))


class ToySource:
    """Signals with one more or one fewer word than the student sees, as another length limit would give."""

    def __init__(self, seed: int, words: int = WORDS, level: str = "word") -> None:
        generator = torch.Generator().manual_seed(seed)
        self.all_logits = torch.randn(ROWS, CLASSES, generator=generator)
        self.hidden = torch.randn(ROWS, words, TEACHER_WIDTH, generator=generator)
        self.pooled = torch.randn(ROWS, TEACHER_WIDTH, generator=generator)
        self.level = level

    def get(self, rows):
        mask = torch.ones(len(rows), self.hidden.shape[1], dtype=torch.bool)
        return TeacherSignal(self.all_logits[rows], self.pooled[rows], {2: self.hidden[rows]}, mask, self.level)

    def logits(self):
        return self.all_logits.numpy()


def encoded() -> Encoded:
    draw = np.random.default_rng(0)
    lengths = draw.integers(3, WORDS + 1, ROWS)
    return Encoded(
        ids=[draw.integers(1, 20, n).astype(np.int32) for n in lengths],
        types=None,
        words=[np.arange(n, dtype=np.int32) for n in lengths],
        lengths=lengths.astype(np.int64),
        pad_id=0,
    )


LABELS = np.array([0, 1, 2, -1] * 3)


def learner(objective: Objective, *, lessons=None, weighting=None, student=None, labels=LABELS) -> StudentLearner:
    table = encoded()
    student = student or ToyStudent()
    lessons = lessons if lessons is not None else [Lesson(f"t{i}", ToySource(i), [(1, 2)], "word") for i in range(2)]
    widths: dict = {}
    for number, lesson in enumerate(lessons):
        widths[(number, "pooled" if lesson.level == "pooled" else 1)] = (TEACHER_WIDTH, WIDTH)
    projections = Projections(widths, seed=1) if objective.hidden_weight and lessons else None
    return StudentLearner(
        "main",
        student,
        StudentData(table, labels, table, np.abs(labels)),
        objective,
        lessons,
        weighting if weighting is not None else (MTBert(0.5) if lessons else None),
        projections,
        learning_rate=0.1,
        device=torch.device("cpu"),
    )


def gradients(made: StudentLearner) -> dict[str, torch.Tensor]:
    return {n: p.grad.clone() for n, p in made.module.named_parameters() if p.grad is not None}


FULL = Objective(hard_label_weight=2.0, soft_label_weight=3.0, hidden_weight=0.5, distill_temperature=2.0)


def test_the_total_is_the_weighted_sum_of_the_unweighted_terms():
    terms = learner(FULL).accumulate(np.arange(ROWS)).values
    value = {name: float(v) for (_, name), v in terms.items()}
    assert value["loss_total"] == pytest.approx(
        2 * value["loss_hard"] + 3 * value["loss_soft"] + 0.5 * value["loss_hidden"], rel=1e-5
    )


def test_the_soft_term_sums_weighted_teachers():
    made = learner(FULL, weighting=Constant([0.25, 0.75]))
    value = {name: float(v) for (_, name), v in made.accumulate(np.arange(ROWS)).values.items()}
    assert value["loss_soft"] == pytest.approx(0.25 * value["kl/t0"] + 0.75 * value["kl/t1"], rel=1e-5)
    assert mean_weight(made.state()) == pytest.approx(0.5)


def test_rows_without_gold_take_no_part_in_the_hard_term():
    hard = Objective(soft_label_weight=0.0)
    everyone = learner(hard, lessons=[])
    everyone.accumulate(np.arange(ROWS))
    labelled = learner(hard, lessons=[])
    labelled.accumulate(np.flatnonzero(LABELS >= 0))
    a, b = gradients(everyone), gradients(labelled)
    assert all(torch.allclose(a[k], b[k], atol=1e-7) for k in a)


def test_a_batch_without_any_gold_label_teaches_nothing_by_hard_labels_alone():
    made = learner(Objective(soft_label_weight=0.0), lessons=[])
    made.accumulate(np.flatnonzero(LABELS < 0))
    assert all(float(g.abs().sum()) == 0 for g in gradients(made).values())


@pytest.mark.parametrize("level", ["word", "pooled"])
def test_gradients_do_not_depend_on_how_the_rows_are_split(level):
    """Halves of equal size with equal numbers of gold labels: their mean gradient is that of the whole."""
    lessons = [Lesson(f"t{i}", ToySource(i), [(1, 2)], level) for i in range(2)]
    whole = learner(FULL, lessons=lessons)
    whole.accumulate(np.arange(8))
    parts = learner(FULL, lessons=lessons)
    parts.accumulate(np.arange(4))
    parts.accumulate(np.arange(4, 8))
    a, b = gradients(whole), gradients(parts)
    assert all(torch.allclose(a[k], b[k] / 2, atol=1e-6) for k in a)


@pytest.mark.parametrize("words", [WORDS - 2, WORDS, WORDS + 3])
def test_words_that_one_side_cut_off_do_not_count(words):
    made = learner(FULL, lessons=[Lesson("t", ToySource(1, words), [(1, 2)], "word")])
    terms = made.accumulate(np.arange(ROWS))
    assert torch.isfinite(terms.values[("main", "loss_hidden")])
    trimmed = ToySource(1, words)
    trimmed.hidden = trimmed.hidden[:, : min(words, WORDS)]
    same = learner(FULL, lessons=[Lesson("t", trimmed, [(1, 2)], "word")])
    again = same.accumulate(np.arange(ROWS))
    assert torch.allclose(terms.values[("main", "loss_hidden")], again.values[("main", "loss_hidden")])


def test_running_sums_survive_a_resume():
    made = learner(FULL)
    made.accumulate(np.arange(ROWS))
    other = learner(FULL)
    other.load_state(made.state())
    assert mean_weight(other.state()) == mean_weight(made.state())


def test_a_perfect_pupil_has_no_soft_loss():
    student = ToyStudent()
    made = learner(
        Objective(hard_label_weight=0.0), student=student, lessons=[Lesson("t", ToySource(0), [(1, 2)], "word")]
    )
    with torch.no_grad():
        from distill_core.tasks.classification import collate

        made.lessons[0].source.all_logits = student(collate(encoded(), np.arange(ROWS))).logits
    terms = made.accumulate(np.arange(ROWS))
    assert float(terms.values[("main", "loss_soft")]) == pytest.approx(0, abs=1e-6)
