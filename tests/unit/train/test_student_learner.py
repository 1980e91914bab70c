"""The student's objective: terms add up, masks leave rows out, splitting a batch changes nothing."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from distill_core.catalogue import TERMS
from distill_core.config import Objective
from distill_core.models.types import Batch, Outputs
from distill_core.signals.types import TeacherSignal
from distill_core.tasks.base import Encoded, Targets
from distill_core.tasks.encoding import collate
from distill_core.terms.base import Setup, StudentShape, TeacherShape
from distill_core.train.phases import Phase, Weight, objective_weights
from distill_core.train.student_learner import Lessons, StudentData, StudentLearner, hold_out, mean_weight, units
from distill_core.train.types import StepInfo
from distill_core.weighting.constant import Constant
from distill_core.weighting.mt_bert import MTBert
from distill_core.weighting.uniform import Uniform

ROWS, CLASSES, WIDTH, TEACHER_WIDTH, WORDS = 12, 3, 4, 5, 6


class ToyStudent(nn.Module):
    layers, width, pooled_width, classes = 1, WIDTH, WIDTH, CLASSES

    def __init__(self) -> None:
        super().__init__()
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(3)
            self.embedding = nn.Embedding(20, WIDTH)
            self.out = nn.Linear(WIDTH, CLASSES)

    task = "classification"

    def parts(self):
        return [("head", list(self.out.parameters())), ("embeddings", list(self.embedding.parameters()))]

    def reset_head(self, seed):
        with torch.no_grad():
            self.out.weight.copy_(torch.randn(CLASSES, WIDTH, generator=torch.Generator().manual_seed(seed)))

    def forward(self, batch: Batch, layers=(), qkv=()) -> Outputs:
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
INFO = StepInfo(step=0, progress=0.0, seed=1)


def phase_of(objective: Objective, **changes) -> Phase:
    given = {
        "name": "joint",
        "steps": 4,
        "terms": objective_weights(objective),
        "rows": np.arange(ROWS),
        "schedule": "linear",
        "learning_rate": 0.1,
        "patience": None,
        "evaluations": 1,
    }
    return Phase(**{**given, **changes})


def learner(
    objective: Objective, *, sources=None, level="word", weighting=None, student=None, labels=LABELS, phase=None
) -> StudentLearner:
    table = encoded()
    student = student or ToyStudent()
    sources = [ToySource(0, level=level), ToySource(1, level=level)] if sources is None else sources
    setup = Setup(
        objective,
        StudentShape("bilstm", 1, 0),
        [TeacherShape(f"t{i}", 2, TEACHER_WIDTH, TEACHER_WIDTH, 1, level) for i in range(len(sources))],
    )
    terms = {name: TERMS[name].load()(setup) for name in objective.weights() if sources or name == "hard"}
    for term in terms.values():
        term.attach(student, seed=1)
    made = StudentLearner(
        "main",
        student,
        StudentData(table, Targets(labels, None), table, lambda predicted: float(np.mean(predicted == np.abs(labels)))),
        Lessons(
            terms,
            [teacher.name for teacher in setup.teachers],
            sources,
            (weighting or MTBert(0.5)) if sources else None,
        ),
        seed=1,
        device=torch.device("cpu"),
    )
    made.module.train()
    chosen = phase or phase_of(objective)
    made.begin_phase(chosen if sources else phase_of(objective, terms={"hard": Weight(objective.hard_label_weight, 1)}))
    return made


def gradients(made: StudentLearner) -> dict[str, torch.Tensor]:
    return {n: p.grad.clone() for n, p in made.module.named_parameters() if p.grad is not None}


FULL = Objective(hard_label_weight=2.0, soft_label_weight=3.0, hidden_weight=0.5, distill_temperature=2.0)


def test_the_total_is_the_weighted_sum_of_the_unweighted_terms():
    terms = learner(FULL).accumulate(np.arange(ROWS), INFO).values
    value = {name: float(v) for (_, name), v in terms.items()}
    assert value["loss_total"] == pytest.approx(
        2 * value["loss_hard"] + 3 * value["loss_soft"] + 0.5 * value["loss_hidden"], rel=1e-5
    )


def test_the_soft_term_sums_weighted_teachers():
    made = learner(FULL, weighting=Constant([0.25, 0.75]))
    value = {name: float(v) for (_, name), v in made.accumulate(np.arange(ROWS), INFO).values.items()}
    assert value["loss_soft"] == pytest.approx(0.25 * value["kl/t0"] + 0.75 * value["kl/t1"], rel=1e-5)
    assert mean_weight(made.state()) == pytest.approx(0.5)


def test_rows_without_gold_take_no_part_in_the_hard_term():
    hard = Objective(soft_label_weight=0.0)
    everyone = learner(hard, sources=[])
    everyone.accumulate(np.arange(ROWS), INFO)
    labelled = learner(hard, sources=[])
    labelled.accumulate(np.flatnonzero(LABELS >= 0), INFO)
    a, b = gradients(everyone), gradients(labelled)
    assert all(torch.allclose(a[k], b[k], atol=1e-7) for k in a)


def test_a_batch_without_any_gold_label_teaches_nothing_by_hard_labels_alone():
    made = learner(Objective(soft_label_weight=0.0), sources=[])
    made.accumulate(np.flatnonzero(LABELS < 0), INFO)
    assert all(float(g.abs().sum()) == 0 for g in gradients(made).values())


@pytest.mark.parametrize("level", ["word", "pooled"])
@pytest.mark.parametrize("cut", [1, 5, 8])
def test_gradients_do_not_depend_on_how_the_rows_are_split(level, cut):
    """Parts of unequal size and unequal numbers of gold labels, divided by the whole batch's counts, add up to it."""
    whole = learner(FULL, level=level)
    found = whole.accumulate(np.arange(ROWS), INFO)
    counts = {name: found.counts[("main", f"loss_{name}")] for name in ("hard", "soft", "hidden")}
    parts = learner(FULL, level=level)
    parts.accumulate(np.arange(cut), INFO, denominators=counts)
    parts.accumulate(np.arange(cut, ROWS), INFO, denominators=counts)
    a, b = gradients(whole), gradients(parts)
    assert a.keys() == b.keys()
    assert all(torch.allclose(a[k], b[k], atol=1e-6) for k in a)


