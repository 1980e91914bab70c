from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from distill_core.events import DEVICE_ARM, Event, EventLog, metric, metric_rows, read_events
from distill_core.jobs.ingest import LOG_LINES, fold, ingest, read_tail
from distill_core.jobs.store import RunRow, Store
from distill_core.layout import DataHome, RunFolder


@pytest.fixture
def folder(home: DataHome, store: Store) -> RunFolder:
    store.insert(RunRow("a", "a", 0.0, "running"))
    return home.run("a").create()


def added(*kinds: tuple[str, dict[str, Any]], attempt: int = 1, start: int = 1) -> dict[str, Any]:
    state: dict[str, Any] = {}
    for seq, (kind, payload) in enumerate(kinds, start):
        fold(state, Event(seq=seq, time=float(seq), attempt=attempt, kind=kind, payload=payload))
    return state


def test_events_are_read_once_and_a_torn_line_is_left(store: Store, folder: RunFolder) -> None:
    log = EventLog(folder.events)
    log.emit("log", level="info", message="one")
    assert ingest(store, folder).state["last_seq"] == 1  # type: ignore[union-attr]
    log.emit("metric", rows=[metric("main", 13, "loss", 1, 0.5)])
    with folder.events.open("ab") as file:
        file.write(b'{"seq":3,"ti')
    row = ingest(store, folder)
    assert row is not None and row.state["last_seq"] == 2
    with folder.events.open("ab") as file:
        file.write(b'me":1,"attempt":1,"kind":"done","payload":{"seconds":1}}\n')
    assert ingest(store, folder).state["terminal"]["kind"] == "done"  # type: ignore[union-attr]
    assert [e["seq"] for e in store.events("a")] == [1, 2, 3]
    log.close()


def test_a_damaged_line_does_not_hide_what_follows(store: Store, folder: RunFolder) -> None:
    log = EventLog(folder.events)
    log.emit("log", message="one")
    with folder.events.open("ab") as file:
        file.write(b'{"seq":\x00\x00\n[1]\n{"seq":2,"time":1,"attempt":1,"kind":"metric","payload":{"rows":[{}]}}\n')
    log.emit("log", message="two")
    log.close()
    row = ingest(store, folder)
    assert row is not None and len(row.state["log"]) == 2
    assert row.offset == folder.events.stat().st_size


def test_a_file_that_became_shorter_is_read_again(store: Store, folder: RunFolder) -> None:
    log = EventLog(folder.events)
    for step in range(5):
        log.emit("metric", rows=[metric("main", 13, "loss", step, 0.5)])
    log.close()
    ingest(store, folder)
    lines = folder.events.read_bytes().splitlines(keepends=True)
    folder.events.write_bytes(b"".join(lines[:2]))
    ingest(store, folder)
    assert [r["step"] for r in store.metrics("a")] == [0, 1]


