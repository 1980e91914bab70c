"""The run's charts on a long run that goes on: ten thousand points a curve, and one more every quarter of a second."""

from __future__ import annotations

import csv
import random
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from distill_core.services.series import Series
from distill_core.services.thinning import kept, level_of
from tests.e2e.conftest import App, FakeApp, Watched

pytestmark = pytest.mark.browser
BURST = 10_000
LOSS = "[data-chart=loss]"
TRACES = """() => Object.fromEntries([...document.querySelectorAll('[data-chart]')].map(card => [card.dataset.chart,
  (card.querySelector('.js-plotly-plot')?.data || []).map(({name, x, y, visible}) => ({name, x, y, visible}))]))"""
SHIFTS = """window.shifts = []; new PerformanceObserver(list => {
  for (const e of list.getEntries()) window.shifts.push({at: e.startTime, value: e.value,
    where: (e.sources || []).map(s => s.node && (s.node.id || s.node.className || s.node.nodeName))});
}).observe({type: 'layout-shift', buffered: true});"""


@pytest.fixture(scope="module")
def long_app(only_fake: FakeApp) -> Iterator[App]:
    only_fake.alive().begin("long run", steps=10**6, pause_s=0.25, burst=BURST, curves=True)
    end = time.time() + 120
    while time.time() < end and not any(
        file.read_bytes().count(b"\n") > BURST for file in only_fake.home.glob("runs/long-run-*/events.jsonl")
    ):
        time.sleep(0.5)
    yield only_fake
    only_fake.stop_all()


class Board:
    """The run's page in a browser, with what it was sent."""

    def __init__(self, watched: Watched, app: App) -> None:
        self.watched, self.page = watched, watched.page
        self.sent: list[int] = []
        self.page.add_init_script(SHIFTS)
        self.page.on("response", self._response)
        run = next(app.home.glob("runs/long-run-*")).name
        self.page.goto(f"{app.address}/?run={run}")
        self.wait("(traces) => traces.quality?.length && traces.loss?.[0]?.x.length > 200")

    def _response(self, response: Any) -> None:
        asked = response.request.post_data or ""
        if '"fn_name":"live"' in asked and response.ok:
            self.sent.append(int(response.headers.get("content-length", 0)))

    def wait(self, condition: str) -> None:
        self.page.wait_for_function(f"() => ({condition})(({TRACES})())", timeout=120_000)

    def traces(self) -> dict[str, Any]:
        return self.page.evaluate(TRACES)  # type: ignore[no-any-return]

    def grown(self, more: int = 3) -> dict[str, Any]:
        """The traces after so many more points."""
        last = self.traces()["loss"][0]["x"][-1]
        self.wait(f"(traces) => traces.loss[0].x.at(-1) >= {last + more}")
        return self.traces()

    def layout(self, chart: str = "loss") -> dict[str, Any]:
        code = f"() => document.querySelector('[data-chart={chart}] .js-plotly-plot').layout"
        return self.page.evaluate(code)  # type: ignore[no-any-return]

    def zoom(self) -> None:
        """Drags over a tenth of the loss chart's width."""
        self.page.locator(f"{LOSS} .nsewdrag").first.scroll_into_view_if_needed()
        box = self.page.locator(f"{LOSS} .nsewdrag").first.bounding_box()
        x, y = box["x"], box["y"] + box["height"] / 2
        self.page.mouse.move(x + 0.3 * box["width"], y)
        self.page.mouse.down()
        self.page.mouse.move(x + 0.35 * box["width"], y, steps=3)
        self.page.mouse.move(x + 0.4 * box["width"], y, steps=3)
        self.page.mouse.up()
        self.page.wait_for_function(
            f"() => document.querySelector('{LOSS} .js-plotly-plot').layout.xaxis.autorange === false"
        )


@pytest.fixture(scope="module")
def board(browser: Any, long_app: App) -> Iterator[Board]:
    context = browser.new_context(viewport={"width": 1440, "height": 900}, color_scheme="dark")
    context.set_default_timeout(60_000)
    yield Board(Watched(context.new_page()).listen(), long_app)
    context.close()


def test_ten_thousand_points_are_drawn_by_few_that_never_jump(board: Board) -> None:
    first = board.traces()
    lines = [trace for trace in first["loss"] if trace["visible"] is not False]
    assert len(lines) == 5
    for trace in lines:
        assert 300 < len(trace["x"]) <= 3 * 256 + 128 and trace["x"][-1] >= BURST and trace["x"][0] == 1
    later = board.grown(12)
    for before, after in zip(first["loss"], later["loss"], strict=True):
        # Only in the newest bucket may points have given way; level 6: 64 points a bucket.
        end = (BURST - 128) if before["x"] else 0
        old = [(x, y) for x, y in zip(before["x"], before["y"], strict=True) if x <= end]
        assert old == [(x, y) for x, y in zip(after["x"], after["y"], strict=True) if x <= end]
    board.watched.assert_clean()


