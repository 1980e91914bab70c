"""`latency` and `check --estimate`: what a run would take, measured by the warm child as the page does."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from distill_core.cli.drafts import draft_of
from distill_core.export.markdown import table
from distill_core.layout import DataHome
from distill_core.services.planning import ESTIMATE_TIMEOUT_S, LATENCY_TIMEOUT_S, Planning
from distill_core.services.warm import WarmChild

STARTING_S = 180.0


@contextmanager
def _planning() -> Iterator[Planning]:
    home = DataHome.from_environment().create()
    child = WarmChild(log_path=home.cache / "warm.log")
    try:
        yield Planning(child, home)
    finally:
        child.close()


def latency(config_path: Path, *, as_json: bool) -> int:
    """The table of `Services.latency_preview`; exit status 2 when it cannot be had."""
    from distill_core.hub import decide_offline

    raw = draft_of(config_path)
    decide_offline()
    with _planning() as planning:
        found = planning.latency(raw, wait_s=STARTING_S + LATENCY_TIMEOUT_S)
    if found["state"] != "ready":
        return _failed(found)
    if as_json:
        print(json.dumps(found, indent=1))
        return 0
    rows = [
        [
            *(row["name"], row["role"], f"{row['batch']}", f"{row['p50']:.2f}", f"{row['p95']:.2f}"),
            *(f"{row['cpu_ms']:.2f}", f"{row['repeats']}"),
        ]
        for row in found["rows"]
    ]
    print("\n".join(table(["model", "role", "batch", "p50 (ms)", "p95 (ms)", "CPU (ms)", "calls"], rows)))
    for batch, times in found["speedup"].items():
        print(f"speed-up at batch {batch}: {times:.1f}×")
    print(found["protocol"])
    return 0


def print_estimate(raw: dict[str, Any]) -> bool:
    """True when it failed."""
    with _planning() as planning:
        found = planning.estimate(raw, wait_s=STARTING_S + ESTIMATE_TIMEOUT_S)
    if found["state"] != "ready":
        return bool(_failed(found))
    for line in estimate_lines(found):
        print(line)
    return False


def estimate_lines(found: dict[str, Any]) -> list[str]:
    """A ready estimate in words."""
    parts = ", ".join(f"{part['stage']} {duration(part['seconds'])}" for part in found["parts"])
    return [
        f"time: about {duration(found['seconds'])} ({duration(found['low'])} to {duration(found['high'])}); "
        f"CPU time {duration(found['cpu_seconds'])}",
        f"of which: {parts}",
        f"memory: about {found['memory_bytes'] / 1e9:.1f} GB; disk: {found['disk_bytes'] / 1e6:,.0f} MB; "
        f"teacher signals {found['signals']}",
        found["basis"],
    ]


def duration(seconds: float) -> str:
    """`8 s`, `3 min`, `2 h 5 min`."""
    if seconds < 100:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 120 else f"{minutes // 60} h {minutes % 60} min"


def _failed(found: dict[str, Any]) -> int:
    where = f"{found['field']}: " if found.get("field") else ""
    print(f"error: {where}{found.get('error', 'no answer in time')} {found.get('hint', '')}".rstrip(), file=sys.stderr)
    return 2
