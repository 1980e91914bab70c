"""A whole run in bf16 (on the CPU, where autocast takes the same way as on an accelerator)."""

from __future__ import annotations

import pytest

from distill_core.errors import Stopped
from distill_core.train.stop import StopToken
from tests.integration.conftest import StopAfter, payloads

STUDENT = {"kind": "transformer", "layers": 2, "hidden": 16, "heads": 2, "initialise": "random", "dropout": 0.1}
TRAINING = {"epochs": 2, "batch_size": 16, "learning_rate": 0.01, "evaluations": 2}


def told(runner, precision: str):
    return runner.config(teachers=1, student=STUDENT, training=TRAINING | {"precision": precision}, controls=[])


def test_a_run_in_bf16_says_so_and_shares_nothing_with_one_in_fp32(runner):
    plain, _, _ = runner.run(told(runner, "auto"), "fp32")
    assert plain["device"]["precision"] == "fp32"
    kept = {path.name for folder in ("teachers", "signals") for path in (runner.root / "home" / folder).iterdir()}
    report, _, sink = runner.run(told(runner, "bf16"), "bf16")
    assert report["device"]["precision"] == "bf16"
    assert any("bf16" in one["message"] for one in payloads(sink, "log"))
    both = {path.name for folder in ("teachers", "signals") for path in (runner.root / "home" / folder).iterdir()}
    assert kept < both, "finetuned teachers and what they said are kept apart"
    for ours, theirs in zip(report["arms"] + report["teachers"], plain["arms"] + plain["teachers"], strict=True):
        assert ours["quality"]["test"] == pytest.approx(theirs["quality"]["test"], abs=0.25)


def test_a_stopped_run_goes_on_in_bf16_as_if_it_had_not_been(runner):
    whole, _, _ = runner.run(told(runner, "bf16"), "whole", home="a")
    config = told(runner, "bf16")
    stop = StopToken()
    sink = StopAfter(stop, "metric", 3, lambda payload: payload["rows"][0]["arm"] == "main")
    with pytest.raises(Stopped):
        runner.run(config, "cut", home="b", sink=sink, stop=stop)
    report, _, _ = runner.run(config, "cut", home="b")
    assert [arm["quality"] for arm in report["arms"]] == [arm["quality"] for arm in whole["arms"]]