def test_what_is_sent_is_bounded(board: Board) -> None:
    board.grown(8)
    first, ticks = board.sent[0], board.sent[2:]
    assert 20_000 < first < 250_000, "13 curves of 10,000 points"
    assert ticks and min(ticks) < 2_500


def test_nothing_moves_while_charts_are_updated(board: Board) -> None:
    """What moved before the first curve was drawn, or by a person's own doing, does not count."""
    board.page.evaluate("() => { window.shifts.length = 0; }")
    board.grown(20)
    shifts = board.page.evaluate("window.shifts")
    assert sum(shift["value"] for shift in shifts) < 0.001, shifts


def test_zoom_stays_and_brings_finer_points(board: Board) -> None:
    board.zoom()
    wanted = board.layout()["xaxis"]["range"]
    inside = f"(traces) => traces.loss[0].x.filter(x => x >= {wanted[0]} && x <= {wanted[1]}).length > 250"
    board.wait(inside)
    board.grown(5)
    assert board.layout()["xaxis"]["range"] == wanted
    fine = [x for x in board.traces()["loss"][0]["x"] if wanted[0] <= x <= wanted[1]]
    assert fine == sorted(set(fine))
    board.page.click("#charts-reset")
    board.wait(f"(traces) => !({inside})(traces)")
    assert board.layout()["xaxis"]["autorange"] is True


def test_one_pointer_through_all_charts_of_the_steps(board: Board) -> None:
    board.page.locator(LOSS).scroll_into_view_if_needed()
    box = board.page.locator(f"{LOSS} .nsewdrag").first.bounding_box()
    newest = board.page.inner_text(f"{LOSS} .sr-legend li:first-child b")
    board.page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    board.page.wait_for_selector("[data-chart=quality] .sr-pointer:not([hidden])")
    board.page.wait_for_selector(f"{LOSS} .sr-pointer:not([hidden])")
    lines = board.page.evaluate(
        "() => [...document.querySelectorAll('[data-chart=quality], [data-chart=loss]')].map(card => {"
        "const plot = card.querySelector('.js-plotly-plot');"
        "const at = parseFloat(card.querySelector('.sr-pointer').style.left);"
        "const {l, r} = plot.layout.margin, [from, to] = plot.layout.xaxis.range;"
        "return from + (at - l) / (plot.clientWidth - l - r) * (to - from); })"
    )
    assert lines[0] == pytest.approx(lines[1], rel=0.02) and lines[1] == pytest.approx(BURST / 2, rel=0.15)
    assert board.page.inner_text(f"{LOSS} .sr-legend li:first-child b") != newest, "values at the pointer"
    assert not board.page.query_selector("[data-chart=memory] .sr-pointer:not([hidden])"), "another axis"
    board.page.mouse.move(5, 5)
    board.page.wait_for_selector(f"{LOSS} .sr-pointer", state="hidden")


def test_a_picture_on_white_also_from_a_dark_page(board: Board, tmp_path: Path) -> None:
    assert "dark" in (board.page.get_attribute("body", "class") or "")
    with board.page.expect_download() as download:
        board.page.click(f"{LOSS} [data-save=png]")
    assert download.value.suggested_filename == "long-run-loss.png"
    download.value.save_as(tmp_path / "loss.png")
    data = (tmp_path / "loss.png").read_bytes()
    assert data.startswith(b"\x89PNG")
    corner = board.page.evaluate(
        "async bytes => { const bitmap = await createImageBitmap(new Blob([new Uint8Array(bytes)]));"
        "const canvas = new OffscreenCanvas(bitmap.width, bitmap.height), paper = canvas.getContext('2d');"
        "paper.drawImage(bitmap, 0, 0); return [bitmap.width, ...paper.getImageData(3, 3, 1, 1).data]; }",
        list(data),
    )
    assert corner == [2000, 255, 255, 255, 255]


