"""Starts the app: environment → Settings → Services → page. `HOST`, `PORT` and `STILLROOM_HOME` change the defaults."""

from __future__ import annotations

import os
import queue
import signal
import sys

from distill_core.errors import StillroomError
from distill_core.settings import Settings

USAGE = """Commands are given to distill_core: python -m distill_core --help
HOST, PORT and STILLROOM_HOME in the environment change address and data folder: PORT=7861 python app.py"""


def prepare(settings: Settings) -> None:
    """What Gradio reads when it is imported: no analytics, temporary files inside the data folder; no stubs written."""
    from ui import quick_import

    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
    os.environ["GRADIO_TEMP_DIR"] = str(settings.home.cache / "gradio")
    quick_import.no_stubs()


def serve(settings: Settings) -> int:
    from distill_core.services import Services
    from ui import doors, zero_gpu
    from ui.build import build_app

    zero_gpu.declare(settings)
    services = Services(settings)
    try:
        app = build_app(services, settings.home.cache / "gradio" / "students", settings)
        try:
            doors.launch(app, settings)
        except OSError as error:
            print(f"Port {settings.port} cannot be used: {error}\nChoose another one: PORT=7861", file=sys.stderr)
            return 2
        services.start_background()
        print(f"Stillroom is open at {app.local_url}  (Ctrl-C closes it; runs go on)", flush=True)
        wait_for_the_end()
        app.close(verbose=False)
    finally:
        services.close()
    return 0


def wait_for_the_end() -> None:
    """Returns at Ctrl-C or SIGTERM, however many of them come at once."""
    # Not an Event: its lock is not for signal handlers. A second signal during the first one's handling hung for ever.
    closing: queue.SimpleQueue[int] = queue.SimpleQueue()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda number, _: closing.put(number))
    closing.get()


def main() -> int:
    if sys.argv[1:]:
        # A command typed here would open the page and never end.
        print(f"app.py opens the page and takes no arguments.\n{USAGE}", file=sys.stderr)
        return 0 if sys.argv[1:] in (["-h"], ["--help"]) else 2
    try:
        settings = Settings.from_environment()
        settings.check_bind()
        prepare(settings)
        return serve(settings)
    except StillroomError as error:
        print(error, file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
