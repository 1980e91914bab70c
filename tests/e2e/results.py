"""Result pages of finished runs, for the tests of what they show."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from tests.e2e.conftest import App, Watched


def app_with(home: Path, make: Callable[[Path], object], make_old: Callable[[Path], object]) -> Iterator[App]:
    """An app with a finished run, made-1, and with one of an earlier version, old-1; closed after the yield."""
    make(home / "runs" / "made-1")
    make_old(home / "runs" / "old-1")
    app = App(home).start()
    yield app
    app.close()


def opened(app: App, watch: Callable[..., Watched], run_id: str) -> Watched:
    watched = watch()
    watched.page.goto(f"{app.address}/?run={run_id}")
    watched.page.wait_for_selector("#verdict-checks li")
    return watched