def test_a_table_holds_every_point(board: Board, tmp_path: Path) -> None:
    with board.page.expect_download() as download:
        board.page.click(f"{LOSS} [data-save=csv]")
    assert download.value.suggested_filename == "long-run-loss.csv"
    download.value.save_as(tmp_path / "loss.csv")
    with open(tmp_path / "loss.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    for name in ("loss_total", "loss_soft", "loss_hard", "loss_hidden", "loss_pkd"):
        steps = [int(row["step"]) for row in rows if row["name"] == name]
        assert len(steps) >= BURST and steps == list(range(1, len(steps) + 1))


def test_choices_survive_a_reload(long_app: App, watch: Callable[..., Watched]) -> None:
    board = Board(watch(), long_app)
    assert board.layout()["yaxis"]["type"] == "linear" and board.page.inner_text(".sr-toolbar output") == "off"
    board.page.evaluate(
        "() => { const slider = document.querySelector('#charts-smooth');"
        "slider.value = 5; slider.dispatchEvent(new Event('input')); }"
    )
    board.page.check("#charts-log")
    drawn = "(traces) => traces.loss?.[1]?.visible && traces.loss[1].y.length > 100"
    board.wait(drawn)
    board.page.reload()
    board.wait(drawn)
    assert board.layout()["yaxis"]["type"] == "log" and board.page.is_checked("#charts-log")
    assert board.page.inner_text(".sr-toolbar output") == "over 32 points"
    smooth, raw = board.traces()["loss"][1]["y"], board.traces()["loss"][0]["y"]
    assert np.ptp(np.diff(smooth[-100:])) < 0.2 * np.ptp(np.diff(np.array(raw[-100:], dtype=float)))
    board.watched.assert_clean()


def test_page_and_server_thin_by_the_same_rule(board: Board) -> None:
    rng = random.Random(5)
    for count in (1, 255, 256, 257, 1000, 5001, 40_000):
        values = [rng.choice([None, 0.5, rng.random(), rng.random()]) for _ in range(count)]
        level = level_of(count)
        found = board.page.evaluate(
            "values => { const P = window.StillroomPoints; const level = P.levelOf(values.length);"
            "return [level, P.keep(values.map((_, i) => i), values, values.length, level)]; }",
            values,
        )
        assert found == [level, kept(np.array(values, dtype=float), level).tolist()]


@pytest.mark.parametrize("gaps", [True, False])
def test_following_and_coming_late_hold_the_same(board: Board, gaps: bool) -> None:
    """A curve taken in many answers of the server against the same curve taken in one."""
    rng, series, answers, cursor = random.Random(7), Series(0, ("main", 13, "loss"), ""), [], 0
    while cursor < 1500:
        for number in range(cursor, cursor + rng.randint(1, 120)):
            series.add(number + 1, 3 * number, None if gaps and rng.random() < 0.3 else rng.random())
        answers.append(series.since(cursor))
        cursor = len(series.seq)
    answers.append(answers[-1])  # an answer that comes twice changes nothing
    followed, late = board.page.evaluate(
        "([answers, whole]) => { const {Curve} = window.StillroomPoints;"
        "const one = new Curve({id: 0}), other = new Curve({id: 0});"
        "answers.forEach(answer => one.take(answer)); other.take(whole);"
        "return [one, other].map(c => [c.count, c.level, c.numbers, c.steps, c.values, c.means]); }",
        [answers, series.since(0)],
    )
    assert followed[:5] == late[:5] and late[0] == cursor and late[1] == level_of(cursor)
    assert followed[2] == kept(np.array(series.value), late[1]).tolist()
    if not gaps:  # two halves with unlike gaps weigh the same in the page: a matter of the smoothed curve alone
        assert np.allclose(followed[5], late[5], atol=1e-4)
    assert len(followed[5]) == len(late[5]) == (cursor - 1) >> late[1]


def test_a_smoothed_curve_is_that_of_all_points(board: Board) -> None:
    """The moving average of a thinned curve, made of bucket means, against one over every point."""
    count, power = 5000, 8
    series = Series(0, ("main", 13, "loss"), "")
    values = np.sin(np.arange(count) / 300) + 0.5 * np.sin(12.9898 * np.arange(count))
    answers, cursor = [], 0
    for number, value in enumerate(values.tolist()):
        series.add(number + 1, number, value)
        if number % 37 == 0 or number == count - 1:
            answers.append(series.since(cursor))
            cursor = number + 1
    decay, total, weight, exact = 1 - 2.0**-power, 0.0, 0.0, []
    for value in values:
        total, weight = decay * total + (1 - decay) * value, decay * weight + 1 - decay
        exact.append(total / weight)
    found = board.page.evaluate(
        "([answers, power]) => { const c = new window.StillroomPoints.Curve({id: 0});"
        "answers.forEach(answer => c.take(answer)); return [c.level, c.smooth(power)]; }",
        [answers, power],
    )
    level, drawn = found
    assert level == 5 and len(drawn["x"]) < 300
    wrong = [abs(y - exact[x - 1]) for x, y in zip(drawn["x"], drawn["y"], strict=True) if x > 100]
    assert max(wrong) < 0.03
