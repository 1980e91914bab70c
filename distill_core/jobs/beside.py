"""The command that people type, started beside the app for a finished run: it goes on when the app ends. No torch."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import psutil

from distill_core.errors import JobError
from distill_core.jobs.process import ProcessInfo, child_environment, give_way
from distill_core.layout import PROJECT

COMMAND = (sys.executable, "-m", "distill_core")
#: waiting threads sleep (docs/adr/0010)
ENVIRONMENT = {"OMP_WAIT_POLICY": "PASSIVE", "KMP_BLOCKTIME": "0"}
#: a child that was started and has not written its first word yet counts as living so long, in seconds
BIRTH_S = 120.0


def begin(what: str, arguments: Sequence[str], log: Path, command: Sequence[str] | None = None) -> ProcessInfo | None:
    """Start it, niced and in a session of its own, its output appended to `log`; None where it has ended already.

    what: named when it cannot be started ("The export"). Raises JobError.
    """
    try:
        with open(log, "ab") as output:
            process = subprocess.Popen(
                [*(command or COMMAND), *arguments],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=PROJECT,
                env=child_environment(ENVIRONMENT),
                start_new_session=True,
            )
    except OSError as error:
        raise JobError(f"{what} could not be started: {error.strerror or error}.", hint="Try it again.") from None
    give_way(process.pid)
    own = None
    with suppress(psutil.Error):
        own = ProcessInfo.of(process.pid, attempt=1)
    # Ended children must be waited for, or they look alive.
    threading.Thread(target=process.wait, name=f"beside-{process.pid}", daemon=True).start()
    return own


def lives(pid: int, started: float, at: float) -> bool:
    """Does it still work? pid: 0 where it has not said one; at: when it was started, in seconds since 1970."""
    if not pid:
        return time.time() - at < BIRTH_S
    return ProcessInfo(pid, started, 1).alive()
