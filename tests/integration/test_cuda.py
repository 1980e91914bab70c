"""The whole demo on a CUDA device; skips, and says so, where there is none."""

from __future__ import annotations

import pytest
import torch

from distill_core import pipeline, recipes
from distill_core.events import MemorySink
from distill_core.layout import DataHome, RunFolder
from distill_core.train.stop import StopToken


@pytest.mark.cuda
@pytest.mark.skipif(not torch.cuda.is_available(), reason="this machine has no CUDA device")
def test_the_demo_runs_on_cuda_and_agrees_with_the_cpu(tmp_path):
    quality = {}
    for device in ("cuda", "cpu"):
        config = recipes.load("demo").config.model_copy(update={"device": device})
        home = DataHome(tmp_path / device)
        report = pipeline.run(config, RunFolder(home.runs / "demo"), home, MemorySink(), StopToken())
        assert report["device"]["device"] == device
        quality[device] = {arm["name"]: arm["quality"]["test"] for arm in report["arms"]}
    # Other kernels, other rounding, other dropout: the same within the noise of one training.
    for arm, value in quality["cpu"].items():
        assert quality["cuda"][arm] == pytest.approx(value, abs=0.04)