@pytest.mark.parametrize("words", [WORDS - 2, WORDS, WORDS + 3])
def test_words_that_one_side_cut_off_do_not_count(words):
    made = learner(FULL, sources=[ToySource(1, words)])
    terms = made.accumulate(np.arange(ROWS), INFO)
    assert torch.isfinite(terms.values[("main", "loss_hidden")])
    trimmed = ToySource(1, words)
    trimmed.hidden = trimmed.hidden[:, : min(words, WORDS)]
    same = learner(FULL, sources=[trimmed])
    again = same.accumulate(np.arange(ROWS), INFO)
    assert torch.allclose(terms.values[("main", "loss_hidden")], again.values[("main", "loss_hidden")])


def test_running_sums_survive_a_resume():
    made = learner(FULL)
    made.accumulate(np.arange(ROWS), INFO)
    other = learner(FULL)
    other.load_state(made.state())
    assert mean_weight(other.state()) == mean_weight(made.state())


def test_a_perfect_pupil_has_no_soft_loss():
    student = ToyStudent()
    source = ToySource(0)
    made = learner(Objective(hard_label_weight=0.0), student=student, sources=[source])
    with torch.no_grad():
        source.all_logits = student(collate(encoded(), np.arange(ROWS))).logits
    terms = made.accumulate(np.arange(ROWS), INFO)
    assert float(terms.values[("main", "loss_soft")]) == pytest.approx(0, abs=1e-6)


def test_weights_move_with_the_progress_of_the_phase():
    objective = Objective(hard_label_weight=0.0, soft_label_weight=4.0, soft_label_weight_end=1.0)
    for progress, factor in ((0.0, 4.0), (0.5, 2.5), (1.0, 1.0)):
        made = learner(objective)
        value = made.accumulate(np.arange(ROWS), StepInfo(3, progress, 1)).values
        assert float(value[("main", "loss_total")]) == pytest.approx(
            factor * float(value[("main", "loss_soft")]), rel=1e-5
        )


