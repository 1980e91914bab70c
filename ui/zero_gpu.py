"""ZeroGPU: a Space whose GPU is lent to single calls, for moments. Runs are processes of their own and get none."""

from __future__ import annotations

import importlib
from typing import Any


def declare(settings: Any) -> bool:
    """Such a Space is not started unless its app declares a function that would take the GPU: one that nobody calls.

    True where that was done. The package `spaces` is there on the platform alone.
    """
    if not settings.zero_gpu:
        return False
    try:
        spaces = importlib.import_module("spaces")
    except ImportError:
        return False

    def unused() -> None:
        """Asked for by the platform, called by nobody."""

    spaces.GPU(duration=1)(unused)
    return True