def test_more_than_a_chunk(store: Store, folder: RunFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("distill_core.jobs.ingest.CHUNK", 64)
    log = EventLog(folder.events)
    for n in range(20):
        log.emit("log", message="x" * n * 10)
    log.close()
    ingest(store, folder)
    assert len(store.events("a")) == 20


@settings(max_examples=30, deadline=None)
@given(
    st.lists(
        st.one_of(
            st.tuples(st.just("metric"), st.integers(1, 9)),
            st.tuples(st.just("resumed"), st.integers(0, 9)),
        ),
        max_size=25,
    ),
    st.integers(1, 7),
)
def test_store_and_file_reader_agree(
    tmp_path_factory: pytest.TempPathFactory, plan: list[tuple[str, int]], every: int
) -> None:
    home = DataHome(tmp_path_factory.mktemp("home")).create()
    store, folder = Store(home), home.run("a").create()
    store.insert(RunRow("a", "a", 0.0, "running"))
    log = EventLog(folder.events)
    for n, (kind, step) in enumerate(plan):
        if kind == "metric":
            log.emit("metric", rows=[metric("main", 13, "loss", step, 1.0), metric("uniform", 13, "loss", step, 1.0)])
        else:
            log.emit("resumed", attempt=2, arm="main", seed=13, from_step=step)
        if n % every == 0:
            ingest(store, folder)
    log.close()
    ingest(store, folder)
    assert store.metrics("a") == metric_rows_in_order(folder)
    store.close()


def metric_rows_in_order(folder: RunFolder) -> list[dict[str, Any]]:
    keys = ("seq", "arm", "seed", "name", "step", "value", "unit")
    return [{key: row[key] for key in keys} for row in metric_rows(read_events(folder.events))]


def test_missing_file_is_no_error(folder: RunFolder) -> None:
    assert read_tail(folder, 0) == ([], 0)


# ---------------------------------------------------------------- state


def test_final_latency_wins_over_preview() -> None:
    def row(batch: int, p50: float) -> dict[str, Any]:
        part = {"name": "t", "role": "teacher", "tokens": 32, "threads": 1, "runtime": "torch"}
        return {**part, "batch": batch, "p50": p50, "p95": p50}

    state = added(
        ("latency", {"phase": "preview", "rows": [row(1, 5.0), row(32, 50.0)]}),
        ("latency", {"phase": "final", "rows": [row(1, 4.0)]}),
        ("latency", {"phase": "preview", "rows": [row(1, 9.0)]}),
    )
    assert [(r["batch"], r["p50"], r["phase"]) for r in state["latency"]] == [(1, 4.0, "final"), (32, 50.0, "preview")]


def test_samples_of_the_machine_are_no_progress() -> None:
    device = {"rows": [metric(DEVICE_ARM, 0, "cpu_share", 4, 0.5)]}
    trained = {"rows": [metric("main", 13, "loss", 1, 0.5)]}
    assert "last_metric_seq" not in added(("metric", device))
    assert added(("metric", trained), ("metric", device))["last_metric_seq"] == 1


def test_one_reference_teacher() -> None:
    state = added(
        ("teacher", {"name": "a", "validation": 0.9}),
        ("teacher", {"name": "b", "validation": 0.8}),
        ("teacher", {"name": "a", "validation": 0.9, "level": "reference"}),
    )
    assert state["teachers"] == [
        {"name": "a", "validation": 0.9, "reference": True},
        {"name": "b", "validation": 0.8, "reference": False},
    ]


def test_findings_are_kept_once_and_log_is_short() -> None:
    finding = {"severity": "warning", "code": "dup", "field": "data.train", "message": "2 rows twice", "rows": [1]}
    state = added(("finding", finding), ("finding", finding), *[("log", {"message": str(n)}) for n in range(30)])
    assert len(state["findings"]) == 1
    assert len(state["log"]) == LOG_LINES and state["log"][-1].endswith("  29")


def test_a_new_attempt_opens_the_run_again_and_counts_only_work() -> None:
    state: dict[str, Any] = {}
    plan = [
        (1, 100.0, 1, "started", {"device": "cpu"}),
        (2, 101.0, 1, "stage", {"stage": "prepare", "state": "finished"}),
        (3, 102.0, 1, "stage", {"stage": "distil", "state": "started"}),
        (4, 110.0, 1, "stopped", {}),
    ]
    for seq, when, attempt, kind, payload in plan:
        fold(state, Event(seq=seq, time=when, attempt=attempt, kind=kind, payload=payload))
    assert state["terminal"]["attempt"] == 1
    fold(state, Event(seq=5, time=1000.0, attempt=2, kind="log", payload={"message": "starting"}))
    fold(state, Event(seq=6, time=1001.0, attempt=2, kind="started", payload={"device": "cuda"}))
    assert state["terminal"] is None
    assert state["active_s"] == 10.0 and state["attempt_started"] == 1000.0
    assert state["stages"] == {"prepare": "finished"} and state["device"] == "cuda"


def test_unknown_kinds_are_kept_but_mean_nothing() -> None:
    assert added(("from_the_future", {"x": 1}))["last_seq"] == 1
