"""The real app, but its runs are `tests.fake_run`: python -m tests.fake_page [NAME…] starts a run of each name at once.

Environment as for app.py, and FAKE_BEHAVIOUR as for `tests.fake_run`.
"""

from __future__ import annotations

import sys
from typing import Any

import app
from distill_core import services
from distill_core.settings import Settings
from tests import fake_run


class FakeRuns(services.Services):
    def __init__(self, settings: Settings) -> None:
        options: dict[str, Any] = {"command": fake_run.command, "poll_s": 0.2}
        super().__init__(settings, supervisor_options=options)

    def start_background(self) -> None:
        super().start_background()
        for name in sys.argv[1:]:
            self.start(fake_run.config(name), token=name)


if __name__ == "__main__":
    services.Services = FakeRuns  # type: ignore[misc]
    sys.exit(app.main())
