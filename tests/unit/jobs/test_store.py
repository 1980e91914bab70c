from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from distill_core.events import Event, metric, metric_rows
from distill_core.jobs.store import RunRow, Store
from distill_core.layout import DataHome


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = Store(DataHome(tmp_path))
    yield store
    store.close()


def event(seq: int, kind: str, attempt: int = 1, **payload: object) -> Event:
    return Event(seq=seq, time=100.0 + seq, attempt=attempt, kind=kind, payload=payload)


def metrics_event(seq: int, *steps: int, arm: str = "main", attempt: int = 1) -> Event:
    return event(seq, "metric", attempt, rows=[metric(arm, 13, "loss", s, s / 10, "nats") for s in steps])


def test_rows_come_back_as_they_went_in(store: Store) -> None:
    row = RunRow("a", "näme", 5.0, "queued", 1.5, config={"teachers": ["x"]}, tags=["t"], error={"kind": "data"})
    store.insert(row, token="t1")
    assert store.run("a") == row
    assert store.token("t1") == "a" and store.token("t2") is None
    assert store.run("b") is None
    store.insert(RunRow("a", "other", 6.0, "done"))
    assert store.run("a") == row, "a known run is left as it is"


def test_orders(store: Store) -> None:
    for n, (status, position) in enumerate([("queued", 3.0), ("queued", -1.0), ("done", None), ("queued", 2.0)]):
        store.insert(RunRow(f"r{n}", "", float(n), status, position))
    assert [r.id for r in store.queued()] == ["r1", "r3", "r0"]
    assert [store.queue_position(f"r{n}") for n in range(4)] == [3, 1, None, 2]
    assert [r.id for r in store.runs(2)] == ["r3", "r2"]
    assert [r.id for r in store.with_status("done", "running")] == ["r2"]


def test_move_only_from_expected(store: Store) -> None:
    store.insert(RunRow("a", "", 0.0, "queued", 1.0))
    assert store.move("a", "queued", status="running", position=None)
    assert not store.move("a", ("queued", "done"), status="stopped")
    found = store.run("a")
    assert found is not None and (found.status, found.position) == ("running", None)
    with pytest.raises(ValueError, match="no such columns"):
        store.update("a", nonsense=1)


def test_one_of_many_threads_wins_a_move(store: Store) -> None:
    store.insert(RunRow("a", "", 0.0, "queued", 1.0))
    won: list[bool] = []
    threads = [
        threading.Thread(target=lambda: won.append(store.move("a", "queued", status="running"))) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(won) == [False] * 7 + [True]


def test_metrics_by_cursor_and_superseded_as_the_reader_of_the_file_says(store: Store) -> None:
    store.insert(RunRow("a", "", 0.0, "running"))
    events = [
        metrics_event(1, 1, 2),
        metrics_event(2, 3),
        metrics_event(3, 3, arm="uniform"),
        event(4, "resumed", 2, arm="main", seed=13, from_step=2),
        metrics_event(5, 3, attempt=2),
    ]
    store.append("a", events[:3], {"last_seq": 3}, 10)
    assert [r["step"] for r in store.metrics("a", 1)] == [3, 3]
    store.append("a", events[3:], {"last_seq": 5}, 20)
    keys = ("seq", "arm", "seed", "name", "step", "value", "unit")
    assert store.metrics("a") == [{k: r[k] for k in keys} for r in metric_rows(events)]
    row = store.run("a")
    assert row is not None and (row.reset_seq, row.offset, row.state) == (4, 20, {"last_seq": 5})


def test_the_same_events_twice_change_nothing(store: Store) -> None:
    store.insert(RunRow("a", "", 0.0, "running"))
    events = [metrics_event(1, 1), event(2, "log", message="x")]
    store.append("a", events, {}, 5)
    store.append("a", events, {}, 5)
    assert len(store.metrics("a")) == 1 and store.events("a") == events


def test_a_failed_append_leaves_nothing(store: Store) -> None:
    store.insert(RunRow("a", "", 0.0, "running"))
    broken = event(2, "metric", rows=[{"arm": "main"}])
    with pytest.raises(KeyError):
        store.append("a", [metrics_event(1, 1), broken], {"last_seq": 2}, 50)
    row = store.run("a")
    assert row is not None and (row.offset, row.state) == (0, {})
    assert store.events("a") == [] and store.metrics("a") == []


def test_not_a_number_is_null(store: Store) -> None:
    store.insert(RunRow("a", "", 0.0, "running"))
    store.append("a", [event(1, "metric", rows=[metric("main", 1, "loss", 1, None)])], {}, 1)  # type: ignore[arg-type]
    assert store.metrics("a")[0]["value"] is None


def test_forget(store: Store) -> None:
    store.insert(RunRow("a", "", 0.0, "running"), token="t")
    store.append("a", [metrics_event(1, 1)], {}, 1)
    store.forget("a")
    assert store.run("a") is None and store.token("t") is None and store.metrics("a") == []
