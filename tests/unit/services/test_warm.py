"""The client of the warm child, against one that dies, hangs and talks nonsense."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from distill_core.services.warm import WAITING, Answer, Limits, Request, WarmChild

FAKE = [sys.executable, str(Path(__file__).resolve().parents[2] / "fake_warm.py")]
LONG = 60.0

Make = Callable[..., WarmChild]


@pytest.fixture
def make() -> Iterator[Make]:
    made: list[WarmChild] = []

    def new(*behaviour: str, **limits: float) -> WarmChild:
        child = WarmChild([*FAKE, *behaviour], limits=Limits(**limits))
        made.append(child)
        return child

    yield new
    for child in made:
        child.close()


def ask(child: WarmChild, kind: str, key: str = "", timeout_s: float = LONG, **payload: Any) -> Answer:
    return child.wait(key or f"{kind} {payload}", Request(kind, payload, timeout_s), LONG)


def eventually(true: Callable[[], bool]) -> bool:
    end = time.monotonic() + LONG
    while not true() and time.monotonic() < end:
        time.sleep(0.01)
    return true()


def test_nothing_is_started_before_somebody_asks(make: Make) -> None:
    child = make()
    assert child._child is None and child._thread is None
    child.warm_up()
    assert eventually(lambda: child._child is not None and child._child.ready)


def test_asking_returns_at_once_and_the_answer_is_kept(make: Make) -> None:
    child = make()
    assert child.ask("a", Request("echo", {"x": 1})).state in ("starting", "measuring")
    first = ask(child, "echo", "a", x=1)
    assert first.state == "ready" and first.result is not None and first.result["echo"] == {"x": 1}
    assert ask(child, "echo", "a", x=1) == first  # the count would differ, had the child been asked again
    assert ask(child, "echo", "b").result["pid"] == first.result["pid"]  # type: ignore[index]


def test_what_was_answered_is_known_and_a_failure_can_be_forgotten(make: Make) -> None:
    child = make()
    assert child.known("a") is None and child._thread is None, "nothing is asked"
    first = ask(child, "echo", "a", x=1)
    assert child.known("a") == first
    child.forget("a")
    assert child.known("a") == first, "an answer is kept"
    assert ask(child, "die", "b").state == "failed" and child.known("b") is None
    child.forget("b")
    assert child.ask("b", Request("echo", {})).state in ("starting", "measuring")


def test_a_question_in_no_hurry_sees_whether_others_wait(make: Make, tmp_path: Path) -> None:
    child, gate = make(), tmp_path / "gate"
    assert child.free_for("a")
    child.ask("busy", Request("wait", {"until": str(gate)}))
    assert eventually(lambda: child._current == "busy")
    assert child.free_for("busy") and not child.free_for("a")
    child.ask("a", Request("echo", {}))
    assert not child.free_for("b")
    gate.touch()
    assert ask(child, "echo", "a").state == "ready" and eventually(lambda: child.free_for("b"))


def test_it_is_niced_and_leads_its_own_session(make: Make) -> None:
    pid = ask(make(), "echo").result["pid"]  # type: ignore[index]
    assert psutil.Process(pid).nice() >= 10 and os.getsid(pid) == pid


def test_death_is_told_in_words_and_the_next_question_starts_a_new_one(make: Make) -> None:
    child = make()
    before = ask(child, "echo", "a").result["pid"]  # type: ignore[index]
    died = ask(child, "die")
    assert died.state == "failed" and "ended unexpectedly" in str(died.error)
    assert ask(child, "echo", "b").result["pid"] != before  # type: ignore[index]


def test_a_child_that_was_ended_while_it_computed_is_replaced_and_asked_again(make: Make, tmp_path: Path) -> None:
    child, gate = make(), tmp_path / "gate"
    before = ask(child, "echo", "a").result["pid"]  # type: ignore[index]
    child.ask("busy", Request("wait", {"until": str(gate)}))
    assert eventually(lambda: child._current == "busy")
    psutil.Process(before).kill()
    gate.touch()
    assert ask(child, "wait", "busy", until=str(gate)).result == {"waited": True}
    assert ask(child, "echo", "b").result["pid"] != before  # type: ignore[index]


def test_a_failure_is_remembered_for_a_while_only(make: Make) -> None:
    patient, forgetful = make(), make(forget=0.0)
    ask(patient, "die", "a")
    assert ask(patient, "echo", "a").state == "failed"
    forgetful.wait("a", Request("die", {}), 5)
    assert eventually(lambda: forgetful.ask("a", Request("echo", {})).state == "ready")


def test_a_question_that_hangs_is_given_up_with_its_child(make: Make) -> None:
    child = make()
    pid = ask(child, "echo", "a").result["pid"]  # type: ignore[index]
    late = ask(child, "hang", timeout_s=0.3)
    assert late.state == "failed" and "took longer" in str(late.error)
    assert not psutil.pid_exists(pid)
    assert ask(child, "echo", "b").state == "ready"


def test_lines_that_are_no_answers_are_dropped(make: Make) -> None:
    child = make()
    ask(child, "echo", "first")
    assert ask(child, "garbage").result == {"after": "garbage"}
    assert ask(child, "nothing").state == "failed"


def test_the_childs_own_refusals_keep_their_words(make: Make) -> None:
    assert ask(make(), "refuse").error == {"kind": "config", "message": "no.", "hint": "yes.", "field": "student"}


@pytest.mark.parametrize(("behaviour", "start"), [("never", LONG), ("silent", 0.3)])
def test_a_child_that_does_not_start(make: Make, behaviour: str, start: float) -> None:
    answer = ask(make(behaviour, start=start), "echo")
    assert answer.state == "failed" and "did not start" in str(answer.error)


def test_a_command_that_is_not_there() -> None:
    child = WarmChild(["/nonexistent"])
    assert "could not be started" in str(ask(child, "echo").error)
    child.close()


def test_what_waits_and_nobody_asks_any_more_is_dropped(make: Make, tmp_path: Path) -> None:
    child, gate, left = make(unasked=0.2), tmp_path / "gate", tmp_path / "left"
    child.ask("busy", Request("wait", {"until": str(gate)}))
    assert eventually(lambda: child._current == "busy")
    child.ask("left", Request("until stopped", {"begun": str(left)}, LONG))  # would begin, and never end
    time.sleep(0.3)
    child.ask("fresh", Request("echo", {}))
    gate.touch()
    assert ask(child, "echo", "fresh").state == "ready"
    assert ask(child, "echo", "later").state == "ready" and not left.exists()
    assert "left" not in child._waiting and "left" not in child._known


def test_an_idle_child_is_ended(make: Make) -> None:
    child = make(idle=0.2)
    pid = ask(child, "echo", "a").result["pid"]  # type: ignore[index]
    assert eventually(lambda: not psutil.pid_exists(pid))
    assert ask(child, "echo", "b").result["pid"] != pid  # type: ignore[index]


def test_the_newest_question_comes_first_and_old_ones_are_forgotten(make: Make, tmp_path: Path) -> None:
    child, gate = make(), tmp_path / "gate"
    child.ask("busy", Request("wait", {"until": str(gate)}))
    assert eventually(lambda: child._current == "busy")
    for number in range(WAITING + 3):
        child.ask(f"q{number}", Request("echo", {}))
    assert next(iter(child._waiting)) == "q3" and len(child._waiting) == WAITING
    gate.touch()
    newest, oldest = (ask(child, "echo", f"q{number}").result for number in (WAITING + 2, 3))
    assert newest["count"] < oldest["count"]  # type: ignore[index]


def test_a_patient_question_makes_way_for_a_new_one_and_comes_back(make: Make, tmp_path: Path) -> None:
    child, begun = make(), tmp_path / "begun"
    patient = Request("until stopped", {"begun": str(begun)}, LONG, patient=True)
    child.ask("patient", patient)
    assert eventually(begun.exists)
    begun.unlink()
    first = ask(child, "echo", "first").result
    assert first is not None and first["count"] == 1
    assert eventually(begun.exists)  # it is asked again
    child.ask("patient", patient)  # asking for it once more disturbs nobody
    later = [Request("echo", {"number": number}, LONG, patient=number == 1) for number in range(2)]
    with child._changed:
        for number, request in enumerate(later):
            child.ask(f"later {number}", request)
    assert eventually(lambda: all(child.ask(f"later {n}", later[n]).state == "ready" for n in range(2)))
    counts = [child.ask(f"later {n}", later[n]).result["count"] for n in range(2)]  # type: ignore[index]
    assert counts[0] < counts[1]


def test_a_patient_question_makes_way_while_the_child_starts(make: Make, tmp_path: Path) -> None:
    child, begun = make(), tmp_path / "begun"
    with child._changed:
        child.ask("patient", Request("until stopped", {"begun": str(begun)}, LONG, patient=True))
    assert eventually(lambda: child._current == "patient")
    assert ask(child, "echo", "new").result is not None


def test_closing_ends_the_child_also_in_the_middle_of_a_question(make: Make) -> None:
    child = make()
    pid = ask(child, "echo", "a").result["pid"]  # type: ignore[index]
    child.ask("hang", Request("hang", {}))
    assert eventually(lambda: child._current == "hang")
    child.close()
    assert not psutil.pid_exists(pid)
    assert child.ask("b", Request("echo", {})).state == "failed"
