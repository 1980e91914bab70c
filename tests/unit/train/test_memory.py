"""A device whose memory does not hold a batch: the same result in parts, and the page is told."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from distill_core.errors import MemoryError_
from distill_core.events import MemorySink
from distill_core.models.types import Batch, Outputs
from distill_core.train.loop import Fit
from distill_core.train.schedule import BatchPlan
from distill_core.train.stop import StopToken
from distill_core.train.student_learner import mean_weight
from distill_core.train.types import FitSettings, StepInfo, StepTerms, Trial
from distill_core.weighting.adaptive import Adaptive
from distill_core.weighting.mt_bert import MTBert
from distill_core.weighting.rl_gate import RLGate
from distill_core.weighting.unikd import UniKD
from tests.unit.train.test_loop import Regression, weights
from tests.unit.train.test_student_learner import CLASSES, FULL, LABELS, ROWS, WIDTH, ToyStudent, encoded, learner

#: each step sees all rows: what a weighting makes of a batch then differs most from what it makes of its parts
BATCH = 12


class Tight(ToyStudent):
    """Runs out of memory beyond so many tokens; `seen`: of every forward pass."""

    def __init__(self, tokens: int) -> None:
        super().__init__()
        self.tokens, self.seen = tokens, []

    def forward(self, batch: Batch, layers=(), qkv=()) -> Outputs:
        if self.training:
            self.seen.append(batch.input_ids.numel())
            if self.seen[-1] > self.tokens:
                raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")
        return super().forward(batch, layers, qkv)


def fit(made, folder, rows: int = ROWS, steps: int = 4):
    sink = MemorySink()
    plan = BatchPlan(np.arange(rows), encoded().lengths[:rows], BATCH, seed=2)
    settings = FitSettings(steps=steps, evaluations=1)
    result = Fit(made, plan, settings, Trial("main", 1), folder=folder, sink=sink, stop=StopToken()).run()
    return result, [payload for kind, payload in sink.events if kind == "log"]


def gate() -> RLGate:
    return RLGate(WIDTH, torch.tensor([0.5, 0.7]), CLASSES, pooled=True)


@pytest.mark.parametrize("weighting", [lambda: MTBert(0.5), Adaptive, UniKD, gate])
@pytest.mark.parametrize("level", ["word", "pooled"])
def test_a_student_learns_the_same_in_parts_whatever_the_batch_decides(tmp_path, weighting, level):
    whole = learner(FULL, level=level, weighting=weighting())
    expected, quiet = fit(whole, tmp_path / "whole")
    tight = learner(FULL, level=level, weighting=weighting(), student=Tight(20))
    found, said = fit(tight, tmp_path / "tight")
    for (name, ours), theirs in zip(tight.module.named_parameters(), whole.module.parameters(), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-5, msg=name)
    assert mean_weight(found.state) == pytest.approx(mean_weight(expected.state), rel=1e-6)
    assert quiet == [] and said and all(one["level"] == "warning" for one in said)
    assert f"did not hold {ROWS * 6} tokens" in said[0]["message"] and "in parts" in said[0]["message"]
    assert sum(tokens > 20 for tokens in tight.student.seen) == len(said), "what did not fit is not tried again"


def test_a_text_that_does_not_fit_by_itself_ends_the_run_in_words(tmp_path):
    with pytest.raises(MemoryError_) as failed:
        fit(learner(FULL, student=Tight(2)), tmp_path)
    assert failed.value.field == "data.max_tokens" and failed.value.hint


class Littering(Regression):
    """Runs out of memory once, after it has drawn numbers, moved a buffer, counted and left gradients."""

    def __init__(self, fails_at: int | None) -> None:
        super().__init__()
        self.fails_at, self.sums = fails_at, {"counted": 0.0}
        self.module.register_buffer("moving", torch.zeros(3))

    def accumulate(self, rows: np.ndarray, step: StepInfo) -> StepTerms:
        self.room.sizes(len(rows), 3)
        self.module.get_buffer("moving").lerp_(torch.ones(3), 0.1)
        self.sums["counted"] += len(rows)
        terms = super().accumulate(rows, step)
        if step.step == self.fails_at and self.room.most is None:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return terms

    def state(self):
        return self.sums

    def load_state(self, state):
        self.sums = state


def test_a_step_that_was_broken_off_leaves_nothing_behind(tmp_path):
    kept = []
    for fails_at in (None, 2):
        made = Littering(fails_at)
        result = Fit(
            made, BatchPlan(np.arange(64), np.full(64, 3), 16, seed=2), FitSettings(steps=6, evaluations=1),
            Trial("main", 2), folder=tmp_path / str(fails_at), sink=MemorySink(), stop=StopToken(),
        ).run()  # fmt: skip
        kept.append([*weights(made), made.module.get_buffer("moving"), torch.tensor(result.state["counted"])])
    assert all(torch.equal(a, b) for a, b in zip(*kept, strict=True))


def test_labels_are_as_the_tests_mean_them():
    assert (LABELS < 0).any() and (LABELS >= 0).any()
