"""The true warm child on tiny shapes; what is estimated is compared with a run in everything but time."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import nullcontext, suppress
from pathlib import Path
from typing import Any

import psutil
import pytest

from distill_core.cli import plan
from distill_core.cli.main import main
from distill_core.config import from_dict
from distill_core.jobs import warm
from distill_core.jobs.queue import write_meta
from distill_core.layout import PROJECT, DataHome, RunFolder
from distill_core.services.planning import Planning
from distill_core.services.warm import Answer, Request, WarmChild
from tests import tiny

WAIT_S = 300.0


@pytest.fixture(scope="module")
def child() -> Iterator[WarmChild]:
    found = WarmChild()
    yield found
    found.close()


@pytest.fixture
def planning(child: WarmChild, tmp_path: Path) -> Planning:
    return Planning(child, DataHome(tmp_path / "home").create())


def draft(material: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return tiny.config_dict(material["data"], material["teachers"], **changes)


def test_latency_of_a_draft(planning: Planning, material: dict[str, Any]) -> None:
    found = planning.latency(draft(material), wait_s=WAIT_S)
    assert found["state"] == "ready", found
    assert [(row["role"], row["batch"]) for row in found["rows"]] == [("teacher", b) for b in (1, 8, 1, 8)] + [
        ("student", b) for b in (1, 8)
    ]
    assert all(row["tokens"] == 8 and 0 < row["p50"] <= row["p95"] and row["repeats"] >= 3 for row in found["rows"])
    smallest = {row["batch"]: row["cpu_ms"] for row in found["rows"] if row["name"] == "roberta"}
    own = {row["batch"]: row["cpu_ms"] for row in found["rows"] if row["role"] == "student"}
    assert found["compared"] == "cpu_ms"
    assert found["speedup"] == {str(b): pytest.approx(smallest[b] / own[b]) for b in (1, 8)}
    assert "1 thread" in found["protocol"] and "CPU time" in found["protocol"] and "roberta" in found["protocol"]
    # Known now: no child is asked.
    idle = Planning(WarmChild(["/nonexistent"]), planning.home)
    assert idle.latency(draft(material)) == found


def test_a_new_student_leaves_the_teachers_times_as_they_are(planning: Planning, material: dict[str, Any]) -> None:
    student = {"kind": "transformer", "layers": 1, "hidden": 16, "heads": 2}
    first = planning.latency(draft(material), wait_s=WAIT_S)
    second = planning.latency(draft(material, student=student), wait_s=WAIT_S)
    teachers = [[row for row in found["rows"] if row["role"] == "teacher"] for found in (first, second)]
    assert teachers[0] == teachers[1] and first["rows"] != second["rows"]


def test_shapes_that_cannot_be_are_told_with_their_field(planning: Planning, material: dict[str, Any]) -> None:
    deep = {"kind": "transformer", "layers": 3, "initialise": "teacher_layers"}
    found = planning.latency(draft(material, student=deep), wait_s=WAIT_S)
    assert found["state"] == "failed" and found["field"] == "student.layers", found
    assert planning.latency(draft(material, student={"kind": "bilstm", "lstm_hidden": -1}))["state"] == "failed"
    assert planning.latency({"student": {"kind": "bilstm"}})["field"] == "teachers"
    assert planning.latency(draft(material), wait_s=WAIT_S)["state"] == "ready"  # it lives on


def test_a_spare_estimate_keeps_nobody_waiting(planning: Planning, material: dict[str, Any]) -> None:
    raw = draft(material)
    assert planning.spare_estimate(raw, measure=False) is None
    assert planning.spare_estimate(raw, measure=True) == {"state": "measuring"}
    found = planning.estimate(raw, wait_s=WAIT_S)
    assert planning.spare_estimate(raw, measure=False) == found and found["seconds"] > 0
    hub = {**raw, "data": {"source": "hub", "name": "acme/reviews"}}
    assert planning.spare_estimate(hub, measure=True) is None, "nothing is downloaded for it"
    assert planning.spare_estimate({"teachers": []}, measure=True) is None


def test_an_estimate_and_its_run(planning: Planning, runner: Any, material: dict[str, Any]) -> None:
    config = draft(material, controls=["no_teacher", "uniform"])
    found = planning.estimate(config, wait_s=WAIT_S)
    assert found["state"] == "ready", found
    parts = {part["stage"]: part for part in found["parts"]}
    assert list(parts) == ["start", "prepare", "teachers", "cache", "distil", "measure"]
    assert all(part["cpu_seconds"] > 0 and part["seconds"] > 0 for part in parts.values())
    assert found["cpu_seconds"] == pytest.approx(sum(part["cpu_seconds"] for part in parts.values()))
    assert found["low"] < found["seconds"] < found["high"] and found["signals"] == "cached"

    folder = RunFolder(planning.home.root / "run").create()
    write_meta(folder, "tiny", 0.0, estimate=found)
    shutil.rmtree(planning.home.cache)
    report, _, _ = runner.run(runner.config(controls=["no_teacher", "uniform"]), folder.path, home=planning.home.root)
    assert report["estimate"] == json.loads(json.dumps(found))
    assert set(report["cpu_seconds"]) == set(parts) and report["peak_memory_bytes"] > 1e6
    signals = sum(f.stat().st_size for f in planning.home.signals.glob("*/*.npy"))
    assert 0.5 * signals < found["disk_bytes"]

    again = planning.estimate(config, wait_s=WAIT_S)
    costs = {part["stage"]: part["cpu_seconds"] for part in again["parts"]}
    assert costs["cache"] == 0 and costs["teachers"] < parts["teachers"]["cpu_seconds"]
    assert "Found from earlier runs: bert, roberta, bert's answers, roberta's answers" in again["basis"]


@pytest.mark.parametrize(
    "changes",
    [
        {"signals": "live"},
        {"teacher_training": {"mode": "separate", "epochs": 1, "folds": 2}},
        {"student": {"kind": "transformer", "layers": 1, "hidden": 16, "heads": 2, "vocabulary": "seen"}},
        {
            "training": {
                "batch_size": 16,
                "patience": 1,
                "stages": [
                    {"name": "states", "terms": {"hidden": 1.0}, "epochs": 1},
                    {"name": "labels", "terms": {"hard": 1.0, "soft": 1.0}, "epochs": 1, "unfreeze": True},
                ],
            },
            "objective": {"hidden_weight": 1.0, "hidden_projection": "student"},
        },
    ],
    ids=["live", "folds", "seen", "stages"],
)
def test_every_kind_of_plan_can_be_estimated(
    planning: Planning, material: dict[str, Any], changes: dict[str, Any]
) -> None:
    found = planning.estimate(draft(material, **changes), wait_s=WAIT_S)
    assert found["state"] == "ready", found
    assert found["seconds"] > 0 and found["memory_bytes"] > 0 and found["disk_bytes"] > 0


def taught_in_turn(material: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """One checkpoint as it was pre-trained, by its states alone, then the same finetuned."""
    source, states = str(material["teachers"][0]), {"hidden": 1.0, "attention": 1.0}
    stages = [
        {"name": "states", "terms": states, "data": "transfer", "teachers": ["raw"], "epochs": 1},
        {"name": "labels", "terms": {"soft": 1.0, "hard": 1.0}, "data": "labelled", "epochs": 1},
    ]
    raw = draft(
        material,
        student={"kind": "transformer", "layers": 2, "hidden": 16, "heads": 2},
        objective={"hidden_projection": "student"},
        training={"batch_size": 16, "stages": stages},
        **changes,
    )
    pair = [{"source": source, "name": "raw", "pretrained_only": True}, {"source": source, "name": "taught"}]
    return {**raw, "teachers": pair}


def test_a_teacher_that_stays_as_pre_trained_is_asked_for_states_and_nobody_waits_for_it(
    planning: Planning, runner: Any, material: dict[str, Any]
) -> None:
    raw = taught_in_turn(material)
    rows = planning.latency(raw, wait_s=WAIT_S)["rows"]
    assert {row["name"] for row in rows} == {"taught", "student"}
    found = planning.estimate(raw, wait_s=WAIT_S)
    assert found["state"] == "ready", found
    runner.run(from_dict(raw), home=planning.home.root)
    # The cache of each teacher that a stage asks was known by its name before the run.
    after = planning.estimate(raw, wait_s=WAIT_S)
    assert "Found from earlier runs: taught, raw's answers, taught's answers." in after["basis"]
    assert planning.estimate(taught_in_turn(material, signals="live"), wait_s=WAIT_S)["state"] == "ready"


def test_a_saved_student_that_teaches(planning: Planning, runner: Any, material: dict[str, Any]) -> None:
    student = {"kind": "bilstm", "embedding": 16, "lstm_hidden": 10, "projection": 12, "vocabulary": "seen"}
    first, folder, _ = runner.run(runner.config(teachers=1, student=student, controls=[]), home=planning.home.root)
    small = {"kind": "bilstm", "embedding": 8, "lstm_hidden": 6, "initialise": "svd"}
    raw = {
        **draft(material, teacher_training={"mode": "as_is"}, student=small, objective={}, controls=[]),
        "teachers": [{"source": str(folder.student)}],
    }
    assert first["labels"]
    assert planning.latency(raw, wait_s=WAIT_S)["state"] == "ready"
    found = planning.estimate(raw, wait_s=WAIT_S)
    assert found["state"] == "ready", found


def test_taggers_too(planning: Planning, tagged_material: dict[str, Any]) -> None:
    found = planning.estimate(draft(tagged_material), wait_s=WAIT_S)
    assert found["state"] == "ready", found
    assert planning.latency(draft(tagged_material), wait_s=WAIT_S)["state"] == "ready"


def test_an_estimate_makes_way_for_the_latency_of_a_shape(planning: Planning, material: dict[str, Any]) -> None:
    planning.child.wait("is warm", Request("nobody knows this", {}), WAIT_S)
    config = draft(
        material, seeds=[3, 4], controls=["no_teacher"], student={"kind": "bilstm", "embedding": 8, "lstm_hidden": 9}
    )
    assert planning.estimate(config)["state"] == "measuring"
    latency = planning.latency(config, wait_s=WAIT_S)
    assert latency["state"] == "ready", latency
    now = planning.estimate(config)
    assert now["state"] == "measuring", now
    assert planning.estimate(config, wait_s=WAIT_S)["state"] == "ready"


def test_the_command_line_tells_the_same(
    planning: Planning, material: dict[str, Any], tmp_path: Path, monkeypatch: Any, capsys: Any
) -> None:
    monkeypatch.setattr(plan, "_planning", lambda: nullcontext(planning))
    path, raw = tmp_path / "run.yaml", draft(material)
    path.write_text(from_dict(raw).to_yaml())
    assert main(["latency", str(path)]) == 0
    table = capsys.readouterr().out
    found = planning.latency(raw)
    for batch, factor in found["speedup"].items():
        assert f"speed-up at batch {batch}: {factor:.1f}×" in table
    assert f"{found['rows'][0]['cpu_ms']:.2f}" in table and found["protocol"] in table
    assert main(["latency", str(path), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["rows"] == found["rows"]
    assert main(["check", str(path), "--estimate"]) == 0
    said = capsys.readouterr().out
    assert "time: about" in said and "teacher signals cached" in said and "Ready to run." in said
    wrong = {"message": "no.", "hint": "yes.", "field": "student"}
    monkeypatch.setattr(planning.child, "wait", lambda *_: Answer("failed", error=wrong))
    monkeypatch.setattr(plan, "_planning", lambda: nullcontext(Planning(planning.child, DataHome(tmp_path / "new"))))
    assert main(["check", str(path), "--estimate"]) == 2 and main(["latency", str(path)]) == 2
    assert "error: student: no. yes." in capsys.readouterr().err


def test_a_draft_that_is_not_complete_asks_nobody(planning: Planning) -> None:
    assert planning.estimate({"name": "x"})["state"] == "failed"


def test_the_child_dies_with_its_pipe(planning: Planning) -> None:
    own = WarmChild()
    own.wait("a", Request("nobody knows this", {}), WAIT_S)
    assert own._child is not None
    process = psutil.Process(own._child._process.pid)
    own._child._process.stdin.close()  # type: ignore[union-attr]  # as when the app is killed
    process.wait(30)
    own.close()


APP = """
import json, os, sys, time
from pathlib import Path
import psutil
from distill_core.layout import DataHome
from distill_core.services import Services
from distill_core.settings import Settings
import ui.build

