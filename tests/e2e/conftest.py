"""The real app in a process of its own and a real browser. Without a browser these tests are skipped, and say why;
with REQUIRE_BROWSER=1 they fail instead."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import pytest

PROJECT = Path(__file__).resolve().parents[2]
FLAGS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update",
    "--disable-sync", "--disable-quic",
]  # fmt: skip
#: how many times longer than on a free machine a page may take: PATIENCE=4 where others work beside the tests
PATIENCE = float(os.environ.get("PATIENCE", "1"))
SYSTEM_BROWSERS = ("chromium", "chromium-browser", "google-chrome")


def chromium_path(playwright: Any) -> str | None:
    """The path of Playwright's own Chromium, else of the system's."""
    own = Path(playwright.chromium.executable_path)
    return str(own) if own.exists() else next(filter(None, map(shutil.which, SYSTEM_BROWSERS)), None)


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """Playwright's own Chromium, else the system's."""
    playwright_api = pytest.importorskip("playwright.sync_api")
    with playwright_api.sync_playwright() as playwright:
        found = chromium_path(playwright)
        if found is None:
            reason = "no browser: run `playwright install chromium`, or install Debian's chromium"
            if os.environ.get("REQUIRE_BROWSER") == "1":
                pytest.fail(reason)
            pytest.skip(reason)
        opened = playwright.chromium.launch(executable_path=found, args=FLAGS)
        yield opened
        opened.close()


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@dataclass
class App:
    """`python app.py` on a data folder of its own. `start` may be called again after `kill`.

    program: what Python runs instead of app.py.
    """

    home: Path
    port: int = field(default_factory=free_port)
    environment: dict[str, str] = field(default_factory=dict)
    process: subprocess.Popen[bytes] | None = None
    program: tuple[str, ...] = ("app.py",)

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> Self:
        environment = {
            **os.environ, "STILLROOM_HOME": str(self.home), "PORT": str(self.port), "HOST": "127.0.0.1",
            "STILLROOM_DEVICE": "cpu", "HF_HUB_OFFLINE": "1", **self.environment,
        }  # fmt: skip
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, *self.program],
                cwd=PROJECT,
                env=environment,
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        for _ in range(240):
            if self.process.poll() is not None:
                break
            try:
                urllib.request.urlopen(self.address, timeout=2).close()
                return self
            except (urllib.error.URLError, OSError):
                time.sleep(0.25)
        raise AssertionError(f"the app did not open:\n{self.log.read_text()}")

    @property
    def log(self) -> Path:
        return self.home.parent / f"{self.home.name}.log"

    def tell(self, line: str) -> None:
        """A line for the program's standard input."""
        assert self.process is not None and self.process.stdin is not None
        self.process.stdin.write(f"{line}\n".encode())
        self.process.stdin.flush()

    def is_alive(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def alive(self) -> Self:
        """Itself, started again where a test has left it dead."""
        if not self.is_alive():
            self.start()
        return self

    def kill(self, number: int = signal.SIGKILL) -> int:
        assert self.process is not None
        self.process.send_signal(number)
        return self.process.wait(30)

    def close(self) -> None:
        """Ends the app and the runs it left behind."""
        if self.is_alive():
            self.kill(signal.SIGTERM)
        for file in self.home.glob("runs/*/process.json"):
            end_run(file)


class FakeApp(App):
    """Its runs are `tests.fake_run`, which read `behaviour.json` as they begin."""

    @property
    def behaviour(self) -> Path:
        return self.home.parent / "behaviour.json"

    def behave(self, **wanted: Any) -> None:
        self.behaviour.write_text(json.dumps(wanted))

    def begin(self, *names: str, **wanted: Any) -> None:
        """Starts a run of each name, in this order, that behaves like this."""
        self.behave(**wanted)
        for name in names:
            self.tell(f"start {name}")

    def stop_all(self) -> None:
        if self.is_alive():
            self.tell("stop")


def end_run(file: Path) -> None:
    """Ends the child a process.json speaks of, if it is still that child."""
    import psutil

    try:
        pid = int(json.loads(file.read_text())["pid"])
        process = psutil.Process(pid)
        if any(name in " ".join(process.cmdline()) for name in ("distill_core", "tests.fake_run", "tests.fake_sweep")):
            process.kill()
    except (OSError, ValueError, KeyError, psutil.Error):
        return


@pytest.fixture(scope="session")
def only_app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    opened = App(tmp_path_factory.mktemp("stillroom") / "home")
    yield opened
    opened.close()


@pytest.fixture
def app(only_app: App) -> App:
    """One app for all tests that need no data folder of their own; a test may kill it and start it again."""
    return only_app.alive()


@pytest.fixture(scope="session")
def only_fake(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FakeApp]:
    opened = FakeApp(tmp_path_factory.mktemp("fake") / "home", program=("-m", "tests.fake_page"))
    opened.environment["FAKE_BEHAVIOUR"] = str(opened.behaviour)
    yield opened
    opened.close()


@pytest.fixture
def fake_app(only_fake: FakeApp) -> Iterator[FakeApp]:
    """One app for all runs that are only played: each has a name of its own, and none outlives its test."""
    yield only_fake.alive()
    only_fake.stop_all()


@dataclass
class Watched:
    """A page and what it must not do: log errors, or ask for anything outside this machine."""

    page: Any
    errors: list[str] = field(default_factory=list)
    foreign: list[str] = field(default_factory=list)

    def listen(self) -> Watched:
        self.page.on("console", lambda m: self.errors.append(m.text) if m.type == "error" else None)
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("request", self._request)
        return self

    def _request(self, request: Any) -> None:
        if not request.url.startswith(("http://127.0.0.1:", "data:", "blob:")):
            self.foreign.append(request.url)

    def leave(self, address: str) -> None:
        """Go elsewhere at once; see `leaving`."""
        with self.leaving():
            self.page.goto(address)

    @contextmanager
    def leaving(self) -> Iterator[None]:
        """Inside, another page is opened: what Gradio says of questions that are broken off then is no fault."""
        before = len(self.errors)
        yield
        broken_off = ("AbortError: signal is aborted", "Unexpected error Connection errored out")
        self.errors[before:] = [error for error in self.errors[before:] if not error.startswith(broken_off)]

    def assert_clean(self) -> None:
        assert self.errors == []
        assert self.foreign == []


@pytest.fixture
def watch(browser: Any) -> Iterator[Callable[..., Watched]]:
    """watch(): a fresh page in a context of its own."""
    contexts = []

    def fresh(width: int = 1440, height: int = 900, **options: Any) -> Watched:
        context = browser.new_context(viewport={"width": width, "height": height}, **options)
        context.set_default_timeout(30_000 * PATIENCE)
        contexts.append(context)
        return Watched(context.new_page()).listen()

    yield fresh
    for context in contexts:
        context.close()
