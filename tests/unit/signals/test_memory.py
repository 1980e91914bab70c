"""Teachers asked on a device whose memory does not hold a batch, and on one that holds far more."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from distill_core.models.memory import Room
from distill_core.signals import cache
from distill_core.signals.cache import build_cache
from distill_core.signals.live import LiveSource
from distill_core.signals.predict import predict_logits
from distill_core.signals.types import SignalSpec
from tests.unit.signals.builders import TinyTeacher, examples
from tests.unit.signals.test_cache import FULL, assert_equal


class Tight(TinyTeacher):
    """Runs out of memory beyond so many tokens."""

    def __init__(self, tokens: int) -> None:
        super().__init__()
        self.tokens, self.refused = tokens, 0

    def forward(self, batch, layers=()):
        if batch.input_ids.numel() > self.tokens:
            self.refused += 1
            raise torch.OutOfMemoryError("CUDA out of memory")
        return super().forward(batch, layers)


@pytest.mark.parametrize("spec", [FULL, SignalSpec((1,), "word")], ids=str)
def test_answers_in_parts_are_those_of_the_whole_batch(tmp_path, spec):
    encoded, ids = examples()
    rows, said = np.array([5, 0, 3, 2, 7, 1]), []
    whole = LiveSource(TinyTeacher(), encoded, spec)
    teacher = Tight(45)
    live = LiveSource(teacher, encoded, spec, room=Room(said.append))
    assert_equal(live.get(rows), whole.get(rows), ulps=1)
    assert len(said) == teacher.refused > 0
    built = build_cache(tmp_path / "c", Tight(45), encoded, ids, spec, room=Room(said.append))
    assert_equal(built.get(rows), whole.get(rows), ulps=1)
    np.testing.assert_allclose(
        predict_logits(Tight(45), encoded, "cpu"), predict_logits(TinyTeacher(), encoded, "cpu"), rtol=1e-5, atol=1e-6
    )


def test_on_cuda_as_much_is_asked_at_once_as_free_memory_holds(tmp_path, monkeypatch):
    encoded, ids = examples()
    monkeypatch.setattr(cache, "on_cuda", lambda device: True)
    monkeypatch.setattr(cache, "fitting_tokens", lambda work, tokens, device: work() and 50)
    teacher = TinyTeacher()
    found = build_cache(tmp_path / "c", teacher, encoded, ids, FULL, batch_size=2)
    assert_equal(found.get(np.arange(8)), LiveSource(TinyTeacher(), encoded, FULL).get(np.arange(8)), ulps=1)
    # One look at the widths, one at the memory, then batches of at most 50 tokens: others than two at a time.
    assert teacher.asked[:2] == [1, 2] and sum(teacher.asked[2:]) == 8 and max(teacher.asked[2:]) > 2
