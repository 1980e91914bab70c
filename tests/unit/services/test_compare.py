"""What is compared: every figure is the report's; fronts are drawn by validation, within the same data."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from distill_core.errors import JobError
from distill_core.export.formats import latency_rows, read_state, write_state
from distill_core.jobs.meta import Words, annotate
from distill_core.jobs.reconcile import reconcile_all
from distill_core.layout import DataHome, RunFolder
from distill_core.measure.uncertainty import kept_interval
from distill_core.services import Services, results
from distill_core.services.compare import MOST, compare, cost_of
from distill_core.services.leaderboard import Filters, leaderboard
from distill_core.settings import Settings
from tests.finished_run import exported, finished_run, of_data
from tests.unit.services.curves import unpacked

SETTING = "torch eager fp32 · 1 thread · 32 tokens · cpu (CPU, 2 cores)"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> DataHome:
    """a and b of the same data: b is smaller and faster, and worse; c of other data; old: of an earlier version."""
    home = DataHome(tmp_path_factory.mktemp("compare") / "home").create()
    made = {
        "a": {"change": of_data("f" * 64, validation=0.935)},
        "b": {"change": of_data("f" * 64, validation=0.93, faster=2, size=0.5), "training": {"epochs": 2}},
        "c": {"change": of_data("e" * 64, validation=0.99, faster=4, size=0.25)},
        "old": {"kept": False},
    }
    for name, options in made.items():
        finished_run(home.run(f"{name}-1").path, name=f"run {name}", **options)
    return home


@pytest.fixture(scope="module")
def folders(home: DataHome) -> dict[str, RunFolder]:
    return {name: home.run(f"{name}-1") for name in ("a", "b", "c", "old")}


@pytest.fixture
def app(home: DataHome) -> Iterator[Services]:
    services = Services(Settings(home, device="cpu"))
    reconcile_all(services.store, services.queue, home)
    yield services
    services.close()


def report(folder: RunFolder) -> dict:
    return json.loads(folder.report.read_text())


def test_every_figure_is_the_reports(folders: dict[str, RunFolder]) -> None:
    found = compare([folders["a"], folders["b"]], batch=32)
    assert found["batches"] == [1, 32] and found["runtimes"] == [SETTING] == [found["runtime"]]
    for name in ("a", "b"):
        told, points = report(folders[name]), {p["key"]: p for p in found["points"] if p["run"] == f"{name}-1"}
        assert list(points) == ["main", "no_teacher", "uniform", "teacher:support-bert", "teacher:support-roberta"]
        named = {**{f"teacher:{t['name']}": t for t in told["teachers"]}, **{a["name"]: a for a in told["arms"]}}
        for key, entry in named.items():
            point = points[key]
            assert (point["validation"], point["test"]) == (entry["quality"]["validation"], entry["quality"]["test"])
            assert point["interval"] == entry["interval"] and point["bytes"] == entry["bytes"]
            assert point["parameters"] == entry["parameters"] and point["seconds"] == entry.get("seconds")
        timed = {row["name"]: row for row in told["latency_models"] if row["batch"] == 32}
        assert points["main"]["latency"]["p50"] == timed["student"]["p50"]
        assert points["main"]["latency"]["interval"] == timed["student"]["p50_interval"]
        assert points["no_teacher"]["latency"] == points["main"]["latency"]
        assert points["teacher:support-bert"]["latency"]["p50"] == timed["support-bert"]["p50"]
        assert points["main"]["kept"] == told["quality_kept"]
        assert points["main"]["kept_interval"] == told["quality_kept_interval"]
        assert points["teacher:support-bert"]["kept"] == 1 and points["teacher:support-bert"]["kept_interval"] is None


def test_intervals_of_controls_follow_from_the_kept_answers(folders: dict[str, RunFolder]) -> None:
    points = {p["key"]: p for p in compare([folders["a"]])["points"]}
    split = results.split_of(folders["a"])
    assert split is not None
    expected = kept_interval([split.scores("no_teacher:13")], split.scores("teacher:0"))
    assert points["no_teacher"]["kept_interval"] == list(expected or ())
    low, high = points["teacher:support-roberta"]["kept_interval"]
    assert low < points["teacher:support-roberta"]["kept"] < high
    assert {p["kept_interval"] for p in compare([folders["old"]])["points"] if p["key"] == "uniform"} == {None}


def test_fronts_are_drawn_by_validation_within_the_same_data(folders: dict[str, RunFolder]) -> None:
    found = compare([folders["a"], folders["b"], folders["c"], folders["old"]])
    keys = [(group["name"], group["known"], group["runs"]) for group in found["groups"]]
    assert keys == [
        ("support-desk", True, ["a-1", "b-1"]),
        ("support-desk", True, ["c-1"]),
        ("support-desk", False, ["old-1"]),
    ]
    by_id = {point["id"]: point for point in found["points"]}
    for group in found["groups"]:
        for cost, on in group["fronts"].items():
            own = [p for p in found["points"] if p["run"] in group["runs"] and cost_of(p, cost) is not None]
            beaten = {
                p["id"]
                for p in own
                for o in own
                if cost_of(o, cost) <= cost_of(p, cost)
                and o["validation"] >= p["validation"]
                and (cost_of(o, cost), o["validation"]) != (cost_of(p, cost), p["validation"])
            }
            assert set(on) == {p["id"] for p in own} - beaten
            assert [cost_of(by_id[one], cost) for one in on] == sorted(cost_of(by_id[one], cost) for one in on)
    # b is faster and worse than a, and both beat their controls: both are on the front, whatever test says.
    assert {"a-1/main", "b-1/main"} <= set(found["groups"][0]["fronts"]["latency"])
    assert "latency" in by_id["a-1/main"]["on"]
    assert not any(key.split("/")[1].startswith("teacher") for key in found["groups"][0]["fronts"]["time"])


def test_test_quality_puts_nobody_on_a_front(tmp_path: Path) -> None:
    def lucky(parts) -> None:
        of_data("d" * 64, validation=0.5)(parts)
        parts.arms[0].test = {**parts.arms[0].test, "accuracy": 0.999}

    found = compare([finished_run(tmp_path / "lucky", kept=False, change=lucky)])
    student = next(p for p in found["points"] if p["key"] == "main")
    assert student["test"] == 0.999 and student["on"] == []


def test_what_differs_in_settings(folders: dict[str, RunFolder]) -> None:
    found = compare([folders["b"], folders["a"], folders["c"]])
    assert [row["field"] for row in found["settings"]] == ["training.epochs"]
    assert found["settings"][0]["values"][0] == 2 and len(set(found["settings"][0]["values"][1:])) == 1


def test_another_batch_or_runtime_than_was_measured_falls_back(folders: dict[str, RunFolder], tmp_path: Path) -> None:
    def elsewhere(parts) -> None:
        parts.device = {"device": "cpu", "device_name": "a fast one"}

    other = finished_run(tmp_path / "elsewhere", kept=False, change=elsewhere)
    found = compare([folders["a"], other, folders["b"]], batch=7, runtime="none")
    assert found["batch"] == 1 and found["runtime"] == SETTING and len(found["runtimes"]) == 2
    timed = {p["run"]: p["latency"] is not None for p in found["points"] if p["key"] == "main"}
    assert timed == {"a-1": True, "elsewhere": False, "b-1": True}
    assert compare([folders["a"], other], runtime=found["runtimes"][1])["runtime"].endswith("a fast one)")


def test_runs_that_cannot_be_compared_are_told(folders: dict[str, RunFolder], tmp_path: Path) -> None:
    empty = RunFolder(tmp_path / "empty").create()
    damaged = finished_run(tmp_path / "damaged", kept=False)
    damaged.report.write_text('{"schema_version": 1, "name": "x"}')
    found = compare([folders["a"], empty, damaged])
    assert [run["id"] for run in found["runs"]] == ["a-1"]
    assert "no report" in found["left_out"][0]["why"] and "lacks figures" in found["left_out"][1]["why"]
    with pytest.raises(JobError, match="No run"):
        compare([])
    with pytest.raises(JobError, match="too many"):
        compare([RunFolder(tmp_path / str(n)) for n in range(MOST + 1)])


def test_the_leaderboard_filters_and_sorts(folders: dict[str, RunFolder]) -> None:
    annotate(folders["b"], Words(tags=["Small"], archived=True))
    every = [*folders.values()]
    found = leaderboard(every)
    assert [[row["id"] for row in group["rows"]] for group in found["groups"]] == [["a-1"], ["c-1"], ["old-1"]]
    both = leaderboard(every, Filters(archived=True), "size")
    assert [row["id"] for row in both["groups"][0]["rows"]] == ["b-1", "a-1"]
    assert [row["bytes"] for row in both["groups"][0]["rows"]] == sorted(r["bytes"] for r in both["groups"][0]["rows"])
    fast = leaderboard(every, Filters(archived=True), "latency", batch=32)["groups"][0]["rows"]
    assert [row["latency"]["p50"] for row in fast] == [pytest.approx(4.43 / 2), 4.43]
    tagged = leaderboard(every, Filters(tag="small", archived=True))
    assert [row["id"] for group in tagged["groups"] for row in group["rows"]] == ["b-1"]
    assert tagged["tags"] == ["Small"] and tagged["tasks"] == ["classification"] and len(tagged["data"]) == 3
    named = leaderboard(every, Filters(data="e" * 64 + " accuracy"))
    assert [row["id"] for group in named["groups"] for row in group["rows"]] == ["c-1"]
    assert leaderboard(every, Filters(task="tagging"))["groups"] == []
    annotate(folders["b"], Words(tags=[], archived=False))


def test_the_facade_compares_by_id_and_overlays_curves(app: Services) -> None:
    found = app.compare(["a-1", "b-1", "gone-1", "a-1"])
    assert [run["name"] for run in found["runs"]] == ["run a", "run b"]
    assert [one["id"] for one in found["left_out"]] == ["gone-1"]
    with pytest.raises(JobError, match="no such run"):
        app.compare(["gone-1"])
    curves = app.compare_curves(["a-1", "b-1", "gone-1"])
    assert [one["run"] for one in curves] == ["a-1", "b-1"]
    assert [(one["arm"], one["name"]) for one in curves[0]["curves"]] == [("main", "validation_quality")]
    assert list(unpacked(curves[0]["points"][0]).values())[-1] == (300, 0.935)
    assert {row["id"] for group in app.leaderboard()["groups"] for row in group["rows"]} == {
        "a-1",
        "b-1",
        "c-1",
        "old-1",
    }


# ---------------------------------------------------------------- examples

AWAY = f"{SETTING} · the examples' machine"


def test_an_example_is_compared_but_never_by_times_of_another_machine(app: Services) -> None:
    found = app.compare(["support-demo", "a-1", "b-1"])
    assert {run["id"]: run["example"] for run in found["runs"]} == {"support-demo": True, "a-1": False, "b-1": False}
    assert found["left_out"] == []
    # The same runtime, threads, length and name of a machine: still not the same machine.
    assert set(found["runtimes"]) == {SETTING, AWAY} and found["runtime"] == SETTING
    timed = {point["run"]: point["latency"] for point in found["points"] if point["key"] == "main"}
    assert timed["support-demo"] is None and timed["a-1"] and timed["b-1"]
    theirs = app.compare(["support-demo", "a-1", "b-1"], None, AWAY)
    timed = {point["run"]: point["latency"] for point in theirs["points"] if point["key"] == "main"}
    assert timed["support-demo"] and timed["a-1"] is timed["b-1"] is None
    for told in (found, theirs):
        for group in told["groups"]:
            assert len({point.startswith("support-demo/") for point in group["fronts"]["latency"]}) <= 1
    shipped, own = (next(m for m in found["machines"] if ("example" in m["name"]) is away) for away in (True, False))
    assert shipped["runs"] == ["support-demo"] and own["runs"] == ["run a", "run b"]
    assert "CPU, 2 cores" in shipped["name"] and "CPU, 2 cores" in own["name"]
    assert len(app.compare(["a-1", "b-1"])["machines"]) == 1
    curves = app.compare_curves(["support-demo", "a-1"])
    assert [one["run"] for one in curves] == ["support-demo", "a-1"] and all(one["points"] for one in curves)


def test_runs_of_machines_that_differ_are_told(tmp_path: Path) -> None:
    def elsewhere(parts: Any) -> None:
        of_data("f" * 64, validation=0.9)(parts)
        parts.device = {**parts.device, "device_name": "CPU, 64 cores"}

    one = finished_run(tmp_path / "one-1", name="one", change=of_data("f" * 64, validation=0.9))
    two = finished_run(tmp_path / "two-1", name="two", change=elsewhere)
    found = compare([one, two])
    assert [machine["runs"] for machine in found["machines"]] == [["one"], ["two"]]
    assert found["machines"][1]["name"] == "CPU, 64 cores"
    on = [point["run"] for point in found["points"] if point["latency"]]
    assert set(on) == {"one-1"} and len(found["runtimes"]) == 2, "never on one front"
    assert leaderboard([one, two])["machines"] == found["machines"]
    assert len(compare([one])["machines"]) == 1


def rows_of(board: dict[str, Any]) -> dict[str, bool]:
    return {row["id"]: row["example"] for group in board["groups"] for row in group["rows"]}


def test_examples_are_on_the_leaderboard_when_wanted_or_alone(app: Services, tmp_path: Path) -> None:
    found = app.leaderboard()
    assert found["examples"] is False and not any(rows_of(found).values()) and len(found["machines"]) == 1
    assert "support-demo" in found["shipped"]
    both = app.leaderboard(Filters(examples=True))
    assert rows_of(both) == {**rows_of(found), **dict.fromkeys(found["shipped"], True)} and both["examples"] is True
    assert both["runtime"] == SETTING, "a person's own runs choose the runtime, though there are fewer"
    assert len(both["machines"]) == 2 and "office-notes" in {one["name"] for one in both["data"]}
    assert "office-notes" not in {one["name"] for one in found["data"]}

    fresh = Services(Settings(DataHome(tmp_path / "fresh").create(), device="cpu"))
    try:
        first = fresh.leaderboard()
        assert first["examples"] is True and set(rows_of(first)) == set(first["shipped"]) != set()
        assert first["runtime"] == AWAY
        off = fresh.leaderboard(Filters(examples=False))
        assert off["groups"] == off["data"] == [] and off["examples"] is False and off["shipped"]
    finally:
        fresh.close()


# ---------------------------------------------------------------- exports


def test_exports_are_compared_on_their_own_runtime(tmp_path: Path) -> None:
    """Student and reference teacher on ONNX Runtime, each with its figures; torch's figures stay as they were."""
    a, b = (
        finished_run(tmp_path / name, name=name, change=of_data("f" * 64, validation=0.93, faster=faster))
        for name, faster in (("a-1", 1.0), ("b-1", 2.0))
    )
    before = compare([a, b])
    exported(a)
    found = compare([a, b])
    assert found["runtime"] == before["runtime"] == SETTING  # both runs have that one
    assert [point["latency"] for point in found["points"]] == [point["latency"] for point in before["points"]]
    runtimes = [name for name in found["runtimes"] if name.startswith("onnxruntime")]
    assert [name.split(" · ")[0] for name in runtimes] == ["onnxruntime", "onnxruntime int8"]
    for name, runtime in zip(("onnx", "onnx-int8"), runtimes, strict=True):
        rows = {row["batch"]: row for row in latency_rows(a) if row["format"] == name}
        on = compare([a, b], batch=32, runtime=runtime)
        points = {point["id"]: point for point in on["points"]}
        student, own = points["a-1/main"]["latency"], rows[32]["student_ms"]
        assert (student["p50"], student["p95"], student["interval"]) == (own["p50"], own["p95"], own["p50_interval"])
        assert student["lost_points"] == rows[32]["lost_points"]
        assert points["a-1/teacher:support-bert"]["latency"]["p50"] == rows[32]["teacher_ms"]["p50"]
        assert points["a-1/no_teacher"]["latency"]["p50"] == own["p50"]
        assert points["a-1/teacher:support-roberta"]["latency"] is None  # nobody timed it there
        assert all(point["latency"] is None for name, point in points.items() if name.startswith("b-1/"))
        (group,) = on["groups"]
        assert "a-1/main" in group["fronts"]["latency"] and not any("b-1" in one for one in group["fronts"]["latency"])


def test_an_export_that_was_refused_is_no_point_of_a_front(tmp_path: Path) -> None:
    run = finished_run(tmp_path / "a-1")
    exported(run)
    for name in ("onnx", "onnx-int8"):
        state = read_state(run, name)
        state.state = "refused"
        write_state(run, state)
    assert latency_rows(run) == [] and not any("onnx" in name for name in compare([run])["runtimes"])
