"""A sweep's process without torch: the real loop (`run_sweep`) around trials that only count.

`python -m tests.fake_sweep FOLDER`; FAKE_TRIAL_S: how long a trial takes. Without a folder: the real app, whose sweeps
and runs are played.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from typing import Any

from distill_core.errors import Stopped
from distill_core.layout import SweepFolder
from distill_core.sweeps.drive import run_sweep
from tests.unit.sweeps.made import Worker


class Slow(Worker):
    """A trial that takes its time, and heeds the wish to stop."""

    def __call__(self, config, folder, home, sink, stop, *, ask, timed):
        end = time.monotonic() + float(os.environ.get("FAKE_TRIAL_S", "0.5"))
        while time.monotonic() < end:
            if stop.is_set():
                raise Stopped
            time.sleep(0.05)
        return super().__call__(config, folder, home, sink, stop, ask=ask, timed=timed)


def command(folder: SweepFolder) -> list[str]:
    """For `jobs.supervisor.sweep_command`."""
    return [sys.executable, "-m", "tests.fake_sweep", str(folder.path)]


def page() -> Any:
    import app
    from distill_core import services
    from distill_core.jobs import supervisor
    from tests import fake_page

    supervisor.sweep_command = command
    services.Services = fake_page.FakeRuns  # type: ignore[misc]
    return app.main()


if __name__ == "__main__":
    sys.exit(run_sweep(SweepFolder(Path(sys.argv[1])), work=Slow()) if sys.argv[1:] else page())
