"""The loop on a small regression problem: it learns, keeps the best, stops, and resumes bit for bit."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import pytest
import torch
from torch import nn

from distill_core.errors import CheckpointError, Stopped, TrainingError
from distill_core.events import MemorySink
from distill_core.models.memory import Room
from distill_core.train.loop import Fit
from distill_core.train.schedule import RESTARTS_FLOOR, BatchPlan
from distill_core.train.stop import StopToken
from distill_core.train.types import FitSettings, Position, StepInfo, StepTerms, Trial, Validation


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
        self.room = Room()
        self.seen: list[list[int]] = []
        self.infos: list[StepInfo] = []
        self.evaluated = 0

    def parameter_groups(self):
        return [{"params": list(self.module.parameters()), "lr": 0.01}]

    def accumulate(self, rows: np.ndarray, step: StepInfo) -> StepTerms:
        self.seen.append(rows.tolist())
        self.infos.append(step)
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


def fit(learner, folder, *, sink=None, stop=None, told=None, position=None, **settings):
    return Fit(
        learner,
        BatchPlan(np.arange(64), np.full(64, 3), 16, seed=2),
        FitSettings(**{"steps": 24, "evaluations": 6, **settings}),
        Trial("main", 2),
        folder=folder,
        sink=sink or MemorySink(),
        stop=stop or StopToken(),
        progress=told,
        position=position,
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


def test_each_step_is_told_where_it_stands(tmp_path):
    learner = Regression()
    fit(learner, tmp_path / "t", steps=5, position=Position(index=1, offset=30, planned=40, total=45))
    assert [info.step for info in learner.infos] == [30, 31, 32, 33, 34]
    assert [info.progress for info in learner.infos] == [0.0, 0.25, 0.5, 0.75, 1.0]
    assert {info.seed for info in learner.infos} == {2}
    alone = Regression()
    fit(alone, tmp_path / "one", steps=1)
    assert alone.infos == [StepInfo(0, 0.0, 2)]


def test_a_later_phase_reports_steps_of_the_trial_and_returns_its_own(tmp_path):
    sink = MemorySink()
    result = fit(
        Regression(scores=[0.1, 0.9, 0.3]),
        tmp_path / "t",
        sink=sink,
        steps=6,
        evaluations=3,
        position=Position(index=1, offset=100, planned=120, total=126),
    )
    rows = [row for kind, payload in sink.events if kind == "metric" for row in payload["rows"]]
    assert [row["step"] for row in rows if row["name"] == "validation_quality"] == [102, 104, 106]
    assert {row["step"] for row in rows if row["name"] == "learning_rate"} == set(range(101, 107))
    assert (result.steps, result.best_step) == (6, 4)


def test_a_later_phase_resumes_with_steps_of_the_trial(tmp_path):
    position, stop, sink = Position(index=2, offset=50, planned=50, total=74), StopToken(), MemorySink()
    with pytest.raises(Stopped):
        fit(Regression(stop_after=(stop, 9)), tmp_path / "t", stop=stop, position=position)
    fit(Regression(), tmp_path / "t", sink=sink, position=position)
    assert sink.events[0] == ("resumed", {"arm": "main", "seed": 2, "from_step": 59})


def test_phases_draw_other_dropout_and_the_first_draws_the_trial_s(tmp_path):
    kept = {}
    for name, index in (("plain", None), ("first", 0), ("second", 1)):
        learner = Regression()
        fit(learner, tmp_path / name, position=None if index is None else Position(index=index))
        kept[name] = torch.cat([p.flatten() for p in weights(learner)])
    assert torch.equal(kept["plain"], kept["first"])
    assert not torch.equal(kept["first"], kept["second"])


def test_frozen_parameters_stay_bit_for_bit_and_see_no_weight_decay(tmp_path):
    class Littering(Regression):
        def accumulate(self, rows, step):
            for parameter in self.module[0].parameters():
                parameter.grad = torch.ones_like(parameter)
            return super().accumulate(rows, step)

    learner = Littering()
    first, last = learner.module[0], learner.module[2]
    first.requires_grad_(False)
    before, top = [p.clone() for p in first.parameters()], last.weight.detach().clone()
    fit(learner, tmp_path / "t", weight_decay=1.0)
    assert all(torch.equal(a, b) for a, b in zip(first.parameters(), before, strict=True))
    assert not torch.equal(last.weight, top)


class Told:
    def __init__(self):
        self.calls = []

    def restore(self, done, total):
        self.calls.append(("restore", done, total))

    def advance(self, done, total):
        self.calls.append(("advance", done, total))


def test_progress_counts_over_the_trial_and_skips_what_patience_saves(tmp_path):
    told = Told()
    position = Position(index=1, offset=7, planned=10, total=34)
    fit(Regression(scores=[0.5, 0.4, 0.4]), tmp_path / "t", told=told, patience=2, position=position)
    assert told.calls == [*[("advance", 10 + step, 34) for step in range(1, 13)], ("restore", 34, 34)]
    again = Told()
    fit(Regression(), tmp_path / "t", told=again, patience=2, position=position)
    assert again.calls == [("restore", 34, 34)]


def test_the_last_steps_before_patience_runs_out_are_logged_too(tmp_path):
    sink = MemorySink()
    scores = [0.5, 0.4, 0.4, 0.9, 0.9, 0.9]
    fit(Regression(scores=scores), tmp_path / "t", sink=sink, steps=42, patience=2, log_points=4)
    rows = [row for kind, payload in sink.events if kind == "metric" for row in payload["rows"]]
    assert [row["step"] for row in rows if row["name"] == "loss_total"] == [1, 10, 20, 21]


def test_a_finished_trial_gives_its_learner_the_state_back(tmp_path):
    fit(Regression(), tmp_path / "t")
    again = Regression()
    fit(again, tmp_path / "t")
    assert again.restored == {"steps_seen": 24}


def test_a_score_that_is_no_number_never_beats_one_that_is(tmp_path):
    nan = float("nan")
    result = fit(Regression(scores=[nan, 0.2, nan, 0.1, nan, nan]), tmp_path / "t")
    assert (result.best_step, result.validation) == (8, 0.2)
    learner = Regression(scores=[nan] * 6)
    assert fit(learner, tmp_path / "none").best_step == 4


def test_what_validation_measures_carries_its_unit(tmp_path):
    class Lossy(Regression):
        def validate(self):
            found = super().validate()
            return Validation(
                found.score, {**found.rows, ("main", "validation_loss"): -found.score}, {"validation_loss": ""}
            )

    sink = MemorySink()
    fit(Lossy(), tmp_path / "t", sink=sink)
    rows = [row for kind, payload in sink.events if kind == "metric" for row in payload["rows"]]
    units = {row["name"]: row["unit"] for row in rows}
    assert (units["validation_quality"], units["validation_loss"]) == ("share", "")


def test_restarts_reach_the_optimizer(tmp_path):
    sink = MemorySink()
    fit(Regression(), tmp_path / "t", sink=sink, schedule="cosine_restarts", restarts=2, warmup_share=0.0)
    rows = [row for kind, payload in sink.events if kind == "metric" for row in payload["rows"]]
    rates = {row["step"]: row["value"] for row in rows if row["name"] == "learning_rate"}
    assert rates[1] == rates[13] == pytest.approx(0.01)
    middle = 0.01 * (0.5 + RESTARTS_FLOOR / 2)
    assert rates[7] == rates[19] == pytest.approx(middle, rel=1e-9)
    fit(Regression(), tmp_path / "plain", sink=(plain := MemorySink()), schedule="cosine", warmup_share=0.0)
    rows = [row for kind, payload in plain.events if kind == "metric" for row in payload["rows"]]
    (half,) = [row["value"] for row in rows if row["name"] == "learning_rate" and row["step"] == 13]
    assert half == pytest.approx(0.005, rel=1e-9), "the other schedules fall to 0"