def test_a_phase_freezes_what_it_does_not_train():
    made = learner(FULL, phase=phase_of(FULL, trainable=["head"]))
    made.accumulate(np.arange(ROWS), INFO)
    assert made.student.embedding.weight.grad is None
    assert made.student.out.weight.grad is not None
    made.begin_phase(phase_of(FULL))
    made.accumulate(np.arange(ROWS), INFO)
    assert made.student.embedding.weight.grad is not None


def test_a_fresh_head_is_new_and_the_same_each_time():
    heads = []
    for _ in range(2):
        made = learner(FULL, phase=phase_of(FULL, fresh_head=True))
        heads.append(made.student.out.weight.detach().clone())
    assert torch.equal(heads[0], heads[1])
    assert not torch.equal(heads[0], ToyStudent().out.weight)


def test_rows_that_choose_by_loss_are_not_trained_on():
    first = phase_of(FULL, name="a 1/2", rows=np.arange(100), select="loss", stage=0)
    second = phase_of(FULL, name="a 2/2", rows=np.arange(100), select="loss", stage=0)
    labels = phase_of(FULL, name="b", rows=np.arange(100), stage=1)
    kept, held = hold_out([first, second, labels], seed=3)
    assert set(held) == {0}
    assert len(held[0]) == 5
    for phase in kept[:2]:
        assert sorted([*phase.rows, *held[0]]) == list(range(100))
    assert len(kept[2].rows) == 100


def test_validation_by_loss_is_the_weighted_total_of_the_held_out_rows():
    objective = Objective(hard_label_weight=0.0, soft_label_weight=0.0, hidden_weight=0.5)
    made = learner(objective, phase=phase_of(objective, select="loss", stage=0))
    made.data.held_out = {0: np.array([2, 5])}
    made.begin_phase(phase_of(objective, select="loss", stage=0))
    made.module.eval()
    found = made.validate()
    made.module.train()
    loss = float(made.accumulate(np.array([2, 5]), INFO).values[("main", "loss_total")])
    assert found.score == pytest.approx(-loss, rel=1e-5)
    assert found.rows[("main", "validation_loss")] == pytest.approx(loss, rel=1e-5)


def test_teacher_labels_teach_where_there_is_no_gold():
    objective = Objective(hard_label_weight=0.0, soft_label_weight=0.0, teacher_label_weight=1.0)
    sources = [ToySource(0), ToySource(1)]
    made = learner(objective, sources=sources)
    found = made.accumulate(np.arange(ROWS), INFO)
    bare = np.flatnonzero(LABELS < 0)
    assert found.counts[("main", "loss_teacher_labels")] == len(bare)
    with torch.no_grad():
        logits = made.student(collate(encoded(), bare)).logits
    wanted = sum(source.all_logits[bare].softmax(-1) for source in sources).argmax(-1)
    expected = torch.nn.functional.cross_entropy(logits, wanted)
    assert float(found.values[("main", "loss_teacher_labels")]) == pytest.approx(float(expected), rel=1e-5)


def test_in_tagging_a_unit_is_a_word_that_all_sides_saw():
    words = 3
    logits = torch.arange(2 * words * 2, dtype=torch.float32).reshape(2, words, 2)
    mask = torch.tensor([[True, True, True], [True, False, False]])
    outputs = Outputs(logits, logits, word_mask=mask)
    seen = torch.tensor([[True, False, True, True], [True, True, True, True]])
    signal = TeacherSignal(torch.ones(2, 4, 2), None, word_mask=seen)
    batch = collate(encoded(), np.arange(2))
    targets = Targets(np.array([0, 1, 1, 0, 1]), np.array([3, 2]))
    step = units(batch, outputs, targets, [signal], np.array([0, 1]))
    assert step.logits.tolist() == [[0.0, 1.0], [4.0, 5.0], [6.0, 7.0]]
    assert step.gold.tolist() == [0, 1, 0]
    assert step.owner.tolist() == [0, 0, 1]
    assert [tuple(t.shape) for t in step.teacher_logits] == [(3, 2)]


