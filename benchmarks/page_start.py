"""From the command `python app.py` to something on the screen, in parts."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from benchmarks.page_viewers import cpu
from tests.e2e.conftest import PROJECT, free_port

#: as app.py, with a line between imports and the rest
PROGRAM = """
import sys, time
import app
from distill_core.settings import Settings
app.prepare(Settings.from_environment())
from distill_core.services import Services
from ui import doors, zero_gpu
from ui.build import build_app
print("IMPORTED", time.time(), time.process_time(), flush=True)
sys.exit(app.main())
"""
DROP = Path("/proc/sys/vm/drop_caches")
PAINTED = """() => performance.getEntriesByName("first-contentful-paint").map(entry => entry.startTime)[0] ?? null"""
#: the button of Home that starts the demo
STANDS = "#home-page button >> visible=true"


@dataclass
class Start:
    """Seconds since the command, and CPU seconds of the server until then; `home`: Home can be used; cpu_browser: of
    all its processes, between the server's first line and that."""

    imported: float
    listening: float
    painted: float
    home: float
    cpu_imported: float
    cpu_listening: float
    cpu_home: float
    cpu_browser: float


def drop_caches() -> bool:
    """The machine's page cache emptied; False where that is not allowed."""
    try:
        subprocess.run(["sync"], check=True)
        DROP.write_text("3")
    except OSError:
        return False
    return True


def environment(home: Path, port: int) -> dict[str, str]:
    own = {"STILLROOM_HOME": str(home), "PORT": str(port), "HOST": "127.0.0.1", "STILLROOM_DEVICE": "cpu"}
    return {**os.environ, **own, "HF_HUB_OFFLINE": "1"}


def start(home: Path, page: Any, cold: bool) -> Start:
    """One start on a data folder that is not there yet. page: an open, empty one of a browser that runs already."""
    port = free_port()
    if cold and not drop_caches():
        raise RuntimeError("The page cache can be emptied by root alone.")
    begun, clock = time.time(), time.monotonic()
    child = subprocess.Popen(
        [sys.executable, "-c", PROGRAM],
        cwd=PROJECT,
        env=environment(home, port),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        text=True,
    )
    try:
        server = psutil.Process(child.pid)
        _, when, spent = said(child, "IMPORTED").split()
        said(child, "Stillroom is open")
        listening, cpu_listening = time.monotonic() - clock, cpu(server)
        asked, browsing = time.monotonic() - clock, browser_cpu(child.pid)
        page.goto(f"http://127.0.0.1:{port}/", wait_until="commit")
        painted = asked + until(lambda: page.evaluate(PAINTED)) / 1000
        page.wait_for_selector(STANDS, timeout=120_000)
        stands = time.monotonic() - clock
        browsed = browser_cpu(child.pid) - browsing
        return Start(float(when) - begun, listening, painted, stands, float(spent), cpu_listening, cpu(server), browsed)
    finally:
        child.terminate()
        child.wait(30)
        page.goto("about:blank")


def browser_cpu(server: int) -> float:
    """CPU seconds of what this process started, but for the server."""
    total = 0.0
    for child in psutil.Process().children(recursive=True):
        with suppress(psutil.Error):
            total += cpu(child) if child.pid != server else 0.0
    return total


def said(child: subprocess.Popen[str], beginning: str) -> str:
    """The next line of a program's output that begins so. Raises RuntimeError when it ends before."""
    assert child.stdout is not None
    for line in child.stdout:
        if line.startswith(beginning):
            return line
    raise RuntimeError(f"the app ended before it said “{beginning}”")


def until(ask: Callable[[], float | None], patience_s: float = 120.0) -> float:
    """The first answer that is not None."""
    end = time.monotonic() + patience_s
    while time.monotonic() < end:
        found = ask()
        if found is not None:
            return float(found)
        time.sleep(0.05)
    raise RuntimeError(f"nothing came within {patience_s:.0f} s")


def packages(home: Path, most: int = 10) -> list[tuple[str, float]]:
    """The packages whose own modules take longest to import, with their seconds; by `python -X importtime`."""
    program = PROGRAM.rpartition("sys.exit")[0]
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-c", program],
        cwd=PROJECT,
        env=environment(home, 0),
        capture_output=True,
        text=True,
        check=True,
    )
    own: Counter[str] = Counter()
    for line in done.stderr.splitlines():
        parts = line.removeprefix("import time:").split("|")
        if len(parts) == 3 and parts[0].strip().isdigit():
            own[parts[2].strip().partition(".")[0]] += int(parts[0])
    return [(name, micro / 1e6) for name, micro in own.most_common(most)]
