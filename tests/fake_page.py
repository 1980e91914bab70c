"""The real app whose runs are `tests.fake_run`: python -m tests.fake_page (STILLROOM_HOME and PORT as for app.py)."""

from __future__ import annotations

import os
import signal
import sys
import threading

from distill_core.services import Services
from distill_core.settings import Settings
from tests import fake_run

if __name__ == "__main__":
    settings = Settings.from_environment(dict(os.environ))
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
    os.environ["GRADIO_TEMP_DIR"] = str(settings.home.root / "gradio")
    services = Services(settings, supervisor_options={"command": fake_run.command, "poll_s": 0.2})
    from ui import doors
    from ui.build import build_app

    services.start_background()
    for name in sys.argv[1:]:
        print(services.start(fake_run.config(name), token=name), flush=True)
    doors.launch(build_app(services, settings.home.root / "gradio" / "students"), settings)
    over = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: over.set())
    over.wait()
    services.close()
