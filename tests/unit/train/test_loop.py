"""The loop on a small regression problem: it learns, keeps the best, stops, and resumes bit for bit."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import pytest
import torch
from torch import nn

from distill_core.errors import CheckpointError, Stopped, TrainingError
from distill_core.events import MemorySink
from distill_core.train.loop import Fit
from distill_core.train.schedule import BatchPlan
from distill_core.train.stop import StopToken
from distill_core.train.types import FitSettings, StepTerms, Trial, Validation


class Regression:
    """y = x·w with dropout, so that the random state matters; validation can be scripted."""

    arms: ClassVar = ["main"]

    def __init__(self, scores: list[float] | None = None, stop_after: tuple[StopToken, int] | None = None) -> None:
        generator = torch.Generator().manual_seed(5)
        self.x = torch.randn(64, 6, generator=generator)
        self.y = self.x @ torch.arange(6.0)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(1)
            self.module = nn.Sequential(nn.Linear(6, 16), nn.Dropout(0.2), nn.Linear(16, 1))
        self.scores, self.stop_after = scores, stop_after
        self.seen: list[list[int]] = []
        self.evaluated = 0

    def parameter_groups(self):
        return [{"params": list(self.module.parameters()), "lr": 0.01}]

    def accumulate(self, rows: np.ndarray) -> StepTerms:
        self.seen.append(rows.tolist())
        loss = (self.module(self.x[rows]).squeeze(-1) - self.y[rows]).square().mean()
        loss.backward()
        if self.stop_after and len(self.seen) == self.stop_after[1]:
            self.stop_after[0].set()
        terms = StepTerms()
        terms.add(("main", "loss_total"), loss, len(rows))
        return terms

    def validate(self) -> Validation:
        with torch.no_grad():
            error = float((self.module(self.x).squeeze(-1) - self.y).square().mean())
        score = self.scores[self.evaluated] if self.scores else -error
        self.evaluated += 1
        return Validation(score, {("main", "validation_quality"): score})

    def state(self):
        return {"steps_seen": len(self.seen)}

    def load_state(self, state):
        self.restored = state


def fit(learner, folder, *, sink=None, stop=None, **settings):
    return Fit(
        learner,
        BatchPlan(np.arange(64), np.full(64, 3), 16, seed=2),
        FitSettings(**{"steps": 24, "evaluations": 6, **settings}),
        Trial("main", 2),
        folder=folder,
        sink=sink or MemorySink(),
        stop=stop or StopToken(),
    ).run()


def weights(learner) -> list[torch.Tensor]:
    return [p.detach().clone() for p in learner.module.parameters()]


def test_it_learns_and_logs_every_term(tmp_path):
    sink, learner = MemorySink(), Regression()
    result = fit(learner, tmp_path / "t", sink=sink, steps=200, evaluations=4)
    rows = [row for kind, payload in sink.events if kind == "metric" for row in payload["rows"]]
    losses = [row["value"] for row in rows if row["name"] == "loss_total"]
    assert losses[-1] < 0.3 * losses[0]
    assert result.steps == 200
    names = {row["name"] for row in rows}
    assert names == {"loss_total", "validation_quality", "examples_per_second", "learning_rate"}
    assert all(row["arm"] == "main" and row["seed"] == 2 for row in rows)


def test_the_state_that_validated_best_is_kept(tmp_path):
    states = []

    class Watched(Regression):
        def validate(self):
            states.append(weights(self))
            return super().validate()

    learner = Watched(scores=[0.1, 0.9, 0.3, 0.2, 0.9, 0.5])
    result = fit(learner, tmp_path / "t")
    assert (result.best_step, result.validation) == (8, 0.9)
    assert all(torch.equal(a, b) for a, b in zip(weights(learner), states[1], strict=True))


def test_patience_ends_training_early(tmp_path):
    result = fit(Regression(scores=[0.5, 0.4, 0.4, 0.9, 0.9, 0.9]), tmp_path / "t", patience=2)
    assert (result.steps, result.best_step) == (12, 4)


@pytest.mark.parametrize("stop_at", [1, 7, 8, 13, 23])
def test_a_stopped_and_resumed_trial_equals_an_uninterrupted_one_bit_for_bit(tmp_path, stop_at):
    whole = Regression()
    expected = fit(whole, tmp_path / "whole")

    stop = StopToken()
    first = Regression(stop_after=(stop, stop_at))
    with pytest.raises(Stopped):
        fit(first, tmp_path / "parts", stop=stop)
    second, sink = Regression(), MemorySink()
    torch.manual_seed(999)  # whatever the new process drew before must not matter
    result = fit(second, tmp_path / "parts", sink=sink)

    assert first.seen + second.seen == whole.seen
    assert all(torch.equal(a, b) for a, b in zip(weights(second), weights(whole), strict=True))
    assert (result.best_step, result.validation) == (expected.best_step, expected.validation)
    assert ("resumed", {"arm": "main", "seed": 2, "from_step": stop_at}) in sink.events


def test_a_finished_trial_is_not_trained_again(tmp_path):
    first = Regression()
    expected = fit(first, tmp_path / "t")
    again = Regression()
    assert fit(again, tmp_path / "t") == expected
    assert again.seen == []
    assert all(torch.equal(a, b) for a, b in zip(weights(again), weights(first), strict=True))
    assert not (tmp_path / "t" / "checkpoint.safetensors").exists()


def test_a_loss_that_is_no_number_is_an_error_in_words(tmp_path):
    learner = Regression()
    learner.y[:] = float("nan")
    with pytest.raises(TrainingError, match="stopped being a number at step 1") as caught:
        fit(learner, tmp_path / "t")
    assert caught.value.field == "training.learning_rate"


def test_a_damaged_checkpoint_is_an_error_in_words(tmp_path):
    stop = StopToken()
    with pytest.raises(Stopped):
        fit(Regression(stop_after=(stop, 5)), tmp_path / "t", stop=stop)
    path = tmp_path / "t" / "checkpoint.safetensors"
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(CheckpointError, match="cannot be read") as caught:
        fit(Regression(), tmp_path / "t")
    assert str(path) in caught.value.hint


def test_a_full_disk_leaves_the_last_checkpoint_whole(tmp_path, monkeypatch):
    stop = StopToken()
    with pytest.raises(Stopped):
        fit(Regression(stop_after=(stop, 5)), tmp_path / "t", stop=stop)
    path = tmp_path / "t" / "checkpoint.safetensors"
    before = path.read_bytes()

    def full(*args, **kwargs):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("distill_core.train.checkpoint.save_file", full)
    with pytest.raises(OSError, match="No space"):
        fit(Regression(), tmp_path / "t")
    assert path.read_bytes() == before
