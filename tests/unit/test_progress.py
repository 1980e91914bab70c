import pytest

from distill_core.events import MemorySink
from distill_core.progress import WorkPlan


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock():
    return Clock()


def plan_of(clock, **items) -> WorkPlan:
    plan = WorkPlan(MemorySink(), clock=clock)
    for key, (kind, cost) in items.items():
        plan.add(key, kind, cost)
    return plan


def test_nothing_is_said_about_time_before_something_was_measured(clock):
    plan = plan_of(clock, a=("x", 10))
    assert plan.eta_seconds() is None
    assert plan.share() == 0


def test_time_left_comes_from_the_measured_rate(clock):
    plan = plan_of(clock, a=("x", 10), b=("x", 30))
    plan.begin("a")
    clock.now = 5
    plan.advance("a", 1.0)
    assert plan.eta_seconds() == pytest.approx(15)
    assert plan.share() == pytest.approx(0.25)


def test_each_kind_has_its_own_rate_and_unmeasured_ones_borrow_the_mean(clock):
    plan = plan_of(clock, a=("x", 10), b=("y", 10), c=("y", 10), d=("z", 10))
    plan.begin("")
    clock.now = 10
    plan.advance("a", 1.0)
    clock.now = 40
    plan.advance("b", 1.0)
    # y takes 3 s a unit; z was not measured: (10 + 30) s / 20 units = 2 s a unit.
    assert plan.eta_seconds() == pytest.approx(30 + 20)


def test_restored_work_counts_as_done_but_not_as_fast(clock):
    plan = plan_of(clock, a=("x", 10), b=("x", 10))
    item = plan.item("a")
    item.restore(5, 10)
    clock.now = 1
    plan.begin("a")
    clock.now = 2
    item.advance(6, 10)
    assert plan.eta_seconds() == pytest.approx(4 + 10)


def test_the_share_never_falls(clock):
    plan = plan_of(clock, a=("x", 10), b=("y", 10))
    plan.begin("")
    clock.now = 1
    plan.advance("a", 1.0)
    before = plan.share()
    clock.now = 100
    plan.advance("b", 0.1)
    assert plan.share() >= before


def test_reports_are_throttled(clock):
    sink = MemorySink()
    plan = WorkPlan(sink, clock=clock)
    plan.add("a", "x", 100)
    for step in range(1, 101):
        clock.now = step * 0.1
        plan.advance("a", step / 100)
    assert 15 <= len(sink.events) <= 25
