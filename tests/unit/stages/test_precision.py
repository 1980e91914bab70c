"""Which precision a run computes in, and that it keeps it."""

from __future__ import annotations

import pytest
import torch

from distill_core.errors import ConfigError
from distill_core.measure import machine
from distill_core.measure.machine import choose_precision
from distill_core.stages.context import RunContext
from tests.unit.stages.test_plan import context, root  # noqa: F401

CPU, CUDA, MPS = (torch.device(kind) for kind in ("cpu", "cuda", "mps"))


@pytest.fixture
def cuda(monkeypatch):
    """As on a machine with a CUDA device; call it with whether that has bf16."""

    def given(supported: bool) -> None:
        monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation=True: supported)
        monkeypatch.setattr(machine, "device_name", lambda device: "Some GPU")

    return given


@pytest.mark.parametrize(
    ("setting", "device", "supported", "chosen"),
    [
        ("auto", CPU, True, "fp32"),
        ("auto", MPS, True, "fp32"),
        ("auto", CUDA, True, "bf16"),
        ("auto", CUDA, False, "fp32"),
        ("fp32", CUDA, True, "fp32"),
        ("bf16", CUDA, True, "bf16"),
        ("bf16", CPU, False, "bf16"),
    ],
)
def test_the_choice(cuda, setting, device, supported, chosen):
    cuda(supported)
    assert choose_precision(setting, device) == chosen


@pytest.mark.parametrize("device", [CUDA, MPS])
def test_what_a_device_cannot_is_refused_at_the_field(cuda, device):
    cuda(False)
    with pytest.raises(ConfigError) as refused:
        choose_precision("bf16", device)
    assert refused.value.field == "training.precision" and "bf16" in str(refused.value)


def said(ctx: RunContext) -> list[tuple[str, str]]:
    return [(payload["level"], payload["message"]) for kind, payload in ctx.sink.events if kind == "log"]


def test_on_a_cpu_nothing_is_said_and_bf16_is_with_a_warning(root, tmp_path):  # noqa: F811
    ctx = context(root, tmp_path)
    ctx.settle_precision()
    assert ctx.precision == "fp32" and said(ctx) == []
    ctx = context(root, tmp_path / "b", training={"precision": "bf16"})
    ctx.settle_precision()
    assert ctx.precision == "bf16"
    assert [level for level, _ in said(ctx)] == ["info", "warning"] and "CPU" in said(ctx)[1][1]


def test_a_run_that_goes_on_keeps_its_precision(root, tmp_path, cuda):  # noqa: F811
    cuda(True)
    first = context(root, tmp_path)
    first.device = CUDA
    first.settle_precision()
    assert first.precision == "bf16"
    on_cpu = context(root, tmp_path)
    on_cpu.settle_precision()
    assert on_cpu.precision == "bf16" and any("goes on" in message for _, message in said(on_cpu))
    cuda(False)
    older = context(root, tmp_path)
    older.device = CUDA
    older.settle_precision()
    assert older.precision == "fp32" and said(older)[0][0] == "warning"


def test_a_run_that_an_earlier_version_began_stays_in_fp32(root, tmp_path, cuda):  # noqa: F811
    cuda(True)
    ctx = context(root, tmp_path)
    ctx.device = CUDA
    ctx.started()
    ctx.settle_precision()
    assert ctx.precision == "fp32"
