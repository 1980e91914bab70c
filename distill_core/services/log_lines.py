"""A run's log as the page shows and searches it: what the run said, then what its libraries wrote."""

from __future__ import annotations

import time
from typing import Any

from distill_core.jobs.store import Store
from distill_core.layout import RunFolder
from distill_core.services.files import tail

#: lines of an answer; bytes of log.txt that are looked at (its end)
MOST_LINES, MOST_BYTES = 500, 4_000_000
LONGEST_SEARCH = 200


def read(store: Store, folder: RunFolder, search: str = "") -> dict[str, Any]:
    """{lines: [[number, text]] (the last `MOST_LINES` of those that hold `search`, upper and lower case alike),
    found: how many hold it, total: lines altogether}. Numbers count from 1."""
    said = [_line(event) for event in store.events(folder.run_id) if event["kind"] == "log"]
    # Two processes of the same run never write at once, yet their clocks may: each source keeps its own order.
    lines = [*said, *tail(folder.log, 10**9, MOST_BYTES).splitlines()]
    wanted = search.strip().casefold()[:LONGEST_SEARCH]
    found = [(number, line) for number, line in enumerate(lines, start=1) if wanted in line.casefold()]
    return {"lines": [list(pair) for pair in found[-MOST_LINES:]], "found": len(found), "total": len(lines)}


def _line(event: Any) -> str:
    payload = event["payload"]
    level = payload.get("level", "info")
    clock = time.strftime("%H:%M:%S", time.localtime(event["time"]))
    return f"{clock}  {'' if level == 'info' else level + ': '}{payload.get('message', '')}"
