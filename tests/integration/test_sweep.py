"""Sweeps that train: test rows play no part, teachers are asked once, and kills and restarts lose nothing."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
import torch

from distill_core import config as configs
from distill_core.errors import Stopped
from distill_core.events import MemorySink
from distill_core.layout import PROJECT, DataHome, RunFolder, SweepFolder
from distill_core.models.teachers import Teacher
from distill_core.services import Services
from distill_core.settings import Settings
from distill_core.sweeps import spec as specs
from distill_core.sweeps.drive import Sweep, run_sweep
from distill_core.sweeps.ledger import Ledger
from distill_core.sweeps.trial import run_trial
from distill_core.train.stop import StopToken
from tests import tiny
from tests.integration.conftest import StopAfter
from tests.integration.test_jobs_faults import until

pytestmark = pytest.mark.timeout(300)


def base_of(material, **changes):
    return tiny.config_dict(
        material["data"], material["teachers"][:1], training={"epochs": 1, "batch_size": 16, "evaluations": 2},
        **changes,
    )  # fmt: skip


def sweep_folder(root: Path, base, name="made", **more) -> SweepFolder:
    search = {"student.lstm_hidden": [4, 8], "training.learning_rate": [0.01, 0.03]}
    spec = specs.from_dict({"base": base, "search": search, "sampler": "grid", "budget": {"trials": 3}, **more})
    folder = SweepFolder(root / "sweeps" / name)
    folder.create()
    folder.config.write_text(spec.to_yaml(), encoding="utf-8")
    return folder


def outcomes(folder):
    """What a sweep found, without what depends on the clock."""
    return [
        (one.number, one.state, one.params, one.curve, one.values.get("quality"), one.values.get("parameters"))
        for one in Ledger.read(folder).trials
    ]


def test_test_rows_change_nothing_and_the_second_trial_asks_no_teacher(tmp_path, material, monkeypatch):
    asked = []
    call = torch.nn.Module.__call__
    monkeypatch.setattr(
        Teacher, "__call__", lambda self, *given, **more: asked.append(1) or call(self, *given, **more), raising=False
    )
    monkeypatch.setattr("distill_core.sweeps.drive.Sweep._begin", noting(asked))
    home = DataHome(tmp_path / "home")
    folder = sweep_folder(tmp_path, base_of(material))
    assert run_sweep(folder, home=home) == 0
    calls = [asked[first:second].count(1) for first, second in spans(asked)]
    assert calls[0] > 0 and calls[1:] == [0, 0]
    assert [one.state for one in Ledger.read(folder).trials] == ["done"] * 3

    # The same with a test set whose labels are all wrong.
    wrong = {**material["data"], "test": str(tmp_path / "test.csv")}
    lines = Path(material["data"]["test"]).read_text().splitlines()
    turned = [line.rpartition(",")[0] + ",parcel" for line in lines[1:]]
    Path(wrong["test"]).write_text("\n".join([lines[0], *turned]) + "\n")
    other = sweep_folder(tmp_path, base_of({**material, "data": wrong}), "poisoned")
    assert run_sweep(other, home=home) == 0
    assert outcomes(other) == outcomes(folder)
    for one in (folder, other):
        said = "".join(path.read_text() for path in [one.events, *one.path.glob("trials/*/events.jsonl")])
        assert '"test"' not in said


def noting(asked):
    begin = Sweep._begin
    return lambda self, *given: asked.append("trial") or begin(self, *given)


def spans(asked):
    starts = [place for place, what in enumerate(asked) if what == "trial"]
    return list(zip(starts, [*starts[1:], len(asked)], strict=True))


def test_a_trial_validates_as_the_run_it_is_promoted_to(tmp_path, material, runner):
    folder = sweep_folder(tmp_path, base_of(material), objectives=["quality", "parameters", "latency"])
    run_sweep(folder, home=DataHome(tmp_path / "home"))
    one = Ledger.read(folder).trials[1]
    raw = {**base_of(material), "student": {**base_of(material)["student"], "lstm_hidden": 4}, "controls": []}
    raw["training"] = {**raw["training"], "learning_rate": one.params["training.learning_rate"]}
    report, _, _ = runner.run(configs.from_dict(raw))
    main = report["arms"][0]
    assert one.values["quality"] == main["quality"]["validation"]
    assert one.values["parameters"] == main["parameters"] and one.values["latency"] > 0


def start(folder: SweepFolder, home: Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "distill_core", "sweep", str(folder.path)], cwd=PROJECT,
        env={**os.environ, "STILLROOM_HOME": str(home), "HF_HUB_OFFLINE": "1"},
        stdout=subprocess.DEVNULL, start_new_session=True,
    )  # fmt: skip


def test_killed_in_the_middle_it_goes_on_and_finds_the_same(tmp_path, material):
    whole = sweep_folder(tmp_path, base_of(material), "whole", sampler="random")
    assert run_sweep(whole, home=DataHome(tmp_path / "home")) == 0
    cut = sweep_folder(tmp_path, base_of(material), "cut", sampler="random")
    child = start(cut, tmp_path / "home")
    until(lambda: Ledger.read(cut).counted >= 1, 120)
    child.send_signal(signal.SIGKILL)
    child.wait(30)
    before = outcomes(cut)
    assert run_sweep(cut, home=DataHome(tmp_path / "home")) == 0
    assert outcomes(cut) == outcomes(whole)
    assert before[0] == outcomes(whole)[0]
    started = [json.loads(line) for line in cut.events.read_text().splitlines()]
    done = [event["payload"]["number"] for event in started if event["payload"].get("state") == "done"]
    assert done == [1, 2, 3]


def test_a_trial_that_was_stopped_goes_on_where_it_was(tmp_path, material):
    config = configs.from_dict(base_of(material, controls=[]))
    home, stop = DataHome(tmp_path / "home"), StopToken()

    def tried(name, sink, token):
        return run_trial(config, RunFolder(tmp_path / name), home, sink, token, ask=False, timed=False)

    whole = tried("whole", MemorySink(), StopToken())
    sink = StopAfter(stop, "metric", 2, lambda payload: payload["rows"][0]["arm"] == "main")
    with pytest.raises(Stopped):
        tried("cut", sink, stop)
    assert tried("cut", MemorySink(), StopToken())["values"]["quality"] == whole["values"]["quality"]


def test_the_app_killed_with_all_its_children_tells_and_goes_on(tmp_path, material):
    """As after a power cut: the sweep is interrupted, Go on takes it to its budget; a trial is promoted to a run."""
    home = DataHome(tmp_path / "home").create()
    options = {"poll_s": 0.1}
    app = Services(Settings(home, device="cpu"), supervisor_options=options)
    app.start_background()
    try:
        spec = app.sweep_of(
            configs.from_dict(base_of(material, controls=[])), [("training.learning_rate", "0.003 to 0.03 log")],
            name="power cut", sampler="random", budget={"trials": 3},
        )  # fmt: skip
        found = app.start_sweep(spec, token="once")
        assert app.start_sweep(spec, token="once") == found
        until(lambda: app.sweep(found)["sweep"]["tried"] >= 1, 120)
        pid = json.loads((home.sweep(found).process).read_text())["pid"]
    finally:
        app.close()
    os.killpg(pid, signal.SIGKILL)
    until(lambda: not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE, 30)
    app = Services(Settings(home, device="cpu"), supervisor_options=options)
    app.start_background()
    try:
        view = app.sweep(found)
        assert view["sweep"]["status"] == "interrupted" and "Go on" in view["sweep"]["error"]["hint"]
        kept = [one for one in view["trials"] if one["state"] == "done"]
        assert kept and app.resume_sweep(found) in ("queued", "running")
        until(lambda: app.sweep(found)["sweep"]["status"] == "done", 120)
        view = app.sweep(found)
        assert [one["state"] for one in view["trials"]] == ["done"] * 3 and view["trials"][0] == kept[0]
        run_id = app.promote(found, view["best"])
        assert app.promote(found, view["best"]) == run_id
        assert app.sweep(found)["trials"][view["best"] - 1]["run"] == run_id
        promoted = app.config(run_id)
        assert promoted.training.learning_rate == view["trials"][view["best"] - 1]["params"]["training.learning_rate"]
        assert app.runs()[0]["tags"] == ["sweep power cut"]
        until(lambda: app.live(run_id)["run"]["status"] == "done", 120)
        report = app.report(run_id)
        quality = next(arm for arm in report["arms"] if arm["name"] == "main")["quality"]
        assert quality["validation"] == view["trials"][view["best"] - 1]["values"]["quality"] and "test" in quality
    finally:
        app.close()
