"""Long texts on the CPU: what goes through in parts of like length is what the whole batch says and learns."""

from __future__ import annotations

import pytest
import torch

from distill_core.config import BiLSTMStudent, TransformerStudent
from distill_core.models import narrow
from distill_core.models.fast import shortcuts
from distill_core.models.narrow import answers_narrow
from distill_core.models.precision import answers
from distill_core.models.students import build_student
from tests.unit.models.conftest import IDS, LABELS, batch_of, load
from tests.unit.models.tagging import tagged

TRANSFORMER = TransformerStudent(layers=2, hidden=16, heads=2, intermediate=32, initialise="random")
BILSTM = BiLSTMStudent(embedding=12, lstm_hidden=8, initialise="random")


def gradients(student, said, mask):
    student.zero_grad(set_to_none=True)
    whole = said.logits.flatten(1).softmax(dim=0).square().sum() + said.pooled.flatten(1).square().sum()
    (whole + sum((states * mask.unsqueeze(-1)).square().mean() for states in said.hidden.values())).backward()
    return {name: p.grad.clone() for name, p in student.named_parameters() if p.grad is not None}


@pytest.mark.parametrize("task", ["classification", "tagging"])
@pytest.mark.parametrize("section", [TRANSFORMER, BILSTM])
@pytest.mark.parametrize("tokens", [1, 12])
def test_parts_are_the_whole(checkpoints, monkeypatch, section, task, tokens):
    teachers = [load(checkpoints["bert"])]
    student = build_student(section, teachers=teachers, classes=len(LABELS), max_tokens=32, seed=1, task=task)
    student.double().eval()
    batch = tagged() if task == "tagging" else batch_of(IDS, pad_to=14)
    monkeypatch.setattr(narrow, "TOKENS", tokens)
    sizes = []
    student.register_forward_hook(lambda module, given, said: sizes.append(tuple(given[0].input_ids.shape)))
    with shortcuts(student):
        wanted = answers(student, batch, layers=(0, 1))
        exact = gradients(student, wanted, batch.mask)
        said = answers_narrow(student, batch, "fp32", layers=(0, 1))
        found = gradients(student, said, batch.mask)
    longest = batch.mask.sum(dim=1)
    assert len(sizes) > 2 and all(rows == 1 or rows * width <= tokens for rows, width in sizes[1:])
    assert sorted(width for rows, width in sizes[1:] for _ in range(rows)) >= sorted(longest.tolist())
    torch.testing.assert_close(said.logits, wanted.logits, rtol=1e-9, atol=1e-12)
    torch.testing.assert_close(said.pooled, wanted.pooled, rtol=1e-9, atol=1e-12)
    assert (said.word_mask is None) == (wanted.word_mask is None)
    assert said.word_mask is None or torch.equal(said.word_mask, wanted.word_mask)
    for layer, states in wanted.hidden.items():
        assert said.hidden[layer].shape == states.shape
        torch.testing.assert_close(said.hidden[layer][batch.mask], states[batch.mask], rtol=1e-9, atol=1e-12)
    assert found.keys() == exact.keys()
    for name, gradient in exact.items():
        torch.testing.assert_close(found[name], gradient, rtol=1e-8, atol=1e-12, msg=name)


def test_a_short_batch_goes_through_whole(checkpoints):
    student = build_student(BILSTM, teachers=[load(checkpoints["bert"])], classes=3, max_tokens=32, seed=1)
    batch, seen = batch_of(IDS), []
    answers_narrow(lambda given: seen.append(given) or student(given), batch, "fp32")
    assert len(seen) == 1 and seen[0] is batch
