"""Does the page of a live run stay as it is? One run that goes on, looked at in Chromium for half an hour.

    python benchmarks/soak.py [--minutes 30] [--viewers 1]

The real app with a run that is played (`tests/fake_run.py`): 13 curves, four steps a second, after a start of 2,000.
Of the first viewer, once its charts stand: JavaScript heap after a forced collection, DOM nodes and listeners, layout
shift; of all of them: console errors, requests to other hosts, bytes of a tick; and the server's CPU beside them.
Needs the test requirements (Playwright, Chromium).
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import psutil

ROOT = Path(__file__).resolve().parent.parent
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))

from benchmarks.common import company, markdown, this_machine  # noqa: E402
from tests.e2e.conftest import FLAGS, FakeApp, Watched, chromium_path  # noqa: E402

PAUSE_S, BURST, NAME = 0.25, 2000, "soak"
#: seconds before anyone looks, in which the server's own CPU is measured
ALONE_S = 60.0
#: minutes left out of the slope: what is compiled and cached on first use
WARM_MIN = 5.0
SHIFTS = """window.shifted = 0; new PerformanceObserver(list => {
  for (const entry of list.getEntries()) window.shifted += entry.value;
}).observe({type: "layout-shift", buffered: true});"""


@dataclass
class Sample:
    """minutes: since the charts stood. heap: bytes in use after a collection. shift: cumulative, without unit."""

    minutes: float
    heap: float
    nodes: int
    listeners: int
    shift: float
    steps: int


@dataclass
class Viewer:
    """A page on the run, with what it asked for and was sent."""

    watched: Watched
    sent: list[int] = field(default_factory=list)

    def look(self, app: FakeApp) -> Viewer:
        page = self.watched.page
        page.add_init_script(SHIFTS)
        page.on("response", self._response)
        page.goto(f"{app.address}/?run={next(app.home.glob(f'runs/{NAME}-*')).name}")
        page.wait_for_selector("[data-chart=loss] .js-plotly-plot", timeout=120_000)
        page.wait_for_function(f"() => {NEWEST} > {BURST}", timeout=120_000)
        return self

    def _response(self, response: Any) -> None:
        if '"fn_name":"live"' in (response.request.post_data or "") and response.ok:
            self.sent.append(int(response.headers.get("content-length", 0)))


NEWEST = "(document.querySelector('[data-chart=loss] .js-plotly-plot')?.data?.[0]?.x?.at(-1) ?? 0)"


def sample(viewer: Viewer, devtools: Any, minutes: float) -> Sample:
    """The smallest heap of three looks: while a chart is drawn anew, the old one is still there."""
    looks = []
    for _ in range(3):
        looks.append(_look(viewer, devtools, minutes))
        viewer.watched.page.wait_for_timeout(400)
    return min(looks, key=lambda found: found.heap)


def _look(viewer: Viewer, devtools: Any, minutes: float) -> Sample:
    page = viewer.watched.page
    devtools.send("HeapProfiler.collectGarbage")
    heap = devtools.send("Runtime.getHeapUsage")["usedSize"]
    found = {entry["name"]: entry["value"] for entry in devtools.send("Performance.getMetrics")["metrics"]}
    shift, steps = page.evaluate(f"() => [window.shifted, {NEWEST}]")
    return Sample(minutes, heap, int(found["Nodes"]), int(found["JSEventListeners"]), shift, steps)


def cpu(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


@contextmanager
def playing(folder: Path) -> Iterator[FakeApp]:
    app = FakeApp(folder / "home", program=("-m", "tests.fake_page"))
    app.environment["FAKE_BEHAVIOUR"] = str(app.behaviour)
    app.start().begin(NAME, steps=10**6, pause_s=PAUSE_S, burst=BURST, curves=True)
    try:
        yield app
    finally:
        app.close()


@dataclass
class Found:
    samples: list[Sample]
    viewers: list[Viewer]
    seconds: float
    server_cpu: float
    alone_share: float
    browser: str

    @property
    def ticks(self) -> int:
        return sum(len(viewer.sent) for viewer in self.viewers)


def soak(minutes: float, number: int, every_s: float) -> Found:
    from playwright.sync_api import sync_playwright

    with tempfile.TemporaryDirectory(prefix="soak-") as folder, playing(Path(folder)) as app, sync_playwright() as play:
        assert app.process is not None
        server = psutil.Process(app.process.pid)
        time.sleep(15)  # what is done once, after the start
        before, begun = cpu(server), time.monotonic()
        time.sleep(ALONE_S)
        alone = (cpu(server) - before) / (time.monotonic() - begun)
        browser = play.chromium.launch(executable_path=chromium_path(play), args=FLAGS)
        size = {"width": 1440, "height": 900}
        viewers = [Viewer(Watched(browser.new_context(viewport=size).new_page()).listen()) for _ in range(number)]
        for viewer in viewers:
            viewer.look(app)
        first = viewers[0].watched.page
        devtools = first.context.new_cdp_session(first)
        for part in ("HeapProfiler", "Performance", "Runtime"):
            devtools.send(f"{part}.enable")
        first.evaluate("() => { window.shifted = 0; }")
        for viewer in viewers:
            viewer.sent.clear()
        before, begun, samples = cpu(server), time.monotonic(), []
        while True:
            passed = time.monotonic() - begun
            samples.append(sample(viewers[0], devtools, passed / 60))
            print(samples[-1], flush=True)
            if passed >= 60 * minutes:
                break
            first.wait_for_timeout(1000 * min(every_s, max(1.0, 60 * minutes - passed)))
        seconds = time.monotonic() - begun
        found = Found(samples, viewers, seconds, cpu(server) - before, alone, f"Chromium {browser.version}")
        browser.close()
        return found


def slope(samples: Sequence[Sample], key: str) -> float:
    """Growth an hour, by least squares over the samples after WARM_MIN minutes."""
    late = [entry for entry in samples if entry.minutes >= min(WARM_MIN, samples[-1].minutes / 3)]
    if len(late) < 2:
        return float("nan")
    return float(np.polyfit([entry.minutes / 60 for entry in late], [getattr(entry, key) for entry in late], 1)[0])


def report(found: Found, command: str) -> str:
    samples, ticks = found.samples, found.ticks
    sent = np.array([size for viewer in found.viewers for size in viewer.sent])
    errors = [error for viewer in found.viewers for error in viewer.watched.errors]
    foreign = [url for viewer in found.viewers for url in viewer.watched.foreign]
    extra = found.server_cpu - found.alone_share * found.seconds
    lines = [
        "# The page of a live run over time", "",
        f"`{command}` on {this_machine()}, {found.browser}; {company()}. "
        f"{len(found.viewers)} viewer{'s' if len(found.viewers) > 1 else ''} of a played run: {1 / PAUSE_S:.0f} steps "
        f"a second with 11 curves after a start of {BURST:,}; {samples[-1].steps:,} steps at the end.", "",
        *markdown(("what", "found"), [
            ("watched", f"{samples[-1].minutes:.1f} minutes, {ticks:,} ticks"),
            ("JavaScript heap after collection, first and last", f"{samples[0].heap / 1e6:.1f} and "
             f"{samples[-1].heap / 1e6:.1f} MB; {slope(samples, 'heap') / 1e6:+.1f} MB an hour "
             f"after minute {WARM_MIN:.0f}"),
            ("DOM nodes, first and last", f"{samples[0].nodes:,} and {samples[-1].nodes:,}"),
            ("listeners, first and last", f"{samples[0].listeners:,} and {samples[-1].listeners:,}"),
            ("layout shift after the first paint of the charts", f"{samples[-1].shift:.4f}"),
            ("console errors", str(len(errors))),
            ("requests to other hosts", str(len(foreign))),
            ("bytes a tick: median, 95%, largest", " · ".join(f"{value:,.0f}" for value in
                                                             (*np.percentile(sent, (50, 95)), sent.max()))),
            ("server CPU without viewers", f"{1000 * found.alone_share:.0f} ms a second"),
            ("server CPU with them", f"{1000 * found.server_cpu / found.seconds:.0f} ms a second"),
            ("the difference, a tick", f"{1000 * extra / ticks:.1f} ms" if extra > 0 else "too small to tell here"),
        ]),
        *markdown(("minute", "steps", "heap, MB", "DOM nodes", "listeners", "layout shift"), [
            (f"{s.minutes:.1f}", f"{s.steps:,}", f"{s.heap / 1e6:.2f}", f"{s.nodes:,}", f"{s.listeners:,}",
             f"{s.shift:.4f}")
            for s in samples
        ]),
        *(f"- console: {error[:200]}" for error in sorted(set(errors))),
        *(f"- asked for: {url}" for url in sorted(set(foreign))),
    ]  # fmt: skip
    return "\n".join(lines).rstrip() + "\n"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--viewers", type=int, default=1)
    parser.add_argument("--every", type=float, default=120.0, help="seconds between two samples")
    parser.add_argument("--out", type=Path, default=ROOT / "benchmarks" / "results" / "soak.md")
    options = parser.parse_args()
    found = soak(options.minutes, options.viewers, options.every)
    command = f"python benchmarks/soak.py --minutes {options.minutes:g} --viewers {options.viewers}"
    options.out.write_text(report(found, command), encoding="utf-8")
    print(options.out.read_text(encoding="utf-8"))
    return 0


if __name__ == "__main__":
    sys.exit(main())
