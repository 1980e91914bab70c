"""An app without a page, to be killed: services, supervisor and lock on a data folder, runs by `tests.fake_run`.

`python -m tests.fake_app HOME [NAME…]`: starts a run of each name, prints one JSON line with their ids, stays.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

from distill_core.errors import StillroomError
from distill_core.layout import DataHome
from distill_core.services import Services
from distill_core.settings import Settings
from tests import fake_run


def services(home: Path, **options: object) -> Services:
    settings = Settings(DataHome(home), device="cpu", max_queue=3)
    return Services(settings, supervisor_options={"command": fake_run.command, "poll_s": 0.05, **options})


if __name__ == "__main__":
    try:
        app = services(Path(sys.argv[1]))
    except StillroomError as error:
        sys.exit(f"Error: {error}")
    app.start_background()
    print(json.dumps([app.start(fake_run.config(name)) for name in sys.argv[2:]]), flush=True)
    time.sleep(600)
