"""How a run ended, read from its own folder (no database needed)."""

from __future__ import annotations

from distill_core.events import TERMINAL_EVENTS, read_events
from distill_core.layout import RunFolder


def last_end(folder: RunFolder) -> str | None:
    """ "done", "failed" or "stopped"; None when the run goes on, broke off, or never started."""
    end = None
    for event in read_events(folder.events):
        if event["kind"] in TERMINAL_EVENTS:
            end = event["kind"]
        elif event["kind"] in ("started", "resumed"):
            end = None
    return end
