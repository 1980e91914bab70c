from __future__ import annotations

from typing import Any

from distill_core.catalogue import TASKS
from distill_core.events import EventLog, metric
from distill_core.jobs.ingest import ingest
from distill_core.jobs.store import RunRow, Store
from distill_core.layout import DataHome
from distill_core.services.live import PARTS, elapsed, live_view, note_of, run_row, run_state, time_left
from distill_core.services.series import CurveCache
from tests.unit.services.curves import Follower, unpacked


class Run:
    """A run whose events are written by hand and read at once."""

    def __init__(self, store: Store, home: DataHome) -> None:
        self.store, self.home = store, home
        store.insert(RunRow("a", "a", 1.0, "running", config={"data": "d", "teachers": ["t"], "student": "s"}))
        self.folder = home.run("a").create()
        self.log = EventLog(self.folder.events)
        self.curves = CurveCache(store)

    def emit(self, kind: str, **payload: Any) -> None:
        self.log.emit(kind, **payload)
        ingest(self.store, self.folder)

    def steps(self, *steps: int) -> None:
        for step in steps:
            self.emit("metric", rows=[metric("main", 13, "loss", step, 1.0)])

    def again(self) -> None:
        self.log.close()
        self.log = EventLog(self.folder.events)

    def live(self, cursor: int = 0, seen: dict[str, str] | None = None) -> dict[str, Any]:
        row = self.store.run("a")
        assert row is not None
        return live_view(self.store, self.home, row, cursor, self.curves, seen)


def steps_of(view: dict[str, Any]) -> list[int]:
    """Steps of the one curve these tests write."""
    assert len(view["points"]) <= 1
    return [step for packed in view["points"] for step, _ in unpacked(packed).values()]


def test_only_what_is_new(store: Store, home: DataHome) -> None:
    run = Run(store, home)
    run.emit("started", device="cpu", threads=2, versions={}, pid=1)
    run.steps(1, 2)
    first = run.live()
    assert steps_of(first) == [1, 2] and first["cursor"] == 3 and not first["reset"]
    assert run.live(3)["points"] == [] and run.live(3)["cursor"] == 3
    run.steps(3)
    later = run.live(3)
    assert steps_of(later) == [3] and later["cursor"] == 4 and not later["reset"]


def test_reset_exactly_when_drawn_points_became_void(store: Store, home: DataHome) -> None:
    run = Run(store, home)
    run.steps(1, 2, 3)
    run.again()
    run.emit("resumed", attempt=2, arm="main", seed=13, from_step=2)
    run.steps(3, 4)
    fresh = run.live(0)
    assert not fresh["reset"] and steps_of(fresh) == [1, 2, 3, 4]
    stale = run.live(3)
    assert stale["reset"] and steps_of(stale) == [1, 2, 3, 4]
    assert not run.live(stale["cursor"])["reset"]
    run.again()
    run.emit("resumed", attempt=3, arm="main", seed=13, from_step=4)
    run.steps(5)
    assert not run.live(stale["cursor"])["reset"], "nothing drawn became void"


def test_a_client_that_follows_always_ends_with_what_counts(store: Store, home: DataHome) -> None:
    run = Run(store, home)
    page = Follower()

    def poll() -> None:
        page.take(run.live(page.cursor))

    run.steps(1, 2)
    poll()
    run.steps(3, 4)
    run.again()
    run.emit("resumed", attempt=2, arm="main", seed=13, from_step=3)
    poll()
    run.steps(4, 5)
    poll()
    run.again()
    run.emit("resumed", attempt=3, arm="main", seed=13, from_step=2)
    poll()
    run.steps(3, 4, 5, 6)
    poll()
    assert page.steps("loss") == [1, 2, 3, 4, 5, 6]


def test_a_cursor_from_another_history_is_reset(store: Store, home: DataHome) -> None:
    run = Run(store, home)
    run.steps(1)
    assert run.live(500)["reset"] and steps_of(run.live(500)) == [1]
    assert run.live(-5)["points"] and not run.live(-5)["reset"]


