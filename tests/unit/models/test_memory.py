"""Parts of a batch say and learn what the whole batch does."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import torch

from distill_core.config import BiLSTMStudent, TransformerStudent
from distill_core.errors import MemoryError_
from distill_core.models import memory
from distill_core.models.fast import shortcuts
from distill_core.models.memory import Room, answers_in_parts, fitting_tokens, within
from distill_core.models.narrow import joined
from distill_core.models.precision import answers
from distill_core.models.students import build_student
from distill_core.models.types import moved
from tests.unit.models.conftest import LABELS, load
from tests.unit.models.tagging import tagged

TRANSFORMER = TransformerStudent(layers=2, hidden=16, heads=2, intermediate=32, initialise="random", dropout=0.2)
BILSTM = BiLSTMStudent(embedding=12, lstm_hidden=8, projection=10, initialise="random", dropout=0.2)


@pytest.fixture(params=[(section, task) for section in (TRANSFORMER, BILSTM) for task in ("classification", "tagging")])
def student(request, checkpoints):
    section, task = request.param
    return build_student(
        section, teachers=[load(checkpoints["bert"])], classes=len(LABELS), max_tokens=32, seed=1, task=task
    )


def narrow(tokens: int) -> Room:
    room = Room()
    room.most = tokens
    return room


def learnt(student, said) -> dict[str, torch.Tensor]:
    """Gradients of something that mixes the rows of a batch, and of every output."""
    student.zero_grad(set_to_none=True)
    whole = said.logits.flatten(1).softmax(dim=0).square().sum() + said.pooled.flatten(1).std(dim=0).sum()
    whole = whole + sum(states.square().mean() for states in said.hidden.values())
    whole.backward()
    return {name: p.grad.clone() for name, p in student.named_parameters() if p.grad is not None}


@pytest.mark.parametrize("tokens", [1, 20])
def test_parts_say_and_learn_what_the_whole_batch_does(student, tokens):
    student.double().eval()
    batch = tagged()
    with shortcuts(student):
        exact = answers(student, batch, layers=(0, 1))
        wanted = learnt(student, exact)
        said = answers_in_parts(student, batch, "fp32", narrow(tokens), layers=(0, 1))
        found = learnt(student, said)
    torch.testing.assert_close(said.logits, exact.logits, rtol=1e-9, atol=1e-12)
    assert (said.word_mask is None) == (exact.word_mask is None)
    if exact.word_mask is not None:
        assert torch.equal(said.word_mask, exact.word_mask)
    assert found.keys() == wanted.keys()
    for name, gradient in wanted.items():
        torch.testing.assert_close(found[name], gradient, rtol=1e-8, atol=1e-12, msg=name)


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_what_is_computed_again_draws_the_same_dropout(student, precision):
    student.train()
    batch, room = tagged(), narrow(20)
    sizes = room.sizes(*batch.input_ids.shape)
    assert len(sizes) > 1
    torch.manual_seed(4)
    parts = [batch.take(place) for place in torch.arange(3).split(sizes)]
    wanted = learnt(student, joined([answers(student, part, precision) for part in parts]))
    after = torch.get_rng_state()
    torch.manual_seed(4)
    found = learnt(student, answers_in_parts(student, batch, precision, room))
    assert torch.equal(torch.get_rng_state(), after)
    for name, gradient in wanted.items():
        torch.testing.assert_close(found[name], gradient, rtol=1e-5, atol=1e-7, msg=name)


def test_a_batch_that_fits_is_the_models_own_affair(student):
    batch, calls = tagged(), []
    answers_in_parts(lambda given: calls.append(given) or student(given), batch, "fp32", Room())
    assert len(calls) == 1 and calls[0] is batch


def test_sizes_are_nearly_equal_and_never_too_large():
    for rows in range(1, 20):
        for most in (1, 7, 30, 1000):
            sizes = narrow(most).sizes(rows, 7)
            assert sum(sizes) == rows and max(sizes) - min(sizes) <= 1
            assert max(sizes) * 7 <= max(most, 7)


def test_rows_are_asked_about_in_parts_that_fit_and_it_is_told():
    said: list[str] = []
    asked: list[int] = []

    def ask(rows: np.ndarray) -> list[int]:
        asked.append(len(rows) * 10)
        if asked[-1] > 30:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return rows.tolist()

    room, lengths = Room(said.append), np.full(20, 10)
    found = list(within(room, np.arange(5, 17), lengths, ask))
    assert [row for _, answer in found for row in answer] == list(range(5, 17))
    assert all(part.tolist() == answer for part, answer in found)
    assert len(said) == 2 and "120 tokens" in said[0] and "at most 30" in said[1]
    asked.clear()
    list(within(room, np.arange(12), lengths, ask))
    assert max(asked) <= 30, "what did not fit is remembered"


def test_a_single_text_that_does_not_fit_is_told_with_its_field():
    def ask(rows: np.ndarray) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory")

    with pytest.raises(MemoryError_) as failed:
        list(within(Room(), np.arange(4), np.full(4, 25), ask))
    assert failed.value.field == "data.max_tokens" and "25 tokens" in failed.value.message and failed.value.hint


def test_other_errors_pass():
    with pytest.raises(ZeroDivisionError):
        Room().attempt(lambda: 1 / 0)


@pytest.fixture
def gpu(monkeypatch):
    """torch.cuda with 10,000 bytes free and 2,000 kept; `used` is the peak of what is tried."""
    state = {"used": 100}
    for name, value in {
        "synchronize": lambda device=None: None,
        "reset_peak_memory_stats": lambda device=None: None,
        "memory_allocated": lambda device=None: 500,
        "memory_reserved": lambda device=None: 2500,
        "max_memory_allocated": lambda device=None: 500 + state["used"],
        "mem_get_info": lambda device=None: (10_000, 20_000),
    }.items():
        monkeypatch.setattr(torch.cuda, name, value)
    return state


@pytest.mark.parametrize(("used", "tokens"), [(100, 720), (12_000, 10), (1, memory.MOST_TOKENS)])
def test_free_memory_tells_how_many_tokens_fit(gpu, used, tokens):
    gpu["used"] = used
    done: list[int] = []
    assert fitting_tokens(lambda: done.append(1), 10, "cuda") == min(tokens, memory.MOST_TOKENS, 72_000)
    assert done == [1]


def test_copies_to_cuda_are_pinned_and_others_are_not(monkeypatch):
    copied: list[tuple[str, bool]] = []
    monkeypatch.setattr(torch.Tensor, "pin_memory", lambda self: copied.append(("pinned", True)) or self)
    monkeypatch.setattr(
        torch.Tensor,
        "to",
        lambda self, target, non_blocking=False: copied.append((torch.device(target).type, non_blocking)) or self,
    )
    tagged().to("cuda")
    assert copied and copied[::2] == [("pinned", True)] * (len(copied) // 2)
    assert set(copied[1::2]) == {("cuda", True)}
    copied.clear()
    moved(torch.zeros(2), "cpu")
    assert copied == [("cpu", False)]


@pytest.mark.parametrize("kind", ["bert", "roberta", "distilbert", "electra", "modernbert"])
def test_teachers_and_students_attend_by_torchs_fused_attention(checkpoints, kind):
    teacher = load(checkpoints[kind])
    assert teacher.encoder.config._attn_implementation == "sdpa"
    copied = TransformerStudent(layers=2, initialise="teacher_layers")
    made = build_student(copied, teachers=[teacher], classes=3, max_tokens=32, seed=1)
    assert made.encoder.config._attn_implementation == "sdpa"
    assert not made.encoder.config.output_attentions and not teacher.encoder.config.output_attentions
    own = build_student(copy.copy(TRANSFORMER), teachers=[teacher], classes=3, max_tokens=32, seed=1)
    assert own.encoder.config._attn_implementation == "sdpa"
