"""The stop token: a run asks it between steps, a signal handler sets it."""

from __future__ import annotations


class StopToken:
    """Set once, asked often. Safe to set from a signal handler, also while another one sets it: an Event is not, its
    lock would wait for itself."""

    def __init__(self) -> None:
        self._stopped = False

    def set(self) -> None:
        self._stopped = True

    def is_set(self) -> bool:
        return self._stopped
