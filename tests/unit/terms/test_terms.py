"""Matching terms: nothing to learn from a teacher that says the same, gradients, pairs of layers, what is asked for."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import nn

from distill_core.catalogue import MATCHING, TERMS
from distill_core.config import Objective
from distill_core.models.layers import layer_pairs
from distill_core.models.types import Batch, Outputs
from distill_core.signals.types import TeacherSignal
from distill_core.terms.base import Setup, Step, StudentShape, TeacherShape, Term
from distill_core.terms.relations import relation_heads

B, T, H, LAYERS = 3, 5, 8, 2
#: terms that compare what both sides hold inside
STATES = ["hidden", *(name for name in MATCHING if name != "mixup")]
STUDENT = SimpleNamespace(layers=LAYERS, width=H, pooled_width=H)


def setup(objective: Objective | None = None, *, width: int = H, level: str = "token", layers: int = LAYERS) -> Setup:
    teacher = TeacherShape("t", layers, width, width, 2, level)
    return Setup(objective or Objective(), StudentShape("transformer", LAYERS, 2), [teacher])


def states(seed: int, *shape: int) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def step_of(term: Term, *, teacher: int = 0, width: int = H, layers: int = LAYERS) -> Step:
    """The student's states are those of seed 0; so are the teacher's, unless another seed is given."""
    mask = torch.tensor([[True] * 5, [True] * 3 + [False] * 2, [True] * 4 + [False]])
    ids = torch.ones(B, T, dtype=torch.int64)
    words = torch.arange(T).repeat(B, 1).masked_fill(~mask, -1)
    hidden = {j: states(j, B, T, H).requires_grad_() for j in range(LAYERS + 1)}
    qkv = {j: states(10 + j, B, T, 3, H).requires_grad_() for j in range(1, LAYERS + 1)}
    pooled = states(20, B, H).requires_grad_()
    logits = torch.zeros(B, 2, requires_grad=True)
    spec = term.signals(0)
    signal = TeacherSignal(
        torch.zeros(B, 2),
        states(20 + teacher, B, width) if spec.pooled else None,
        {j: states(j + 100 * teacher, B, T, width) for j in spec.layers},
        mask,
        spec.level,
        {j: states(10 + j + 100 * teacher, B, T, 3, width) for j in spec.qkv},
    )
    outputs = Outputs(logits, pooled, hidden, qkv)
    gold, owner = torch.zeros(B, dtype=torch.int64), torch.arange(B)
    return Step(
        Batch(ids, mask, None, words), outputs, logits, gold, owner, np.arange(B), [torch.zeros(B, 2)], [signal]
    )


def made(name: str, **options: object) -> Term:
    term = TERMS[name].load()(setup(**options))
    term.attach(STUDENT, seed=1)
    return term


def identity(term: Term) -> Term:
    """Every learnt map becomes the identity."""
    with torch.no_grad():
        for module in term.modules():
            if isinstance(module, nn.Linear):
                module.weight.copy_(torch.eye(*module.weight.shape))
                module.bias.zero_()
    return term


@pytest.mark.parametrize("name", STATES)
def test_a_student_that_says_what_the_teacher_says_has_nothing_to_learn(name: str) -> None:
    term = identity(made(name))
    if name == "emd":
        # The flow may move a layer's weight to any layer that costs nothing: its own.
        for buffer in term.buffers():
            assert float(buffer.sum()) == pytest.approx(1.0)
    found = term(step_of(term))
    assert found is not None
    assert found.values.shape == (B,)
    assert found.values.detach().abs().max() < 1e-5


@pytest.mark.parametrize("name", STATES)
@pytest.mark.parametrize("width", [H, 16])
def test_another_teacher_costs_something_and_pulls_at_the_student(name: str, width: int) -> None:
    term = made(name, width=width)
    step = step_of(term, teacher=1, width=width)
    values = term(step).values
    assert bool((values > 0).all())
    values.sum().backward()
    reached = [*step.outputs.hidden.values(), *step.outputs.qkv.values(), step.outputs.pooled]
    assert any(tensor.grad is not None and bool(tensor.grad.abs().sum() > 0) for tensor in reached)
    assert all(bool(tensor.grad.isfinite().all()) for tensor in reached if tensor.grad is not None)
    assert all(parameter.grad is not None for parameter in term.parameters())


@pytest.mark.parametrize("name", STATES)
def test_padding_has_no_say(name: str) -> None:
    term = made(name).eval()
    clean, dirty = step_of(term, teacher=1), step_of(term, teacher=1)
    off = ~dirty.batch.mask
    with torch.no_grad():
        for tensor in [*dirty.outputs.hidden.values(), *dirty.outputs.qkv.values()]:
            tensor[off] = 1e4
        for tensor in [*dirty.signals[0].hidden.values(), *dirty.signals[0].qkv.values()]:
            tensor[off] = -1e4
    torch.testing.assert_close(term(clean).values, term(dirty).values)


def test_the_earth_mover_prefers_the_layer_that_fits() -> None:
    term = identity(made("emd")).eval()
    step = step_of(term)
    # The teacher's layers the other way round: the flow crosses over, and it costs nothing still.
    signal = step.signals[0]
    signal.hidden = {1: signal.hidden[2], 2: signal.hidden[1]}
    assert float(term(step).values.detach().abs().max()) < 1e-5


def test_layer_weights_of_the_earth_mover_move_in_training_alone() -> None:
    term = made("emd")
    before = term.get_buffer("student_0").clone()
    term.eval()(step_of(term, teacher=1))
    assert torch.equal(term.get_buffer("student_0"), before)
    term.train()(step_of(term, teacher=1))
    after = term.get_buffer("student_0")
    assert not torch.equal(after, before)
    assert float(after.sum()) == pytest.approx(1.0)


def test_layers_are_paired_as_asked() -> None:
    objective = Objective()
    assert layer_pairs(objective, 2, 6, deep=True) == [(1, 3), (2, 6)]
    assert layer_pairs(objective, 2, 6, deep=False) == [(2, 6)]
    assert layer_pairs(Objective(hidden_layers="last"), 2, 6, deep=True) == [(2, 6)]
    assert layer_pairs(Objective(hidden_layers="top"), 3, 6, deep=True) == [(1, 4), (2, 5), (3, 6)]
    assert layer_pairs(Objective(hidden_layers="top"), 6, 4, deep=True) == [(3, 1), (4, 2), (5, 3), (6, 4)]
    assert layer_pairs(Objective(hidden_teacher_layer=4), 2, 6, deep=True) == [(2, 4)]
    assert layer_pairs(Objective(hidden_teacher_layer=9), 1, 6, deep=False) == [(1, 6)]


def test_a_projection_on_the_students_side_leaves_the_teacher_alone() -> None:
    term = made("hidden", objective=Objective(hidden_projection="student"), width=16)
    widths = {tuple(parameter.shape) for parameter in term.parameters() if parameter.ndim == 2}
    assert widths == {(16, H)}


def test_patient_knowledge_leaves_the_last_layer_to_the_soft_labels() -> None:
    term = made("pkd", layers=4)
    assert term.pairs(0) == [(1, 2)]
    assert term.student().layers == frozenset({1})


@pytest.mark.parametrize(("student", "teacher", "heads"), [(384, 768, 48), (96, 128, 8), (312, 768, 24), (7, 5, 1)])
def test_relation_heads_divide_both_widths(student: int, teacher: int, heads: int) -> None:
    found = relation_heads(student, teacher)
    assert found == heads
    assert student % found == 0 and teacher % found == 0
