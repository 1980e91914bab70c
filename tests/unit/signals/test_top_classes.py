"""Signals of masked language models: the most probable pieces alone, live as from the disk."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from distill_core.config import Objective, TeacherSection
from distill_core.data.types import Rows
from distill_core.losses.soft_labels import soft_label_kl
from distill_core.models.teachers import load_teachers
from distill_core.models.types import Outputs
from distill_core.signals.cache import CachedSource, build_cache
from distill_core.signals.fingerprint import fingerprint
from distill_core.signals.live import LiveSource
from distill_core.signals.predict import predict_logits, predict_units
from distill_core.signals.types import SignalSpec
from distill_core.tasks.encoding import collate
from distill_core.tasks.masked_lm import MaskedLM
from distill_core.terms.base import Setup, StudentShape, TeacherShape
from distill_core.terms.soft import SoftLabels
from distill_core.train.student_learner import units
from tests import tiny

K = 6
SPEC = SignalSpec(layers=(2,), top_k=K)


@pytest.fixture(scope="module")
def asked(tmp_path_factory):
    torch.set_num_threads(1)
    folder = tiny.write_bert(tmp_path_factory.mktemp("bert") / "bert")
    (teacher,) = load_teachers(
        [TeacherSection(source=str(folder))], "as_is", [], dropout=None, seed=1, task="masked_lm"
    )
    texts = [text for text, _ in tiny.sentences(14, 5)]
    rows = Rows(texts, None, np.zeros(len(texts)), list(range(len(texts))))
    task = MaskedLM(0.3)
    encoded = task.encode(teacher.tokenizer, rows, 20)
    return teacher, encoded, rows.ids, task.targets(rows, encoded)


def test_the_cache_gives_back_what_the_teacher_says(asked, tmp_path):
    teacher, encoded, ids, _ = asked
    live = LiveSource(teacher, encoded, SPEC)
    build_cache(tmp_path / "cache", teacher, encoded, ids, SPEC, batch_size=5)
    cached = CachedSource(tmp_path / "cache", ids)
    assert cached.spec == SPEC
    rows = np.array([3, 0, 11])
    one, other = live.get(rows), cached.get(rows)
    assert one.word_mask.equal(other.word_mask)
    real = one.word_mask
    assert one.classes[real].equal(other.classes[real]) and other.classes.dtype == torch.int64
    assert torch.allclose(one.logits[real], other.logits[real], atol=1e-5)
    assert one.logits.shape[-1] == K + 1
    assert torch.allclose(one.hidden[2], other.hidden[2], atol=1e-3)


def test_kept_logits_are_the_whole_ones(asked):
    teacher, encoded, _, _ = asked
    whole = predict_logits(teacher, encoded, "cpu")
    signal = LiveSource(teacher, encoded, SPEC).get(np.array([0]))
    count = int(encoded.word_counts[0])
    for unit in range(count):
        exact = np.exp(whole[unit].astype(np.float64))
        order = np.argsort(-exact)[:K]
        assert signal.classes[0, unit].tolist() == order.tolist()
        rest = np.log(exact.sum() - exact[order].sum())
        assert signal.logits[0, unit, K].item() == pytest.approx(rest, abs=1e-4)


def soft_loss(asked, source, weight):
    """The soft-label term on a student of one parameter a class."""
    _, encoded, _, targets = asked
    rows = np.arange(4)
    batch = collate(encoded, rows)
    classes = weight.shape[0]
    mask = torch.stack([(batch.targets == number).any(dim=1) for number in range(int(batch.targets.max()) + 1)], 1)
    logits = weight * torch.linspace(0.5, 1.5, mask.shape[1])[None, :, None]
    outputs = Outputs(logits.expand(len(rows), -1, -1), torch.zeros(len(rows), 1), word_mask=mask)
    step = units(batch, outputs, targets, [source.get(rows)], rows)
    step.weights = torch.ones(len(step.gold), 1)
    setup = Setup(
        Objective(),
        StudentShape("transformer", 1, 1),
        [TeacherShape("t", 2, 32, 32, 2, "token")],
        "masked_lm",
        classes,
    )
    return SoftLabels(setup)(step), step


def test_live_and_cached_signals_give_one_loss_and_one_gradient(asked, tmp_path):
    teacher, encoded, ids, _ = asked
    cached = build_cache(tmp_path / "cache", teacher, encoded, ids, SPEC, batch_size=5)
    found = []
    for source in (LiveSource(teacher, encoded, SPEC), cached):
        weight = torch.linspace(-1, 1, len(teacher.tokenizer)).requires_grad_()
        values, _ = soft_loss(asked, source, weight)
        values.values.mean().backward()
        found.append((values.values.detach(), weight.grad))
    assert torch.allclose(found[0][0], found[1][0], atol=1e-6)
    assert torch.allclose(found[0][1], found[1][1], atol=1e-6)


def test_all_classes_but_one_give_the_whole_divergence(asked):
    teacher, encoded, _, _ = asked
    pieces = len(teacher.tokenizer)
    weight = torch.linspace(-1, 1, pieces)
    few, step = soft_loss(asked, LiveSource(teacher, encoded, SPEC), weight)
    nearly, _ = soft_loss(asked, LiveSource(teacher, encoded, SignalSpec(top_k=pieces - 1)), weight)
    whole = soft_label_kl(
        step.logits, torch.from_numpy(predict_logits(teacher, encoded, "cpu")[: len(step.logits)]), temperature=1.0
    )
    assert torch.allclose(nearly.values, whole, atol=1e-5)
    assert bool((few.values <= whole + 1e-6).all())
    assert bool((few.values < whole - 1e-4).any())


def test_answers_unit_by_unit_equal_those_of_all_logits(asked):
    teacher, encoded, _, targets = asked
    logits = predict_logits(teacher, encoded, "cpu").astype(np.float64)
    answers = predict_units(teacher, encoded, "cpu", batch_size=3)
    assert np.array_equal(answers.predicted, logits.argmax(axis=1))
    log_z = np.log(np.exp(logits).sum(axis=1))
    assert np.allclose(answers.nll, log_z - logits[np.arange(len(logits)), targets.gold], atol=1e-4)


def test_caches_of_other_sizes_have_other_names():
    names = {fingerprint("t", ["a"], SignalSpec(top_k=k), 16) for k in (0, 4, 8)}
    assert len(names) == 3
    assert (SignalSpec(top_k=4) | SignalSpec(layers=(1,))).top_k == 4
