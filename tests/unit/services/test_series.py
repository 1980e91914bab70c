from __future__ import annotations

import csv
import io
import json
import time
from typing import Any

import numpy as np

from distill_core.events import EventLog, metric
from distill_core.jobs.ingest import ingest
from distill_core.jobs.store import RunRow, Store
from distill_core.layout import DataHome
from distill_core.services.series import MAX_RUNS, CurveCache, points_csv, rounded
from distill_core.services.thinning import kept, level_of
from tests.unit.services.curves import Follower, unpacked


class Run:
    """One run whose metrics are written by hand."""

    def __init__(self, store: Store, home: DataHome, run_id: str = "a") -> None:
        self.store, self.id = store, run_id
        store.insert(RunRow(run_id, run_id, 1.0, "running", config={}))
        self.folder = home.run(run_id).create()
        self.log = EventLog(self.folder.events)

    def rows(self, *rows: dict[str, Any]) -> None:
        self.log.emit("metric", rows=list(rows))

    def row(self) -> RunRow:
        row = ingest(self.store, self.folder)
        assert row is not None
        return row


def wave(step: int) -> float:
    return float(np.sin(step / 40.0) + 0.3 * np.sin(1.7 * step))


def view(cache: CurveCache, row: RunRow, cursor: int) -> dict[str, Any]:
    curves, points = cache.since(row, cursor)
    return {"curves": curves, "points": points, "cursor": row.state["last_seq"], "reset": False}


def test_who_follows_and_who_comes_late_draw_the_same(store: Store, home: DataHome) -> None:
    run, cache, follower = Run(store, home), CurveCache(store), Follower()
    rng = np.random.default_rng(3)
    step = 0
    while step < 1500:
        for _ in range(int(rng.integers(1, 90))):
            step += 1
            run.rows(metric("main", 13, "loss", step, wave(step)), metric("main", 13, "other", step, -wave(step)))
        follower.take(view(cache, run.row(), follower.cursor))
    late = Follower()
    late.take(view(CurveCache(store), run.row(), 0))
    assert late.points == follower.points
    values = np.array([wave(s + 1) for s in range(step)])
    assert list(late.points[0]) == kept(values, level_of(step)).tolist()


def test_means_follow_the_buckets(store: Store, home: DataHome) -> None:
    run, cache = Run(store, home), CurveCache(store)
    for step in range(600):
        run.rows(metric("main", 13, "loss", step, float(step)))
    first = view(cache, run.row(), 0)["points"][0]
    assert first[1] == 600 and first[5] == 0 and first[6] == [1.5 + 4 * b for b in range(599 // 4)]
    for step in range(600, 605):
        run.rows(metric("main", 13, "loss", step, float(step)))
    more = view(cache, run.row(), 600)["points"][0]
    assert more[5] == 149 and more[6] == [597.5, 601.5], "what was complete before is not sent again"


def test_a_steady_tick_is_small_and_the_first_load_is_bounded(store: Store, home: DataHome) -> None:
    run, cache = Run(store, home), CurveCache(store)
    names = [f"curve_{n}" for n in range(20)]
    for step in range(2_000):
        if step % 500 == 0:
            run.row()
        run.rows(*(metric("main", 13, name, 7 * step, wave(step) + n) for n, name in enumerate(names)))
    row = run.row()
    first = json.dumps(cache.since(row, 0), separators=(",", ":"))
    assert len(first) < 20 * 14_000
    run.rows(*(metric("main", 13, name, 14_007, 1.2345678) for name in names))
    begun = time.process_time()
    tick = json.dumps(cache.since(run.row(), row.state["last_seq"]), separators=(",", ":"))
    spent = time.process_time() - begun
    assert len(tick) < 1200 and spent < 0.5


def test_finer_points_are_those_of_a_lower_level(store: Store, home: DataHome) -> None:
    run, cache = Run(store, home), CurveCache(store)
    for step in range(3000):
        run.rows(metric("main", 13, "loss", step, wave(step)))
    row = run.row()
    coarse = unpacked(cache.since(row, 0)[1][0])
    fine = unpacked(cache.between(row, [0, 99], 1000, 1200)[0])
    assert set(range(1000, 1201)) <= set(fine), "200 points fit whole"
    assert {n for n in coarse if 1000 <= n <= 1200} <= set(fine)
    assert fine[1100] == (1100, rounded(np.array([wave(1100)]))[0])
    half = unpacked(cache.between(row, [0], 0, 1000)[0])
    assert {n for n in coarse if n <= 990} <= set(half) and len(half) < 3 * 256 + 8
    assert cache.between(row, [0], 9_000, 10_000)[0][2] and cache.between(row, [], 0, 10) == []


def test_voided_rows_are_read_anew(store: Store, home: DataHome) -> None:
    run, cache = Run(store, home), CurveCache(store)
    for step in range(1, 6):
        run.rows(metric("main", 13, "loss", step, float(step)))
    cache.since(run.row(), 0)
    run.log.emit("resumed", attempt=2, arm="main", seed=13, from_step=3)
    run.rows(metric("main", 13, "loss", 4, 40.0))
    again = unpacked(cache.since(run.row(), 0)[1][0])
    assert [step for step, _ in again.values()] == [1, 2, 3, 4] and again[3][1] == 40.0


def test_an_older_look_beside_a_newer_one_loses_nothing(store: Store, home: DataHome) -> None:
    run, cache = Run(store, home), CurveCache(store)
    run.rows(metric("main", 13, "loss", 1, 1.0))
    old = run.row()
    run.rows(metric("main", 13, "loss", 2, 2.0))
    cache.since(run.row(), 0)
    held = next(iter(cache._runs.values())).curves
    assert [step for step, _ in unpacked(cache.since(old, 0)[1][0]).values()] == [1, 2]
    assert next(iter(cache._runs.values())).curves is held, "and is no reason to read all again"


def test_only_the_runs_last_asked_for_are_held(store: Store, home: DataHome) -> None:
    cache = CurveCache(store)
    for number in range(MAX_RUNS + 3):
        run = Run(store, home, f"run{number}")
        run.rows(metric("main", 13, "loss", 1, 1.0))
        cache.since(run.row(), 0)
    assert len(cache._runs) == MAX_RUNS and "run0" not in cache._runs


def test_csv_holds_every_point_in_full(store: Store, home: DataHome) -> None:
    run = Run(store, home)
    for step in range(700):
        run.rows(metric("main", 13, "loss", step, wave(step), "nats"), metric("teacher:=x", 13, "loss", step, 1.0))
    run.rows(metric("main", 13, "loss", 700, float("nan"), "nats"))
    run.row()
    rows = list(csv.DictReader(io.StringIO(points_csv(store, "a", [("main", 13, "loss")]))))
    assert len(rows) == 701 and float(rows[345]["value"]) == wave(345) and rows[345]["unit"] == "nats"
    assert rows[700]["value"] == ""
    other = list(csv.DictReader(io.StringIO(points_csv(store, "a", [("teacher:=x", 13, "loss")]))))
    assert len(other) == 700
    assert points_csv(store, "a", []) == "arm,seed,name,step,value,unit\n"