services, raw = Services(Settings(home=DataHome(Path(sys.argv[1])))), json.loads(sys.argv[2])

def ready(layers):
    raw["student"] = {"kind": "transformer", "layers": layers, "hidden": 16, "heads": 2}
    while (found := services.latency_preview(raw))["state"] in ("starting", "measuring"):
        time.sleep(0.05)
    return found["state"]

assert not psutil.Process().children(), "started before anybody asked"
states = [ready(1)]
first = services.warm._child._process.pid
psutil.Process(first).kill()
states.append(ready(2))
second = services.warm._child._process.pid
heavy = [name for name in ("torch", "transformers") if name in sys.modules]
print(json.dumps([states, first, second, heavy]), flush=True)
os._exit(9)
"""


def test_an_app_loads_no_torch_survives_its_childs_death_and_takes_the_child_along(
    tmp_path: Path, material: dict[str, Any]
) -> None:
    told = subprocess.run(
        [sys.executable, "-c", APP, str(tmp_path / "home"), json.dumps(draft(material))],
        capture_output=True, text=True, timeout=WAIT_S, check=False, cwd=PROJECT,
    )  # fmt: skip
    assert told.returncode == 9, told.stderr
    states, first, second, heavy = json.loads(told.stdout.splitlines()[-1])
    assert states == ["ready", "ready"] and first != second and not heavy
    with suppress(psutil.NoSuchProcess):
        psutil.Process(second).wait(30)
    assert not psutil.pid_exists(second)


def test_answers_never_raise() -> None:
    registry = {"wrong": "math:sqrt", "nan": "tests.integration.test_planner:_nan"}
    for request in (None, {}, {"id": 1, "kind": "x", "payload": {}}, {"id": 2, "kind": "wrong", "payload": {}}):
        assert warm.answer(request, registry)["error"]["message"]
    assert "error" in warm.answer({"id": 3, "kind": "nan", "payload": {}}, registry)


def _nan(payload: dict[str, Any]) -> dict[str, Any]:
    return {"value": float("nan")}
