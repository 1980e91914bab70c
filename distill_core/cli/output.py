"""Standard output whose reader may go away (`| head`, a closed terminal)."""

from __future__ import annotations

import os
import sys
from contextlib import suppress


def silence_stdout() -> None:
    """Standard output goes nowhere from here on, so that Python does not complain once more when it flushes at exit."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    with suppress(OSError, ValueError, AttributeError):  # closed, no real file, or not there at all
        os.dup2(nowhere, sys.stdout.fileno())
    sys.stdout = os.fdopen(nowhere, "w")


def flush_stdout() -> None:
    """Write out what is buffered; without a reader, switch to silence."""
    try:
        sys.stdout.flush()
    except (OSError, ValueError):
        silence_stdout()