def test_parts_that_were_seen_are_not_sent_again(store: Store, home: DataHome) -> None:
    run = Run(store, home)
    run.emit("log", level="info", message="one")
    first = run.live()
    assert set(first["versions"]) == set(PARTS) <= set(first)
    seen = dict(first["versions"])
    assert run.live(1, seen)["versions"] == {} and not set(PARTS) & set(run.live(1, seen))
    run.emit("log", level="info", message="two")
    later = run.live(1, seen)
    assert set(later["versions"]) == {"log"} and len(later["log"]) == 2 and "shapes" not in later


def test_phases_are_told_once_each_also_after_a_resume(store: Store, home: DataHome) -> None:
    run = Run(store, home)
    assert run.live()["phases"] == []
    for index, step in ((0, 0), (1, 40), (1, 44)):
        run.emit("phase", arm="main", seed=13, name=f"p{index}", index=index, of=2, from_step=step)
    assert [(p["name"], p["from_step"]) for p in run.live()["phases"]] == [("p0", 0), ("p1", 44)]


def test_the_metric_is_that_of_the_task(store: Store, home: DataHome) -> None:
    assert Run(store, home).live()["run"]["metric"] == "accuracy"
    tagging = run_state(store, row(config={"task": "tagging"}))
    assert (tagging["metric"], tagging["metric_words"]) == ("f1", "entity F1")
    plain = run_state(store, row(config={"task": "tagging"}, state={"shapes": {"metric": "accuracy"}}))
    assert (plain["metric"], plain["metric_words"]) == ("accuracy", "word accuracy"), "the run itself knows better"
    for name, entry in TASKS.items():
        assert run_state(store, row(config={"task": name}))["metric"] == entry.load().metric


def test_report_only_when_done(store: Store, home: DataHome) -> None:
    run = Run(store, home)
    run.folder.report.write_text('{"status": "done"}')
    assert run.live()["report"] is None
    store.update("a", status="done")
    view = run.live()
    assert view["report"] == {"status": "done"} and view["run"]["stage"] == "done" and view["run"]["share"] == 1.0


def row(**more: Any) -> RunRow:
    return RunRow("a", "a", 0.0, **{"status": "running", **more})


def test_time_left_runs_down_and_is_never_negative() -> None:
    state = {"eta_s": 30.0, "progress_time": 100.0}
    assert time_left(row(state=state), 110.0) == 20.0
    assert time_left(row(state=state), 1000.0) == 0.0
    assert time_left(row(state=state, status="interrupted"), 110.0) is None
    assert time_left(row(state={"eta_s": None}), 110.0) is None


def test_elapsed_counts_while_it_runs_and_stands_still_after() -> None:
    state = {"attempt_started": 100.0, "last_time": 120.0, "last_attempt": 1, "active_s": 5.0}
    assert elapsed(row(state=state), 150.0) == 55.0
    assert elapsed(row(state=state, status="stopped"), 150.0) == 25.0
    assert elapsed(row(state=state, attempt=2), 150.0) == 25.0, "claimed again, but not begun"
    assert elapsed(row(), 150.0) == 0.0


def test_notes_say_what_is_waited_for(store: Store) -> None:
    assert note_of(row(status="queued")) == "waiting for its turn"
    assert note_of(row(attempt=2, state={"last_attempt": 1, "note": "old"})) == "starting"
    assert note_of(row(state={"last_attempt": 1, "note": "step 3"})) == "step 3"
    assert note_of(row(status="done", state={"note": "step 3"})) == ""


def test_every_stage_is_listed(store: Store) -> None:
    stages = run_state(store, row(state={"stages": {"prepare": "finished", "teachers": "started"}}))["stages"]
    assert list(stages) == ["prepare", "teachers", "cache", "distil", "measure", "done"]
    assert stages["prepare"] == "finished" and stages["done"] == "waiting"


def test_run_row_without_figures() -> None:
    found = run_row(row(config={"data": "d"}))
    assert found["quality_kept"] is None and found["teachers"] == [] and found["tags"] == []
