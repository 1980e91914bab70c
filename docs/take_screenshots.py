"""Screenshots of every page for the docs, from the running app: python docs/take_screenshots.py

Starts the app on an empty data folder, presses "Run the demo", and takes each page at 1440×900 and 390×844, light and
dark, into docs/screenshots/. Needs the test requirements (Playwright and a Chromium) and takes about ten minutes.
"""

from __future__ import annotations

import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable
from os import environ
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).resolve().parent.parent
TARGET = PROJECT / "docs" / "screenshots"
SIZES = {"wide": (1440, 900), "phone": (390, 844)}
THEMES = ("light", "dark")
FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-sync"]


def start_app(home: Path) -> tuple[subprocess.Popen[bytes], str]:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    process = subprocess.Popen(
        [sys.executable, "app.py"], cwd=PROJECT, env={**environ, "STILLROOM_HOME": str(home), "PORT": str(port)}
    )
    address = f"http://127.0.0.1:{port}"
    for _ in range(240):
        try:
            urllib.request.urlopen(address, timeout=2).close()
            return process, address
        except OSError:
            if process.poll() is not None:
                break
            time.sleep(0.25)
    raise SystemExit("the app did not open")


class Camera:
    """Takes one page in all sizes and themes."""

    def __init__(self, browser: Any, address: str) -> None:
        self.browser, self.address = browser, address

    def take(self, name: str, path: str, wait: str, then: Callable[[Any], None] | None = None) -> None:
        for size, (width, height) in SIZES.items():
            for theme in THEMES:
                page = self.browser.new_page(viewport={"width": width, "height": height}, color_scheme=theme)
                page.set_default_timeout(60_000)
                page.goto(f"{self.address}/{path}")
                page.wait_for_selector(wait)
                if then is not None:
                    then(page)
                page.wait_for_timeout(1500)
                page.screenshot(path=TARGET / f"{name}-{size}-{theme}.png")
                page.close()


def open_step(step: str) -> Callable[[Any], None]:
    def click(page: Any) -> None:
        page.click("#step-data > button.label-wrap")
        page.click(f"#step-{step} > button.label-wrap")
        if step == "student":
            page.wait_for_selector("#latency [data-state=ready]", timeout=180_000)
        if step == "review":
            page.wait_for_selector("#review .sr-done")
            page.wait_for_selector("#estimate dl", timeout=180_000)

    return click


TEXTS = "my card was charged twice\nhow do i reset the password\nthe parcel has not come yet"


def try_it(page: Any) -> None:
    page.click("#result-try > summary")
    page.fill("#try-text", TEXTS)
    page.click("#try-go")
    page.wait_for_selector(".sr-try-table tbody tr:nth-child(3)")
    scroll_to("#result-try")(page)


def scroll_to(part: str) -> Callable[[Any], None]:
    return lambda page: page.evaluate("part => document.querySelector(part).scrollIntoView()", part)


def run_recipe(browser: Any, address: str, name: str) -> str:
    """The id of a second run, once it is done: a recipe as it is filled in."""
    page = browser.new_page()
    page.goto(f"{address}/?view=new&recipe={name}")
    page.wait_for_selector("#start-run:not([disabled])")
    page.click("#start-run")
    page.wait_for_url("**/?run=*", timeout=120_000)
    page.wait_for_selector("#result:not([hidden])", timeout=900_000)
    run_id = str(page.url.split("run=")[1])
    page.close()
    return run_id


def run_sweep(browser: Any, address: str, name: str) -> str:
    """The id of a sweep of a recipe over four learning rates, once it is done."""
    page = browser.new_page()
    page.goto(f"{address}/?view=new&recipe={name}")
    page.wait_for_selector("#start-run:not([disabled])")
    page.click("#sweep-part > button.label-wrap")
    page.wait_for_function("document.querySelector('#sweep-values-0 input, #sweep-values-0 textarea').value")
    page.fill("#sweep-values-0 input, #sweep-values-0 textarea", "0.0005, 0.002, 0.005, 0.02")
    page.fill("#sweep-trials input", "4")
    page.check("#sweep-costs-choice input[value=parameters], #sweep-costs-choice label:has-text('Parameters') input")
    page.click("#start-sweep")
    page.wait_for_url("**/?sweep=*", timeout=120_000)
    page.wait_for_function("document.querySelectorAll('#sweep-trials tbody tr').length === 4", timeout=900_000)
    page.wait_for_function("document.querySelector('#sweep-status')?.textContent.match(/done/i)", timeout=900_000)
    sweep_id = str(page.url.split("sweep=")[1])
    page.close()
    return sweep_id


def photograph(browser: Any, address: str) -> None:
    camera = Camera(browser, address)
    camera.take("runs-empty", "?view=runs", "#runs-table .sr-empty")
    page = browser.new_page()
    page.goto(address)
    page.click("#run-demo")
    page.wait_for_selector("#run-status:not(:empty)")
    query = "?run=" + page.url.split("run=")[1]
    page.wait_for_selector("[data-stage=distil].sr-stage-started", timeout=600_000)
    page.wait_for_timeout(8000)
    camera.take("run", query, "#live-charts .js-plotly-plot .trace")
    page.wait_for_selector("#result:not([hidden])", timeout=600_000)
    page.close()
    camera.take("result", query, "#result:not([hidden])")
    camera.take("result-try", query, "#result:not([hidden])", try_it)
    camera.take("result-take-away", query, "#take-formats article", scroll_to("#take-section"))
    other = run_recipe(browser, address, "single_teacher")
    both = query.removeprefix("?run=") + "," + other
    camera.take("compare", f"?view=compare&runs={both}", ".sr-front .js-plotly-plot .main-svg")
    swept = run_sweep(browser, address, "single_teacher")
    camera.take("sweep", f"?sweep={swept}", "#sweep-front .main-svg")
    camera.take("home", "", "#last-runs a")
    camera.take("runs", "?view=runs", "#runs-table table")
    camera.take("new-data", "?view=new", "#continue-data")
    for step in ("teachers", "student", "method", "review"):
        camera.take(f"new-{step}", "?view=new", "#continue-data", open_step(step))


def main() -> None:
    from playwright.sync_api import sync_playwright

    TARGET.mkdir(parents=True, exist_ok=True)
    home = Path(tempfile.mkdtemp(prefix="stillroom-screenshots-"))
    process, address = start_app(home)
    try:
        with sync_playwright() as playwright:
            own = Path(playwright.chromium.executable_path)
            found = str(own) if own.exists() else shutil.which("chromium") or shutil.which("google-chrome")
            if found is None:
                raise SystemExit("no browser: run `playwright install chromium`, or install Debian's chromium")
            browser = playwright.chromium.launch(executable_path=found, args=FLAGS)
            photograph(browser, address)
            browser.close()
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)
        shutil.rmtree(home, ignore_errors=True)


if __name__ == "__main__":
    main()
