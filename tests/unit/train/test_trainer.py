"""Trials of several phases: order, freezing, patience, and resuming bit for bit wherever they are stopped."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from distill_core.config import Training
from distill_core.errors import Stopped
from distill_core.events import MemorySink, metric_rows
from distill_core.models.base import seeded
from distill_core.models.memory import Room
from distill_core.train.loop import Fit
from distill_core.train.phases import Phase, Weight
from distill_core.train.schedule import BatchPlan
from distill_core.train.stop import StopToken
from distill_core.train.trainer import Trainer, fit_settings
from distill_core.train.types import StepInfo, StepTerms, Trial, Validation

TRAINING = Training(batch_size=16, weight_decay=0.5)
LENGTHS = np.full(64, 3)


class Killed(BaseException):
    """The process is gone: nothing is saved."""


class Regression:
    """y = x·w through three parts and dropout; phases freeze parts, move a weight and renew the head."""

    arms = ("main",)

    def __init__(self, *, scores=None, stop=None, stop_at=None, kill_at=None) -> None:
        generator = torch.Generator().manual_seed(5)
        self.x = torch.randn(64, 6, generator=generator)
        self.y = self.x @ torch.arange(6.0)
        with seeded(1, "regression"):
            self.module = nn.ModuleDict(
                {"embeddings": nn.Linear(6, 8), "middle": nn.Linear(8, 8), "head": nn.Linear(8, 1)}
            )
        self.drop = nn.Dropout(0.2)
        self.scores, self.stop, self.stop_at, self.kill_at = scores, stop, stop_at, kill_at
        self.room = Room()
        self.begun: list[str] = []
        self.at_begin: list[dict[str, torch.Tensor]] = []
        self.seen: list[tuple[int, list[int]]] = []
        self.infos: list[StepInfo] = []
        self.evaluated = self.total = 0

    def begin_phase(self, phase: Phase) -> None:
        self.phase = phase
        self.begun.append(phase.name)
        for name, part in self.module.items():
            part.requires_grad_(phase.trainable is None or name in phase.trainable)
        if phase.fresh_head:
            with seeded(2, "fresh head", phase.name):
                self.module["head"].reset_parameters()
        self.at_begin.append(self.tensors())

    def parameter_groups(self):
        return [{"params": list(part.parameters()), "lr": self.phase.learning_rate} for part in self.module.values()]

    def accumulate(self, rows: np.ndarray, step: StepInfo) -> StepTerms:
        if step.step == self.kill_at:
            raise Killed
        self.seen.append((step.step, rows.tolist()))
        self.infos.append(step)
        self.total += len(rows)
        self.drop.train(self.module.training)
        error = (self.output(self.x[rows]) - self.y[rows]).square().mean()
        (self.phase.terms["soft"].at(step.progress) * error).backward()
        if self.stop_at == step.step:
            self.stop.set()
        terms = StepTerms()
        terms.add(("main", "loss_total"), error, len(rows))
        return terms

    def output(self, x):
        states = torch.tanh(self.module["embeddings"](x))
        return self.module["head"](self.drop(torch.tanh(self.module["middle"](states)))).squeeze(-1)

    def validate(self) -> Validation:
        self.drop.eval()
        with torch.no_grad():
            error = float((self.output(self.x) - self.y).square().mean())
        score = self.scores[self.evaluated] if self.scores else -error
        self.evaluated += 1
        return Validation(score, {("main", "validation_quality"): score})

    def state(self):
        return {"rows": self.total}

    def load_state(self, state):
        self.total = state["rows"]

    def tensors(self):
        return {name: value.clone() for name, value in self.module.state_dict().items()}


def phase(name: str, steps: int, **changes) -> Phase:
    usual = Phase(
        name=name,
        steps=steps,
        terms={"soft": Weight(1.0, 1.0)},
        rows=np.arange(64),
        schedule="cosine_restarts",
        learning_rate=0.02,
        patience=None,
        evaluations=3,
    )
    return replace(usual, **changes)


def three() -> list[Phase]:
    return [
        phase("first", 9, rows=np.arange(20, 64), terms={"soft": Weight(4.0, 1.0)}),
        phase("second 1/2", 6, trainable=["head"], fresh_head=True),
        phase("second 2/2", 7, trainable=["head", "middle"], learning_rate=0.01),
    ]


def train(learner, folder, phases=None, *, sink=None, stop=None, told=None):
    return Trainer(
        learner,
        phases or three(),
        TRAINING,
        Trial("main", 2),
        lengths=LENGTHS,
        folder=folder,
        sink=sink or MemorySink(),
        stop=stop or StopToken(),
        progress=told,
    ).run()


def equal(a, b) -> bool:
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


def counted(result) -> dict:
    """All of a result but its seconds."""
    return {**result.__dict__, "seconds": None}


def as_events(sinks) -> list[dict]:
    events = [
        {"seq": number, "kind": kind, "payload": payload}
        for number, (kind, payload) in enumerate(event for sink in sinks for event in sink.events)
    ]
    rows = metric_rows(events)
    return [
        {name: row[name] for name in ("name", "step", "value")} for row in rows if row["name"] != "examples_per_second"
    ]


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    learner, sink = Regression(), MemorySink()
    result = train(learner, tmp_path_factory.mktemp("whole") / "t", sink=sink)
    return learner, result, sink


def test_phases_run_in_order_each_from_the_best_state_of_the_one_before(tmp_path):
    kept = []

    class Watched(Regression):
        def validate(self):
            kept.append(self.tensors())
            return super().validate()

    learner = Watched(scores=[0.1, 0.9, 0.3, 0.5, 0.2, 0.1, 0.1, 0.2, 0.3])
    phases = [replace(p, fresh_head=False) for p in three()]
    result = train(learner, tmp_path / "t", phases)
    assert learner.begun == ["first", "second 1/2", "second 2/2"]
    assert equal(learner.at_begin[1], kept[1])
    assert equal(learner.at_begin[2], kept[3])
    assert equal(learner.tensors(), kept[8])
    assert (result.steps, result.best_step, result.validation) == (22, 22, 0.3)
    assert result.phases == [
        {"name": "first", "from_step": 0, "steps": 9, "best_step": 6, "score": 0.9},
        {"name": "second 1/2", "from_step": 9, "steps": 6, "best_step": 11, "score": 0.5},
        {"name": "second 2/2", "from_step": 15, "steps": 7, "best_step": 22, "score": 0.3},
    ]


def test_frozen_parts_stay_bit_for_bit_while_others_learn(whole):
    learner, _, _ = whole
    after_first, after_second, end = learner.at_begin[1], learner.at_begin[2], learner.tensors()
    for name in end:
        changed = (
            not torch.equal(after_first[name], after_second[name]),
            not torch.equal(after_second[name], end[name]),
        )
        part = name.split(".")[0]
        assert changed == {"embeddings": (False, False), "middle": (False, True), "head": (True, True)}[part]


def test_steps_rows_and_progress_are_those_of_the_phases(whole):
    learner, result, sink = whole
    assert [step for step, _ in learner.seen] == list(range(22))
    assert min(row for _, rows in learner.seen[:9] for row in rows) == 20
    assert min(row for _, rows in learner.seen[9:] for row in rows) == 0
    assert [info.progress for info in learner.infos[:9]] == [s / 8 for s in range(9)]
    assert [info.progress for info in learner.infos[9:15]] == [s / 5 for s in range(6)]
    assert result.state == {"rows": learner.total}
    assert learner.total == sum(len(rows) for _, rows in learner.seen)
    phases = [payload for kind, payload in sink.events if kind == "phase"]
    assert phases == [
        {"arm": "main", "seed": 2, "name": name, "index": index, "of": 3, "from_step": from_step}
        for index, (name, from_step) in enumerate([("first", 0), ("second 1/2", 9), ("second 2/2", 15)])
    ]
    evaluated = [row["step"] for row in as_events([sink]) if row["name"] == "validation_quality"]
    assert evaluated == [3, 6, 9, 11, 13, 15, 17, 20, 22]


@pytest.mark.parametrize("stop_at", [0, 4, 8, 9, 12, 14, 15, 20, 21])
def test_a_trial_stopped_in_any_phase_resumes_bit_for_bit(tmp_path, whole, stop_at):
    learner, expected, sink = whole
    stop, sinks = StopToken(), [MemorySink(), MemorySink()]
    first = Regression(stop=stop, stop_at=stop_at)
    if stop_at < 21:
        with pytest.raises(Stopped):
            train(first, tmp_path / "t", sink=sinks[0], stop=stop)
    else:
        train(first, tmp_path / "t", sink=sinks[0], stop=stop)
    second = Regression()
    torch.manual_seed(999)  # whatever the new process drew before must not matter
    result = train(second, tmp_path / "t", sink=sinks[1])
    assert first.seen + second.seen == learner.seen
    assert equal(second.tensors(), learner.tensors())
    assert counted(result) == counted(expected)
    assert as_events(sinks) == as_events([sink])


@pytest.mark.parametrize("kill_at", [0, 2, 5, 9, 10, 14, 15, 19])
def test_a_trial_killed_in_any_phase_resumes_bit_for_bit(tmp_path, whole, kill_at):
    learner, expected, sink = whole
    sinks = [MemorySink(), MemorySink()]
    with pytest.raises(Killed):
        train(Regression(kill_at=kill_at), tmp_path / "t", sink=sinks[0])
    second = Regression()
    result = train(second, tmp_path / "t", sink=sinks[1])
    assert second.seen == learner.seen[second.seen[0][0] :]
    assert equal(second.tensors(), learner.tensors())
    assert counted(result) == counted(expected)
    assert as_events(sinks) == as_events([sink])


def test_a_finished_trial_is_found_again_and_keeps_one_state_only(tmp_path, whole):
    learner, expected, _ = whole
    train(Regression(), tmp_path / "t")
    again, sink = Regression(), MemorySink()
    assert counted(train(again, tmp_path / "t", sink=sink)) == counted(expected)
    assert again.seen == sink.events == []
    assert equal(again.tensors(), learner.tensors())
    assert again.total == learner.total
    states = sorted(path.relative_to(tmp_path / "t").as_posix() for path in (tmp_path / "t").rglob("*.safetensors"))
    assert states == ["phase-2/final.safetensors"]


def test_a_kill_before_the_older_state_was_removed_does_no_harm(tmp_path, whole, monkeypatch):
    learner, expected, _ = whole
    with monkeypatch.context() as patched:
        patched.setattr("pathlib.Path.unlink", lambda self, missing_ok=False: None)
        train(Regression(), tmp_path / "t")
    assert (tmp_path / "t" / "phase-1" / "final.safetensors").exists()
    again = Regression()
    assert counted(train(again, tmp_path / "t")) == counted(expected)
    assert equal(again.tensors(), learner.tensors())
    assert not (tmp_path / "t" / "phase-1" / "final.safetensors").exists()


class Told:
    def __init__(self):
        self.calls = []

    def restore(self, done, total):
        self.calls.append(("restore", done, total))

    def advance(self, done, total):
        self.calls.append(("advance", done, total))


def test_patience_goes_on_to_the_next_phase_and_its_planned_steps_count_as_done(tmp_path):
    phases = [phase("a", 12, evaluations=6, patience=2), phase("b", 4, evaluations=2)]
    told, sink, learner = Told(), MemorySink(), Regression(scores=[0.5, 0.4, 0.4, 0.6, 0.7])
    result = train(learner, tmp_path / "t", phases, sink=sink, told=told)
    assert [(p["name"], p["from_step"], p["steps"], p["best_step"]) for p in result.phases] == [
        ("a", 0, 6, 2),
        ("b", 6, 4, 10),
    ]
    assert (result.steps, result.best_step) == (10, 10)
    assert [info.step for info in learner.infos] == list(range(10))
    assert told.calls == [
        *[("advance", step, 16) for step in range(1, 7)],
        ("restore", 12, 16),
        *[("advance", 12 + step, 16) for step in range(1, 5)],
    ]


def test_a_single_phase_is_the_plain_fit_in_the_trial_s_own_folder(tmp_path):
    single = phase("joint", 10)
    learner, sink = Regression(), MemorySink()
    result = train(learner, tmp_path / "trainer", [single], sink=sink)

    plain, plain_sink = Regression(), MemorySink()
    plain.begin_phase(single)
    expected = Fit(
        plain,
        BatchPlan(np.arange(64), LENGTHS, 16, seed=2),
        fit_settings(TRAINING, single),
        Trial("main", 2),
        folder=tmp_path / "fit",
        sink=plain_sink,
        stop=StopToken(),
    ).run()
    assert learner.seen == plain.seen
    assert equal(learner.tensors(), plain.tensors())
    assert counted(replace(result, phases=[])) == counted(expected)
    assert as_events([sink]) == as_events([plain_sink])
    assert {kind for kind, _ in sink.events} == {"metric"}
    names = {path.name for path in (tmp_path / "trainer").iterdir()}
    assert names == {"final.safetensors", "result.json"} == {path.name for path in (tmp_path / "fit").iterdir()}


def test_a_single_phase_resumes_from_the_trial_s_own_folder(tmp_path):
    stop, expected = StopToken(), Regression()
    train(expected, tmp_path / "whole", [phase("joint", 10)])
    with pytest.raises(Stopped):
        train(Regression(stop=stop, stop_at=4), tmp_path / "t", [phase("joint", 10)], stop=stop)
    assert (tmp_path / "t" / "checkpoint.safetensors").exists()
    learner = Regression()
    train(learner, tmp_path / "t", [phase("joint", 10)])
    assert learner.seen == expected.seen[5:]
    assert equal(learner.tensors(), expected.tensors())


def test_a_trial_needs_a_phase(tmp_path):
    with pytest.raises(ValueError, match="at least one phase"):
        Trainer(
            Regression(),
            [],
            TRAINING,
            Trial("main", 1),
            lengths=LENGTHS,
            folder=tmp_path,
            sink=MemorySink(),
            stop=StopToken(),
        )
