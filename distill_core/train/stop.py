"""The stop token: a run asks it between steps, a signal handler sets it."""

from __future__ import annotations

import threading


class StopToken:
    """Set once, asked often. Safe to set from a signal handler."""

    def __init__(self) -> None:
        self._event = threading.Event()

    def set(self) -> None:
        self._event.set()

    def is_set(self) -> bool:
        return self._event.is_set()
