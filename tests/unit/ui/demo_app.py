"""Opens the pages on scripted data, to look at them: python -m tests.unit.ui.demo_app --port 7871"""

from __future__ import annotations

import argparse
import os
import tempfile
import threading
from pathlib import Path

from distill_core.layout import DataHome
from distill_core.settings import Settings

XSS = "<img src=x onerror=\"document.title='broken'\">"


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, default=7871)
    parser.add_argument("--seconds", type=float, default=40.0)
    parser.add_argument("--empty", action="store_true")
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="stillroom-demo-"))
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
    os.environ["GRADIO_TEMP_DIR"] = str(folder / "gradio")

    from tests.unit.ui.fake_services import FakeServices
    from ui import doors
    from ui.build import build_app

    services = FakeServices(folder, seconds=options.seconds)
    if not options.empty:
        services.add("support-demo", "done", ago=7200, run_id="done-1")
        services.add("agnews-bilstm", "failed", ago=86400 * 2, run_id="failed-1")
        services.add("reviews, two teachers", "stopped", ago=5000, run_id="stopped-1")
        services.add("waiting for its turn", "queued", ago=10, run_id="queued-1")
        services.add(XSS, "done", ago=9000, run_id="xss-1")
        services.add("an-interrupted-one", "interrupted", ago=9100, run_id="interrupted-1")
    app = build_app(services, folder / "gradio" / "students")
    doors.launch(app, Settings(home=DataHome(folder), port=options.port))
    print("open", flush=True)
    threading.Event().wait()


if __name__ == "__main__":
    main()
