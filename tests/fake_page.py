"""The real app, but its runs are `tests.fake_run`: python -m tests.fake_page [NAME…] starts a run of each name at once.

Afterwards it reads its standard input: a line `start NAME` starts another one, `stop` stops all that have not ended.
Environment as for app.py, and FAKE_BEHAVIOUR as for `tests.fake_run`.
"""

from __future__ import annotations

import sys
import threading
import uuid
from typing import Any

import app
from distill_core import services
from distill_core.settings import Settings
from tests import fake_run

AT_WORK = ("queued", "running")


class FakeRuns(services.Services):
    def __init__(self, settings: Settings) -> None:
        options: dict[str, Any] = {"command": fake_run.command, "poll_s": 0.2}
        super().__init__(settings, supervisor_options=options)

    def start_background(self) -> None:
        super().start_background()
        for name in sys.argv[1:]:
            self.start(fake_run.config(name), token=name)
        threading.Thread(target=self.obey, daemon=True).start()

    def obey(self) -> None:
        for line in sys.stdin:
            word, _, name = line.strip().partition(" ")
            if word == "start":
                self.start(fake_run.config(name), token=uuid.uuid4().hex)
            elif word == "stop":
                # The newest first: one that waits is not begun when the one before it ends.
                for row in self.runs():
                    if row["status"] in AT_WORK:
                        self.stop(row["id"])


if __name__ == "__main__":
    services.Services = FakeRuns  # type: ignore[misc]
    sys.exit(app.main())