def test_an_example_is_held_out_with_all_its_copies():
    phase = Phase(
        "states",
        10,
        {"hidden": Weight(1.0, 1.0)},
        np.arange(120),
        "linear",
        0.1,
        None,
        2,
        select="loss",
        stage=0,
        copies=3,
    )
    (kept,), held = hold_out([phase], 7)
    assert len(held[0]) == 2 and held[0].max() < 40
    gone = {int(row) + 40 * copy for row in held[0] for copy in range(3)}
    assert set(kept.rows.tolist()) == set(range(120)) - gone
    assert kept.copies == 3


# ---------------------------------------------------------------- teachers of a phase


class Headless(ToySource):
    """A teacher that stays as pre-trained: states alone."""

    def get(self, rows):
        signal = super().get(rows)
        signal.logits = signal.logits[:, :0]
        return signal


@pytest.mark.parametrize("level", ["word", "pooled"])
@pytest.mark.parametrize("weighting", [Uniform(), MTBert(0.5)])
def test_a_phase_without_a_teacher_is_one_of_a_run_without_it(level, weighting):
    three = [ToySource(seed, level=level) for seed in range(3)]
    chosen = phase_of(FULL, teachers=(0, 1))
    part = learner(FULL, sources=three, level=level, weighting=weighting, phase=chosen)
    whole = learner(FULL, sources=three[:2], level=level, weighting=weighting)
    found, expected = part.accumulate(np.arange(ROWS), INFO), whole.accumulate(np.arange(ROWS), INFO)
    assert {key: float(value) for key, value in found.values.items()} == pytest.approx(
        {key: float(value) for key, value in expected.values.items()}
    )
    a, b = gradients(part), gradients(whole)
    assert a.keys() == b.keys(), "the maps of a teacher that is not asked have no gradient"
    assert all(torch.equal(a[name], b[name]) for name in a)
    assert mean_weight(part.state()) == pytest.approx(mean_weight(whole.state()))


def test_the_teacher_a_phase_leaves_out_may_be_any():
    sources = [ToySource(0), ToySource(1)]
    second = learner(FULL, sources=[None, sources[1]], phase=phase_of(FULL, teachers=(1,)), weighting=Uniform())
    found = {name: float(v) for (_, name), v in second.accumulate(np.arange(ROWS), INFO).values.items()}
    assert found["weight/t1"] == 1 and "weight/t0" not in found
    alone = learner(FULL, sources=[sources[1]], weighting=Uniform())
    other = {name: float(v) for (_, name), v in alone.accumulate(np.arange(ROWS), INFO).values.items()}
    assert found["kl/t1"] == pytest.approx(other["kl/t0"])


def test_a_teacher_without_answers_teaches_by_its_states_alone():
    made = learner(FULL, sources=[Headless(0), ToySource(1)], weighting=Uniform())
    value = {name: float(v) for (_, name), v in made.accumulate(np.arange(ROWS), INFO).values.items()}
    assert value["loss_soft"] == pytest.approx(value["kl/t1"]) and "kl/t0" not in value
    assert value["weight/t1"] == 1
    maps = [name for name in gradients(made) if "projections" in name]
    assert any(".maps.0." in name for name in maps) and any(".maps.1." in name for name in maps)
    labels = Objective(hard_label_weight=0.0, soft_label_weight=0.0, teacher_label_weight=1.0)
    told = [
        float(learner(labels, sources=them).accumulate(np.arange(ROWS), INFO).values[("main", "loss_teacher_labels")])
        for them in ([Headless(0), ToySource(1)], [ToySource(1)])
    ]
    assert told[0] == pytest.approx(told[1])


def test_phases_with_other_teachers_have_weightings_of_their_own():
    first, second = Constant([0.25, 0.75]), Constant([0.5])
    lessons = Lessons({}, ["a", "b"], [], first, {(1,): second})
    assert lessons.weighting_of([0, 1]) is first
    assert lessons.weighting_of([1]) is second
    assert list(lessons.weightings()) == ["weighting", "weighting_1"]
