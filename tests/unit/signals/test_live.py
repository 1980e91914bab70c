import numpy as np
import pytest
import torch

from distill_core.models.fast import shortcuts
from distill_core.models.words import pool_words
from distill_core.signals.live import FP16_MAX, LiveSource, count_units, through_fp16
from distill_core.signals.types import SignalSpec
from distill_core.tasks.encoding import collate
from tests.unit.signals.builders import TEXTS, TinyTeacher, examples


def test_a_live_signal_is_the_teachers_answer_rounded_to_fp16():
    teacher, (encoded, _) = TinyTeacher(), examples()
    rows = np.array([2, 0])
    signal = LiveSource(teacher, encoded, SignalSpec((0, 2), "token", True)).get(rows)
    batch = collate(encoded, rows)
    with torch.no_grad(), shortcuts(teacher):
        outputs = teacher(batch, layers=(0, 2))
    torch.testing.assert_close(signal.logits, outputs.logits, rtol=0, atol=0)
    torch.testing.assert_close(signal.pooled, outputs.pooled.half().float(), rtol=0, atol=0)
    assert torch.equal(signal.mask, batch.mask)
    for layer in (0, 2):
        expected = outputs.hidden[layer].half().float() * batch.mask.unsqueeze(-1)
        torch.testing.assert_close(signal.hidden[layer], expected, rtol=0, atol=0)
    assert not signal.logits.requires_grad
    assert not teacher.training


def test_word_level_holds_the_mean_of_each_words_pieces():
    teacher, (encoded, _) = TinyTeacher(), examples()
    rows = np.array([4, 1])
    signal = LiveSource(teacher, encoded, SignalSpec((1,), "word")).get(rows)
    batch = collate(encoded, rows)
    with torch.no_grad(), shortcuts(teacher):
        means, mask = pool_words(teacher(batch, layers=(1,)).hidden[1], batch.words)
    assert signal.pooled is None
    assert torch.equal(signal.mask, mask)
    torch.testing.assert_close(signal.hidden[1], means.half().float(), rtol=0, atol=0)
    assert signal.mask.sum(1).tolist() == count_units(encoded, "word")[rows].tolist()


def test_all_logits_stand_in_the_order_of_rows_and_are_asked_once():
    teacher, (encoded, _) = TinyTeacher(), examples()
    source = LiveSource(teacher, encoded, SignalSpec(), batch_size=3)
    found = source.logits()
    assert found.shape == (len(TEXTS), 3)
    assert found.dtype == np.float32
    assert sum(teacher.asked) == len(TEXTS)
    np.testing.assert_allclose(found[3], source.get(np.array([3])).logits[0], atol=1e-5)
    asked = len(teacher.asked)
    source.logits()
    assert len(teacher.asked) == asked


def test_values_beyond_fp16_are_clamped():
    found = through_fp16(torch.tensor([1e6, -1e6, 1.0, float("inf")]))
    assert found.tolist() == [FP16_MAX, -FP16_MAX, 1.0, FP16_MAX]
    assert found.dtype == torch.float16


def test_count_of_units():
    encoded, _ = examples(["the cat.", "", "unbelievably"])
    assert count_units(encoded, "word").tolist() == [3, 0, 1]
    assert count_units(encoded, "token").tolist() == encoded.lengths.tolist()


def test_nonsense_specs_are_refused():
    with pytest.raises(ValueError):
        SignalSpec((-1,))
    with pytest.raises(ValueError):
        SignalSpec((1,), "sentence")  # type: ignore[arg-type]
