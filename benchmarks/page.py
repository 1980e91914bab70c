"""What the page costs: its start, a tick of a live run, twenty viewers, and a training that three look at.

    python benchmarks/page.py [start] [live] [training] [--times 3] [--seconds 20]

- start: `python app.py` on an empty data folder with the machine's page cache emptied (root alone may; else the
  warm start alone), until Home can be used in a browser that runs already.
- live: the real app with a run that is played (`tests/fake_run.py`): 13 curves on five charts with 10,000 points
  each, and four new steps a second. Viewers ask what a browser's page asks, recorded once.
- training: the demo, shortened, with and without viewers in turn.

Process CPU time beside wall time. A page over time is `benchmarks/soak.py`. Needs the test requirements (Playwright,
Chromium). The parts that are not asked for stand in the table as they were.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import psutil

ROOT = Path(__file__).resolve().parent.parent
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))

from benchmarks import page_start, page_training  # noqa: E402
from benchmarks.common import company, markdown, this_machine  # noqa: E402
from benchmarks.page_viewers import TICK_S, Question, Watched, viewers, watch  # noqa: E402
from tests.e2e.conftest import FLAGS, App, FakeApp, chromium_path  # noqa: E402

BURST, PAUSE_S, EPOCHS = 10_000, 0.25, 15
OUT = ROOT / "benchmarks" / "results" / "page.md"
WIDE = {"width": 1440, "height": 900}


@contextmanager
def browser() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as play:
        opened = play.chromium.launch(executable_path=chromium_path(play), args=FLAGS)
        yield opened
        opened.close()


def median(values: Sequence[float]) -> float:
    return float(np.median(values))


# ---------------------------------------------------------------- start


def start(times: int) -> list[str]:
    with tempfile.TemporaryDirectory(prefix="page-") as folder:
        homes = (Path(folder) / str(number) for number in range(1000))
        top = page_start.packages(next(homes))
        with browser() as opened:
            page = opened.new_page(viewport=WIDE)
            page_start.start(next(homes), page, cold=False)
            # In turn, so that a busy moment of the machine falls on both.
            cold, warm = [], []
            for _ in range(times):
                if page_start.drop_caches():
                    cold.append(page_start.start(next(homes), page, cold=True))
                warm.append(page_start.start(next(homes), page, cold=False))
                print(cold[-1:], warm[-1:], flush=True)
    kinds = [(name, found) for name, found in (("cold", cold), ("warm", warm)) if found]
    rows = [
        ("imports done", *(pair(found, "imported", "cpu_imported") for _, found in kinds)),
        ("server listening", *(pair(found, "listening", "cpu_listening") for _, found in kinds)),
        ("first contentful paint", *(f"{median([one.painted for one in found]):.1f}" for _, found in kinds)),
        ("Home can be used", *(pair(found, "home", "cpu_home") for _, found in kinds)),
    ]
    about = f"medians of {times}; seconds since the command, in brackets CPU seconds of the server until then; "
    return [
        "## Start",
        "",
        f"`python app.py` on an empty data folder, {about}"
        "compiled modules were there. Cold: the page cache was emptied, the browser's files with it."
        + ("" if cold else " (The page cache could not be emptied here.)"),
        "",
        *markdown(("until", *(name for name, _ in kinds)), rows),
        "From the open server to Home the browser takes "
        + ", ".join(f"{median([one.cpu_browser for one in of]):.1f} s of CPU {name}" for name, of in kinds)
        + ": it draws all pages at once, and shows the one that was asked for. Its renderers set a priority of their "
        "own; where other jobs run, their wait for those is in the last line.",
        "",
        "Own import time, warm, by `python -X importtime`, which adds its own: "
        + ", ".join(f"{name} {seconds:.2f} s" for name, seconds in top)
        + ".",
        "",
    ]


def pair(found: Sequence[page_start.Start], wall: str, spent: str) -> str:
    return f"{median([getattr(one, wall) for one in found]):.1f} ({median([getattr(one, spent) for one in found]):.1f})"


# ---------------------------------------------------------------- live


def question_of(app: App, run_id: str) -> Question:
    """What a page asks at a tick, from a real one that stands. Its charts are drawn before it is believed."""
    with browser() as opened:
        page = opened.new_page(viewport=WIDE)
        asked: list[Any] = []
        page.on("request", lambda r: asked.append(r) if '"fn_name":"live"' in (r.post_data or "") else None)
        page.goto(f"{app.address}/?run={run_id}")
        page.wait_for_selector("#run-name:not(:empty)", timeout=120_000)
        page.wait_for_timeout(3000)
        return Question.recorded(asked[-1])


def live(times: int, seconds: float) -> list[str]:
    with tempfile.TemporaryDirectory(prefix="page-") as folder:
        app = FakeApp(Path(folder) / "home", program=("-m", "tests.fake_page"))
        app.environment["FAKE_BEHAVIOUR"] = str(app.behaviour)
        app.start().begin("page", steps=10**6, pause_s=PAUSE_S, burst=BURST, curves=True)
        try:
            page_start.until(lambda: len(list(app.home.glob("runs/page-*/checkpoints/step"))) or None)
            run_id = next(app.home.glob("runs/page-*")).name
            question = question_of(app, run_id)
            assert app.process is not None
            with viewers(question, run_id, 1) as (one,):
                assert one.first is not None and one.first.longest >= BURST, "the curves are not there yet"
            server = psutil.Process(app.process.pid)
            found: dict[int, list[Watched]] = {0: [], 1: [], 20: []}
            for _ in range(times):
                for count, kept in found.items():
                    kept.append(watch(server, question, run_id, count, seconds))
                    print(count, kept[-1].share, len(kept[-1].ticks), flush=True)
        finally:
            app.close()
    return live_words(found, times, seconds)


def live_words(found: dict[int, list[Watched]], times: int, seconds: float) -> list[str]:
    alone = median([one.share for one in found[0]])
    rows = []
    for count in (1, 20):
        ticks = [tick for one in found[count] for tick in one.ticks]
        waits = 1000 * np.array([tick.seconds for tick in ticks])
        sizes = np.array([tick.size for tick in ticks])
        each = [1000 * (one.cpu - alone * one.seconds) / len(one.ticks) for one in found[count]]
        rows.append(
            (
                str(count), f"{len(ticks):,}", " · ".join(f"{value:.0f}" for value in
                                                          (*np.percentile(waits, (50, 95)), waits.max())),
                f"{median(each):.1f} ({min(each):.1f}–{max(each):.1f})",
                f"{1000 * median([one.share for one in found[count]]):.0f}",
                " · ".join(f"{value:,.0f}" for value in (*np.percentile(sizes, (50, 95)), sizes.max())),
            )
        )  # fmt: skip
    firsts = [first for one in (*found[1], *found[20]) for first in one.firsts]
    return [
        "## A tick of a live run",
        "",
        f"13 curves of {BURST:,} points and more on five charts, {1 / PAUSE_S:.0f} new steps a second; {times} times "
        f"{seconds:g} s in turn with 0, 1 and 20 viewers, who ask {TICK_S:g} s after each answer and begin at the "
        f"same moment. Without viewers the server takes {1000 * alone:.0f} ms of CPU a second; a tick's CPU is what "
        "lies above.",
        "",
        *markdown(
            ("viewers", "ticks", "answer, ms: p50 · p95 · longest", "CPU a tick, ms (range)", "server CPU, ms a second",
             "bytes a tick: p50 · p95 · largest"),
            rows,
        ),
        f"The first answer, with all curves: {median([one.size for one in firsts]) / 1000:.0f} kB, "
        f"{median([one.points for one in firsts]):,.0f} points.",
        "",
    ]  # fmt: skip


# ---------------------------------------------------------------- training


def training(times: int) -> list[str]:
    with tempfile.TemporaryDirectory(prefix="page-") as folder:
        app = App(Path(folder) / "home").start()
        try:
            # The first run finetunes and asks the teachers, for all that follow; a page of it says what pages ask.
            warm = page_training.shortened(EPOCHS)
            run_id = page_training.call(app, "start", warm, "first")
            question = question_of(app, run_id)
            page_start.until(
                lambda: 1.0 if page_training.ended(app.home / "runs" / run_id) else None, page_training.PATIENCE_S
            )
            found: dict[int, list[page_training.Trained]] = {0: [], 3: []}
            for _ in range(times):
                for count, kept in found.items():
                    kept.append(page_training.train(app, question, warm, count))
                    print(kept[-1], flush=True)
        finally:
            app.close()
    return training_words(found, times)


def training_words(found: dict[int, list[page_training.Trained]], times: int) -> list[str]:
    def column(show: Callable[[page_training.Trained], float]) -> dict[int, float]:
        return {count: median([show(one) for one in kept]) for count, kept in found.items()}

    def ranged(show: Callable[[page_training.Trained], float], digits: int) -> list[str]:
        values = {count: [show(one) for one in kept] for count, kept in found.items()}
        shown = [f"{median(of):.{digits}f} ({min(of):.{digits}f}–{max(of):.{digits}f})" for of in values.values()]
        return [*shown, f"{median(values[3]) / median(values[0]) - 1:+.1%}"]

    server = column(lambda one: 1000 * one.server / one.seconds)
    rows = [
        ("student's steps a second, wall", *ranged(lambda one: one.steps / one.seconds, 1)),
        ("CPU of the run a step, ms", *ranged(lambda one: 1000 * one.child / one.steps, 2)),
        ("CPU of the server, ms a second", *ranged(lambda one: 1000 * one.server / one.seconds, 0)),
    ]
    one = found[0][0]
    return [
        "## A training that three look at",
        "",
        f"The demo with {EPOCHS} epochs of its student and no controls, teachers and their answers from the stores; "
        f"medians (and ranges) of {times} runs each, in turn. Looked at is the student's training: {one.steps} steps, "
        f"{one.child:.0f} s of CPU. Server, run and viewers share this machine, so wall time is as good as its "
        "ranges say.",
        "",
        *markdown(("", "no viewer", "3 viewers", "difference"), rows),
        f"Three viewers make the server work {server[3] - server[0]:+.0f} ms a second: "
        f"{(server[3] - server[0]) / 1000:.1%} of one core, which is what they can take from a run that shares it.",
        "",
    ]


# ---------------------------------------------------------------- table


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", choices=[[], "start", "live", "training"])
    parser.add_argument("--times", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=20.0, help="of each look at a live run")
    parser.add_argument("--out", type=Path, default=OUT)
    options = parser.parse_args()
    makers: dict[str, Callable[[], list[str]]] = {
        "start": lambda: start(options.times),
        "live": lambda: live(options.times, options.seconds),
        "training": lambda: training(options.times),
    }
    kept_file = options.out.with_suffix(".json")
    kept = json.loads(kept_file.read_text(encoding="utf-8")) if kept_file.exists() else {}
    for name in options.parts or makers:
        lines = makers[name]()
        seconds = f" --seconds {options.seconds:g}" if name == "live" else ""
        told = f"`python benchmarks/page.py {name} --times {options.times}{seconds}` on {this_machine()}; {company()}."
        kept[name] = [*lines[:2], told, "", *lines[2:]]
        # Each at once: a later part may go wrong.
        kept_file.write_text(json.dumps(kept, indent=1), encoding="utf-8")
    head = ["# What the page costs", ""]
    text = "\n".join([*head, *(line for name in makers for line in kept.get(name, []))])
    options.out.write_text(text.rstrip() + "\n", encoding="utf-8")
    print(options.out.read_text(encoding="utf-8"))
    return 0


if __name__ == "__main__":
    sys.exit(main())
