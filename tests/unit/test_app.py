"""The end of the app: a signal is enough, and one that comes while another is handled does no harm."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Callable
from types import FrameType
from typing import Any

import pytest

import app
from distill_core.train.stop import StopToken


def nested(handler: Callable[[], object]) -> bool:
    """Does a call of the handler end, when it is called once more before each of its lines, as signals would?"""

    def again(frame: FrameType, event: str, value: Any) -> Any:
        sys.settrace(None)
        handler()
        sys.settrace(again)
        return again

    def run() -> None:
        sys.settrace(again)
        handler()
        sys.settrace(None)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(20)
    return not thread.is_alive()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signals_end_the_wait_also_during_one_another(monkeypatch: pytest.MonkeyPatch, number: signal.Signals) -> None:
    handlers: dict[int, Callable[[int, Any], object]] = {}
    both = threading.Event()

    def install(number: int, handler: Callable[[int, Any], object]) -> None:
        handlers[number] = handler
        if {signal.SIGTERM, signal.SIGINT} <= set(handlers):
            both.set()

    monkeypatch.setattr(signal, "signal", install)
    waiting = threading.Thread(target=app.wait_for_the_end, daemon=True)
    waiting.start()
    assert both.wait(20) and waiting.is_alive()
    assert nested(lambda: handlers[number](number, None))
    waiting.join(20)
    assert not waiting.is_alive()


def test_a_run_is_stopped_by_signals_also_during_one_another() -> None:
    stop = StopToken()
    assert not stop.is_set()
    assert nested(stop.set) and stop.is_set()
