"""bf16 for the products, fp32 for everything that leaves a model."""

from __future__ import annotations

import copy

import pytest
import torch

from distill_core.config import BiLSTMStudent, TransformerStudent
from distill_core.models import fast_linear
from distill_core.models.fast import shortcuts
from distill_core.models.precision import answers
from distill_core.models.students import build_student
from tests.unit.models.conftest import KINDS, LABELS, load
from tests.unit.models.tagging import tagged

TRANSFORMER = TransformerStudent(layers=2, hidden=16, heads=2, intermediate=32, initialise="random")
BILSTM = BiLSTMStudent(embedding=12, lstm_hidden=8, projection=10, initialise="random")
OPTIONS = {"transformer": {"layers": (0, 1, 2), "qkv": (1, 2)}, "bilstm": {"layers": (0, 1)}}


@pytest.fixture(params=[(section, task) for section in (TRANSFORMER, BILSTM) for task in ("classification", "tagging")])
def student(request, checkpoints):
    section, task = request.param
    made = build_student(
        section, teachers=[load(checkpoints["bert"])], classes=len(LABELS), max_tokens=32, seed=1, task=task
    )
    return made.eval()


def test_fp32_is_the_model_itself(student):
    batch = tagged()
    assert torch.equal(answers(student, batch).logits, student(batch).logits)


def test_answers_in_bf16_are_fp32_tensors_near_those_of_fp32(student):
    batch, options = tagged(), OPTIONS[student.architecture["kind"]]
    exact, rounded = student(batch, **options), answers(student, batch, "bf16", **options)
    pairs = [(exact.logits, rounded.logits), (exact.pooled, rounded.pooled)]
    for layer in options["layers"]:
        pairs.append((exact.hidden[layer], rounded.hidden[layer]))
    pairs += [(exact.qkv[layer], rounded.qkv[layer]) for layer in options.get("qkv", ())]
    for theirs, ours in pairs:
        assert ours.dtype == torch.float32
        torch.testing.assert_close(ours, theirs, rtol=0.05, atol=0.05)
    assert not torch.equal(exact.logits, rounded.logits)
    assert (exact.word_mask is None) == (rounded.word_mask is None)


def test_gradients_are_fp32_and_near_those_of_fp32(student):
    batch, found = tagged(), []
    for precision in ("fp32", "bf16"):
        student.zero_grad(set_to_none=True)
        answers(student, batch, precision).logits.pow(2).sum().backward()
        found.append({name: p.grad.clone() for name, p in student.named_parameters() if p.grad is not None})
    exact, rounded = found
    assert exact.keys() == rounded.keys() and exact
    for name, gradient in exact.items():
        assert rounded[name].dtype == torch.float32
        assert float((rounded[name] - gradient).norm()) <= 0.15 * float(gradient.norm()) + 1e-6, name


def test_an_lstm_computes_in_fp32(checkpoints):
    student = build_student(
        BILSTM, teachers=[load(checkpoints["bert"])], classes=len(LABELS), max_tokens=32, seed=1
    ).eval()
    batch = tagged()
    assert torch.equal(student(batch, layers=(1,)).hidden[1], answers(student, batch, "bf16", layers=(1,)).hidden[1])


@pytest.mark.parametrize("kind", KINDS)
def test_every_architecture_of_teachers_computes_in_bf16(checkpoints, kind):
    teacher, batch = load(checkpoints[kind]), tagged()
    with torch.no_grad(), shortcuts(teacher):
        exact, rounded = teacher(batch), answers(teacher, batch, "bf16")
    torch.testing.assert_close(rounded.logits, exact.logits, rtol=0.05, atol=0.05)
    assert rounded.logits.isfinite().all() and rounded.logits.dtype == torch.float32


def test_the_faster_product_of_cpus_gives_way_to_bf16(monkeypatch):
    if not fast_linear._works():
        pytest.skip("this torch has no oneDNN product")
    monkeypatch.setattr(fast_linear, "onednn_is_faster", lambda: True)
    x, weight = torch.randn(3, 5), torch.randn(7, 5)
    with torch.autocast("cpu", torch.bfloat16):
        assert fast_linear.linear(x, weight).dtype == torch.bfloat16
    assert fast_linear.linear(x, weight).dtype == torch.float32


def test_the_first_token_alone_says_the_same_in_bf16(checkpoints):
    student = build_student(
        TRANSFORMER, teachers=[load(checkpoints["bert"])], classes=len(LABELS), max_tokens=32, seed=1
    ).eval()
    batch = tagged()
    whole = answers(copy.deepcopy(student), batch, "bf16").logits
    with shortcuts(student):
        short = answers(student, batch, "bf16").logits
    torch.testing.assert_close(short, whole, rtol=0.05, atol=0.02)
