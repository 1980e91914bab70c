"""A teacher that is asked at every step teaches exactly what one teaches whose answers were kept on disk.

Teachers compute in double precision here: in single precision other neighbours in a batch can move a state by its last
bit, and that over the edge of fp16's rounding, which would hide what is to be seen.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from distill_core import config as cfg
from distill_core import pipeline
from distill_core.events import MemorySink
from distill_core.layout import DataHome, RunFolder
from distill_core.models.precision import Precision
from distill_core.progress import WorkPlan
from distill_core.signals.cache import CachedSource
from distill_core.signals.live import LiveSource
from distill_core.stages import arms, cache, plan, prepare
from distill_core.stages.context import RunContext
from distill_core.stages.teachers import TaughtTeachers
from distill_core.train.stop import StopToken
from distill_core.train.student_learner import StudentData, StudentLearner
from distill_core.train.types import StepInfo, Trial
from tests import tiny

CPU = torch.device("cpu")
EVERY_TERM = {
    "hidden_weight": 0.7,
    "teacher_label_weight": 0.5,
    "distill_temperature": 2.0,
    "teacher_weighting": "mt_bert",
    "matching": {"pooled": 1.0, "pkd": 1.0, "attention": 0.1, "relations": 1.0, "emd": 1.0},
}
TRANSFORMER = {"kind": "transformer", "layers": 2, "hidden": 16, "heads": 2}
BILSTM = {"kind": "bilstm", "embedding": 12, "lstm_hidden": 8, "initialise": "svd", "dropout": 0.0}
STATES = {"hidden_weight": 1.0, "teacher_weighting": "mt_bert"}
#: (task, which teachers, student, objective); short inputs, so that words are cut off
CASES = {
    "every term": ("classification", "alike", TRANSFORMER, EVERY_TERM),
    "one as pre-trained": ("classification", "bare", TRANSFORMER, EVERY_TERM),
    "tagging, one as pre-trained": ("tagging", "bare", TRANSFORMER, STATES),
    "two tokenisers": ("classification", "unlike", TRANSFORMER, STATES | {"matching": {"pooled": 1.0, "pkd": 0.0}}),
    "pooled alone": ("classification", "unlike", BILSTM, STATES | {"hidden_level": "pooled"}),
    "tagging, by word": ("tagging", "unlike", BILSTM, STATES | {"hidden_projection": "student"}),
    "tagging, by token": ("tagging", "alike", TRANSFORMER, STATES | {"matching": {"relations": 1.0, "emd": 1.0}}),
}


@pytest.fixture
def case(request, material, tagged_material):
    """A config for one of CASES."""
    task, which, student, objective = CASES[request.param]
    made = tagged_material if task == "tagging" else material
    bert, roberta = map(str, made["teachers"])
    second = {
        "alike": {"source": bert, "keep_layers": 1},
        "bare": {"source": bert, "pretrained_only": True},
        "unlike": {"source": roberta},
    }[which]
    raw = tiny.config_dict(made["data"], [], student=student, objective=objective)
    raw["data"]["max_tokens"] = 10
    return cfg.from_dict(raw | {"teachers": [{"source": bert}, second]})


def first_step(
    config: cfg.RunConfig, root: Path, precision: Precision = "fp32"
) -> tuple[dict[str, float], dict[str, torch.Tensor]]:
    """Losses and gradients of the first step, dropout off. The teachers are as they come: nothing is finetuned."""
    home, folder = DataHome(root / "home").create(), RunFolder(root / config.signals).create()
    sink = MemorySink()
    ctx = RunContext(config, folder, home, sink, StopToken(), CPU, WorkPlan(sink), precision=precision)
    prepared = prepare.run(ctx)
    student = plan.new_student(ctx, prepared, 3)
    planned = plan.plan_student(ctx, prepared, student)
    pipeline.plan_work(ctx, prepared, planned)
    for teacher in prepared.teachers if precision == "fp32" else []:
        teacher.double()
    signals = cache.run(ctx, prepared, TaughtTeachers(["a", "b"], [], [], folds=[]))
    kind = LiveSource if config.signals == "live" else CachedSource
    assert all(isinstance(signal.source, kind) for signal in signals)
    texts = planned.texts
    learner = StudentLearner(
        "main",
        student,
        StudentData(texts.pool, prepared.targets, texts.validation, prepared.score),
        arms.lessons(ctx, prepared, signals, student, Trial("main", 3), None),
        seed=3,
        device=CPU,
        precision=precision,
    )
    learner.begin_phase(plan.phases_of(ctx, planned, "main")[0])
    learner.module.eval()
    # From both ends of the pool, in no order: with gold and without, one row twice.
    rows = np.array([0, len(texts.pool) - 1, 5, 3, len(texts.pool) - 7, 11, 3, 40])
    found = learner.accumulate(rows, StepInfo(0, 0.0, 3))
    gradients = {n: p.grad for n, p in learner.module.named_parameters() if p.grad is not None}
    return {name: float(value) for (_, name), value in found.values.items()}, gradients


@pytest.mark.parametrize("case", CASES, indirect=True)
def test_live_and_cached_signals_give_the_same_first_step(case, tmp_path):
    losses, gradients = first_step(case, tmp_path)
    live_losses, live_gradients = first_step(case.model_copy(update={"signals": "live"}), tmp_path)
    assert {f"loss_{name}" for name in case.objective.weights()} <= set(losses)
    assert losses == pytest.approx(live_losses, rel=1e-6, abs=1e-9)
    assert gradients.keys() == live_gradients.keys()
    for name, gradient in gradients.items():
        scale = float(gradient.abs().max())
        torch.testing.assert_close(gradient, live_gradients[name], rtol=1e-6, atol=1e-6 * scale, msg=name)
    assert any(float(gradient.abs().max()) > 0 for gradient in gradients.values())


@pytest.mark.parametrize("case", CASES, indirect=True)
def test_in_bf16_losses_and_gradients_are_fp32_and_nearly_the_same(case, tmp_path):
    losses, gradients = first_step(case, tmp_path / "fp32")
    rounded_losses, rounded = first_step(case, tmp_path / "bf16", "bf16")
    assert rounded_losses != losses
    assert rounded_losses == pytest.approx(losses, rel=0.05, abs=0.01)
    assert gradients.keys() == rounded.keys()
    for name, gradient in gradients.items():
        assert rounded[name].dtype == torch.float32
        off = float((rounded[name] - gradient).norm() / gradient.norm().clamp(min=1e-6))
        assert off < 0.2, (name, off)
